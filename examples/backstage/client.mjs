// Runs the tests of examples/clients/node, headless Node with the catalog client of npm, against the same backend.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { repository } from './callboard.mjs';

const directory = path.join(repository, 'examples/clients/node');

// One outcome per test, in the form of the walk's own steps.
export async function testClient(base, group) {
  if (!fs.existsSync(path.join(directory, 'node_modules'))) {
    return [{ name: group, problems: [{ kind: 'error', text: `its packages are missing; next: npm ci in ${path.relative(process.cwd(), directory)}` }] }];
  }
  const { output, code } = await runTests(base);
  const outcomes = output.split(/^(?=(?:not )?ok \d+ - )/m).slice(1).map(part => outcome(part, group));
  if (code !== 0 && outcomes.every(one => one.problems.length === 0)) {
    outcomes.push({ name: group, problems: [{ kind: 'error', text: `node --test ended with ${code}:\n${output.slice(-2_000)}` }] });
  }
  return outcomes;
}

function runTests(base) {
  const child = spawn(process.execPath, ['--test', '--test-reporter=tap'], { cwd: directory, env: { ...process.env, CALLBOARD_URL: base }, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', text => (output += text));
  return new Promise((resolve, reject) => child.once('error', reject).once('close', code => resolve({ output, code })));
}

function outcome(tap, group) {
  const [, failed, name] = /^(not )?ok \d+ - (.*)$/m.exec(tap);
  const ms = Math.round(Number(/duration_ms: ([\d.]+)/.exec(tap)?.[1] ?? 0));
  return { name: `${group}/${name}`, ms, problems: failed ? [{ kind: 'error', text: tap.split('\n').slice(1, 40).join('\n').trim() }] : [] };
}
