// Runs the tests of clients in examples/clients, headless Node with packages of npm, against the same backend.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { repository } from './callboard.mjs';

// One outcome per test, in the form of the walk's own steps. `app` is the Backstage app, whose packages some of them use.
export async function testClient(base, { group, directory, app }) {
  const cwd = path.join(repository, directory);
  if (fs.existsSync(path.join(cwd, 'package-lock.json')) && !fs.existsSync(path.join(cwd, 'node_modules'))) {
    return [{ name: group, problems: [{ kind: 'error', text: `its packages are missing; next: npm ci in ${directory}` }] }];
  }
  const { output, code } = await runTests(cwd, { CALLBOARD_URL: base, BACKSTAGE_APP: app });
  const outcomes = output.split(/^(?=(?:not )?ok \d+ - )/m).slice(1).map(part => outcome(part, group));
  if (code !== 0 && outcomes.every(one => one.problems.length === 0)) {
    outcomes.push({ name: group, problems: [{ kind: 'error', text: `node --test ended with ${code}:\n${output.slice(-2_000)}` }] });
  }
  return outcomes;
}

function runTests(cwd, env) {
  const child = spawn(process.execPath, ['--test', '--test-reporter=tap'], { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', text => (output += text));
  return new Promise((resolve, reject) => child.once('error', reject).once('close', code => resolve({ output, code })));
}

function outcome(tap, group) {
  const [, failed, name] = /^(not )?ok \d+ - (.*)$/m.exec(tap);
  const ms = Math.round(Number(/duration_ms: ([\d.]+)/.exec(tap)?.[1] ?? 0));
  return { name: `${group}/${name}`, ms, problems: failed ? [{ kind: 'error', text: tap.split('\n').slice(1, 40).join('\n').trim() }] : [] };
}
