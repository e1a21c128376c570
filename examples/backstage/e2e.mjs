#!/usr/bin/env node
// Walks a stock Backstage frontend in headless Chromium, step by step, and says what a person would complain about.
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { unexpected } from './allowed.mjs';
import { openBrowser } from './browser.mjs';
import { freePort, official, plugin, repository, startCallboard, waitForCatalog, waitForPlugins, writeConfig } from './callboard.mjs';
import { Screen, StepError } from './screen.mjs';
import { steps, stepsWithLegacy, stepsWithPlugins, stepsWithRemote } from './steps/index.mjs';
import { testClient } from './client.mjs';

const usage = `Usage: e2e.mjs [options]

  --plugins        walk the frontend with plugins instead of the stock one, beside the official plugins
  --remote         walk the stock frontend as it takes Callboard's remote at run time, beside the official plugins
  --legacy         walk the app of the frontend system before, beside the official plugins
  --bin FILE       the Callboard to start (default: bin/callboard)
  --dist DIR       the built frontend that it serves (default: what setup.sh made)
  --base URL       walk what already runs there instead: the sample catalog and the generated components must be loaded
  --stock          what runs at --base is a stock backend: tolerate what is known to be wrong only with it
  --prepare DIR    only write the configuration and the generated components for such a backend into DIR (see --port)
  --port N         port of that backend (default: a free one)
  --only A,B       only steps whose name begins so (sign-in always runs)
  --list           print the names of all steps
  --out DIR        screenshots, log and report (default: .cache/e2e; below it plugins, remote or legacy with these options)
  --readme         also take the screenshots of the plugins' READMEs
  --chromium FILE  the browser (default: CHROMIUM or /usr/bin/chromium)`;

// What is walked: a frontend, its steps, and tests of its clients without a browser.
const walks = {
  stock: { app: 'app', out: 'e2e', steps, clients: 'examples/clients/node' },
  plugins: { app: 'app-with-plugins', out: 'e2e/plugins', steps: stepsWithPlugins, clients: 'examples/clients/plugins', official: true },
  remote: { app: 'app', out: 'e2e/remote', steps: stepsWithRemote, official: true, remotes: true },
  legacy: { app: 'app-legacy', out: 'e2e/legacy', steps: stepsWithLegacy, official: true, config: '../app-config.yaml', built: 'examples/backstage/setup.sh --legacy' },
};
const clientTests = 'client';
const options = readOptions();
const chosenWalk = walks[nameOf(options)];
process.exit(await main());

async function main() {
  if (options.help) return print(usage);
  if (options.list) return print([...chosenWalk.steps.map(step => step.name), ...(chosenWalk.clients ? [`${clientTests}/…`] : [])].join('\n'));
  if (options.prepare) {
    const { file, base } = writeConfig({ directory: path.resolve(options.prepare), port: options.port ?? (await freePort()), dist: options.dist });
    return print(`${file}\n${base}`);
  }
  return walk();
}

async function walk() {
  const began = Date.now();
  fs.rmSync(options.out, { recursive: true, force: true });
  fs.mkdirSync(options.out, { recursive: true });
  const outcomes = [];
  let base = options.base;
  let server, browser;
  try {
    const list = chosen();
    base ??= (server = await serve()).base;
    const entities = await waitForCatalog(base);
    if (chosenWalk.official) await waitForPlugins(base);
    console.log(`${base}: ${entities} entities${server ? `, ready after ${server.readyAfter} ms` : ''}`);
    browser = await openBrowser({ base, executable: options.chromium });
    for (const step of list) outcomes.push(await run(step, browser, base));
    if (chosenWalk.clients && wanted(clientTests)) outcomes.push(...(await testClient(base, { group: clientTests, directory: chosenWalk.clients, app: options.app })).map(report));
  } catch (error) {
    outcomes.push(report({ name: 'set-up', problems: [{ kind: 'error', text: String(error.message ?? error) }] }));
  } finally {
    await browser?.close();
    if (server) outcomes.push(report(await stopped(server)));
  }
  fs.writeFileSync(path.join(options.out, 'report.json'), JSON.stringify({ base, seconds: (Date.now() - began) / 1000, outcomes }, null, 2));
  const failed = outcomes.filter(outcome => outcome.problems.length > 0).length;
  for (const line of repeated(outcomes)) console.log(line);
  console.log(`screenshots and report.json in ${path.relative(process.cwd(), options.out) || '.'}, ${Math.round((Date.now() - began) / 1000)} s`);
  console.log(`${outcomes.length - failed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

async function serve() {
  for (const [what, file, next] of [
    ['the program', options.bin, 'make build'],
    ['the example plugin', plugin, 'make plugins'],
    ...(chosenWalk.official ? official : []).map(file => ['an official plugin or what it talks to', file, 'make build']),
    ['the built frontend', path.join(options.dist, 'index.html'), chosenWalk.built ?? 'make backstage'],
    ['the browser', options.chromium, 'apt-get install chromium, or name another one with --chromium'],
  ]) {
    if (!fs.existsSync(file)) throw new Error(`${what} is missing: ${file}; next: ${next}`);
  }
  const port = await freePort();
  const { file, base } = writeConfig({ directory: path.join(options.out, 'config'), port, dist: options.dist, plugins: chosenWalk.official, remotes: chosenWalk.remotes });
  // The app's own configuration first, untouched, as in the life of a team that moves its frontend to Callboard.
  const configs = [path.resolve(options.dist, chosenWalk.config ?? '../../../app-config.yaml'), 'examples/catalog/app-config.yaml'];
  if (chosenWalk.official) configs.push('plugins/fakes/app-config.yaml');
  const server = await startCallboard({ binary: options.bin, configs: [...configs, file], base, log: path.join(options.out, 'callboard.log'), fakes: chosenWalk.official });
  return { base, ...server };
}

async function stopped(server) {
  const { ok, how } = await server.stop();
  return { name: 'shell/stops when asked', ms: 0, problems: ok ? [] : [{ kind: 'expected', text: 'exit 0 within 20 s' }, { kind: 'seen', text: how }] };
}

function wanted(name) {
  return !options.only || options.only.split(',').some(prefix => name.startsWith(prefix));
}

function chosen() {
  const { steps, clients } = chosenWalk;
  if (![...(clients ? [clientTests] : []), ...steps.map(step => step.name)].some(wanted)) throw new Error(`no step begins with ${options.only}; --list shows all`);
  return steps.filter(step => (step.always || wanted(step.name)) && !(step.own && options.stock));
}

async function run(step, { page, watch }, base) {
  const began = Date.now();
  const problems = [];
  const screen = new Screen(page, watch, base);
  try {
    await step.walk(screen);
  } catch (error) {
    if (error instanceof StepError) problems.push({ kind: 'expected', text: error.expected }, { kind: 'seen', text: error.seen });
    else problems.push({ kind: 'error', text: String(error.stack ?? error) });
  }
  await watch.settle();
  const screenshot = path.join(options.out, `${step.name.replace(/[^\w]+/g, '-')}.png`);
  await page.screenshot({ path: screenshot }).catch(() => {});
  if (options.readme && step.readme && problems.length === 0) await step.readme.of(screen).screenshot({ path: path.join(repository, step.readme.file) });
  problems.push(...watch.drain());
  const counted = unexpected(step.name, problems, { stock: options.stock });
  return report({ name: step.name, ms: Date.now() - began, problems: counted, screenshot, url: page.url() });
}

function report(outcome) {
  const { name, ms, problems, screenshot, url } = outcome;
  console.log(`${problems.length === 0 ? 'ok    ' : 'FAILED'} ${name}${ms ? ` (${ms} ms)` : ''}`);
  if (problems.length === 0) return outcome;
  const line = (label, text) => console.log(`       ${label.padEnd(10)} ${String(text).replace(/\n/g, `\n${' '.repeat(18)}`)}`);
  if (url) line('page', url);
  for (const problem of problems) {
    line(problem.kind, problem.url ? `${problem.text} (${problem.url})` : problem.text);
    if (problem.body) line('  sent', problem.body);
    if (problem.answer) line('  answer', problem.answer);
  }
  if (screenshot) line('screenshot', path.relative(process.cwd(), screenshot));
  return outcome;
}

// One broken thing often fails many steps: the list of what to look at first.
function repeated(outcomes) {
  const counts = new Map();
  for (const { problems } of outcomes) {
    for (const { kind, text } of problems) {
      if (kind === 'expected' || kind === 'seen') continue;
      const line = `${kind} ${text.split('\n')[0]}`;
      counts.set(line, (counts.get(line) ?? 0) + 1);
    }
  }
  const often = [...counts].filter(([, count]) => count > 1).sort((a, b) => b[1] - a[1]).slice(0, 10);
  return often.length > 0 ? ['most common:', ...often.map(([line, count]) => `  ${String(count).padStart(3)} × ${line}`)] : [];
}

function readOptions() {
  const text = { type: 'string' };
  let values;
  try {
    ({ values } = parseArgs({
      options: { bin: text, dist: text, base: text, prepare: text, port: text, only: text, out: text, chromium: text, stock: { type: 'boolean' }, plugins: { type: 'boolean' }, remote: { type: 'boolean' }, legacy: { type: 'boolean' }, readme: { type: 'boolean' }, list: { type: 'boolean' }, help: { type: 'boolean' } },
    }));
  } catch (error) {
    console.error(`${error.message}\n\n${usage}`);
    process.exit(2);
  }
  const cache = process.env.CALLBOARD_CACHE ?? path.join(repository, '.cache');
  const walk = walks[nameOf(values)];
  const app = path.join(cache, 'backstage/app');
  return {
    ...values,
    app,
    base: values.base?.replace(/\/$/, ''),
    bin: path.resolve(values.bin ?? path.join(repository, 'bin/callboard')),
    dist: path.resolve(values.dist ?? path.join(app, 'packages', walk.app, 'dist')),
    out: path.resolve(values.out ?? path.join(cache, walk.out)),
    chromium: values.chromium ?? process.env.CHROMIUM ?? '/usr/bin/chromium',
  };
}

function nameOf({ plugins, remote, legacy }) {
  return plugins ? 'plugins' : remote ? 'remote' : legacy ? 'legacy' : 'stock';
}

function print(text) {
  console.log(text);
  return 0;
}
