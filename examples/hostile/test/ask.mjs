// How the tests ask the host.
import { token } from './host.mjs';

export const credentials = { authorization: `Bearer ${token}` };
const AT_ONCE = 8;

/** Runs f for each, some at once, and answers in their order. */
export async function each(all, f, atOnce = AT_ONCE) {
  const out = new Array(all.length);
  let next = 0;
  const worker = async () => {
    for (let i = next++; i < all.length; i = next++) out[i] = await f(all[i], i);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return out;
}

/** The answers at addresses: {name, status, type, html}. No answer may be an error of the host. */
export const read = (base, paths, init = {}) =>
  each(paths, async path => {
    const response = await fetch(base + path, { headers: credentials, redirect: 'manual', ...init });
    const html = await response.text();
    if (response.status >= 500 && response.status !== 503) throw new Error(`GET ${path}: ${response.status} ${html.slice(0, 300)}`);
    return { name: path.slice(0, 200), status: response.status, type: response.headers.get('content-type') ?? '', html, headers: response.headers };
  });

export const query = values => new URLSearchParams(values).toString();

/** Waits until the answer is as it should be. */
export async function until(what, ask, patience = 60_000) {
  const end = Date.now() + patience;
  for (;;) {
    const seen = await ask();
    if (seen === true) return;
    if (Date.now() > end) throw new Error(`expected ${what} within ${patience / 1000} s; seen ${JSON.stringify(seen)}`);
    await new Promise(resolve => setTimeout(resolve, 200));
  }
}
