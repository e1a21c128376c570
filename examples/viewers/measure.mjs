// measure.mjs CACHE BINARY: see run.sh.
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { flags, thisMachineAlone } from '../browser/chromium.mjs';
import { accessibility } from './accessibility.mjs';
import { credentials, startHost } from './host.mjs';
import { serveViewers } from './server.mjs';

const [cache, binary] = process.argv.slice(2);
const runs = Number(process.env.RUNS ?? 3);
const patience = Number(process.env.PATIENCE ?? 45) * 1000;
const documents = Object.fromEntries(['github', 'kubernetes', 'stripe'].map(name => [name, path.join(cache, `${name}.json`)]));

// The first part of a page by which somebody sees an operation.
const operation = {
  Callboard: '.cb-docs-list a[data-cb-operation]',
  'Swagger UI': '.opblock-summary-path',
  Redoc: '[data-section-id*="operation/"] h2, [id^="operation/"] h2',
};

const executable = execFileSync('sh', ['-c', 'command -v chromium || command -v chromium-browser'], { encoding: 'utf8' }).trim();

// load opens an address in a browser of its own: nothing of an earlier run is cached or on the heap.
async function load(viewer, address) {
  const browser = await chromium.launch({ executablePath: executable, headless: true, args: [...flags, thisMachineAlone] });
  try {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, extraHTTPHeaders: viewer === 'Callboard' ? credentials : {} });
    const page = await context.newPage();
    const devtools = await context.newCDPSession(page);
    let bytes = 0;
    await devtools.send('Network.enable');
    devtools.on('Network.loadingFinished', event => (bytes += event.encodedDataLength));
    const began = performance.now();
    const left = () => Math.max(1, patience - (performance.now() - began));
    try {
      await page.goto(address, { waitUntil: 'commit', timeout: left() });
      await page.locator(operation[viewer]).first().waitFor({ state: 'visible', timeout: left() });
    } catch (error) {
      if (error.name !== 'TimeoutError' && !/crash|closed/i.test(error.message)) throw error;
      return { ms: Infinity, bytes };
    }
    return { ms: performance.now() - began, bytes };
  } finally {
    await browser.close();
  }
}

const median = list => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const seconds = ms => (Number.isFinite(ms) ? (ms / 1000).toFixed(2) : `not in ${patience / 1000}`);
const kilobytes = bytes => Math.round(bytes / 1000).toLocaleString('en');

async function measure(host, viewers) {
  const rows = [];
  for (const name of Object.keys(documents)) {
    const addresses = { Callboard: host.pages[name], 'Swagger UI': `${viewers.base}/swagger/${name}`, Redoc: `${viewers.base}/redoc/${name}` };
    const row = { name, operations: operationsOf(documents[name]), size: fs.statSync(documents[name]).size };
    for (const [viewer, address] of Object.entries(addresses)) {
      const results = [];
      for (let i = 0; i < runs && (i === 0 || Number.isFinite(results[0].ms)); i++) results.push(await load(viewer, address));
      row[viewer] = { ms: median(results.map(r => r.ms)), bytes: median(results.map(r => r.bytes)) };
      console.error(`${name}, ${viewer}: ${seconds(row[viewer].ms)} s, ${kilobytes(row[viewer].bytes)} kB`);
    }
    rows.push(row);
  }
  return rows;
}

function operationsOf(file) {
  const methods = new Set(['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace']);
  const { paths } = JSON.parse(fs.readFileSync(file, 'utf8'));
  return Object.values(paths).reduce((n, item) => n + Object.keys(item).filter(key => methods.has(key)).length, 0);
}

function print(rows) {
  console.log('| document | operations | MB | Callboard s (kB) | Swagger UI s (kB) | Redoc s (kB) | best other ÷ Callboard |');
  console.log('|---|---|---|---|---|---|---|');
  for (const row of rows) {
    const cell = viewer => `${seconds(row[viewer].ms)} (${kilobytes(row[viewer].bytes)})`;
    const ratio = Math.min(row['Swagger UI'].ms, row.Redoc.ms) / row.Callboard.ms;
    const times = Number.isFinite(ratio) ? `${ratio.toFixed(1)} ×` : '–';
    console.log(`| ${row.name} | ${row.operations} | ${(row.size / 1e6).toFixed(1)} | ${cell('Callboard')} | ${cell('Swagger UI')} | ${cell('Redoc')} | ${times} |`);
  }
}

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'callboard-viewers-'));
const viewers = await serveViewers(documents);
let host;
try {
  host = await startHost({ directory, binary, names: Object.keys(documents), source: viewers.base });
  const problems = await accessibility({ host, executable, flags });
  const busy = os.loadavg()[0].toFixed(1);
  print(await measure(host, viewers));
  console.log(`\nTime to the first visible operation, median of ${runs}; bytes over the network; ${os.cpus().length} cores, load ${busy} at the beginning.`);
  console.log(problems.length ? problems.join('\n') : 'axe: 0 violations');
  process.exitCode = problems.length ? 1 : 0;
} finally {
  await viewers.stop();
  await host?.stop();
  fs.rmSync(directory, { recursive: true, force: true });
}
