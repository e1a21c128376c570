// What the tests of clients share: where the portal is, who they are, and the packages as the app has them installed.
import assert from 'node:assert/strict';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

export const base = (process.env.CALLBOARD_URL ?? 'http://127.0.0.1:7007').replace(/\/$/, '');
const app = process.env.BACKSTAGE_APP ?? path.resolve(import.meta.dirname, '../../../.cache/backstage/app');

// A file of a package as it was published.
export const published = file => import(pathToFileURL(path.join(app, 'node_modules', file)));

// Where a frontend finds the plugins.
export const discoveryApi = { getBaseUrl: async plugin => `${base}/api/${plugin}` };

export async function guest() {
  const response = await fetch(`${base}/api/auth/guest/refresh`, { headers: { 'x-requested-with': 'XMLHttpRequest' } });
  assert.equal(response.status, 200, `guest sign-in: ${await response.clone().text()}`);
  return (await response.json()).backstageIdentity.token;
}

export async function component(name, token) {
  const response = await fetch(`${base}/api/catalog/entities/by-name/component/default/${name}`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(response.status, 200, `component ${name}: ${await response.clone().text()}`);
  return response.json();
}

// Asks a plugin's API, and gives status and body.
export async function ask(method, path, token, body) {
  const response = await fetch(`${base}/api/${path}`, { method, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: body && JSON.stringify(body) });
  const text = await response.text();
  return { status: response.status, body: text ? JSON.parse(text) : undefined };
}

// The same where nothing else but success is expected.
export async function get(path, token) {
  const { status, body } = await ask('GET', path, token);
  assert.equal(status, 200, `GET ${path}: ${JSON.stringify(body)}`);
  return body;
}

// Runs a template to its end.
export async function run(template, values, token) {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const tasks = `${base}/api/scaffolder/v2/tasks`;
  const made = await fetch(tasks, { method: 'POST', headers, body: JSON.stringify({ templateRef: `template:default/${template}`, values }) });
  assert.equal(made.status, 201, await made.clone().text());
  const { id } = await made.json();
  for (let i = 0; i < 100; i++) {
    const task = await (await fetch(`${tasks}/${id}`, { headers })).json();
    if (!['open', 'processing'].includes(task.status)) {
      const events = await (await fetch(`${tasks}/${id}/events`, { headers })).json();
      return { status: task.status, ...events.findLast(event => event.type === 'completion').body };
    }
    await new Promise(resolve => setTimeout(resolve, 100));
  }
  assert.fail(`task ${id} does not end`);
}

// Holds an error of a client against what its page shows of it: the status, and the message in the cause.
export const refused = (statusCode, name, message) => error => {
  assert.equal(error.name, 'ResponseError', error.stack);
  assert.equal(error.statusCode, statusCode, error.stack);
  assert.equal(error.body.error.name, name);
  assert.equal(error.body.response.statusCode, statusCode);
  assert.match(error.cause.message, message);
  return true;
};
