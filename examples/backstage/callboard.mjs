// Starts a Callboard with the sample catalog, 60 more components for paging, and the built stock frontend.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import path from 'node:path';

export const repository = path.resolve(import.meta.dirname, '../..');

// What a script shows that is nobody's; a password of this walk alone.
export const scriptToken = 'for-the-walk-alone-0123456789abcdef';
export const plugin = path.join(repository, 'bin/plugins/hello-go');

const fakes = path.join(repository, 'bin/fakes');
export const official = [fakes, ...['sentry', 'sonarqube', 'cost', 'gateway'].map(id => path.join(repository, 'bin/plugins', id, id))];

// What the walk needs on top of the sample's own configuration, as a file: same origin for frontend and API, memory
// only, a plugin, a token, and locations for the generated components and for templates of its own.
export function writeConfig({ directory, port, dist, plugins, remotes }) {
  fs.mkdirSync(directory, { recursive: true });
  const bulk = path.join(directory, 'tide-gauges.yaml');
  fs.writeFileSync(bulk, tideGauges());
  const sample = fs.readFileSync(path.join(repository, 'examples/catalog/app-config.yaml'), 'utf8');
  const base = `http://127.0.0.1:${port}`;
  const file = path.join(directory, 'app-config.e2e.yaml');
  const location = (target, kinds) => `    - type: file\n      target: ${JSON.stringify(target)}\n` + (kinds ? `      rules:\n        - allow: [${kinds}]\n` : '');
  fs.writeFileSync(
    file,
    `# Written by e2e.mjs: lies over examples/catalog/app-config.yaml.
app:
  baseUrl: ${base}
backend:
  baseUrl: ${base}
  listen: { host: 127.0.0.1, port: ${port} }
  cors: { origin: '${base}' }
  auth:
    externalAccess:
      - type: static
        options: { token: ${scriptToken}, subject: harbour-script }
  database: { client: better-sqlite3, connection: ':memory:' }
  # Where one of its templates looks for choices.
  reading: { allow: [{ host: '127.0.0.1:9' }] }
callboard:
  frontend:
    dist: ${JSON.stringify(dist)}
    remotes: ${Boolean(remotes)}
  pluginHost:
    dataDir: ${JSON.stringify(path.join(directory, 'plugins'))}
  plugins:
    hello-go: { source: ${JSON.stringify(plugin)}, development: true }
# A stock backend would collect search documents every ten minutes.
search:
  collators:
    catalog:
      schedule: { frequency: { seconds: 15 }, timeout: { minutes: 2 }, initialDelay: { seconds: 3 } }
${catalogSection(sample)}${location(bulk)}${location(path.join(import.meta.dirname, 'templates.yaml'), 'Template')}${
      plugins ? location(path.join(import.meta.dirname, 'with-plugins.yaml'), 'Component, Template') : ''
    }`,
  );
  return { file, base };
}

// A list is replaced as a whole when configurations are merged, so the sample's own locations are repeated.
function catalogSection(sample) {
  const section = /^catalog:\n(?:[ #].*\n|\n)*/m.exec(sample)?.[0];
  if (!section?.trimEnd().split('\n').at(-1).startsWith('      ')) {
    throw new Error('examples/catalog/app-config.yaml: `catalog` must be a section that ends with its locations');
  }
  return `${section.trimEnd()}\n`;
}

// 60 components of one system, enough for several pages and for more than one page of search results.
function tideGauges() {
  const documents = [
    `apiVersion: backstage.io/v1alpha1
kind: System
metadata: { name: tide-gauges, title: Tide Gauges, description: One sensor per pier }
spec: { owner: bridge-systems, domain: fleet }
`,
  ];
  for (let i = 1; i <= 60; i++) {
    const name = `tide-gauge-${String(i).padStart(2, '0')}`;
    documents.push(`apiVersion: backstage.io/v1alpha1
kind: Component
metadata: { name: ${name}, description: Measures the tide at pier ${i}, tags: [iot, tide] }
spec: { type: sensor, lifecycle: production, owner: bridge-systems, system: tide-gauges }
`);
  }
  return documents.join('---\n');
}

export async function freePort() {
  const server = net.createServer();
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise(resolve => server.close(resolve));
  return port;
}

// With `fakes` the services that the official plugins talk to run as long as the host.
export async function startCallboard({ binary, configs, base, log, fakes: withFakes }) {
  const output = fs.openSync(log, 'w');
  const began = Date.now();
  const command = [...(withFakes ? [fakes, '-port', '0', '--'] : []), binary, 'serve', ...configs.flatMap(file => ['--config', file])];
  const child = spawn(command[0], command.slice(1), { cwd: repository, stdio: ['ignore', output, output] });
  fs.closeSync(output);
  const exited = new Promise(resolve => {
    child.once('error', error => resolve({ error }));
    child.once('exit', (code, signal) => resolve({ code, signal }));
  });
  let gone;
  exited.then(how => (gone = how));
  const tail = () => fs.readFileSync(log, 'utf8').split('\n').slice(-25).join('\n');
  while (!(await answers(`${base}/.backstage/health/v1/readiness`))) {
    if (gone) throw new Error(`${binary} did not start (${gone.error?.message ?? `exit ${gone.code ?? gone.signal}`}); end of ${log}:\n${tail()}`);
    if (Date.now() - began > 30_000) {
      child.kill('SIGKILL');
      throw new Error(`${binary} was not ready after 30 s; end of ${log}:\n${tail()}`);
    }
    await sleep(50);
  }
  return {
    readyAfter: Date.now() - began,
    // Asks it to stop and says how that went; the process is gone when this returns.
    async stop() {
      if (gone) return { ok: false, how: `it was gone already (${gone.error?.message ?? `exit ${gone.code ?? gone.signal}`}); end of ${log}:\n${tail()}` };
      const asked = Date.now();
      child.kill('SIGTERM');
      const patience = setTimeout(() => child.kill('SIGKILL'), 20_000);
      const { code, signal } = await exited;
      clearTimeout(patience);
      return { ok: code === 0, how: `exit ${code ?? signal} after ${Date.now() - asked} ms` };
    },
  };
}

// Waits until the whole catalog is visible and can be searched, and no longer grows.
export async function waitForCatalog(base, patience = 120_000) {
  const began = Date.now();
  let seen = 'nothing yet';
  let last, since;
  while (Date.now() - began < patience) {
    try {
      const token = await guestToken(base);
      const get = async url => {
        const response = await fetch(base + url, { headers: { authorization: `Bearer ${token}` } });
        if (!response.ok) throw new Error(`GET ${url} ${response.status} ${await response.text()}`);
        return response.json();
      };
      const { totalItems } = await get('/api/catalog/entities/by-query?limit=0');
      const gauges = await get('/api/catalog/entities/by-query?limit=0&filter=kind=component,spec.system=tide-gauges');
      const found = await get('/api/search/query?term=gauge');
      seen = `${totalItems} entities, ${gauges.totalItems} of 60 tide gauges, ${found.results.length} search results`;
      if (totalItems !== last) [last, since] = [totalItems, Date.now()];
      if (gauges.totalItems === 60 && found.results.length > 0 && Date.now() - since > 2_000) {
        await get('/api/catalog/entities/by-name/user/default/guest');
        return totalItems;
      }
    } catch (error) {
      seen = String(error.message ?? error);
    }
    await sleep(200);
  }
  throw new Error(`the catalog at ${base} was not complete after ${patience / 1000} s: ${seen}`);
}

// Waits until the official plugins answer: the host is ready before its plugins are.
export async function waitForPlugins(base, patience = 30_000) {
  const began = Date.now();
  const authorization = `Bearer ${await guestToken(base)}`;
  for (const path of ['/api/sentry/v1/entities/component/default/booking-service/issues', '/api/sonarqube/entities/component/default/booking-service/summary', '/api/cost/v1/feeds', '/api/gateway/v1/gateways']) {
    for (;;) {
      const response = await fetch(base + path, { headers: { authorization } });
      const text = await response.text();
      if (response.ok) break;
      if (Date.now() - began > patience) throw new Error(`GET ${path} ${response.status} after ${patience / 1000} s: ${text}`);
      await sleep(100);
    }
  }
}

export async function guestToken(base) {
  const response = await fetch(`${base}/api/auth/guest/refresh`, { headers: { 'x-requested-with': 'XMLHttpRequest' } });
  if (!response.ok) throw new Error(`guest sign-in: ${response.status} ${await response.text()}`);
  return (await response.json()).backstageIdentity.token;
}

const answers = url => fetch(url).then(response => response.ok, () => false);
const sleep = ms => new Promise(resolve => setTimeout(resolve, ms));
