// What the walk runs: a provider, a Callboard that knows it, a frontend that Callboard knows, and one that it does not.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import readline from 'node:readline';
import { freePort, startCallboard } from '../backstage/callboard.mjs';
import { serveFrontend } from './frontend/serve.mjs';

export class Rig {
  #stops = [];

  constructor(out, binary) {
    this.out = out;
    this.binary = binary;
  }

  async start() {
    this.idp = await this.#provider();
    const port = await freePort();
    this.base = `http://127.0.0.1:${port}`;
    this.frontend = this.#kept(await serveFrontend(this.base));
    this.stranger = this.#kept(await serveFrontend(this.base));
    const host = this.#kept(
      await startCallboard({
        binary: this.binary,
        configs: [this.#config(port)],
        base: this.base,
        log: path.join(this.out, 'callboard.log'),
      }),
    );
    this.stopHost = host.stop;
    await this.#catalog();
  }

  // Stops all of it, and answers what did not stop well.
  async stop() {
    const problems = [];
    for (const stop of this.#stops.reverse()) {
      const how = await stop();
      if (how?.ok === false) problems.push(how.how);
    }
    return problems;
  }

  #kept(part) {
    this.#stops.push(part.stop);
    return part;
  }

  // Tells the provider to be in good health, or what is wrong with it.
  async ail(...faults) {
    this.child.stdin.write(`${JSON.stringify(faults)}\n`);
    const { value } = await this.lines.next();
    if (value !== 'ok') throw new Error(`the provider answered ${value}`);
  }

  async #provider() {
    const log = fs.openSync(path.join(this.out, 'idp.log'), 'w');
    this.child = spawn(path.join(import.meta.dirname, '.cache/idp'), [], { stdio: ['pipe', 'pipe', log] });
    fs.closeSync(log);
    const exited = new Promise(resolve => this.child.once('exit', code => resolve({ ok: code === 0, how: `the provider ended with ${code}` })));
    this.#stops.push(() => {
      this.child.kill('SIGTERM');
      return exited;
    });
    this.lines = readline.createInterface({ input: this.child.stdout })[Symbol.asyncIterator]();
    const { value } = await this.lines.next();
    return JSON.parse(value);
  }

  #config(port) {
    const file = path.join(this.out, 'app-config.yaml');
    const { oidc, github } = this.idp;
    const resolvers = (...names) => ({ resolvers: names.map(resolver => ({ resolver })) });
    fs.writeFileSync(
      file,
      JSON.stringify(
        {
          app: { baseUrl: this.frontend.base },
          organization: { name: 'Harbour' },
          backend: {
            baseUrl: this.base,
            listen: { host: '127.0.0.1', port },
            cors: { origin: this.frontend.base, credentials: true },
            database: { client: 'better-sqlite3', connection: ':memory:' },
          },
          auth: {
            environment: 'development',
            providers: {
              oidc: { development: { ...oidc, prompt: 'auto', signIn: resolvers('emailMatchingUserEntityProfileEmail') } },
              ...(github && { github: { development: { ...github, signIn: resolvers('usernameMatchingUserEntityName') } } }),
              guest: { dangerouslyAllowOutsideDevelopment: true },
            },
          },
          catalog: { locations: [{ type: 'file', target: path.join(import.meta.dirname, 'catalog.yaml'), rules: [{ allow: ['Component', 'Group', 'User'] }] }] },
          callboard: { operations: { listen: false } },
        },
        null,
        2,
      ),
    );
    return file;
  }

  async #catalog(patience = 30_000) {
    const until = Date.now() + patience;
    const session = await (await fetch(`${this.base}/api/auth/guest/refresh`)).json();
    const authorization = `Bearer ${session.backstageIdentity.token}`;
    for (;;) {
      const response = await fetch(`${this.base}/api/catalog/entities/by-name/component/default/harbour-map`, { headers: { authorization } });
      if (response.ok) return;
      if (Date.now() > until) throw new Error(`the catalog was not there after ${patience / 1000} s: ${response.status}`);
      await new Promise(resolve => setTimeout(resolve, 100));
    }
  }
}
