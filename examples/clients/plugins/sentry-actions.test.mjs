// Actions of the plugin sentry in a template, and what its API knows of them afterwards.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { get as read, guest, run } from './portal.mjs';

let token;

before(async () => {
  token = await guest();
});

const get = path => read(`sentry/v1/entities/component/default/booking-web/${path}`, token);

test('a template creates a project and announces a release of it', async () => {
  const { status, output, message } = await run('watched-service', { name: 'ticket-kiosk' }, token);
  assert.equal(status, 'completed', message);
  assert.equal(output.annotation, 'marram-line/ticket-kiosk');
  assert.match(output.dsn, /^https:\/\/[0-9a-f]{32}@/);
  assert.equal(output.version, 'ticket-kiosk@1.0.0');
  const { items, meta } = await get('releases');
  assert.ok(items.some(release => release.version === 'ticket-kiosk@1.0.0'), JSON.stringify(items));
  assert.ok(Date.parse(meta.asOf) <= Date.now());
});

test('a project that is there already is a conflict, which the task tells', async () => {
  const { status, error } = await run('watched-service', { name: 'mobile-app' }, token);
  assert.equal(status, 'failed');
  assert.match(error.message, /ConflictError: .*already exists/);
});

test('statistics are events by time, and sessions without a crash', async () => {
  const { items, crashFreeRate, previousCrashFreeRate } = await get('stats?period=24h');
  assert.ok(items.length >= 24);
  assert.equal(items.every(({ events }) => events > 0), true);
  assert.equal(crashFreeRate, 0.9871);
  assert.ok(previousCrashFreeRate < crashFreeRate);
});
