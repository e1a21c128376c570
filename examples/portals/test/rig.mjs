// What the tests run against: a host with sample data, the three portals, and a headless browser.
import fs from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { freePort, guestToken, startCallboard, waitForPlugins } from '../../backstage/callboard.mjs';
import { flags, thisMachineAlone } from '../../browser/chromium.mjs';
import { startPortal } from '../server/portal.mjs';
import { portals, sampleSecret } from '../server/portals.mjs';
import { until } from './say.mjs';

const kit = path.resolve(import.meta.dirname, '..');

export class Rig {
  portals = {};
  #closers = [];

  /** `out` is the folder for the log, the data and the screenshots. */
  constructor({ out, binary, executable }) {
    Object.assign(this, { out, binary, executable, log: path.join(out, 'callboard.log') });
  }

  async start() {
    // app-config.yaml reads the ports from the environment.
    process.env.CALLBOARD_PORT = String(await freePort());
    for (const { variable } of portals) process.env[variable] = String(await freePort());
    this.host = `http://localhost:${process.env.CALLBOARD_PORT}`;
    await this.#startHost();
    for (const { app, variable } of portals) this.portals[app] = await this.portal(app, { port: Number(process.env[variable]) });
    this.browser = await chromium.launch({ executablePath: this.executable, headless: true, args: [...flags, thisMachineAlone] });
    this.#closers.push(() => this.browser.close());
  }

  async #startHost() {
    const own = path.join(this.out, 'app-config.test.yaml');
    fs.writeFileSync(own, `backend:\n  database: { client: better-sqlite3, connection: ':memory:' }\ncallboard:\n  log: { level: debug }\n  pluginHost: { dataDir: ${JSON.stringify(path.join(this.out, 'plugins'))} }\n`);
    const configs = ['examples/catalog/app-config.yaml', 'bin/plugins/app-config.yaml', 'plugins/fakes/app-config.yaml', path.join(kit, 'app-config.yaml'), own];
    const server = await startCallboard({ binary: this.binary, configs, base: this.host, log: this.log, fakes: true });
    this.#closers.push(() => server.stop());
    await waitForPlugins(this.host);
    await this.#waitForBills();
  }

  /** The cost plugin reads its first bills after it has started. */
  async #waitForBills() {
    const authorization = `Bearer ${await guestToken(this.host)}`;
    const url = `${this.host}/api/widgets/v1/render/cost/cost-over-time.csv?entityRef=component:default/booking-service&range=30d`;
    await until(() => fetch(url, { headers: { authorization } }).then(answer => answer.text()), 'bills of the booking service', { patience: 60_000, holds: text => text.split('\n').length > 10 });
  }

  /** Starts a portal: one of the three, or another server of it on another port, which the host does not know. */
  async portal(app, { port, ...settings } = {}) {
    const { title, pages } = portals.find(portal => portal.app === app);
    const portal = await startPortal({ title, pages, app, host: this.host, secret: sampleSecret, port: port ?? (await freePort()), ...settings });
    this.#closers.push(portal.close);
    return portal;
  }

  /** A page of its own context, as another person with another browser would have it. */
  async page(settings = {}) {
    const context = await this.browser.newContext({ viewport: { width: 1280, height: 900 }, locale: 'en-GB', timezoneId: 'UTC', ...settings });
    context.setDefaultTimeout(15_000);
    const page = await context.newPage();
    page.problems = [];
    page.asked = []; // requests to the host
    page.on('console', message => message.type() === 'error' && page.problems.push(message.text()));
    page.on('pageerror', error => page.problems.push(String(error.stack ?? error)));
    page.on('request', request => request.url().startsWith(this.host) && page.asked.push(request));
    return page;
  }

  async close() {
    for (const close of this.#closers.reverse()) await close();
  }
}
