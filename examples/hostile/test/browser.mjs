// A headless Chromium that counts what must never happen: a text of the corpus that runs, a dialog, a window, a request that
// leaves the machine, something that a content security policy had to stop.
import fs from 'node:fs';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { flags, thisMachineAlone } from '../../browser/chromium.mjs';

export const audit = fs.readFileSync(path.join(import.meta.dirname, 'audit.js'), 'utf8').replace(/^\/\/.*\n/gm, '');
export const kinds = ['ran', 'dialog', 'window', 'foreign request', 'policy', 'markup'];
const TABS = 4;

export class Browser {
  sink = '';
  /** What happened: {sink, kind, text}. */
  hits = [];

  static async start({ executable, own }) {
    const b = new Browser();
    b.own = own;
    b.chromium = await chromium.launch({ executablePath: executable, headless: true, args: [...flags, thisMachineAlone] });
    return b;
  }

  close = () => this.chromium.close();

  hit(kind, text) {
    this.hits.push({ sink: this.sink, kind, text: String(text).slice(0, 300) });
  }

  /** Takes back what a sink is meant to bring about, and answers how much that was. */
  forget(meant) {
    const before = this.hits.length;
    this.hits = this.hits.filter(hit => hit.sink !== this.sink || !meant(hit));
    return before - this.hits.length;
  }

  /** A browser of its own, so to speak: with cookies and headers. */
  async context(options = {}) {
    const context = await this.chromium.newContext({ locale: 'en-GB', timezoneId: 'UTC', ...options });
    context.setDefaultTimeout(60_000);
    await context.exposeBinding('canary', ({ page, frame }) => this.hit('ran', `${frame === page.mainFrame() ? page.url() : 'a frame'}`));
    await context.exposeBinding('stopped', (_, text) => this.hit('policy', text));
    await context.addInitScript(() => document.addEventListener('securitypolicyviolation', e => globalThis.stopped?.(`${e.effectiveDirective} ${e.blockedURI} in ${e.documentURI}`)));
    context.on('page', page => this.#watch(page, context));
    context.on('request', request => {
      const { protocol, origin } = new URL(request.url());
      if (/^(https?|wss?|ftp|file):$/.test(protocol) && !this.own.includes(origin)) this.hit('foreign request', request.url());
    });
    return context;
  }

  #watch(page, context) {
    if (!context.opening) this.hit('window', page.url());
    page.on('dialog', dialog => (this.hit('dialog', dialog.message()), dialog.dismiss()));
    page.on('console', message => {
      if (/content security policy|trusted ?type|refused to|violates/i.test(message.text()) && !/frame is sandboxed and the 'allow-scripts'/.test(message.text())) this.hit('policy', `${message.text()} in ${page.url()}`);
    });
  }

  async page(context) {
    context.opening = (context.opening ?? 0) + 1;
    try {
      return await context.newPage();
    } finally {
      context.opening--;
    }
  }

  /** Opens addresses as a person does, with the headers that they are sent with, and looks through each page. */
  async open(context, addresses, { then = async () => {} } = {}) {
    const left = [...addresses];
    const tab = async () => {
      const page = await this.page(context);
      for (let address = left.shift(); address !== undefined; address = left.shift()) {
        await page.goto(address).catch(error => {
          if (!/Download is starting|ERR_ABORTED/.test(error.message)) throw error;
        });
        await then(page);
        for (const problem of await this.look(page)) this.hit('markup', `${problem} in ${address}`);
      }
      await page.close();
    };
    await Promise.all(Array.from({ length: Math.min(TABS, left.length) }, tab));
    return addresses.length;
  }

  look = page => page.evaluate(`(${audit})(document, ${JSON.stringify(this.own)})`);

  /** Reads whole pages of HTML as documents without any policy, in frames of a page of a foreign portal. */
  async parse(page, documents) {
    for (let i = 0; i < documents.length; i += 40) {
      const found = await page.evaluate(([all, own]) => globalThis.parse(all, own), [documents.slice(i, i + 40), this.own]);
      for (const problem of found) this.hit('markup', problem);
    }
    return documents.length;
  }

  /** Puts fragments of HTML into a page without any policy, scripts and all. */
  async insert(page, fragments) {
    for (let i = 0; i < fragments.length; i += 200) {
      const found = await page.evaluate(([all, own]) => globalThis.insert(all, own), [fragments.slice(i, i + 200), this.own]);
      for (const problem of found) this.hit('markup', problem);
    }
    return fragments.length;
  }
}

/** The page that reads what it is given, for `parse` and `insert`. It has no policy, so whatever can run does. */
export const reader = `<!doctype html><meta charset="utf-8"><title>Reader</title><script>
const audit = ${audit};
const moment = () => new Promise(resolve => setTimeout(resolve, 0));
async function parse(all, own) {
  const found = [];
  await Promise.all(all.map(async ({ name, html }) => {
    const frame = document.createElement('iframe');
    frame.srcdoc = html;
    const loaded = new Promise(resolve => frame.addEventListener('load', resolve, { once: true }));
    document.body.append(frame);
    await Promise.race([loaded, new Promise(resolve => setTimeout(resolve, 5000))]);
    await moment();
    if (frame.contentDocument?.URL !== 'about:srcdoc') found.push('the page went elsewhere: ' + name);
    else found.push(...audit(frame.contentDocument, own).map(problem => problem + ' in ' + name));
    frame.remove();
  }));
  return found;
}
async function insert(all, own) {
  const found = [];
  for (const { name, html } of all) {
    const place = document.createElement('div');
    document.body.append(place);
    place.append(document.createRange().createContextualFragment(html));
    found.push(...audit(place, own).map(problem => problem + ' in ' + name));
    setTimeout(() => place.remove(), 50);
  }
  await new Promise(resolve => setTimeout(resolve, 60));
  return found;
}
</script><body></body>`;
