// The life of keys by the API of the plugin gateway: with a Kong, whose data plane is called, and with a gateway that asks the
// portal before it lets a request in.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { ask, base, get, guest } from './portal.mjs';

let token, app;

const call = (method, path, body) => ask(method, `gateway/v1/${path}`, token, body);

async function done(method, path, body, status = [200, 201, 202]) {
  const answer = await call(method, path, body);
  assert.ok(status.includes(answer.status), `${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

before(async () => {
  token = await guest();
  app = (await done('POST', 'apps', { name: 'Tide Clock', owner: 'group:default/quayside-web' })).id;
});

// Asks until a status comes: gateways may take a moment to learn of a key.
async function eventually(status, request, patience = 5_000) {
  const until = Date.now() + patience;
  for (;;) {
    const response = await request();
    await response.text();
    if (response.status === status) return response;
    assert.ok(Date.now() < until, `${response.status} instead of ${status} after ${patience} ms`);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
}

async function access(api, plan) {
  const request = await done('POST', 'requests', { app, api, plan, ttlDays: 30, reason: 'a clock in the harbour office' });
  if (request.status === 'pending') {
    const decided = await done('POST', `requests/${request.id}/approve`, { comment: 'welcome' });
    assert.equal(decided.status, 'granted');
  }
  return request;
}

const issue = api => done('POST', `apps/${app}/credentials`, { api, label: 'office' });

test('both gateways are well, and say what they can do', async () => {
  const { items } = await get('gateway/v1/gateways', token);
  assert.deepEqual(items.map(({ name, type, status }) => [name, type, status]), [['harbour', 'kong', 'ok'], ['pier', 'forward-auth', 'ok']]);
  for (const { capabilities } of items) for (const can of ['keys', 'keyTTL', 'ownSecret', 'rotateDual', 'suspend']) assert.equal(capabilities[can], true, can);
});

test('an API of the catalog is found at its gateway, with its plans', async () => {
  const { items } = await get('gateway/v1/entities/api/default/bookings/apis', token);
  assert.equal(items.length, 1);
  assert.equal(items[0].id, 'harbour/bookings');
  assert.deepEqual(items[0].owners, ['group:default/booking-crew']);
  assert.deepEqual(items[0].plans.map(plan => plan.id), ['trial', 'crew', 'partner']);
});

test('a key of Kong is asked for, approved, issued once, used, counted, rotated and revoked', async () => {
  const request = await access('harbour/bookings', 'trial');
  assert.equal(request.status, 'pending', 'whoever runs an API in production decides');
  const { secret, credential, present } = await issue('harbour/bookings');
  assert.ok(secret.startsWith(credential.prefix));
  assert.ok(!JSON.stringify(await get(`gateway/v1/credentials/${credential.id}`, token)).includes(secret), 'a secret is shown once');
  const use = key => fetch(present.url, { headers: key ? { [present.header]: key } : {} });
  await eventually(401, () => use());
  const answer = await eventually(200, () => use(secret));
  assert.equal(answer.headers.get('x-ratelimit-limit-minute'), '60');

  const rotated = await done('POST', `credentials/${credential.id}/rotate`, { grace: '1h' });
  assert.notEqual(rotated.secret, secret);
  await eventually(200, () => use(rotated.secret));
  await eventually(200, () => use(secret)); // both work for an hour
  const revoked = await done('POST', `credentials/${credential.id}/revoke`, { reason: 'enough', secret });
  assert.deepEqual(revoked.proofs.map(({ of, by, result }) => ({ of, by, result })), [{ of: 'revoked', by: 'request', result: 'refused' }]);
  await eventually(401, () => use(secret));
  await eventually(200, () => use(rotated.secret));
});

test('a gateway without management asks the portal', async () => {
  const request = await access('api:default/loyalty', 'trial');
  assert.equal(request.status, 'granted');
  const { secret, credential } = await issue('pier/loyalty');
  const authz = key => fetch(`${base}/api/gateway/authz/pier/loyalty`, { headers: key ? { 'x-api-key': key } : {} });
  await eventually(401, () => authz());
  await eventually(200, () => authz(secret));
  const quota = await get(`gateway/v1/apps/${app}/quota?api=pier/loyalty`, token);
  assert.match(JSON.stringify(quota), /"requests":100/);
  await done('POST', `credentials/${credential.id}/suspend`);
  await eventually(403, () => authz(secret));
  await done('POST', `credentials/${credential.id}/resume`);
  await eventually(200, () => authz(secret));
  await done('POST', `credentials/${credential.id}/revoke`, { reason: 'enough' });
  await eventually(401, () => authz(secret));
});

test('one trail tells it all, and no secret', async () => {
  const { items } = await get(`gateway/v1/apps/${app}/trail`, token);
  const did = items.map(entry => entry.what);
  for (const what of ['key.issue', 'access.grant', 'key.rotate', 'key.suspend', 'key.revoke']) assert.ok(did.includes(what), `${what} in ${did}`);
});

test('usage comes from Prometheus', async () => {
  const { items } = await get('gateway/v1/entities/api/default/timetable/usage?by=app', token);
  const [{ requests, errors, latency, problem }] = items;
  assert.equal(problem, undefined);
  assert.deepEqual(requests.map(series => series.key).slice(0, 3), ['storefront-gateway', 'departure-boards', 'island-buses']);
  assert.ok(errors.length > 0);
  assert.deepEqual(latency.map(series => series.quantile), [0.5, 0.95, 0.99]);
  assert.ok(latency.every(({ values }) => values.every(seconds => seconds > 0.005 && seconds < 1)));
});

test('others decide about what is theirs', async () => {
  const { status, body } = await ask('POST', 'gateway/v1/requests', token, { app, api: 'harbour/no-such-api', plan: 'trial' });
  assert.equal(status, 404, JSON.stringify(body));
  assert.equal((await fetch(`${base}/api/gateway/v1/apps`)).status, 401);
});

test('the frontend for Kong is answered', async () => {
  const { service } = await get('kong/harbour/services/bookings', token);
  assert.equal(service.host, 'booking-service.internal');
  const { plugins } = await get('kong/harbour/services/bookings/plugins/associated', token);
  assert.ok(plugins.some(plugin => plugin.name === 'key-auth'));
  assert.equal((await fetch(`${base}/api/kong/health`)).status, 200);
});
