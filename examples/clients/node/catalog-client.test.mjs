// Backstage's own catalog client, as it comes from npm, against a backend with the sample catalog:
//
//   npm ci
//   CALLBOARD_URL=http://127.0.0.1:7007 npm test
//
// A script of yours looks the same: a discovery that knows the address, a token, and the client.
import assert from 'node:assert/strict';
import { before, test } from 'node:test';
import { CatalogClient } from '@backstage/catalog-client';
import { stringifyEntityRef } from '@backstage/catalog-model';

const base = (process.env.CALLBOARD_URL ?? 'http://127.0.0.1:7007').replace(/\/$/, '');
const catalog = new CatalogClient({ discoveryApi: { getBaseUrl: async plugin => `${base}/api/${plugin}` } });
const bookingService = 'component:default/booking-service';
let guest;

before(async () => {
  const response = await fetch(`${base}/api/auth/guest/refresh`, { headers: { 'x-requested-with': 'XMLHttpRequest' } });
  assert.equal(response.status, 200, `guest sign-in: ${await response.clone().text()}`);
  guest = { token: (await response.json()).backstageIdentity.token };
});

const refs = entities => entities.map(entity => stringifyEntityRef(entity));
const relation = (entity, type) => entity.relations.filter(r => r.type === type).map(r => r.targetRef);

test('getEntities filters, orders and projects', async () => {
  const { items } = await catalog.getEntities(
    {
      filter: { kind: 'API', 'spec.type': ['asyncapi', 'grpc'] },
      fields: ['kind', 'metadata.name', 'metadata.namespace', 'spec.type'],
      order: { field: 'metadata.name', order: 'desc' },
    },
    guest,
  );
  assert.deepEqual(refs(items), ['api:default/vessel-positions', 'api:default/telemetry-events', 'api:default/sailing-events', 'api:default/crew-roster']);
  assert.deepEqual(items[0], { kind: 'API', metadata: { name: 'vessel-positions', namespace: 'default' }, spec: { type: 'grpc' } });
});

test('getEntities joins conditions of one filter by and, several filters by or', async () => {
  const { items } = await catalog.getEntities({ filter: [{ kind: 'component', 'metadata.tags': ['go'], 'spec.lifecycle': 'production', 'spec.system': 'payments' }, { kind: 'domain', 'spec.subdomainOf': 'passengers' }] }, guest);
  assert.deepEqual(refs(items).sort(), ['component:default/payment-gateway', 'component:default/refund-worker', 'domain:default/ticketing']);
});

test('getEntities pages by offset and limit', async () => {
  const request = { filter: { kind: 'system' }, order: { field: 'metadata.name', order: 'asc' }, fields: ['kind', 'metadata.name', 'metadata.namespace'] };
  const all = refs((await catalog.getEntities(request, guest)).items);
  assert.ok(all.length >= 9);
  const part = refs((await catalog.getEntities({ ...request, offset: 2, limit: 3 }, guest)).items);
  assert.deepEqual(part, all.slice(2, 5));
});

test('getEntityByRef gives the whole entity with its relations', async () => {
  const entity = await catalog.getEntityByRef(bookingService, guest);
  assert.equal(entity.metadata.title, 'Booking Service');
  assert.match(entity.metadata.uid, /^[0-9a-f-]{36}$/);
  assert.match(entity.metadata.etag, /^[0-9a-f]{40}$/);
  assert.match(entity.metadata.annotations['backstage.io/managed-by-location'], /^file:.*\/passengers\/systems\/booking\.yaml$/);
  assert.deepEqual(relation(entity, 'ownedBy'), ['group:default/booking-crew']);
  assert.deepEqual(relation(entity, 'consumesApi'), ['api:default/payments', 'api:default/sailing-events', 'api:default/timetable']);
  assert.deepEqual(relation(entity, 'hasPart'), ['component:default/seat-allocator']);
});

test('getEntityByRef gives undefined for what is not there', async () => {
  assert.equal(await catalog.getEntityByRef('component:default/no-such-component', guest), undefined);
});

test('queryEntities walks to the last page and back', async () => {
  const request = { filter: { kind: 'component' }, limit: 7, fields: ['kind', 'metadata.name', 'metadata.namespace'], orderFields: { field: 'metadata.name', order: 'asc' } };
  const forward = [await catalog.queryEntities(request, guest)];
  while (forward.at(-1).pageInfo.nextCursor) {
    assert.ok(forward.length < 100, 'the cursors never end');
    forward.push(await catalog.queryEntities({ cursor: forward.at(-1).pageInfo.nextCursor, limit: 7, fields: request.fields }, guest));
  }
  const names = forward.flatMap(page => page.items.map(entity => entity.metadata.name));
  assert.equal(new Set(names).size, names.length, 'no component stands on two pages');
  assert.equal(names.length, forward[0].totalItems);
  assert.ok(names.length >= 38);
  assert.deepEqual(names, [...names].sort());

  const backward = [forward.at(-1)];
  while (backward.at(-1).pageInfo.prevCursor) {
    assert.ok(backward.length < 100, 'the cursors never end');
    backward.push(await catalog.queryEntities({ cursor: backward.at(-1).pageInfo.prevCursor, limit: 7, fields: request.fields }, guest));
  }
  assert.deepEqual(backward.reverse().map(page => refs(page.items)), forward.map(page => refs(page.items)));
});

test('queryEntities searches text in the given fields', async () => {
  const { items, totalItems } = await catalog.queryEntities({ filter: { kind: 'component' }, fullTextFilter: { term: 'COUNTER', fields: ['metadata.name', 'metadata.title'] } }, guest);
  assert.deepEqual(refs(items), ['component:default/ticket-counter-classic']);
  assert.equal(totalItems, 1);
});

test('queryEntities understands predicates, and its cursors do too', async () => {
  const query = { $all: [{ kind: 'Resource' }, { $any: [{ 'spec.type': 'database' }, { 'spec.type': 'bucket' }] }, { $not: { 'metadata.tags': { $contains: 'pii' } } }] };
  const first = await catalog.queryEntities({ query, limit: 2, orderFields: { field: 'metadata.name', order: 'asc' } }, guest);
  assert.deepEqual(refs(first.items), ['resource:default/manifest-archive', 'resource:default/manifests-db']);
  const second = await catalog.queryEntities({ cursor: first.pageInfo.nextCursor, limit: 2 }, guest);
  assert.deepEqual(refs(second.items), ['resource:default/payments-db', 'resource:default/positions-db']);
  assert.equal(first.totalItems, 6);
});

test('queryEntities can leave the items out and only count', async () => {
  const { items, totalItems } = await catalog.queryEntities({ filter: { kind: 'user' }, limit: 0 }, guest);
  assert.deepEqual(items, []);
  assert.equal(totalItems, 15);
});

test('getEntitiesByRefs keeps the order and leaves holes', async () => {
  const { items } = await catalog.getEntitiesByRefs({ entityRefs: ['api:default/bookings', 'api:default/no-such-api', 'user:default/guest', bookingService], fields: ['kind', 'metadata.name', 'metadata.namespace'] }, guest);
  assert.deepEqual(
    items.map(item => item && stringifyEntityRef(item)),
    ['api:default/bookings', undefined, 'user:default/guest', bookingService],
  );
});

test('getEntitiesByRefs takes more refs than fit into one request', async () => {
  const entityRefs = Array.from({ length: 1_200 }, (_, i) => (i === 1_100 ? bookingService : `component:default/nothing-${i}`));
  const { items } = await catalog.getEntitiesByRefs({ entityRefs, fields: ['metadata.name'] }, guest);
  assert.equal(items.length, 1_200);
  assert.deepEqual(
    items.flatMap((item, i) => (item ? [i] : [])),
    [1_100],
  );
});

test('getEntityFacets counts values', async () => {
  const { facets } = await catalog.getEntityFacets({ filter: { kind: 'api' }, facets: ['spec.type', 'spec.lifecycle', 'no.such.field'] }, guest);
  assert.deepEqual(
    Object.fromEntries(facets['spec.type'].map(({ value, count }) => [value, count])),
    { openapi: 5, asyncapi: 2, graphql: 2, grpc: 2 },
  );
  assert.equal(facets['spec.lifecycle'].find(({ value }) => value === 'experimental').count, 2);
  assert.deepEqual(facets['no.such.field'], []);
});

test('getEntityAncestors leads to the configured location', async () => {
  const { rootEntityRef, items } = await catalog.getEntityAncestors({ entityRef: bookingService }, guest);
  assert.equal(rootEntityRef, bookingService);
  const parents = new Map(items.map(item => [stringifyEntityRef(item.entity), item.parentEntityRefs]));
  const chain = [bookingService];
  while (parents.get(chain.at(-1))?.length) chain.push(parents.get(chain.at(-1))[0]);
  assert.deepEqual(chain.slice(0, 3), [bookingService, 'location:default/marram-passengers', 'location:default/marram-line']);
  assert.match(chain[3], /^location:default\/generated-[0-9a-f]{40}$/);
  assert.equal(chain.length, 4);
});

test('validateEntity accepts a good entity and explains a bad one', async () => {
  const entity = { apiVersion: 'backstage.io/v1alpha1', kind: 'Component', metadata: { name: 'lighthouse' }, spec: { type: 'service', lifecycle: 'production', owner: 'harbour-platform' } };
  assert.deepEqual(await catalog.validateEntity(entity, 'url:http://localhost/catalog-info.yaml', guest), { valid: true });
  const verdict = await catalog.validateEntity({ ...entity, spec: { type: 'service', lifecycle: 'production' } }, 'url:http://localhost/catalog-info.yaml', guest);
  assert.equal(verdict.valid, false);
  assert.match(verdict.errors.map(error => error.message).join('\n'), /owner/);
});

test('streamEntities brings everything once', async () => {
  const seen = [];
  for await (const page of catalog.streamEntities({ filter: { kind: ['component', 'api'] }, pageSize: 10, fields: ['kind', 'metadata.name', 'metadata.namespace'] }, guest)) {
    assert.ok(page.length <= 10);
    seen.push(...refs(page));
  }
  const { totalItems } = await catalog.queryEntities({ filter: { kind: ['component', 'api'] }, limit: 0 }, guest);
  assert.equal(seen.length, totalItems);
  assert.equal(new Set(seen).size, totalItems);
});

test('refreshEntity is accepted', async () => {
  await catalog.refreshEntity(bookingService, guest);
});

test('getLocations lists registered locations, getLocationByEntity tells when there is none', async () => {
  const { items } = await catalog.getLocations({}, guest);
  assert.ok(Array.isArray(items));
  assert.equal(await catalog.getLocationByEntity(bookingService, guest), undefined);
});

const failure = (name, statusCode, message) => error => {
  assert.equal(error.name, 'ResponseError');
  assert.equal(error.statusCode, statusCode);
  assert.equal(error.body.error.name, name);
  if (message) assert.match(error.body.error.message, message);
  return true;
};

test('no token is an authentication error', async () => {
  await assert.rejects(catalog.getEntities({}), failure('AuthenticationError', 401, /Missing credentials/));
});

test('a token that nobody issued is an authentication error', async () => {
  await assert.rejects(catalog.getEntities({}, { token: 'not-a-token' }), failure('AuthenticationError', 401, /Illegal token/));
});

test('a broken cursor is an input error', async () => {
  await assert.rejects(catalog.queryEntities({ cursor: 'bm90IGEgY3Vyc29y' }, guest), failure('InputError', 400));
});

test('ancestors of what is not there are not found', async () => {
  await assert.rejects(catalog.getEntityAncestors({ entityRef: 'component:default/no-such-component' }, guest), failure('NotFoundError', 404));
});

test('an operator that does not exist is an input error', async () => {
  await assert.rejects(catalog.queryEntities({ query: { kind: { $nearly: 'component' } } }, guest), failure('InputError', 400));
});
