// Pages of the console, with hostile entities in them and with hostile addresses.
import { query, read } from './ask.mjs';

const entity = (kind, name) => `/console/catalog/default/${kind}/${name}`;

/** Pages that read parameters, and which of them. */
const questions = {
  '/console/catalog': ['q', 'kind', 'type', 'owner', 'lifecycle', 'tag', 'sort', 'cursor'],
  '/console/apis': ['q', 'type'],
  '/console/search': ['term', 'type', 'cursor'],
  '/console/audit': ['app'],
  '/console/access': ['done', 'api', 'app'],
  '/console/gallery': ['q'],
  '/console/gallery/hostile-frames/stat': ['entity', 'width', 'theme', 'args'],
  '/console/sign-in': ['return'],
  '/console/plugins/page': ['id'],
  '/console/api-none': ['q'],
};

/** Every nth, from another begin at each place, so that all have their turn. */
const some = (all, n, place = 0) => all.filter((_, i) => i % n === place % n);

/** Reads all, and opens some as people do. */
async function walk({ host, browser, reader, signedIn }, paths, every) {
  const pages = (await read(host.base, paths)).filter(({ type }) => type.startsWith('text/html'));
  await browser.parse(reader, pages);
  await browser.open(signedIn, paths.filter((_, i) => i % every === 0).map(path => host.base + path));
  return pages.length;
}

export const entities = t => walk(t, t.host.texts.map((_, i) => entity('component', `v${i}`) + ['', '', '/raw', '/docs', '/docs/second/'][i % 5]), 16);

export const refused = t => walk(t, ['/console/', '/console/problems', '/console/plugins', ...t.host.texts.map((_, i) => entity('component', 'lto'[i % 3] + i))], 25);

export const apis = t => walk(t, t.host.apis.map(({ name }, i) => entity('api', name) + ['/api', '/api', '', '/raw', '/access'][i % 5]), 12);

export async function lists(t) {
  const paths = ['/console/', '/console/catalog', '/console/apis', '/console/gallery', '/console/gallery/drawings', '/console/access'];
  const seen = new Set(paths);
  for (let next = '/console/catalog'; next && seen.size < 20; ) {
    const [page] = await read(t.host.base, [next]);
    next = /href="(\/console\/catalog\?[^"]*cursor=[^"]*)"[^>]*rel="next"|rel="next"[^>]*href="(\/console\/catalog\?[^"]*)"|href="([^"]*cursor=[^"]*)"[^>]*>\s*Next/.exec(page.html)?.slice(1).find(Boolean)?.replaceAll('&amp;', '&');
    if (next?.startsWith('?')) next = `/console/catalog${next}`;
    if (!next || seen.has(next)) break;
    seen.add(next);
  }
  return walk(t, [...seen, ...t.host.texts.slice(0, 6).map((_, i) => `/console/gallery/hostile-forms/form${i}?entity=component:default/v0`)], 2);
}

export const addresses = t =>
  walk(t, Object.entries(questions).flatMap(([page, names]) => names.flatMap((name, n) => some(t.host.texts, 20, n).map(text => `${page}?${query({ [name]: text })}`))), 45);

/** Names in paths, of entities, widgets, pages of documentation. */
export const paths = t =>
  walk(t, some(t.host.texts, 10).map(encodeURIComponent).flatMap(text => [`/console/${text}`, `/console/catalog/default/component/${text}`, `/console/catalog/default/component/v1/docs/${text}`, `/console/gallery/hostile-frames/${text}`, `/console/catalog/default/api/openapi-3-1-0/api/operations/${text}`]), 40);
