// Starts the plugin as the host does and talks to it over its sockets: npm test
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import grpc from '@grpc/grpc-js';
import { Host, Plugin, Workspace, parseEntity, protocol, schemaProblems, stringifyEntity } from './callboard.mjs';

const here = import.meta.dirname;
const v1 = protocol.callboard.plugin.v1;

// Started is one process of the plugin, with the environment that the host gives it, and a listener in the host's place.
class Started {
  async start() {
    this.runtime = fs.mkdtempSync(path.join(os.tmpdir(), 'cb'));
    this.host = net.createServer(c => (this.connections.push(c), c.resume().on('error', () => {})));
    this.connections = [];
    await new Promise(ok => this.host.listen(`${this.runtime}/host.sock`, ok));
    const env = {
      PATH: '/usr/bin:/bin', HOME: this.runtime, TMPDIR: this.runtime, LANG: 'C.UTF-8', CALLBOARD_PLUGIN: 'callboard-plugin-v1',
      CALLBOARD_RUNTIME_DIR: this.runtime, CALLBOARD_DATA_DIR: this.runtime, CALLBOARD_PLUGIN_ID: 'hello-node', PLUGIN_PROTOCOL_VERSIONS: '1',
    };
    this.process = spawn(process.execPath, ['plugin.mjs'], { cwd: here, env, stdio: ['ignore', 'pipe', 'inherit'] });
    this.exited = once(this.process, 'exit');
    [this.firstLine] = await once(createInterface(this.process.stdout), 'line');
    this.clients = [];
    return this;
  }
  client(service) {
    const client = new service(`unix:${this.runtime}/rpc.sock`, grpc.credentials.createInsecure());
    this.clients.push(client);
    return client;
  }
  call(service, method, request) {
    return new Promise((ok, failed) => this.client(service)[method](request, (e, answer) => (e ? failed(e) : ok(answer))));
  }
  async stream(service, method, request) {
    const all = [];
    for await (const message of this.client(service)[method](request)) all.push(message);
    return all;
  }
  configure(settings) {
    return this.call(v1.PluginService, 'Configure', { settingsJson: Buffer.from(JSON.stringify(settings)), hostToken: 't' });
  }
  get(at, headers = {}) {
    return new Promise((ok, failed) => http.get({ socketPath: `${this.runtime}/http.sock`, path: at, headers, agent: false }, async response => {
      let body = '';
      for await (const part of response.setEncoding('utf8')) body += part;
      ok({ status: response.statusCode, body });
    }).on('error', failed));
  }
  hostDies() {
    this.host.close();
    this.connections.forEach(c => c.destroy());
    fs.rmSync(`${this.runtime}/host.sock`, { force: true });
  }
  async stop() {
    this.clients.forEach(c => c.close());
    this.process.kill('SIGKILL');
    await this.exited;
    this.hostDies();
    fs.rmSync(this.runtime, { recursive: true });
  }
}

describe('plugin', () => {
  let p;
  beforeEach(async () => (p = await new Started().start()));
  afterEach(() => p.stop());

  test('says where it listens and that it is well', async () => {
    assert.equal(p.firstLine, `1|1|unix|${p.runtime}/rpc.sock|grpc`);
    assert.deepEqual(await p.call(protocol.grpc.health.v1.Health, 'Check', { service: 'plugin' }), { status: 'SERVING' });
  });

  test('describes what the manifest says', async () => {
    const { id, version, provides } = await p.call(v1.PluginService, 'Describe', {});
    const manifest = fs.readFileSync(path.join(here, 'plugin.yaml'), 'utf8');
    assert.ok(manifest.includes(`\nid: ${id}\nversion: ${version}\n`));
    for (const names of [provides.catalogProviders, provides.catalogProcessors, provides.scaffolderActions, provides.scaffolderFilters, provides.widgets]) {
      assert.ok(manifest.includes(`[${names.join(', ')}]`), names.join());
    }
  });

  test('greets with the settings', async () => {
    assert.deepEqual((await p.configure({ greeting: 'Salut' })).diagnostics, []);
    const principal = Buffer.from('{"type":"user","subject":"user:default/ann"}').toString('base64url');
    const { status, body } = await p.get('/greeting/caf%C3%A9%2F1', { 'X-Callboard-Principal': principal });
    assert.deepEqual([status, JSON.parse(body)], [200, { greeting: 'Salut, café/1!', principal: 'user:default/ann' }]);
    assert.equal((await p.get('/nowhere')).status, 404);
    assert.equal((await p.get('/greeting/%zz')).status, 400);
  });

  test('refuses wrong settings and keeps the former', async () => {
    await p.configure({ greeting: 'Salut' });
    for (const wrong of [{ greeting: 1 }, { greeting: ' ' }, { greting: 'Hi' }]) {
      assert.equal((await p.configure(wrong)).diagnostics[0]?.code, 'InputError', JSON.stringify(wrong));
    }
    assert.match((await p.get('/greeting/ann')).body, /Salut/);
  });

  test('streams ticks', async () => {
    assert.deepEqual(await p.get('/ticks?count=2'), { status: 200, body: 'data: {"tick":0}\n\ndata: {"tick":1}\n\n' });
  });

  test('provides entities and processes them', async () => {
    const messages = await p.stream(v1.CatalogProviderService, 'RefreshProvider', { name: 'greetings' });
    const items = messages.flatMap(m => m.upserts).map(e => ({ entityJson: e.json }));
    assert.deepEqual(items.map(i => JSON.parse(i.entityJson).metadata.name), ['node-hello', 'node-world']);
    const { results } = await p.call(v1.CatalogProcessorService, 'ProcessEntities', { processor: 'greeted', stage: 'PROCESSOR_STAGE_PRE_PROCESS', items });
    assert.equal(JSON.parse(results[1].entityJson).metadata.annotations['hello.callboard.dev/greeted'], 'Hello, world!');
  });

  test('runs its action and refuses input that does not fit', async () => {
    const action = 'hello-node:greet';
    const events = await p.stream(v1.ScaffolderActionsService, 'ExecuteAction', { action, inputJson: Buffer.from('{"name":"Ann"}'), dryRun: true });
    assert.equal(JSON.parse(events.at(-1).output.valueJson), 'Hello, Ann!');
    assert.equal(events[0].log.message, 'greeting Ann');
    await assert.rejects(p.stream(v1.ScaffolderActionsService, 'ExecuteAction', { action, inputJson: Buffer.from('{}') }), e => {
      assert.equal(e.code, grpc.status.INVALID_ARGUMENT);
      assert.match(e.metadata.get('grpc-status-details-bin')[0].toString('latin1'), /callboard\.plugin\.v1\.Diagnostic.*InputError.*\/name/s);
      return true;
    });
  });

  test('shouts in templates', async () => {
    const call = (input, ...list) => ({ filter: 'nodeShout', inputJson: Buffer.from(input), argumentsJson: list.map(a => Buffer.from(a)) });
    const { results } = await p.call(v1.TemplateFiltersService, 'CallFilters', { calls: [call('"hi"'), call('"hi"', '"?"'), call('5')] });
    assert.deepEqual(results.slice(0, 2).map(r => r.valueJson.toString()), ['"HI!"', '"HI?"']);
    assert.deepEqual([results[2].error.code, results[2].error.summary], ['InputError', 'Only a text can be shouted.']);
  });

  test('answers its widget', async () => {
    const [{ frameJson }] = await p.stream(v1.WidgetsService, 'QueryWidget', { widget: 'hello' });
    assert.deepEqual(JSON.parse(frameJson).columns[0].values, ['Hello, world!']);
  });

  test('ends when it is told to', async () => {
    await p.call(protocol.plugin.GRPCController, 'Shutdown', {});
    assert.deepEqual(await p.exited, [0, null]);
  });

  test('ends at SIGTERM', async () => {
    p.process.kill('SIGTERM');
    assert.deepEqual(await p.exited, [0, null]);
  });

  test('ends when the host is gone', async () => {
    while (p.connections.length === 0) await setTimeout(10); // who was never connected cannot know that the host has gone
    p.hostDies();
    assert.deepEqual(await p.exited, [0, null]);
  });
});

test('the files of a task are read and written through the host', async t => {
  const files = {};
  const part = 192 << 10;
  const server = new grpc.Server();
  server.addService(v1.HostWorkspaceService.service, {
    ListFiles: ({ request: { after } }, answer) => {
      const names = Object.keys(files).sort().filter(n => n > after);
      answer(null, { files: names.slice(0, 2).map(name => ({ path: name, size: files[name].length })), more: names.length > 2 });
    },
    ReadFile: ({ request: { path: name, offset } }, answer) => answer(null, { data: files[name].subarray(Number(offset), Number(offset) + part), size: files[name].length }),
    WriteFile: ({ request: { workspace, path: name, data, append } }, answer) => {
      assert.ok(data.length <= part && workspace === 'handle');
      files[name] = Buffer.concat(append ? [files[name], data] : [data]);
      answer(null, {});
    },
    RemoveFile: ({ request: { path: name } }, answer) => (delete files[name], answer(null, {})),
  });
  const runtime = fs.mkdtempSync(path.join(os.tmpdir(), 'cb'));
  await new Promise((ok, failed) => server.bindAsync(`unix:${runtime}/host.sock`, grpc.ServerCredentials.createInsecure(), e => (e ? failed(e) : ok())));
  const host = new Host();
  host.connect(runtime);
  t.after(() => (host.close(), server.forceShutdown(), fs.rmSync(runtime, { recursive: true })));
  const workspace = new Workspace(host, 'handle');
  const large = Buffer.alloc(500_000, 'abcdefg'); // several parts
  for (const [name, content] of [['a', large], ['b', ''], ['c', 'c'], ['d', 'd']]) await workspace.write(name, content);
  assert.deepEqual((await workspace.list()).map(f => f.path), ['a', 'b', 'c', 'd']);
  assert.ok(large.equals(await workspace.read('a')));
  await workspace.write('a', 'short');
  await workspace.remove('b');
  assert.deepEqual(Object.fromEntries(Object.entries(files).map(([name, content]) => [name, content.toString()])), { a: 'short', c: 'c', d: 'd' });
});

test('describe mode needs no host', () => {
  const said = execFileSync(process.execPath, ['plugin.mjs'], { cwd: here, env: { CALLBOARD_DESCRIBE: '1' } });
  assert.equal(JSON.parse(said).id, 'hello-node');
});

test('a name is registered once', () => {
  const plugin = new Plugin({ id: 'a', version: '1.0.0' });
  plugin.provider('p', () => []);
  assert.throws(() => plugin.provider('p', () => []), /registered twice/);
});

test('settings are checked against their schema', () => {
  const schema = { type: 'object', required: ['a'], properties: { a: { type: 'integer', minimum: 2 }, b: { enum: ['x'] }, c: { type: 'array', items: { type: 'string', pattern: '^k' } } } };
  const paths = value => [...schemaProblems(schema, value)].map(p => p.path);
  assert.deepEqual(paths({ a: 2, b: 'x', c: ['k'], d: 1 }), []);
  assert.deepEqual(paths({ a: 1, b: 'y', c: ['k', 'l', 3] }), ['/a', '/b', '/c/1', '/c/2']);
  assert.deepEqual(paths({ a: 1.5 }), ['/a']);
  assert.deepEqual(paths([]), ['']);
});

test('entities keep integers of any size', () => {
  const text = '{"a":9007199254740993,"b":[-12345678901234567890,1.5,1e3],"c":"9007199254740993 \\"1234567890123456789\\"","d":1234567890123456}';
  assert.equal(parseEntity(text).a, 9007199254740993n);
  assert.equal(parseEntity(text).d, 1234567890123456);
  assert.equal(stringifyEntity(parseEntity(text)), text.replace('1e3', '1000'));
});
