// A headless Chromium that notices everything a person would call broken: failed or unanswered requests, requests that
// leave the machine, console errors, pages that throw.
import { chromium } from 'playwright-core';
import { flags, thisMachineAlone } from '../browser/chromium.mjs';

// The page gave up on it itself, for example because the person went on to another page.
const isAbandoned = text => text === 'net::ERR_ABORTED' || /WebSocket is closed before the connection is established/.test(text);

// Streams are open for as long as the page wants them.
const isStream = url => /\/eventstream(\?|$)|\/api\/techdocs\/sync\//.test(url);

const clip = (text, length) => (text.length > length ? `${text.slice(0, length)} …(${text.length} characters)` : text);

export async function openBrowser({ base, executable }) {
  const browser = await chromium.launch({ executablePath: executable, headless: true, args: [...flags, thisMachineAlone] });
  const context = await browser.newContext({ viewport: { width: 1500, height: 1000 }, locale: 'en-GB', timezoneId: 'UTC' });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  page.setDefaultNavigationTimeout(20_000);
  const watch = new Watch(page, base);
  return { page, watch, close: () => browser.close() };
}

// Watch collects the problems of a page. `drain` hands over those since the last call.
class Watch {
  #problems = [];
  #reading = new Set();
  #open = new Map();
  #lastMove = Date.now();
  #sockets = [];

  constructor(page, base) {
    this.page = page;
    this.base = base;
    page.on('console', message => {
      if (message.type() !== 'error' || isAbandoned(message.text())) return;
      const { url } = message.location();
      this.#add({ kind: 'console', text: clip(message.text(), 600), url: this.#short(url ?? '') });
    });
    page.on('pageerror', error => this.#add({ kind: 'page error', text: clip(String(error.stack ?? error), 600) }));
    page.on('request', request => {
      this.#lastMove = Date.now();
      if (!isStream(request.url())) this.#open.set(request, Date.now());
    });
    page.on('requestfailed', request => {
      this.#settle(request);
      const why = request.failure()?.errorText ?? 'failed';
      if (!isAbandoned(why)) this.#add({ kind: 'request', text: `${request.method()} ${this.#short(request.url())} ${why}`, body: request.postData() ?? undefined });
    });
    page.on('requestfinished', request => {
      this.#settle(request);
      const reading = this.#inspect(request).finally(() => this.#reading.delete(reading));
      this.#reading.add(reading);
    });
    page.on('websocket', socket => {
      const seen = { url: this.#short(socket.url()), sent: [], received: [] };
      this.#sockets.push(seen);
      socket.on('framesent', frame => seen.sent.push(String(frame.payload)));
      socket.on('framereceived', frame => seen.received.push(String(frame.payload)));
      socket.on('socketerror', error => {
        if (!isAbandoned(error)) this.#add({ kind: 'websocket', text: `${seen.url} ${error}` });
      });
    });
  }

  // Sockets that the page opened since it was created, oldest first, with their text frames.
  get sockets() {
    return this.#sockets;
  }

  // Waits until no request was sent or answered for `quiet` ms. Requests that stay open are problems.
  async settle({ quiet = 200, limit = 8_000 } = {}) {
    const began = Date.now();
    while (Date.now() - began < limit) {
      if (this.#open.size === 0 && this.#reading.size === 0 && Date.now() - this.#lastMove >= quiet) return;
      await new Promise(resolve => setTimeout(resolve, 50));
    }
    for (const [request, since] of this.#open) {
      this.#open.delete(request);
      this.#add({ kind: 'request', text: `${request.method()} ${this.#short(request.url())} not answered after ${Math.round((Date.now() - since) / 1000)} s`, body: request.postData() ?? undefined });
    }
  }

  // The same problem again and again is one problem.
  drain() {
    const once = new Map(this.#problems.splice(0).map(problem => [JSON.stringify(problem), problem]));
    return [...once.values()];
  }

  #settle(request) {
    this.#open.delete(request);
    this.#lastMove = Date.now();
  }

  async #inspect(request) {
    const response = await request.response().catch(() => null);
    if (!response || response.status() < 400) return;
    const answer = await response.text().catch(() => '');
    this.#add({
      kind: 'request',
      text: `${request.method()} ${this.#short(request.url())} ${response.status()}`,
      body: request.postData() ?? undefined,
      answer: clip(answer, 1_000),
    });
  }

  #short(url) {
    return url.startsWith(this.base) ? url.slice(this.base.length) : url;
  }

  #add(problem) {
    this.#problems.push(problem);
  }
}
