// The client of `@backstage-community/plugin-sonarqube`, as it comes from npm, against the plugin sonarqube and the sample data.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { base, component, discoveryApi, guest, published, refused } from './portal.mjs';

let token, sonar, ask;

before(async () => {
  token = await guest();
  const { SonarQubeClient } = await published('@backstage-community/plugin-sonarqube/dist/api/SonarQubeClient.esm.js');
  ask = identity => new SonarQubeClient({ discoveryApi, fetchApi: { fetch: (input, init) => fetch(input, { ...init, headers: { ...init?.headers, ...(identity && { authorization: `Bearer ${identity}` }) } }) } });
  sonar = ask(token);
});

test('fetchSummary has every metric that the card shows, as the texts that it knows', async () => {
  const summary = await sonar.fetchSummary(await component('booking-service', token));
  assert.deepEqual(summary.metrics, {
    alert_status: 'ERROR', bugs: '3', reliability_rating: '3.0', vulnerabilities: '0', security_rating: '1.0', security_hotspots_reviewed: '75.0',
    security_review_rating: '2.0', code_smells: '41', sqale_rating: '1.0', coverage: '82.4', duplicated_lines_density: '1.2',
  });
  assert.equal(summary.title, 'marram_booking-service');
  const age = Date.now() - Date.parse(summary.lastAnalysis);
  assert.ok(age > 0 && age < 24 * 3_600_000, summary.lastAnalysis);
});

test('links lead to the address for browsers', async () => {
  const summary = await sonar.fetchSummary(await component('payment-gateway', token));
  const at = 'https://sonarqube.marram.example/', id = 'id=example.marram%3Apayment-gateway';
  assert.equal(summary.projectUrl, `${at}dashboard?${id}`);
  assert.equal(summary.getIssuesUrl('BUG'), `${at}project/issues?${id}&types=BUG&resolved=false`);
  assert.equal(summary.getComponentMeasuresUrl('COVERAGE'), `${at}component_measures?${id}&metric=coverage&resolved=false&view=list`);
  assert.equal(summary.getSecurityHotspotsUrl(), `${at}security_hotspots?${id}`);
});

test('a gate that was passed is OK', async () => {
  const { metrics } = await sonar.fetchSummary(await component('booking-web', token));
  assert.equal(metrics.alert_status, 'OK');
  assert.equal(metrics.duplicated_lines_density, '0.0');
});

test('what was not measured is absent', async () => {
  const { metrics } = await sonar.fetchSummary(await component('payment-gateway', token));
  assert.equal(metrics.coverage, undefined);
  assert.equal(metrics.security_rating, '5.0');
});

test('a project that was never analysed has neither metrics nor a date', async () => {
  const summary = await sonar.fetchSummary(await component('timetable-service', token));
  assert.deepEqual(Object.values(summary.metrics).filter(value => value !== undefined), []);
  assert.equal(summary.lastAnalysis, undefined);
  assert.equal(summary.title, 'marram_timetable-service');
});

test('kinds and namespaces are found however they are written', async () => {
  for (const kind of ['Component', 'component', 'COMPONENT']) {
    const summary = await sonar.fetchSummary({ kind, metadata: { name: 'booking-service' } });
    assert.equal(summary.title, 'marram_booking-service');
  }
});

test('refusals keep the status for which the card has views of its own', async () => {
  const summary = async name => sonar.fetchSummary(await component(name, token));
  await assert.rejects(summary('lost-cargo'), refused(404, 'NotFoundError', /no-such-project/));
  await assert.rejects(summary('sealed-hold'), refused(403, 'NotAllowedError', /Insufficient privileges/));
  await assert.rejects(summary('seat-allocator'), refused(400, 'InputError', /sonarqube\.org\/project-key/));
  await assert.rejects(summary('stowaway'), refused(400, 'InputError', /elsewhere/));
  await assert.rejects(sonar.fetchSummary({ kind: 'Component', metadata: { name: 'ghost/../ship' } }), refused(404, 'NotFoundError', /./));
  const entity = await component('booking-service', token);
  await assert.rejects(ask(undefined).fetchSummary(entity), refused(401, 'AuthenticationError', /./));
});

test('getSummaries leaves a gap where there is nothing to show', async () => {
  const names = ['booking-service', 'lost-cargo', 'booking-web', 'sealed-hold', 'stowaway'];
  const summaries = await sonar.getSummaries(await Promise.all(names.map(name => component(name, token))));
  assert.deepEqual(summaries.map(summary => summary?.title), ['marram_booking-service', undefined, 'marram_booking-web', undefined, undefined]);
  assert.deepEqual(await sonar.getSummaries([]), []);
});

test('the calls of frontends before 1.0 are answered, and deprecated', async () => {
  const get = path => fetch(`${base}/api/sonarqube/${path}`, { headers: { authorization: `Bearer ${token}` } });
  const findings = await get('findings?componentKey=marram_booking-web&instanceKey=');
  assert.equal(findings.status, 200);
  assert.equal(findings.headers.get('deprecation'), 'true');
  const { analysisDate, measures } = await findings.json();
  assert.ok(Date.parse(analysisDate) < Date.now());
  assert.deepEqual(measures.find(({ metric }) => metric === 'alert_status'), { metric: 'alert_status', value: 'OK', bestValue: false });
  const address = await get('instanceUrl?instanceKey=');
  assert.deepEqual([address.headers.get('deprecation'), await address.json()], ['true', { instanceUrl: 'https://sonarqube.marram.example' }]);
  assert.equal((await get('findings?componentKey=marram_payroll')).status, 404, 'a project that no entity names');
});
