// Backstage's own scaffolder client, as it comes from npm, against a backend with the sample templates:
//
//   npm ci
//   CALLBOARD_URL=http://127.0.0.1:7007 npm test
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { ScaffolderClient } from '@backstage/plugin-scaffolder-common';

// The client is made for pages: when it closes a stream, it takes two things of a browser for granted.
globalThis.window ??= { setTimeout, clearTimeout };
globalThis.document ??= { addEventListener() {}, removeEventListener() {}, hidden: false };

const base = (process.env.CALLBOARD_URL ?? 'http://127.0.0.1:7007').replace(/\/$/, '');
const staticSite = 'template:default/static-site';
const maintenance = 'template:default/maintenance-window';
let token, user, scaffolder, polling;

before(async () => {
  const response = await fetch(`${base}/api/auth/guest/refresh`, { headers: { 'x-requested-with': 'XMLHttpRequest' } });
  assert.equal(response.status, 200, `guest sign-in: ${await response.clone().text()}`);
  const { backstageIdentity } = await response.json();
  ({ token } = backstageIdentity);
  user = backstageIdentity.identity;
  const options = {
    discoveryApi: { getBaseUrl: async plugin => `${base}/api/${plugin}` },
    fetchApi: { fetch: (input, init) => fetch(input, { ...init, headers: { ...init?.headers, authorization: `Bearer ${token}` } }) },
    identityApi: { getBackstageIdentity: async () => user },
    scmIntegrationsApi: { azure: none, bitbucketCloud: none, bitbucketServer: none, gerrit: none, gitea: none, gitlab: none, github: { list: () => [{ type: 'github', title: 'github.com', config: { host: 'github.com' } }] } },
  };
  scaffolder = new ScaffolderClient(options);
  polling = new ScaffolderClient({ ...options, useLongPollingLogs: true });
});

const none = { list: () => [] };
const site = (languages = ['en']) => ({ templateRef: staticSite, values: { name: 'harbour-news', languages } });
const maintained = seconds => ({ templateRef: maintenance, values: { database: 'manifests-db', seconds } });
const messages = events => events.map(event => event.body.message);

// All events of a task until its end. `seen` is told of each.
function follow(client, taskId, { after, seen } = {}) {
  return new Promise((resolve, reject) => {
    const events = [];
    client.streamLogs({ taskId, after }).subscribe({
      next(event) {
        events.push(event);
        seen?.(event);
      },
      error: reject,
      complete: () => resolve(events),
    });
  });
}

// The state of a task once it is no longer running: the last event may come a moment earlier.
async function ended(taskId) {
  for (let i = 0; i < 100; i++) {
    const task = await scaffolder.getTask(taskId);
    if (!['open', 'processing'].includes(task.status)) return task;
    await new Promise(resolve => setTimeout(resolve, 100));
  }
  assert.fail(`task ${taskId} does not end`);
}

const refused = (statusCode, name, message) => error => {
  assert.equal(error.name, 'ResponseError');
  assert.equal(error.statusCode, statusCode);
  assert.equal(error.body.error.name, name);
  assert.match(error.body.error.message, message);
  return true;
};

test('getTemplateParameterSchema gives the pages of the form', async () => {
  const form = await scaffolder.getTemplateParameterSchema('template:default/go-service');
  assert.equal(form.title, 'Go Service');
  assert.deepEqual(form.steps.map(step => step.title), ['The service', 'How it is built', 'Where it goes']);
  assert.deepEqual(form.steps[0].schema.required, ['name', 'owner']);
  assert.equal(form.steps[0].schema.properties.owner['ui:field'], 'OwnerPicker');
  assert.deepEqual(Object.keys(form.steps[1].schema.properties), ['module', 'goVersion', 'port', 'shutdownSeconds', 'features', 'production'], 'in the order of the template');
});

test('getTemplateParameterSchema fills in choices from elsewhere', async () => {
  const { steps } = await scaffolder.getTemplateParameterSchema(maintenance);
  const { database } = steps[0].schema.properties;
  assert.deepEqual(database.enum, ['bookings-db', 'loyalty-db', 'manifests-db', 'payments-db', 'positions-db', 'roster-db', 'timetable-db']);
  assert.equal(database.enumNames[2], 'Manifests of the sailings to come and of the last year');
});

test('getTemplateParameterSchema tells that a template is not there', async () => {
  await assert.rejects(scaffolder.getTemplateParameterSchema('template:default/no-such-template'), refused(404, 'NotFoundError', /template:default\/no-such-template not found/));
});

test('scaffold runs a template, streamLogs follows it to the end', async () => {
  const { taskId } = await scaffolder.scaffold(site(['de', 'nl']));
  const events = await follow(scaffolder, taskId);
  assert.deepEqual(events.map(event => event.id), events.map((_, i) => events[0].id + i), 'no event is missing');
  assert.equal(messages(events)[0], 'Starting up task with 3 steps');
  const states = events.filter(event => event.body.status).map(event => `${event.body.stepId} ${event.body.status}`);
  assert.deepEqual(states, ['pages processing', 'pages completed', 'describe processing', 'describe completed', 'show processing', 'show completed']);
  const last = events.at(-1);
  assert.equal(last.type, 'completion');
  assert.deepEqual(last.body.output, { text: [{ title: 'Next', content: '**harbour-news** has pages in de, nl.' }] });

  const task = await ended(taskId);
  assert.equal(task.status, 'completed');
  assert.equal(task.createdBy, user.userEntityRef);
  assert.deepEqual(task.spec.parameters, site(['de', 'nl']).values);
  assert.equal(task.spec.templateInfo.entityRef, staticSite);
});

test('streamLogs with long polls brings the same events', async () => {
  const { taskId } = await scaffolder.scaffold(site());
  const streamed = await follow(scaffolder, taskId);
  assert.deepEqual(await follow(polling, taskId), streamed);
});

test('streamLogs with long polls follows a task while it runs', async () => {
  const { taskId } = await scaffolder.scaffold(maintained(2));
  let meanwhile;
  const events = await follow(polling, taskId, { seen: event => (meanwhile ??= event.body.stepId === 'open' ? scaffolder.getTask(taskId) : undefined) });
  assert.equal((await meanwhile).status, 'processing');
  assert.equal(events.at(-1).body.message, 'Run completed with status: completed');
  assert.deepEqual(events.map(event => event.id), events.map((_, i) => events[0].id + i));
});

test('streamLogs goes on after an event that is known', async () => {
  const { taskId } = await scaffolder.scaffold(site());
  const all = await follow(scaffolder, taskId);
  for (const client of [scaffolder, polling]) {
    assert.deepEqual(await follow(client, taskId, { after: all[4].id }), all.slice(5));
  }
});

test('scaffold names every mistake in the values', async () => {
  await assert.rejects(scaffolder.scaffold({ templateRef: staticSite, values: { languages: ['en', 'xx'] } }), error => {
    assert.match(error.message, /^Backend request failed, 400 /);
    const { errors } = JSON.parse(error.message.slice(error.message.indexOf('{')));
    assert.deepEqual(errors.map(one => one.message).sort(), ['is not one of enum values: de,en,fr,nl,no,pl', 'requires property "name"']);
    return true;
  });
});

test('scaffold holds choices from elsewhere against what there is now', async () => {
  await assert.rejects(scaffolder.scaffold({ templateRef: maintenance, values: { database: 'no-such-db', seconds: 1 } }), /400 .*is not one of enum values: bookings-db,/);
});

test('cancelTask stops a run, retry runs it again', async () => {
  const { taskId } = await scaffolder.scaffold(maintained(4));
  let cancelled;
  const events = await follow(scaffolder, taskId, { seen: event => (cancelled ??= event.body.stepId === 'open' ? scaffolder.cancelTask(taskId) : undefined) });
  assert.deepEqual(await cancelled, { status: 'cancelled' });
  assert.ok(events.some(event => event.type === 'cancelled'));
  assert.equal(events.at(-1).body.message, 'Run completed with status: failed');
  assert.ok(!messages(events).includes('Finished step Keep the window open'));
  assert.equal((await ended(taskId)).status, 'failed');

  assert.deepEqual(await scaffolder.retry(taskId), { id: taskId });
  const again = await follow(scaffolder, taskId, { after: events.at(-1).id });
  assert.ok(messages(again).includes('Finished step Keep the window open'));
  assert.equal(again.at(-1).body.message, 'Run completed with status: completed');
  assert.equal((await ended(taskId)).status, 'completed');
});

test('a step that fails is told by name, and retry is for ended tasks alone', async () => {
  const { taskId } = await scaffolder.scaffold({ templateRef: 'template:default/terraform-module', values: { name: 'buoys', owner: 'group:default/harbour-platform', plan: true } });
  const events = await follow(scaffolder, taskId);
  const { error } = events.at(-1).body;
  assert.equal(error.name, 'NotFoundError');
  assert.match(error.message, /^Template action with ID 'terraform:plan' is not registered/);
  assert.equal((await ended(taskId)).status, 'failed');

  const running = await scaffolder.scaffold(maintained(300));
  await assert.rejects(scaffolder.retry(running.taskId), refused(409, 'ConflictError', /cannot be retried/));
  await scaffolder.cancelTask(running.taskId);
  await ended(running.taskId);
});

test('tasks that are not there are not found', async () => {
  await assert.rejects(scaffolder.getTask('no-such-task'), refused(404, 'NotFoundError', /No task with id 'no-such-task' found/));
  await assert.rejects(scaffolder.retry('no-such-task'), refused(404, 'NotFoundError', /no-such-task/));
});

test('listTasks lists newest first, by pages, own and all', async () => {
  const made = [];
  for (let i = 0; i < 3; i++) {
    made.unshift((await scaffolder.scaffold(site())).taskId);
    await ended(made[0]);
  }
  const own = await scaffolder.listTasks({ filterByOwnership: 'owned', limit: 3 });
  assert.deepEqual(own.tasks.map(task => task.id), made);
  assert.ok(own.tasks.every(task => task.createdBy === user.userEntityRef));
  assert.ok(own.totalTasks >= 3);
  const second = await scaffolder.listTasks({ filterByOwnership: 'owned', limit: 1, offset: 1 });
  assert.deepEqual(second.tasks.map(task => task.id), [made[1]]);
  const all = await scaffolder.listTasks({ filterByOwnership: 'all' });
  assert.equal(all.tasks.length, all.totalTasks, 'no page size unless one is asked for');
  assert.ok(made.every(id => all.tasks.some(task => task.id === id)));
});

// The client has no parameters for these; its generated half does.
test('listTasks filters by state and sorts', async () => {
  const list = async query => (await (await scaffolder.apiClient.listTasks({ query })).json()).tasks;
  const { taskId } = await scaffolder.scaffold(site());
  await ended(taskId);
  assert.ok((await list({ status: ['completed'] })).some(task => task.id === taskId));
  assert.ok(!(await list({ status: ['failed'] })).some(task => task.id === taskId));
  const times = (await list({ order: ['asc:created_at'] })).map(task => task.createdAt);
  assert.deepEqual(times, [...times].sort());
  assert.equal((await scaffolder.apiClient.listTasks({ query: { order: ['asc:shoe_size'] } })).status, 400);
});

test('listActions describes every action with its schemas', async () => {
  const actions = await scaffolder.listActions();
  const ids = actions.map(action => action.id);
  assert.deepEqual(ids, [...ids].sort());
  for (const id of ['catalog:fetch', 'catalog:register', 'catalog:write', 'debug:log', 'fetch:plain', 'fetch:template', 'fs:rename', 'notification:send', 'publish:github']) assert.ok(ids.includes(id), id);
  const log = actions.find(action => action.id === 'debug:log');
  assert.deepEqual(Object.keys(log.schema.input.properties), ['message', 'listWorkspace']);
  assert.ok(log.examples.length > 0);
});

test('listTemplatingExtensions describes filters and globals', async () => {
  const { filters, globals } = await scaffolder.listTemplatingExtensions();
  for (const filter of ['parseEntityRef', 'parseRepoUrl', 'pick', 'projectSlug']) assert.ok(filters[filter].description, filter);
  assert.deepEqual(Object.keys(globals), ['functions', 'values']);
});

const draft = steps => ({
  apiVersion: 'scaffolder.backstage.io/v1beta3',
  kind: 'Template',
  metadata: { name: 'draft', namespace: 'default' },
  spec: { type: 'service', parameters: { required: ['name'], properties: { name: { type: 'string' } } }, steps, output: { text: [{ title: 'Done', content: '${{ parameters.name }} is ready' }] } },
});
const file = (path, text) => ({ path, base64Content: Buffer.from(text).toString('base64') });

test('dryRun fills in files that came with the request, and shows no secret', async () => {
  const steps = [
    { id: 'fetch', name: 'Fetch', action: 'fetch:template', input: { url: './skeleton', values: { name: '${{ parameters.name }}' } } },
    { id: 'log', name: 'Log', action: 'debug:log', input: { message: 'with ${{ secrets.key }}' } },
  ];
  const result = await scaffolder.dryRun({ template: draft(steps), values: { name: 'buoy' }, secrets: { key: 'not-to-be-seen' }, directoryContents: [file('skeleton/${{ values.name }}.txt', 'I am ${{ values.name }}')] });
  assert.deepEqual(result.directoryContents.map(({ path, base64Content }) => [path, Buffer.from(base64Content, 'base64').toString()]), [['buoy.txt', 'I am buoy']]);
  assert.deepEqual(result.output, { text: [{ title: 'Done', content: 'buoy is ready' }] });
  assert.deepEqual(result.steps.map(step => step.id), ['fetch', 'log']);
  assert.ok(result.log.some(({ body }) => body.stepId === 'log' && body.status === 'completed'));
  assert.doesNotMatch(JSON.stringify(result), /not-to-be-seen/);
});

test('dryRun refuses values that do not fit, and actions that do not exist', async () => {
  const request = { template: draft([{ id: 'log', action: 'debug:log', input: {} }]), values: {}, directoryContents: [] };
  await assert.rejects(scaffolder.dryRun(request), error => error.name === 'ResponseError' && error.statusCode === 400);
  await assert.rejects(scaffolder.dryRun({ ...request, template: draft([{ id: 'x', action: 'no:such', input: {} }]), values: { name: 'buoy' } }), refused(404, 'NotFoundError', /'no:such' is not registered/));
});

test('autocomplete knows its providers', async () => {
  await assert.rejects(scaffolder.autocomplete({ token: 'x', provider: 'no-such-provider', resource: 'repositories', context: {} }), refused(400, 'InputError', /Unsupported provider: no-such-provider/));
});

test('getIntegrationsList needs no backend', async () => {
  assert.deepEqual(await scaffolder.getIntegrationsList({ allowedHosts: ['github.com'] }), { integrations: [{ type: 'github', title: 'github.com', host: 'github.com' }] });
});

test('no token is an authentication error', async () => {
  const stranger = new ScaffolderClient({ discoveryApi: { getBaseUrl: async plugin => `${base}/api/${plugin}` } });
  await assert.rejects(stranger.listActions(), refused(401, 'AuthenticationError', /Missing credentials/));
  await assert.rejects(stranger.scaffold(site()), /401/);
});
