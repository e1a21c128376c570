#!/usr/bin/env node
// Starts the host and the browser, walks through the sinks, prints what was opened and what happened. run.sh starts it.
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { credentials, read, until } from './test/ask.mjs';
import { Browser, kinds } from './test/browser.mjs';
import * as consolePages from './test/console.mjs';
import * as documents from './test/documents.mjs';
import * as embedding from './test/embedding.mjs';
import { startHost } from './test/host.mjs';
import { startPortal } from './test/portal.mjs';
import * as widgets from './test/widgets.mjs';

const text = { type: 'string' };
const { values } = parseArgs({ options: { work: text, bin: text, only: text, chromium: text } });
const sinks = Object.entries({ widgets, documents, console: consolePages, embedding }).flatMap(([name, all]) =>
  Object.entries(all).filter(([, f]) => typeof f === 'function' && f.length === 1 && f !== widgets.range).map(([sink, f]) => ({ name: `${name}/${sink}`, f })),
);

/** Of the corpus, about a third is Markdown and addresses, which run nowhere else. */
const SEEN_AT_LEAST = 0.4;

process.exit(await main());

async function main() {
  const corpus = JSON.parse(fs.readFileSync(path.join(values.work, 'corpus.json'), 'utf8'));
  if (corpus.texts.length < 300) throw new Error(`the corpus has ${corpus.texts.length} texts`);
  const began = Date.now();
  const closers = [];
  try {
    const t = await setUp(corpus, closers);
    await control(t, corpus.texts);
    const chosen = sinks.filter(({ name }) => !values.only || values.only.split(',').some(prefix => name.startsWith(prefix)));
    let opened = 0, failed = 0;
    for (const sink of chosen) {
      const outcome = await run(sink, t);
      opened += outcome.opened;
      failed += outcome.problem || outcome.hits > 0 ? 1 : 0;
    }
    console.log(`${corpus.texts.length} texts, ${chosen.length} sinks, ${opened} pages, fragments, pictures and elements, ${t.browser.hits.length} hits, ${failed} sinks failed; ${Math.round((Date.now() - began) / 1000)} s`);
    return failed || chosen.length === 0 ? 1 : 0;
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

async function setUp(corpus, closers) {
  let host;
  const portal = await startPortal(() => host.base);
  const strangers = [await startPortal(() => host.base), await startPortal(() => host.base)];
  closers.push(portal.close, ...strangers.map(({ close }) => close));
  host = await startHost({ work: values.work, binary: path.resolve(values.bin), corpus, portal: portal.origin });
  closers.push(host.stop);
  const others = [...strangers.map(({ origin }) => origin), portal.origin.replace('127.0.0.1', 'localhost')];
  const browser = await Browser.start({ executable: values.chromium ?? process.env.CHROMIUM ?? '/usr/bin/chromium', own: [portal.origin, host.base, ...others] });
  closers.push(browser.close);
  const reader = await browser.page(await browser.context());
  await reader.goto(`${portal.origin}/reader`);
  const signedIn = await browser.context({ extraHTTPHeaders: credentials });
  await ready(host);
  return { host, browser, portal, reader, signedIn, strangers: others };
}

/** The catalog is read, and the plugins are there. */
async function ready(host) {
  await until('the catalog to be read', async () => {
    const { totalItems } = await (await fetch(`${host.base}/api/catalog/entities/by-query?limit=0`, { headers: credentials })).json();
    return totalItems >= host.texts.length + host.apis.length || totalItems;
  });
  const names = ['/api/widgets/v1/render/hostile-frames/stat.html?entityRef=component:default/v0&range=1h', '/api/widgets/v1/render/hostile-forms/form0.html?entityRef=component:default/v0', `/api/catalog/entities/by-name/component/default/v${host.texts.length - 1}`, ...host.apis.slice(-1).map(({ name }) => `/api/catalog/entities/by-name/api/default/${name}`)];
  for (const name of names) {
    await until(`${name} to be there`, async () => {
      const [answer] = await read(host.base, [name]).catch(error => [{ html: String(error) }]);
      return answer.status === 200 || answer.html;
    });
  }
}

/** The corpus as it is, in a page without a policy: what the browser does not notice here proves nothing elsewhere. */
async function control({ browser, reader }, texts) {
  for (const how of ['parse', 'insert']) {
    let seen = 0;
    const before = browser.hits.length;
    const some = texts.filter((_, n) => n % 4 === 0);
    for (const [n, html] of some.entries()) {
      if (how === 'insert' && html.includes('http-equiv')) continue; // the page would go elsewhere
      await browser[how](reader, [{ name: `${n}`, html }]);
      if (browser.hits.length > before + seen) seen++;
      browser.hits.length = before + seen;
    }
    browser.hits.length = before;
    console.log(`control  ${how.padEnd(32)} ${seen} of ${some.length} texts are noticed where nothing escapes them`);
    await reader.reload(); // what is left of them must not run later, as if it were of a sink
    browser.hits.length = before;
    if (seen < some.length * SEEN_AT_LEAST) throw new Error(`${seen} of ${some.length} texts are noticed where nothing escapes them; the browser does not look`);
  }
}

async function run({ name, f }, t) {
  const began = Date.now(), before = t.browser.hits.length;
  t.browser.sink = name;
  t.browser.note = '';
  let opened = 0, problem = '';
  try {
    opened = await f(t);
  } catch (error) {
    problem = String(error.stack ?? error);
  }
  const hits = t.browser.hits.slice(before);
  const counts = kinds.map(kind => [kind, hits.filter(hit => hit.kind === kind).length]).filter(([, n]) => n > 0).map(([kind, n]) => `${n} × ${kind}`);
  console.log(`${problem || hits.length ? 'FAILED ' : 'ok     '}  ${name.padEnd(32)} ${String(opened).padStart(6)} opened ${String(Date.now() - began).padStart(7)} ms  ${counts.join(', ') || 'nothing'} ${t.browser.note}`);
  if (problem) console.log(`         ${problem}`);
  for (const hit of kinds.flatMap(kind => hits.filter(one => one.kind === kind).slice(0, 3))) console.log(`         ${hit.kind}: ${hit.text}`);
  return { opened, hits: hits.length, problem };
}
