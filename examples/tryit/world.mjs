// What the walk happens in: the API, a host that may reach it, a portal of another origin, a browser that records everything.
import fs from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { freePort, startCallboard } from '../backstage/callboard.mjs';
import { flags, thisMachineAlone } from '../browser/chromium.mjs';
import { startPortal } from '../portals/server/portal.mjs';
import { description, startApi } from './api.mjs';

export const secret = 'sk_sandbox_7Qh2vX9pLm4T';
const service = 'the-secret-of-the-portal-0123456789abcdef';

const PATIENCE = 10_000;

export class World {
  #closers = [];
  #pages = 0;

  constructor({ out, binary, executable }) {
    Object.assign(this, { out, binary, executable, log: path.join(out, 'callboard.log') });
  }

  async start() {
    this.api = await startApi();
    this.#closers.push(() => this.api.close());
    // A server that the description names and the configuration does not.
    this.stranger = await startApi();
    this.#closers.push(() => this.stranger.close());
    const [port, portalPort] = [await freePort(), await freePort()];
    this.host = `http://localhost:${port}`;
    this.config = this.#configure(port, `http://127.0.0.1:${portalPort}`);
    this.#closers.push(async () => {
      const { ok, how } = await this.server.stop();
      if (!ok) throw new Error(`the host does not stop when asked: ${how}`);
    });
    await this.startHost();
    this.portal = await startPortal({ app: 'desk', title: 'Harbour Desk', host: this.host, secret: service, port: portalPort, pages: [path.join(import.meta.dirname, 'page')] });
    this.portal.pictures = {}; // it shows none
    this.#closers.push(this.portal.close);
    this.browser = await chromium.launch({ executablePath: this.executable, headless: true, args: [...flags, thisMachineAlone] });
    this.#closers.push(() => this.browser.close());
  }

  async startHost() {
    this.server = await startCallboard({ binary: this.binary, configs: [this.config], base: this.host, log: this.log });
  }

  /** The host as it is after a deployment: another process on the same database. */
  async restart() {
    const { ok, how } = await this.server.stop();
    if (!ok) throw new Error(`the host does not stop when asked: ${how}`);
    fs.appendFileSync(`${this.log}.before`, fs.readFileSync(this.log));
    await this.startHost();
  }

  /** All that the host has logged. */
  logged() {
    return [`${this.log}.before`, this.log].map(file => (fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '')).join('');
  }

  get sandbox() {
    return `${this.api.base}/sandbox`;
  }

  #configure(port, portal) {
    const live = `${this.api.base}/live`;
    const entities = [
      { apiVersion: 'backstage.io/v1alpha1', kind: 'User', metadata: { name: 'guest' }, spec: { memberOf: [] } },
      {
        apiVersion: 'backstage.io/v1alpha1', kind: 'API', metadata: { name: 'harbour' },
        spec: { type: 'openapi', lifecycle: 'production', owner: 'user:guest', definition: JSON.stringify(description({ sandbox: this.sandbox, live, stranger: this.stranger.base })) },
      },
    ];
    const catalog = path.join(this.out, 'catalog.yaml');
    fs.writeFileSync(catalog, entities.map(entity => JSON.stringify(entity)).join('\n---\n'));
    const config = {
      app: { baseUrl: this.host },
      backend: {
        baseUrl: this.host,
        listen: { host: '127.0.0.1', port },
        auth: { externalAccess: [{ type: 'static', options: { token: service, subject: 'desk' } }] },
        database: { client: 'better-sqlite3', connection: { directory: path.join(this.out, 'database') } },
      },
      auth: { providers: { guest: {} } },
      catalog: { rules: [{ allow: ['API', 'User'] }], locations: [{ type: 'file', target: catalog }] },
      callboard: {
        log: { level: 'debug' },
        operations: { listen: false },
        embed: { apps: { desk: { title: 'Harbour Desk', origins: [portal], widgets: ['api-docs/reference'], features: ['tryit'], services: ['desk'], mayNameViewers: true } } },
        apiDocs: {
          tryIt: {
            enabled: true,
            servers: [
              { url: live, environment: 'live', methods: ['GET'] },
              { url: this.sandbox, environment: 'sandbox', methods: ['GET', 'POST'], cookies: ['locale'], answerHeaders: ['X-Echo'], credentials: [{ id: 'sandbox', title: 'Sandbox key', header: 'Authorization', value: `Bearer ${secret}` }] },
            ],
          },
        },
      },
    };
    const file = path.join(this.out, 'app-config.yaml');
    fs.writeFileSync(file, JSON.stringify(config, null, 2)); // JSON is YAML
    return file;
  }

  /** A page of its own context. Everything that it sends and gets is in `page.har` once its context is closed. */
  async page(settings = {}) {
    const har = path.join(this.out, `traffic-${++this.#pages}.har`);
    const context = await this.browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en-GB', recordHar: { path: har, content: 'embed' }, ...settings });
    context.setDefaultTimeout(PATIENCE);
    const page = await context.newPage();
    Object.assign(page, { har, problems: [] });
    page.on('console', message => message.type() === 'error' && page.problems.push(message.text()));
    page.on('pageerror', error => page.problems.push(String(error.stack ?? error)));
    await page.goto(this.portal.origin);
    await page.locator('callboard-api-docs a[data-cb-operation]').first().waitFor();
    return page;
  }

  async close() {
    const problems = [];
    for (const close of this.#closers.reverse()) await close()?.catch?.(error => problems.push(error.message));
    return problems;
  }
}
