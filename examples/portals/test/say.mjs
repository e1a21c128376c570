// Words of the tests: what they wait for and what they measure in a page.
import { setTimeout as sleep } from 'node:timers/promises';

export class Unexpected extends Error {}

export function expect(holds, expected, seen) {
  if (!holds) throw new Unexpected(`expected ${expected}\nseen     ${typeof seen === 'string' ? seen : JSON.stringify(seen)}`);
}

/** Asks until the answer is as it should be. */
export async function until(ask, expected, { patience = 15_000, holds = Boolean } = {}) {
  const end = Date.now() + patience;
  let seen;
  do {
    seen = await ask();
    if (holds(seen)) return seen;
    await sleep(50);
  } while (Date.now() < end);
  throw new Unexpected(`expected ${expected} within ${patience / 1000} s\nseen     ${JSON.stringify(seen)}`);
}

/** The state of each element that shows something, by its name; those in view alone are asked for. */
export const states = page =>
  page.$$eval('callboard-widget, callboard-access-request', all =>
    Object.fromEntries(all.map(element => [element.getAttribute('name') ?? element.localName, element.dataset.status ?? 'waiting'])),
  );

/** Scrolls through the page as a reader does, so that every widget comes into view, and waits until all of them show something. */
export async function settle(page, { statuses = ['ok', 'empty', 'partial', 'stale'] } = {}) {
  await readThrough(page);
  return until(() => states(page), `all widgets to be ${statuses.join(' or ')}`, {
    patience: 20_000,
    holds: seen => Object.keys(seen).length > 0 && Object.values(seen).every(status => statuses.includes(status)),
  });
}

export async function readThrough(page) {
  await page.waitForSelector('callboard-widget', { state: 'attached' });
  for (const element of await page.locator('callboard-widget, callboard-access-request, callboard-api-docs').all()) {
    await element.scrollIntoViewIfNeeded();
    await until(() => element.evaluate(at => at.localName === 'callboard-api-docs' || at.dataset.status !== undefined), 'a widget in view to show something', { patience: 20_000 });
  }
  await page.evaluate(() => scrollTo(0, 0));
}

/** Begins to add up shifts of the layout, from before the page's first paint. */
export const watchShifts = page =>
  page.addInitScript(() => {
    globalThis.shifts = [];
    new PerformanceObserver(list => {
      for (const entry of list.getEntries()) {
        if (!entry.hadRecentInput) globalThis.shifts.push({ value: entry.value, of: entry.sources.map(({ node, previousRect: from, currentRect: to }) => `${node?.localName ?? node?.nodeName ?? 'something'} ${[from, to].map(r => [r.x, r.y, r.width, r.height].map(Math.round)).join(' to ')}`) });
      }
    }).observe({ type: 'layout-shift', buffered: true });
  });

export const shifts = page => page.evaluate(() => globalThis.shifts);

/** The text that a widget shows, its shadow root included. */
export const textOf = (page, selector) => page.locator(selector).first().evaluate(element => element.shadowRoot?.textContent ?? '');
