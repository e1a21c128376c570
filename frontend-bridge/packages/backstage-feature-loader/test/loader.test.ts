import { afterEach, expect, test, vi } from 'vitest';
import { announce } from '../src/discovered.js';
import { loadFeatures, type Failure, type Federation } from '../src/load.js';
import { fetchRemotes, type Remote } from '../src/remotes.js';
import { sharedModules } from '../src/shared.js';

const backendUrl = 'https://portal.example.com/';
const remote = (name: string, exposedModules = ['.']): Remote => ({
  packageName: `@harbour/${name}`,
  remoteInfo: { name: `harbour__${name}`, entry: `https://portal.example.com/.backstage/dynamic-features/@harbour/${name}/mf-manifest.json` },
  exposedModules,
});
const plugin = (id: string) => ({ $$type: '@backstage/FrontendPlugin', id });
const answer = (body: unknown, status = 200) => vi.fn(async () => new Response(typeof body === 'string' ? body : JSON.stringify(body), { status })) as unknown as typeof fetch;

// Loads a list of remotes whose modules `load` gives, and collects the failures.
async function load(list: unknown, federation: Federation['load'], options: { status?: number; remoteTimeout?: number } = {}) {
  const failures: Failure[] = [];
  const features = await loadFeatures({ backendUrl, fetch: answer(list, options.status), federation: () => ({ load: federation }), onFailure: failure => failures.push(failure), remoteTimeout: options.remoteTimeout });
  return { features, failures: failures.map(({ remote, error }) => `${remote ?? 'list'}: ${error.message}`) };
}

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test('the list is asked for without credentials, at the base URL of the backend', async () => {
  const fetch = answer([remote('tides')]);
  const list = await fetchRemotes(backendUrl, { fetch, timeout: 100, refused: reason => expect.fail(reason) });
  expect(list).toEqual([remote('tides')]);
  expect(fetch).toHaveBeenCalledWith('https://portal.example.com/.backstage/dynamic-features/remotes', expect.objectContaining({ credentials: 'omit' }));
});

test('features come in the order of the list, however fast their remotes are', async () => {
  const { features, failures } = await load([remote('slow'), remote('fast')], async ({ packageName }) => {
    if (packageName.endsWith('slow')) await new Promise(resolve => setTimeout(resolve, 5));
    return { default: plugin(packageName) };
  });
  expect(features).toEqual([plugin('@harbour/slow'), plugin('@harbour/fast')]);
  expect(failures).toEqual([]);
});

test('every exposed module is looked at, and what is no feature is left out', async () => {
  vi.spyOn(console, 'debug').mockImplementation(() => {});
  const modules: Record<string, unknown> = { '.': { default: plugin('one') }, './alpha': { default: plugin('two') }, './legacy': { default: () => {} }, './empty': null };
  const { features, failures } = await load([remote('tides', Object.keys(modules))], async (_, exposed) => modules[exposed] as never);
  expect(features).toEqual([plugin('one'), plugin('two')]);
  expect(failures).toEqual([]);
});

test('a remote that is broken does not take the others away', async () => {
  const { features, failures } = await load([remote('wreck'), remote('tides')], async ({ packageName }) => {
    if (packageName.endsWith('wreck')) throw new Error('chunk 7 is missing');
    return { default: plugin('tides') };
  });
  expect(features).toEqual([plugin('tides')]);
  expect(failures).toEqual(['@harbour/wreck: chunk 7 is missing']);
});

test('a remote that never comes is given up', async () => {
  vi.useFakeTimers();
  const loading = load([remote('becalmed'), remote('tides')], ({ packageName }) => (packageName.endsWith('becalmed') ? new Promise(() => {}) : Promise.resolve({ default: plugin('tides') })), { remoteTimeout: 700 });
  await vi.advanceTimersByTimeAsync(700);
  const { features, failures } = await loading;
  expect(features).toEqual([plugin('tides')]);
  expect(failures).toEqual(['@harbour/becalmed: it was not loaded within 700 ms']);
  expect(vi.getTimerCount()).toBe(0);
});

test.each([
  ['is down', 'bad gateway', 502, /was answered with 502/],
  ['answers a page', '<html>', 200, /JSON|token/],
  ['answers an object', { remotes: [] }, 200, /not answered with a list/],
])('an app whose host %s starts without features', async (_, body, status, reason) => {
  const { features, failures } = await load(body, async () => expect.fail('nothing is to load'), { status });
  expect(features).toEqual([]);
  expect(failures).toHaveLength(1);
  expect(failures[0]).toMatch(reason);
});

test('entries that are no remotes are left out, with what is wrong', async () => {
  const bad = [null, 7, { packageName: 'x' }, { ...remote('a'), remoteInfo: { name: 'a', entry: 'javascript:alert(1)' } }, { ...remote('b'), remoteInfo: { name: 'b', entry: 'https://' } }, { ...remote('c'), exposedModules: [1] }];
  const { features, failures } = await load([...bad, remote('tides')], async () => ({ default: plugin('tides') }));
  expect(features).toEqual([plugin('tides')]);
  expect(failures.map(text => text.replace(/^.*remotes: /, ''))).toEqual([
    'packageName must be a text',
    'packageName must be a text',
    'remoteInfo.name of x must be a text',
    'remoteInfo.entry of @harbour/a must be an http or https URL',
    'remoteInfo.entry of @harbour/b must be a URL',
    'exposedModules of @harbour/c must be a list of texts',
  ]);
});

test('a reporter that throws harms nobody', async () => {
  vi.spyOn(console, 'error').mockImplementation(() => {});
  const features = await loadFeatures({
    backendUrl,
    fetch: answer([remote('wreck')]),
    federation: () => ({ load: () => Promise.reject(new Error('gone')) }),
    onFailure: () => {
      throw new Error('no telemetry today');
    },
  });
  expect(features).toEqual([]);
});

test('modules of the app are loaded when a remote asks for them', async () => {
  const react = { version: '18.3.1' };
  const lib = vi.fn(async () => react);
  const shared = sharedModules({ '__@backstage/module_federation_shared_dependencies__': { version: 'v1', items: [{ name: 'react', version: '18.3.1', lib, shareConfig: { singleton: true, requiredVersion: '*', eager: true } }] } });
  expect(lib).not.toHaveBeenCalled();
  const item = shared.react as { get(): Promise<() => unknown>; version: string };
  expect(item.version).toBe('18.3.1');
  expect((await item.get())()).toBe(react);
});

test('an app that shares no modules is told, not broken', async () => {
  const failures: Failure[] = [];
  const features = await loadFeatures({ backendUrl, fetch: answer([remote('tides')]), onFailure: failure => failures.push(failure) });
  expect(features).toEqual([]);
  expect(failures[0]?.error.message).toMatch(/share no modules with remotes/);
});

const own = { name: '@callboard/backstage-feature-loader', default: { $$type: '@backstage/FrontendFeatureLoader' } };
const found = { name: '@backstage/plugin-catalog', default: plugin('catalog') };
const discovered = '__@backstage/discovered__';

test.each([
  ['before the build names its features', { late: { modules: [found] } }, [found, own]],
  ['after it', { early: { modules: [found] } }, [found, own]],
  ['when it names none', {}, [own]],
  ['when it names something unknown', { late: 'features' }, [own]],
  ['beside a package of the app with the same name', { late: { modules: [{ ...own, default: 'of the app' }] } }, [{ ...own, default: 'of the app' }]],
])('the loader joins the features of an app %s', (_, { early, late }: { early?: unknown; late?: unknown }, modules) => {
  const scope: Record<string, unknown> = early ? { [discovered]: early } : {};
  announce(scope, own);
  if (late) scope[discovered] = late;
  expect((scope[discovered] as { modules: unknown }).modules).toEqual(modules);
});
