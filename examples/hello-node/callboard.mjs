// What a Callboard plugin in Node needs, in one file: copy it, with the folder proto, beside your plugin.mjs.
//
// It needs Node 20 and the packages @grpc/grpc-js and @grpc/proto-loader. The protocol that it speaks is sdk/PROTOCOL.md
// of Callboard. Handlers may be async; generators stream.
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import path from 'node:path';
import tls from 'node:tls';
import { isDeepStrictEqual } from 'node:util';
import grpc from '@grpc/grpc-js';
import loader from '@grpc/proto-loader';

const SDK = 'callboard-node/1';
const COOKIE = 'callboard-plugin-v1';
const MAX_GRPC = 4 << 20;
const MAX_BODY = 8 << 20;
const BATCH = 128 << 10; // a message may have 256 KiB; lists are split well below

const files = ['callboard.proto', 'health.proto', 'controller.proto'].map(f => path.join(import.meta.dirname, 'proto', f));
export const protocol = grpc.loadPackageDefinition(loader.loadSync(files, { longs: Number, enums: String, defaults: true, oneofs: true }));
const v1 = protocol.callboard.plugin.v1;

/** An error whose name and text the caller sees. Any other error is an internal one: logged, not shown. */
export class PluginError extends Error {
  constructor(code, grpcStatus, httpStatus, message, { path = '', detail = '' } = {}) {
    super(message);
    Object.assign(this, { code, grpcStatus, httpStatus, path, detail });
  }
  diagnostic() {
    return { severity: 'SEVERITY_ERROR', code: this.code, summary: this.message, detail: this.detail, path: this.path };
  }
}
const named = (code, grpcStatus, httpStatus) =>
  class extends PluginError {
    constructor(message, more) {
      super(code, grpcStatus, httpStatus, message, more);
    }
  };
export const InputError = named('InputError', grpc.status.INVALID_ARGUMENT, 400);
export const AuthenticationError = named('AuthenticationError', grpc.status.UNAUTHENTICATED, 401);
export const NotAllowedError = named('NotAllowedError', grpc.status.PERMISSION_DENIED, 403);
export const NotFoundError = named('NotFoundError', grpc.status.NOT_FOUND, 404);
export const ConflictError = named('ConflictError', grpc.status.ABORTED, 409);
export const NotImplementedError = named('NotImplementedError', grpc.status.UNIMPLEMENTED, 501);
export const ServiceUnavailableError = named('ServiceUnavailableError', grpc.status.UNAVAILABLE, 503);
const internal = message => new PluginError('', grpc.status.INTERNAL, 500, message);

/** A plugin: register what it offers, then call serve(). settingsSchema is a JSON Schema. */
export class Plugin {
  settings = {};
  host = new Host();
  #about;
  #schema;
  #secrets = [];
  #hooks = { validate: () => {}, configure: () => {}, health: () => '', metrics: () => '' };
  #routes = [];
  #providers = new Map();
  #processors = new Map();
  #actions = new Map();
  #filters = new Map();
  #widgets = new Map();
  #running = new Set();

  constructor({ id, version, title = '', description = '', license = '', settingsSchema }) {
    this.id = id;
    this.#schema = settingsSchema ?? { type: 'object' };
    this.#about = {
      id, version, title, description, license, sdk: SDK, features: [], services: [],
      provides: { http: false, httpUnauthenticated: [], catalogProviders: [], catalogProcessors: [], scaffolderActions: [], scaffolderFilters: [], widgets: [] },
      settingsSchemaJson: settingsSchema ? JSON.stringify(settingsSchema) : '',
    };
    this.log = Object.fromEntries(['debug', 'info', 'warn', 'error'].map(level => [level, (message, fields) => this.#write(level, message, fields)]));
  }

  // What an author registers.

  /** f(settings) throws InputError for settings that fit the schema and are wrong all the same. */
  validate(f) { this.#hooks.validate = f; }
  /** f(settings) takes checked settings into use; what it throws keeps the former ones. */
  configure(f) { this.#hooks.configure = f; }
  /** f() answers '' when all is well, else a sentence for people. It must answer at once. */
  health(f) { this.#hooks.health = f; }
  /** f() answers the Prometheus text format. */
  metrics(f) { this.#hooks.metrics = f; }

  /** f(request) for 'GET /greeting/{name}' returns a Response of fetch, something for JSON, or yields server-sent events. */
  route(pattern, f, { unauthenticated = false } = {}) {
    const [method, at] = pattern.split(' ');
    const names = [];
    const expression = at.replace(/[.*+?^$()|[\]\\]/g, '\\$&').replace(/\{(\w+)\}/g, (_, name) => (names.push(name), '([^/]+)'));
    this.#routes.push({ method, expression: new RegExp(`^${expression}$`), names, f });
    this.#about.provides.http = true;
    if (unauthenticated) this.#about.provides.httpUnauthenticated.push(at);
  }

  /** f() yields all entities of the provider. */
  provider(name, f, { interval = 600 } = {}) {
    this.#register(this.#providers, 'catalogProviders', name, { about: { name, intervalSeconds: interval }, f });
  }

  /**
   * f(entity) returns the entity, changed or not. Keep members that you do not know; integers that a number cannot hold come
   * as BigInt. stage: 'pre' or 'post'.
   */
  processor(name, f, { stage = 'pre', kinds = [] } = {}) {
    const stages = [{ pre: 'PROCESSOR_STAGE_PRE_PROCESS', post: 'PROCESSOR_STAGE_POST_PROCESS' }[stage]];
    this.#register(this.#processors, 'catalogProcessors', name, { about: { name, stages, kinds }, f });
  }

  /** f({ input, dryRun, userRef, taskId, stepName, templateRef, workspace, log, signal }) returns an object of outputs; see Workspace. */
  action(id, f, { description = '', input = { type: 'object' }, output = { type: 'object' }, dryRun = false, repeatable = false } = {}) {
    const about = { id, description, inputSchemaJson: JSON.stringify(input), outputSchemaJson: JSON.stringify(output), supportsDryRun: dryRun, repeatable };
    this.#register(this.#actions, 'scaffolderActions', id, { about, f, input });
  }

  /**
   * f(value, ...arguments) returns the result of ${{ value | name(arguments) }}. Rendering waits for it, at most a second: it has
   * no effects and asks nobody. input, arguments and output are JSON Schemas, which document it.
   */
  filter(name, f, { description = '', input = {}, arguments: list = [], output = {} } = {}) {
    const about = { id: name, description, inputSchemaJson: JSON.stringify(input), argumentSchemasJson: list.map(a => JSON.stringify(a)), outputSchemaJson: JSON.stringify(output) };
    this.#register(this.#filters, 'scaffolderFilters', name, { about, f });
  }

  /** f({ entity, args, userRef, fromMs, toMs, … }) returns a frame, as frame() makes it. */
  widget(id, f, { title = '', view = 'stat', appliesTo = '', refresh = 0 } = {}) {
    this.#register(this.#widgets, 'widgets', id, { about: { id, title, view, appliesTo, refreshSeconds: refresh }, f });
  }

  #register(table, provides, name, entry) {
    if (table.has(name)) throw new Error(`${provides}: ${name} is registered twice`);
    table.set(name, entry);
    this.#about.provides[provides].push(name);
  }

  // Life: describe mode, or serve until told to stop.

  async serve() {
    const served = { PluginService: new Map([['', null]]), CatalogProviderService: this.#providers, CatalogProcessorService: this.#processors, ScaffolderActionsService: this.#actions, TemplateFiltersService: this.#filters, WidgetsService: this.#widgets };
    const services = Object.keys(served).filter(name => served[name].size > 0);
    this.#about.services = services.slice(1).map(name => `callboard.plugin.v1.${name}`);
    if (process.env.CALLBOARD_DESCRIBE === '1') {
      process.stdout.write(JSON.stringify(this.#about) + '\n');
      return;
    }
    const runtime = process.env.CALLBOARD_RUNTIME_DIR;
    if (process.env.CALLBOARD_PLUGIN !== COOKIE || !runtime) {
      process.stderr.write(`This is the Callboard plugin ${this.id} ${this.#about.version}. Callboard starts it; see \`callboard plugin --help\`.\n`);
      process.exitCode = 1;
      return;
    }
    process.on('SIGTERM', () => process.exit(0));
    process.on('SIGINT', () => process.exit(0));
    process.on('unhandledRejection', e => this.log.error('unhandled rejection', { error: String(e), stack: e?.stack }));
    const server = new grpc.Server({ 'grpc.max_receive_message_length': MAX_GRPC, 'grpc.max_send_message_length': MAX_GRPC });
    for (const name of services) server.addService(v1[name].service, this.#methods(v1[name].service));
    server.addService(protocol.grpc.health.v1.Health.service, health);
    server.addService(protocol.plugin.GRPCController.service, {
      Shutdown: (call, answer) => {
        answer(null, {});
        server.tryShutdown(() => process.exit(0));
        setTimeout(() => process.exit(0), 500); // calls that still run must not hold the process
      },
    });
    await new Promise((ok, failed) => server.bindAsync(`unix:${runtime}/rpc.sock`, grpc.ServerCredentials.createInsecure(), e => (e ? failed(e) : ok())));
    if (this.#routes.length > 0) {
      const web = http.createServer((request, response) => this.#track('HTTP', () => this.#answer(request, response)));
      await new Promise((ok, failed) => web.on('error', failed).listen(`${runtime}/http.sock`, 1024, ok));
    }
    this.host.connect(runtime);
    watchHost(`${runtime}/host.sock`);
    process.stdout.write(`1|1|unix|${runtime}/rpc.sock|grpc\n`);
  }

  // Methods of the protocol that this file has not are answered with UNIMPLEMENTED.
  #methods(service) {
    return Object.fromEntries(Object.entries(service).filter(([name]) => name in this).map(([name, { responseStream }]) => {
      const f = this[name].bind(this);
      return [name, responseStream ? call => this.#track(name, () => stream(call, f, e => this.#failure(name, e))) : (call, answer) =>
        this.#track(name, async () => {
          try {
            answer(null, await f(call.request, call));
          } catch (e) {
            answer(this.#failure(name, e));
          }
        })];
    }));
  }

  async #track(name, f) {
    const done = f();
    if (name === 'Drain' || name === 'CheckHealth') return;
    this.#running.add(done);
    await done.finally(() => this.#running.delete(done));
  }

  #failure(name, e) {
    if (!(e instanceof PluginError)) {
      this.log.error('call failed', { method: name, error: String(e), stack: e?.stack });
      e = internal(`${name} failed; the plugin's log has the reason.`);
    }
    return grpcError(e);
  }

  // PluginService

  Describe() { return this.#about; }

  async ValidateConfig({ settingsJson }) { return { diagnostics: (await this.#problems(settingsJson)).problems }; }

  async #problems(text) {
    let settings;
    try {
      settings = JSON.parse(text.length > 0 ? text : '{}');
    } catch {
      return { problems: [new InputError('The settings are not JSON.').diagnostic()] };
    }
    const problems = [...schemaProblems(this.#schema, settings)];
    try {
      if (problems.length === 0) await this.#hooks.validate(settings);
    } catch (e) {
      if (!(e instanceof PluginError)) throw e;
      problems.push(e);
    }
    return { settings, problems: problems.map(p => p.diagnostic()) };
  }

  async Configure({ settingsJson, hostToken, baseUrl }) {
    const { settings, problems } = await this.#problems(settingsJson);
    if (problems.length > 0) return { diagnostics: problems };
    this.#secrets = [...secretsOf(this.#schema, settings), hostToken].filter(Boolean);
    this.host.token = hostToken;
    this.host.baseUrl = baseUrl;
    await this.#hooks.configure(settings);
    this.settings = settings;
    return {};
  }

  async CheckHealth() {
    const problem = await this.#hooks.health();
    return problem ? { status: 'STATUS_DEGRADED', diagnostics: [{ severity: 'SEVERITY_WARNING', summary: problem }] } : { status: 'STATUS_OK' };
  }

  async Drain({ grace }) {
    const ms = Number(grace?.seconds ?? 30) * 1000 + (grace?.nanos ?? 0) / 1e6;
    let timer;
    await Promise.race([Promise.allSettled([...this.#running]), new Promise(done => (timer = setTimeout(done, ms)))]);
    clearTimeout(timer);
    return {};
  }

  async CollectMetrics() { return { prometheusText: Buffer.from(await this.#hooks.metrics()) }; }

  // Capabilities

  ListProviders() { return { providers: [...this.#providers.values()].map(p => p.about) }; }

  async *RefreshProvider({ name }) {
    yield { full: true };
    let batch = [];
    let size = 0;
    for await (const entity of find(this.#providers, name, 'provider').f()) {
      const json = Buffer.from(JSON.stringify(entity));
      if (size > 0 && size + json.length > BATCH) {
        yield { full: true, upserts: batch };
        [batch, size] = [[], 0];
      }
      batch.push({ json });
      size += json.length;
    }
    if (size > 0) yield { full: true, upserts: batch };
  }

  ListProcessors() { return { processors: [...this.#processors.values()].map(p => p.about) }; }

  async ProcessEntities({ processor, stage, items }) {
    const { about, f } = find(this.#processors, processor, 'processor');
    if (!about.stages.includes(stage)) return { results: items.map(() => ({})) };
    return { results: await Promise.all(items.map(item => this.#process(processor, f, item))) };
  }

  async #process(name, f, { entityJson }) {
    try {
      const before = parseEntity(entityJson);
      const after = await f(parseEntity(entityJson));
      return isDeepStrictEqual(before, after) ? {} : { entityJson: Buffer.from(stringifyEntity(after)) };
    } catch (e) {
      if (e instanceof PluginError) return { diagnostics: [e.diagnostic()] };
      this.log.error('processor failed', { processor: name, error: String(e), stack: e?.stack });
      return { diagnostics: [{ severity: 'SEVERITY_ERROR', summary: `The processor ${name} failed; the plugin's log has the reason.` }] };
    }
  }

  ListActions() { return { actions: [...this.#actions.values()].map(a => a.about) }; }

  async *ExecuteAction({ action, inputJson, dryRun, userRef, taskId, stepName, templateRef, workspace }, call) {
    const { about, f, input: schema } = find(this.#actions, action, 'action');
    const input = JSON.parse(inputJson.length > 0 ? inputJson : '{}');
    for (const problem of schemaProblems(schema, input)) throw problem;
    if (dryRun && !about.supportsDryRun) throw new InputError(`The action ${action} has no dry run.`);
    const stop = new AbortController();
    call.on('cancelled', () => stop.abort());
    const log = Object.fromEntries(['debug', 'info', 'warn', 'error'].map(level => [level, message => call.write({ log: { level, message } })]));
    const outputs = await f({ input, dryRun, userRef, taskId, stepName, templateRef, workspace: new Workspace(this.host, workspace), log, signal: stop.signal });
    for (const [name, value] of Object.entries(outputs ?? {})) yield { output: { name, valueJson: Buffer.from(JSON.stringify(value)) } };
  }

  ListFilters() { return { filters: [...this.#filters.values()].map(f => f.about) }; }

  async CallFilters({ calls }) {
    const known = calls.map(({ filter }) => find(this.#filters, filter, 'filter'));
    return { results: await Promise.all(calls.map((call, i) => this.#filter(known[i].f, call))) };
  }

  async #filter(f, { filter, inputJson, argumentsJson }) {
    try {
      const value = await f(JSON.parse(inputJson.length > 0 ? inputJson : 'null'), ...argumentsJson.map(a => JSON.parse(a)));
      return { valueJson: Buffer.from(JSON.stringify(value) ?? '') };
    } catch (e) {
      if (e instanceof PluginError) return { error: e.diagnostic() };
      this.log.error('filter failed', { filter, error: String(e), stack: e?.stack });
      return { error: { severity: 'SEVERITY_ERROR', summary: `The filter ${filter} failed; the plugin's log has the reason.` } };
    }
  }

  ListWidgets() { return { widgets: [...this.#widgets.values()].map(w => w.about) }; }

  async *QueryWidget({ widget, entityJson, argsJson, ...query }) {
    const { f } = find(this.#widgets, widget, 'widget');
    const parse = (text, none) => (text.length > 0 ? JSON.parse(text) : none);
    yield { frameJson: Buffer.from(JSON.stringify(await f({ ...query, entity: parse(entityJson, null), args: parse(argsJson, {}) }))) };
  }

  // HTTP

  async #answer(request, response) {
    try {
      const result = await this.#route(request);
      if (typeof result?.[Symbol.asyncIterator] === 'function') return await sendEvents(response, result);
      await send(response, result instanceof Response ? result : Response.json(result));
    } catch (e) {
      if (!(e instanceof PluginError)) {
        this.log.error('route failed', { path: request.url.split('?')[0], error: String(e), stack: e?.stack });
        e = internal('Internal error');
      }
      if (response.headersSent) return response.destroy();
      const body = { error: { name: e.code || 'Error', message: e.message }, response: { statusCode: e.httpStatus } };
      await send(response, Response.json(body, { status: e.httpStatus }));
    }
  }

  async #route(request) {
    // The escaped path is matched and its values decoded afterwards: %2F in a value is not a border of segments.
    const [at] = request.url.split('?');
    const allowed = [];
    for (const { method, expression, names, f } of this.#routes) {
      const match = expression.exec(at);
      if (!match) continue;
      if (method === request.method || (method === 'GET' && request.method === 'HEAD')) return f(await readRequest(request, names, match));
      allowed.push(method);
    }
    if (allowed.length > 0) return new Response('', { status: 405, headers: { Allow: allowed.join(', ') } });
    throw new NotFoundError('No such route.');
  }

  // Logging: JSON lines on standard error, where the host reads them, without the values of secret settings.

  #write(level, message, fields = {}) {
    let line = JSON.stringify({ '@level': level, '@message': String(message), '@timestamp': new Date().toISOString(), '@module': this.id, ...fields });
    for (const secret of this.#secrets) line = line.replaceAll(JSON.stringify(secret).slice(1, -1), '[secret]');
    process.stderr.write(line + '\n');
  }
}

/** The files of a task, while its step runs. Needs scaffolder: [workspace]. Paths are relative to it, with '/'. */
export class Workspace {
  #host;
  #handle;

  constructor(host, handle) {
    this.#host = host;
    this.#handle = handle;
  }

  #call(method, request) { return this.#host.call('HostWorkspaceService', method, { workspace: this.#handle, ...request }); }

  /** All files of a folder and below: [{ path, size, executable }]. */
  async list(folder = '') {
    const all = [];
    for (;;) {
      const { files, more } = await this.#call('listFiles', { folder, after: all.at(-1)?.path ?? '' });
      all.push(...files);
      if (!more || files.length === 0) return all;
    }
  }

  /** The content as a Buffer. */
  async read(path) {
    const parts = [];
    for (let offset = 0; ; ) {
      const { data, size } = await this.#call('readFile', { path, offset });
      parts.push(data);
      offset += data.length;
      if (data.length === 0 || offset >= Number(size)) return Buffer.concat(parts);
    }
  }

  async write(path, data, { executable = false } = {}) {
    const content = Buffer.from(data);
    const part = 192 << 10;
    for (let start = 0; start === 0 || start < content.length; start += part) {
      await this.#call('writeFile', { path, data: content.subarray(start, start + part), append: start > 0, executable });
    }
  }

  async remove(path) { await this.#call('removeFile', { path }); }
}

/** The host's services: call('HostKeyValueService', 'getValue', { key: 'a' }). */
export class Host {
  baseUrl = '';
  token = '';
  #runtime;
  #clients = new Map();

  connect(runtime) { this.#runtime = runtime; }

  close() { for (const client of this.#clients.values()) client.close(); }

  /** Answers the response; rejects with the host's status (code, details). Streams are collected. */
  async call(service, method, request, timeout = 10_000) {
    if (!this.#clients.has(service)) {
      this.#clients.set(service, new v1[service](`unix:${this.#runtime}/host.sock`, grpc.credentials.createInsecure(), { 'grpc.default_authority': 'host' }));
    }
    const client = this.#clients.get(service);
    const metadata = new grpc.Metadata();
    metadata.set('callboard-token', this.token);
    const options = { deadline: Date.now() + timeout };
    if (client[method].responseStream) return collect(client[method](request, metadata, options));
    return new Promise((ok, failed) => client[method](request, metadata, options, (e, answer) => (e ? failed(e) : ok(answer))));
  }

  /** An HTTP request to where the manifest's needs.egress allows; answers { status, headers, body }. */
  async fetch(url, { method = 'GET', headers = {}, body } = {}) {
    const { protocol: scheme, hostname, port, host, pathname, search } = new URL(url);
    const socketPath = `${this.#runtime}/egress.sock`;
    let route = { socketPath, path: url };
    if (scheme === 'https:') {
      const socket = await tunnel(socketPath, `${hostname}:${port || 443}`);
      route = { createConnection: () => tls.connect({ socket, servername: hostname }), path: pathname + search };
    }
    return new Promise((ok, failed) => {
      const request = http.request({ method, headers: { Host: host, ...headers }, agent: false, ...route }, async response => {
        const parts = [];
        for await (const part of response) parts.push(part);
        ok({ status: response.statusCode, headers: response.headers, body: Buffer.concat(parts) });
      });
      request.on('error', failed).end(body);
    });
  }
}

async function collect(stream) {
  const all = [];
  for await (const message of stream) all.push(message);
  return all;
}

function tunnel(socketPath, target) {
  return new Promise((ok, failed) => {
    http.request({ socketPath, method: 'CONNECT', path: target, headers: { Host: target } })
      .on('connect', ({ statusCode }, socket) => statusCode === 200 ? ok(socket)
        : failed(new NotAllowedError(`${target} is not open to this plugin (${statusCode}): add it to needs.egress of plugin.yaml.`)))
      .on('error', failed).end();
  });
}

/** A data frame of a widget: columns have name, type and values, such as { name: 'count', type: 'number', values: [1, 2] }. */
export const frame = (name, ...columns) => ({ name, columns });

/** Yields an InputError for each place where value does not fit: the part of JSON Schema that settings use. */
export function* schemaProblems(schema, value, at = '') {
  const is = {
    object: v => typeof v === 'object' && v !== null && !Array.isArray(v), array: Array.isArray, null: v => v === null,
    string: v => typeof v === 'string', boolean: v => typeof v === 'boolean', number: v => typeof v === 'number', integer: Number.isInteger,
  };
  const problem = (text, where = at) => new InputError(`${where || 'The value'} ${text}.`, { path: where });
  const types = [schema.type ?? []].flat();
  if (types.length > 0 && !types.some(t => is[t](value))) {
    yield problem(`must be of type ${types.join(' or ')}`);
    return;
  }
  if (schema.enum && !schema.enum.some(e => isDeepStrictEqual(e, value))) yield problem(`must be one of ${JSON.stringify(schema.enum)}`);
  if (is.string(value)) {
    if ([...value].length < (schema.minLength ?? 0)) yield problem(`must have at least ${schema.minLength} characters`);
    if ([...value].length > (schema.maxLength ?? Infinity)) yield problem(`must have at most ${schema.maxLength} characters`);
    if (schema.pattern && !new RegExp(schema.pattern, 'u').test(value)) yield problem(`must match ${schema.pattern}`);
  }
  if (is.number(value)) {
    if (value < (schema.minimum ?? -Infinity)) yield problem(`must be at least ${schema.minimum}`);
    if (value > (schema.maximum ?? Infinity)) yield problem(`must be at most ${schema.maximum}`);
  }
  if (is.array(value)) for (const [i, item] of value.entries()) yield* schemaProblems(schema.items ?? {}, item, `${at}/${i}`);
  if (is.object(value)) {
    for (const name of schema.required ?? []) if (!Object.hasOwn(value, name)) yield problem('is missing', `${at}/${name}`);
    for (const [name, member] of Object.entries(value)) {
      if (Object.hasOwn(schema.properties ?? {}, name)) yield* schemaProblems(schema.properties[name], member, `${at}/${name}`);
      else if (schema.additionalProperties === false) yield problem('is not a setting', `${at}/${name}`);
    }
  }
}

// Entities keep integers of any size. JSON.parse would round those beyond 2^53, so they pass through it as marked texts.
const mark = '\ue000integer:';
const tokens = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

export function parseEntity(json) {
  const marked = String(json).replace(tokens, token => (/^-?\d{16,}$/.test(token) ? `"${mark}${token}"` : token));
  return JSON.parse(marked, (_, v) => (typeof v === 'string' && v.startsWith(mark) && /^-?\d+$/.test(v.slice(mark.length)) ? integer(v.slice(mark.length)) : v));
}

const integer = digits => (Number.isSafeInteger(Number(digits)) ? Number(digits) : BigInt(digits));

export function stringifyEntity(entity) {
  return JSON.stringify(entity, (_, v) => (typeof v === 'bigint' ? `${mark}${v}` : v)).replace(new RegExp(`"${mark}(-?\\d+)"`, 'g'), '$1');
}

function* secretsOf(schema, value) {
  if (schema['x-secret'] && typeof value === 'string') yield value;
  if (typeof value !== 'object' || value === null) return;
  for (const [name, member] of Object.entries(schema.properties ?? {})) if (Object.hasOwn(value, name)) yield* secretsOf(member, value[name]);
}

function find(table, name, what) {
  if (!table.has(name)) throw new NotFoundError(`There is no ${what} ${name}.`);
  return table.get(name);
}

const health = {
  Check: ({ request: { service } }, answer) =>
    ['', 'plugin'].includes(service) ? answer(null, { status: 'SERVING' }) : answer({ code: grpc.status.NOT_FOUND, details: 'unknown service' }),
  Watch: call => call.write({ status: 'SERVING' }),
};

// stream sends what f yields, no faster than it is taken, and stops when the call is cancelled.
async function stream(call, f, failure) {
  try {
    for await (const message of f(call.request, call)) {
      if (call.cancelled) return;
      if (!call.write(message)) await new Promise(go => call.once('drain', go).once('cancelled', go).once('close', go));
    }
    call.end();
  } catch (e) {
    call.emit('error', failure(e));
  }
}

// grpcError is a status that carries a Diagnostic in its details (google.rpc.Status), as the host reads it.
function grpcError(e) {
  const diagnostic = Buffer.concat([field(1, 1), field(2, e.code), field(3, e.message), field(4, e.detail), field(5, e.path)]);
  const any = Buffer.concat([field(1, 'type.googleapis.com/callboard.plugin.v1.Diagnostic'), field(2, diagnostic)]);
  const metadata = new grpc.Metadata();
  metadata.set('grpc-status-details-bin', Buffer.concat([field(1, e.grpcStatus), field(2, e.message), field(3, any)]));
  return { code: e.grpcStatus, details: e.message, metadata };
}

// field encodes one protobuf field: a number as varint, text and bytes with their length.
function field(number, value) {
  if (typeof value === 'number') return Buffer.concat([Buffer.from([number << 3]), varint(value)]);
  const bytes = Buffer.from(value);
  return Buffer.concat([Buffer.from([(number << 3) | 2]), varint(bytes.length), bytes]);
}

function varint(n) {
  const bytes = [];
  for (; n > 127; n = Math.floor(n / 128)) bytes.push((n % 128) | 128);
  return Buffer.from([...bytes, n]);
}

// watchHost holds a connection to the host. When it ends and no new one can be made for two seconds, the host is gone.
// failures is undefined before the first connection: a plugin is also started without a host.
function watchHost(at, parent = process.ppid, failures = undefined) {
  if (failures >= 4 || process.ppid !== parent) process.exit(0);
  const connection = net.connect(at);
  let connected = false;
  connection.on('connect', () => (connected = true)).on('error', () => {}).resume();
  connection.on('close', () => setTimeout(() => watchHost(at, parent, connected ? 0 : failures === undefined ? undefined : failures + 1), 500));
}

async function readRequest(request, names, match) {
  let known = {};
  try {
    known = JSON.parse(Buffer.from(request.headers['x-callboard-principal'] ?? '', 'base64url').toString() || '{}') ?? {};
  } catch {
    // The host sets the header; one that cannot be read is nobody's.
  }
  const parts = [];
  let size = 0;
  for await (const part of request) {
    if ((size += part.length) > MAX_BODY) throw new InputError('The body is too large.');
    parts.push(part);
  }
  const body = Buffer.concat(parts);
  return {
    method: request.method, headers: request.headers, body, query: new URL(request.url, 'http://plugin').searchParams,
    path: Object.fromEntries(names.map((name, i) => [name, decode(match[i + 1])])),
    principal: { type: known.type ?? 'none', subject: known.subject ?? '', actor: known.actor ?? '', ownershipRefs: known.ownershipRefs ?? [] },
    userToken: request.headers['x-callboard-user-token'] ?? '',
    json() {
      try {
        return JSON.parse(body);
      } catch {
        throw new InputError('The body is not JSON.');
      }
    },
  };
}

function decode(segment) {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new InputError('The path holds a wrong escape.');
  }
}

async function send(response, answer) {
  const body = Buffer.from(await answer.arrayBuffer());
  response.writeHead(answer.status, { ...Object.fromEntries(answer.headers), 'Content-Length': body.length }).end(body);
}

async function sendEvents(response, events) {
  response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-cache' });
  for await (const event of events) {
    if (response.destroyed) return; // leaving the loop ends the generator
    response.write(`data: ${JSON.stringify(event)}\n\n`);
  }
  response.end();
}

/** The settings' schema, or any JSON file beside the plugin. */
export const readJSON = url => JSON.parse(fs.readFileSync(url));
