#!/usr/bin/env node
// Opens the sample portals in headless Chromium, and says for each promise whether it holds.
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Rig } from './test/rig.mjs';
import { Unexpected } from './test/say.mjs';
import { steps } from './test/steps/index.mjs';

const root = path.resolve(import.meta.dirname, '../..');
const cache = process.env.CALLBOARD_CACHE ?? path.join(root, '.cache');

const usage = `Usage: test.mjs [options]

  --only A,B       only steps whose name begins so
  --list           print the names of all steps
  --bin FILE       the Callboard to start (default: bin/callboard)
  --out DIR        screenshots, log and report (default: .cache/portals)
  --chromium FILE  the browser (default: CHROMIUM or /usr/bin/chromium)`;

const text = { type: 'string' };
const { values } = parseArgs({ options: { only: text, bin: text, out: text, chromium: text, list: { type: 'boolean' }, help: { type: 'boolean' } } });
process.exit(await main());

async function main() {
  const chosen = steps.filter(({ name }) => !values.only || values.only.split(',').some(prefix => name.startsWith(prefix)));
  if (values.help || values.list) return print(values.help ? usage : steps.map(({ name }) => name).join('\n'));
  const out = path.resolve(values.out ?? path.join(cache, 'portals'));
  fs.rmSync(out, { recursive: true, force: true });
  fs.mkdirSync(out, { recursive: true });
  const rig = new Rig({
    out,
    binary: path.resolve(values.bin ?? path.join(root, 'bin/callboard')),
    executable: values.chromium ?? process.env.CHROMIUM ?? '/usr/bin/chromium',
  });
  const outcomes = [];
  try {
    await rig.start();
    for (const step of chosen) outcomes.push(await run(step, rig));
  } catch (error) {
    outcomes.push(report({ name: 'set-up', problem: String(error.stack ?? error) }));
  } finally {
    await rig.close();
  }
  return summary(outcomes, out);
}

async function run({ name, walk }, rig) {
  const began = Date.now();
  let figures, problem;
  try {
    figures = await walk(rig);
  } catch (error) {
    problem = error instanceof Unexpected ? error.message : String(error.stack ?? error);
    await screens(rig, name);
  }
  await Promise.all(rig.browser.contexts().map(context => context.close()));
  return report({ name, ms: Date.now() - began, figures, problem });
}

/** What a step that failed left open. */
async function screens(rig, name) {
  const pages = rig.browser.contexts().flatMap(context => context.pages());
  for (const [index, page] of pages.entries()) {
    await page.screenshot({ path: path.join(rig.out, `failed-${name.replace(/\W+/g, '-')}-${index}.png`), fullPage: true }).catch(() => {});
    if (page.problems?.length) console.log(page.problems.slice(0, 5).join('\n'));
  }
}

function report(outcome) {
  const { name, ms = 0, figures = '', problem } = outcome;
  console.log(`${problem ? 'FAILED' : 'ok    '}  ${name.padEnd(48)} ${String(ms).padStart(6)} ms  ${figures}`);
  if (problem) console.log(`        ${problem.replace(/\n/g, '\n        ')}`);
  return outcome;
}

function summary(outcomes, out) {
  fs.writeFileSync(path.join(out, 'report.json'), JSON.stringify(outcomes, null, 2));
  const failed = outcomes.filter(({ problem }) => problem).length;
  console.log(`${outcomes.length - failed} passed, ${failed} failed; screenshots and report.json in ${path.relative(process.cwd(), out) || '.'}`);
  return failed || outcomes.length === 0 ? 1 : 0;
}

function print(lines) {
  console.log(lines);
  return 0;
}
