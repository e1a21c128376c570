// Tries an API's operations as people do, and says for each promise whether it holds.
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { steps } from './steps.mjs';
import { World } from './world.mjs';

const root = path.resolve(import.meta.dirname, '../..');
const string = { type: 'string' };
const { values } = parseArgs({ options: { only: string, bin: string, out: string, list: { type: 'boolean' } } });
process.exit(await main());

async function main() {
  const chosen = steps.filter(({ name }) => !values.only || name.startsWith(values.only));
  if (values.list) return console.log(steps.map(({ name }) => name).join('\n')) ?? 0;
  const out = path.resolve(values.out ?? path.join(process.env.CALLBOARD_CACHE ?? path.join(root, '.cache'), 'tryit'));
  fs.rmSync(out, { recursive: true, force: true });
  fs.mkdirSync(out, { recursive: true });
  const world = new World({ out, binary: path.resolve(values.bin ?? path.join(root, 'bin/callboard')), executable: process.env.CHROMIUM ?? '/usr/bin/chromium' });
  let failed = 0;
  try {
    await world.start();
    for (const step of chosen) failed += !(await holds(step, world));
  } catch (error) {
    failed++;
    console.log(`FAILED  set-up\n        ${error.stack ?? error}`);
  } finally {
    for (const problem of await world.close()) failed++, console.log(`FAILED  ${problem}`);
  }
  console.log(`${chosen.length - failed} passed, ${failed} failed; screenshots in ${path.relative(process.cwd(), out) || '.'}`);
  return failed || chosen.length === 0 ? 1 : 0;
}

async function holds({ name, walk }, world) {
  const began = Date.now();
  world.api.got.length = 0;
  let problem, figures;
  try {
    figures = await walk(world);
  } catch (error) {
    problem = String(error.stack ?? error);
    const pages = world.browser.contexts().flatMap(context => context.pages());
    for (const [i, page] of pages.entries()) {
      await page.screenshot({ path: path.join(world.out, `failed-${name.replace(/\W+/g, '-')}-${i}.png`), fullPage: true }).catch(() => {});
      if (page.problems?.length) problem += `\n${page.problems.join('\n')}`;
    }
  }
  await Promise.all(world.browser.contexts().map(context => context.close()));
  console.log(`${problem ? 'FAILED' : 'ok    '}  ${name.padEnd(58)} ${String(Date.now() - began).padStart(6)} ms  ${figures ?? ''}`);
  if (problem) console.log(`        ${problem.replace(/\n/g, '\n        ')}`);
  return !problem;
}
