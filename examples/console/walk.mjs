// Opens every page of the console as people do, and says what they would complain about.
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { freePort, guestToken, repository, startCallboard, waitForPlugins } from '../backstage/callboard.mjs';
import { flags } from '../browser/chromium.mjs';
import { pages, stories } from './steps.mjs';
import { looks, open } from './visitor.mjs';

const { values } = parseArgs({ options: { base: { type: 'string' }, out: { type: 'string' }, only: { type: 'string' } } });
const out = path.resolve(values.out ?? path.join(process.env.CALLBOARD_CACHE ?? path.join(repository, '.cache'), 'console'));
fs.rmSync(out, { recursive: true, force: true });
fs.mkdirSync(out, { recursive: true });
process.exit(await main());

async function main() {
  const host = values.base ? undefined : await serve();
  const base = values.base ?? host.base;
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: flags });
  let failed = 0;
  try {
    for (const [name, walk] of steps(browser, base)) {
      if (values.only && !name.startsWith(values.only)) continue;
      const problems = await walk().catch(error => [String(error.stack ?? error)]);
      failed += problems.length > 0;
      console.log(`${problems.length ? 'FAILED' : 'ok    '} ${name}`);
      for (const problem of problems) console.log(`       ${problem}`);
    }
  } finally {
    await browser.close();
    const { ok, how } = (await host?.stop()) ?? { ok: true };
    if (!ok) console.log(`FAILED the host stops when asked: ${how}`);
    failed += !ok;
  }
  console.log(failed ? `${failed} failed` : `all passed; screenshots in ${path.relative(process.cwd(), out)}`);
  return failed ? 1 : 0;
}

function* steps(browser, base) {
  for (const story of stories) {
    yield [story.name, async () => {
      const visitor = await open(browser, base, story.look ?? looks.light);
      try {
        await story.walk(visitor);
        return visitor.problems(story.allowed);
      } finally {
        await visitor.picture(path.join(out, `${story.name.replace(/\W+/g, '-')}.png`));
        await visitor.close();
      }
    }];
  }
  for (const [name, look] of Object.entries(looks)) {
    yield [`pages/${name}`, async () => {
      const visitor = await open(browser, base, look);
      try {
        await visitor.signIn();
        for (const [title, address] of Object.entries(pages)) {
          await visitor.goto(address);
          await visitor.inspect(title);
          await visitor.picture(path.join(out, `${title}-${name}.png`));
        }
        return visitor.problems();
      } finally {
        await visitor.close();
      }
    }];
  }
}

async function serve() {
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const config = path.join(out, 'app-config.yaml');
  fs.writeFileSync(
    config,
    `app: { baseUrl: '${base}' }
backend:
  baseUrl: ${base}
  listen: { host: 127.0.0.1, port: ${port} }
  database: { client: better-sqlite3, connection: ':memory:' }
callboard:
  operations: { listen: false }
  pluginHost: { dataDir: ${JSON.stringify(path.join(out, 'plugins'))} }
`,
  );
  const configs = ['examples/catalog/app-config.yaml', 'bin/plugins/app-config.yaml', 'plugins/fakes/app-config.yaml', config];
  const host = await startCallboard({ binary: path.join(repository, 'bin/callboard'), configs, base, log: path.join(out, 'callboard.log'), fakes: true });
  try {
    await ready(base);
    await waitForPlugins(base);
  } catch (error) {
    await host.stop();
    throw error;
  }
  return { base, stop: host.stop };
}

// Waits until the sample is in the catalog and can be searched.
async function ready(base, patience = 60_000) {
  const until = Date.now() + patience;
  const authorization = `Bearer ${await guestToken(base)}`;
  const ask = async address => (await fetch(base + address, { headers: { authorization } })).json();
  for (;;) {
    const { totalItems } = await ask('/api/catalog/entities/by-query?limit=0');
    const { results } = await ask('/api/search/query?term=booking');
    if (totalItems > 130 && results?.length > 5) return;
    if (Date.now() > until) throw new Error(`after ${patience / 1000} s there are ${totalItems} entities, and ${results?.length} of them are found`);
    await new Promise(resolve => setTimeout(resolve, 200));
  }
}
