// The client of `@backstage-community/plugin-sentry`, as it comes from npm, against the plugin sentry and the sample data.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { base, component, discoveryApi, guest, published, refused } from './portal.mjs';

let token, sentry, ask;

before(async () => {
  token = await guest();
  const { ProductionSentryApi } = await published('@backstage-community/plugin-sentry/dist/api/production-api.esm.js');
  ask = identity => new ProductionSentryApi(discoveryApi, 'marram-line', { getCredentials: async () => ({ token: identity }) });
  sentry = ask(token);
});

const day = { statsFor: '24h', query: '' };

test('fetchIssues gives the unresolved issues, the latest first', async () => {
  const issues = await sentry.fetchIssues(await component('booking-service', token), day);
  assert.deepEqual(issues.map(issue => [issue.metadata.type, issue.count, issue.userCount]), [
    ['TimeoutError', '184', 162],
    ['HoldExpired', '57', 49],
    ['panic', '6', 4],
    ['ConstraintError', '2', 2],
  ]);
});

test('an issue has every field that the table reads', async () => {
  const issues = await sentry.fetchIssues(await component('booking-web', token), day);
  assert.ok(issues.length > 0);
  for (const issue of issues) {
    for (const field of ['id', 'title', 'permalink', 'firstSeen', 'lastSeen', 'count']) assert.equal(typeof issue[field], 'string', field);
    assert.equal(typeof issue.userCount, 'number');
    assert.equal(issue.title, `${issue.metadata.type}: ${issue.metadata.value}`);
    assert.match(issue.permalink, /^https:\/\/sentry\.marram\.example\/organizations\/marram-line\/issues\/\d+\/$/);
    assert.ok(Date.parse(issue.firstSeen) < Date.parse(issue.lastSeen) && Date.parse(issue.lastSeen) < Date.now());
    const counts = issue.stats['24h'].map(([second, events]) => {
      assert.ok(Number.isInteger(second) && events >= 0);
      return events;
    });
    assert.equal(counts.length, 24);
    assert.equal(counts.reduce((sum, n) => sum + n, 0), Number(issue.count));
  }
  assert.equal(new Set(issues.map(issue => issue.id)).size, issues.length);
});

test('an issue has every field that its type promises', async () => {
  const [issue] = await sentry.fetchIssues(await component('booking-service', token), day);
  const promised = {
    platform: 'string', culprit: 'string', type: 'string', status: 'string', shortId: 'string', level: 'string', project: 'object', statusDetails: 'object', metadata: 'object', stats: 'object',
    numComments: 'number', userCount: 'number', isPublic: 'boolean', hasSeen: 'boolean', isSubscribed: 'boolean', isBookmarked: 'boolean',
  };
  for (const [field, type] of Object.entries(promised)) assert.equal(typeof issue[field], type, field);
  assert.ok(Array.isArray(issue.annotations));
  for (const field of ['assignedTo', 'logger', 'shareId', 'subscriptionDetails']) assert.ok(field in issue, field);
  for (const field of ['platform', 'slug', 'id', 'name']) assert.equal(typeof issue.project[field], 'string', field);
  for (const field of ['function', 'type', 'value', 'filename']) assert.equal(typeof issue.metadata[field], 'string', field);
});

test('an annotation may name the organization', async () => {
  const entity = await component('payment-gateway', token);
  assert.equal(entity.metadata.annotations['sentry.io/project-slug'], 'marram-line/payment-gateway');
  const issues = await sentry.fetchIssues(entity, day);
  assert.deepEqual(issues.map(issue => issue.metadata.type), ['SchemeUnavailable']);
});

test('statistics are of the period that is asked for, and never missing', async () => {
  const entity = await component('booking-service', token);
  const [fortnight] = await sentry.fetchIssues(entity, { statsFor: '14d', query: '' });
  assert.equal(fortnight.stats['14d'].length, 14);
  assert.ok(!('24h' in fortnight.stats));
  const [none] = await sentry.fetchIssues(entity, { statsFor: '', query: '' });
  assert.deepEqual(none.stats, {});
});

test('a query arrives, however badly it is encoded', async () => {
  const entity = await component('booking-service', token);
  const types = async query => (await sentry.fetchIssues(entity, { statsFor: '24h', query })).map(issue => issue.metadata.type);
  assert.deepEqual(await types('is:unresolved level:fatal'), ['panic']);
  assert.deepEqual(await types('is:resolved'), ['DeadlockError']);
  assert.deepEqual(await types('is:unresolved+seat'), ['HoldExpired'], 'a plus is a blank');
  assert.deepEqual(await types('level:fatal&query=is:resolved'), ['panic'], 'an ampersand ends the query');
});

test('an entity without the annotation has no issues, and nobody is asked', async () => {
  assert.deepEqual(await sentry.fetchIssues(await component('seat-allocator', token), day), []);
});

test('what goes wrong is told in words', async () => {
  const lost = await component('lost-cargo', token);
  await assert.rejects(sentry.fetchIssues(lost, day), refused(404, 'NotFoundError', /no-such-project/));
  await assert.rejects(sentry.fetchIssues(await component('sealed-hold', token), day), refused(404, 'NotFoundError', /other-line/));
  await assert.rejects(sentry.fetchIssues(await component('booking-service', token), { statsFor: '7d', query: '' }), refused(400, 'InputError', /statsPeriod: "7d" is none of 24h, 14d/));
  await assert.rejects(sentry.fetchIssues(await component('booking-service', token), { statsFor: '24h', query: '"' }), refused(400, 'InputError', /unbalanced quote/));
});

test('a project that no entity names is nobody\'s, though Sentry has it', async () => {
  const browsing = { metadata: { annotations: { 'sentry.io/project-slug': 'payroll' } } };
  await assert.rejects(sentry.fetchIssues(browsing, day), refused(403, 'NotAllowedError', /payroll/));
});

test('strangers are asked to sign in', async () => {
  const entity = await component('booking-service', token);
  await assert.rejects(ask(undefined).fetchIssues(entity, day), refused(401, 'AuthenticationError', /./));
  await assert.rejects(ask('eyJhbGciOiJub25lIn0.e30.').fetchIssues(entity, day), refused(401, 'AuthenticationError', /./));
});

test('nothing but issues can be asked through the proxy', async () => {
  for (const [method, path, status] of [['POST', 'projects/marram-line/booking-service/issues/', 405], ['GET', 'organizations/marram-line/', 404], ['DELETE', 'projects/marram-line/booking-service/', 404]]) {
    const response = await fetch(`${base}/api/proxy/sentry/api/0/${path}`, { method, headers: { authorization: `Bearer ${token}` } });
    assert.equal(response.status, status, `${method} ${path}: ${await response.text()}`);
  }
});
