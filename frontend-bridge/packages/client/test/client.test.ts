import { expect, expectTypeOf, test, vi } from 'vitest';
import { CallboardError, createCallboardClient } from '../src/index.js';
import { TokenSource } from '../src/token.js';

interface Asked {
  method: string;
  url: string;
  token: string | null;
  body: string;
}

/** A host that answers what it is told to, in order; the last answer again and again. */
function host(...answers: (() => Response)[]) {
  const asked: Asked[] = [];
  const fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, init);
    asked.push({ method: request.method, url: request.url, token: request.headers.get('authorization'), body: await request.text() });
    return (answers.length > 1 ? answers.shift()! : answers[0]!)();
  };
  vi.stubGlobal('fetch', fetch);
  return { asked, fetch };
}

const json = (value: unknown, init?: ResponseInit) => () => Response.json(value, init);
const base = 'https://portal.example/callboard/';

test('paths, parameters and bodies are those of the descriptions', async () => {
  const { asked } = host(json({ widgets: [] }));
  const client = createCallboardClient({ base });
  await client.widgets.get('/v1/catalog');
  await client.catalog.get('/entities/by-name/{kind}/{namespace}/{name}', { params: { path: { kind: 'component', namespace: 'default', name: 'a b/c' } } });
  await client.search.get('/query', { params: { query: { term: 'gauge' } } });
  expect(asked.map(({ method, url, token }) => `${method} ${url} ${token}`)).toEqual([
    'GET https://portal.example/callboard/api/widgets/v1/catalog null',
    'GET https://portal.example/callboard/api/catalog/entities/by-name/component/default/a%20b%2Fc null',
    'GET https://portal.example/callboard/api/search/query?term=gauge null',
  ]);
});

test('answers have the types of the descriptions, and a path that is in none is an error of the compiler', async () => {
  host(json({ metadata: { name: 'pay' }, kind: 'Component' }));
  const client = createCallboardClient({ base });
  const entity = await client.catalog.get('/entities/by-name/{kind}/{namespace}/{name}', { params: { path: { kind: 'component', namespace: 'default', name: 'pay' } } });
  expectTypeOf(entity.kind).toEqualTypeOf<string>();
  expect(entity.kind).toBe('Component');
  // @ts-expect-error: there is no such path
  await client.catalog.get('/entitys');
  // @ts-expect-error: the parameters are missing
  await client.catalog.get('/entities/by-name/{kind}/{namespace}/{name}').catch(() => {});
});

test('an error of the host is thrown, with its name, its words and its status', async () => {
  host(json({ error: { name: 'NotFoundError', message: 'There is no entity' }, response: { statusCode: 404 } }, { status: 404 }));
  const problem = await createCallboardClient({ base }).widgets.get('/v1/catalog').catch((error: unknown) => error);
  expect(problem).toBeInstanceOf(CallboardError);
  expect(problem).toMatchObject({ name: 'NotFoundError', message: 'There is no entity', status: 404 });
});

test.each([
  ['a page of a proxy', '<html>Bad gateway</html>', 502],
  ['an error without a name', '{"error":"no"}', 500],
  ['nothing', '', 503],
])('%s is thrown with its status too', async (_, text, status) => {
  host(() => new Response(text, { status, headers: { 'Retry-After': '7' } }));
  await expect(createCallboardClient({ base }).widgets.get('/v1/catalog')).rejects.toMatchObject({ name: 'ResponseError', message: `the host answers ${status}`, status, retryAfter: 7 });
});

test('a token is asked for once, and replaced once when the host refuses it', async () => {
  const refused = json({ error: { name: 'AuthenticationError', message: 'over' } }, { status: 401 });
  const { asked } = host(json({}), refused, json({}), refused);
  const provider = vi.fn().mockResolvedValueOnce('one').mockResolvedValueOnce('two').mockResolvedValue('three');
  const client = createCallboardClient({ base, tokenProvider: provider });
  await client.widgets.get('/v1/catalog');
  await client.search.get('/query', { params: { query: { term: 'x' } } });
  expect(asked.map(({ token }) => token)).toEqual(['Bearer one', 'Bearer one', 'Bearer two']);
  await expect(client.widgets.get('/v1/catalog')).rejects.toMatchObject({ status: 401, name: 'AuthenticationError' });
  expect(provider).toHaveBeenCalledTimes(3);
});

test('the body is sent again with the new token', async () => {
  const { asked } = host(json({}, { status: 401 }), json({ token: 't' }));
  const client = createCallboardClient({ base, tokenProvider: async () => 'token' });
  await client.widgets.post('/v1/tokens', { body: { app: 'shop' } });
  expect(asked.map(({ body }) => body)).toEqual(['{"app":"shop"}', '{"app":"shop"}']);
});

test('a source of tokens can be that of somebody else', async () => {
  const { asked } = host(json({}));
  const tokens = new TokenSource(async () => 'shared');
  const [first, second] = [createCallboardClient({ base, tokenProvider: tokens }), createCallboardClient({ base, tokenProvider: tokens })];
  await Promise.all([first.widgets.get('/v1/catalog'), second.widgets.get('/v1/catalog')]);
  expect(asked.map(({ token }) => token)).toEqual(['Bearer shared', 'Bearer shared']);
});

test('a fetcher brings its own credentials, and gets addresses and bodies as fetch does', async () => {
  const { fetch, asked } = host(json({}));
  vi.stubGlobal('fetch', () => Promise.reject(new Error('not this one')));
  const fetcher = vi.fn((url: string, init?: RequestInit) => fetch(url, init));
  await createCallboardClient({ base, fetcher }).widgets.post('/v1/tokens', { body: { app: 'shop' } });
  expect(fetcher).toHaveBeenCalledOnce();
  expect(asked).toMatchObject([{ method: 'POST', url: 'https://portal.example/callboard/api/widgets/v1/tokens', body: '{"app":"shop"}' }]);
});

test("a plugin's API is asked with the types that its description has", async () => {
  interface Paths {
    '/v1/feeds': { get: { parameters: { query?: never; header?: never; path?: never; cookie?: never }; responses: { 200: { content: { 'application/json': { feeds: string[] } } } } } };
  }
  const { asked } = host(json({ feeds: ['a'] }));
  const { feeds } = await createCallboardClient({ base }).plugin<Paths>('cost').get('/v1/feeds');
  expectTypeOf(feeds).toEqualTypeOf<string[]>();
  expect(feeds).toEqual(['a']);
  expect(asked[0]?.url).toBe('https://portal.example/callboard/api/cost/v1/feeds');
});
