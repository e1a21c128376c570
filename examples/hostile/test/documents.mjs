// Descriptions of APIs and documentation.
import { read } from './ask.mjs';

const docs = '/api/api-docs/v1';

/** Every page of every description that can be reached by links, at most so many of each. */
const MOST_PAGES = 6;

export async function descriptions({ host, browser, reader, signedIn }) {
  const indexes = host.apis.map(({ name }) => `${docs}/entities/api/default/${name}`);
  let found = await read(host.base, indexes);
  const pages = [...found];
  const seen = new Set(indexes);
  for (let depth = 0; depth < 2; depth++) {
    const next = [];
    for (const page of found) {
      const links = [...page.html.matchAll(/href="(\/api\/api-docs\/v1\/entities\/[^"?#]+\/(?:operations|schemas)\/[^"?#]+)"/g)].map(([, path]) => path.replace(/&#(\d+);/g, (_, n) => String.fromCharCode(n)).replace(/&amp;/g, '&'));
      for (const path of links.slice(0, MOST_PAGES)) if (!seen.has(path) && seen.add(path)) next.push(path);
    }
    found = await read(host.base, next);
    pages.push(...found, ...(depth === 0 ? await read(host.base, next.map(path => `${path}?view=fragment`)) : []));
  }
  const wrong = pages.filter(({ status }) => status !== 200);
  if (wrong.length > pages.length / 20) throw new Error(`${wrong.length} of ${pages.length} pages are ${wrong[0].status}: ${wrong[0].name} ${wrong[0].html.slice(0, 300)}`);
  await browser.parse(reader, pages);
  await browser.open(signedIn, indexes.filter((_, i) => i % 8 === 0).concat(pages.filter((_, i) => i % 40 === 0).map(({ name }) => name)).map(path => host.base + path));
  return pages.length;
}

/** The viewers from npm run scripts over the document itself. */
export async function viewers({ host, browser, signedIn }) {
  const some = host.apis.filter(({ type }) => type === 'openapi').filter((_, i) => i % 12 === 0);
  const pages = some.flatMap(({ name }) => ['swagger-ui', 'redoc'].map(viewer => `${host.base}${docs}/entities/api/default/${name}/viewer/${viewer}`));
  const opened = await browser.open(signedIn, pages, { then: page => shown(page) });
  // Here the policy is the wall, not the second one: the code is of others, in a page without an origin and without a network.
  // So markup that waits for it is told and is no hit; what runs, what leaves, and what the policy had to stop is one.
  const left = browser.forget(({ kind }) => kind === 'markup');
  browser.note = `(${left} times markup was left for the policy)`;
  return opened;
}

/** Also opens what a viewer shows on a click. */
async function shown(page) {
  const status = await page.evaluate(() => document.body?.innerText.length ?? 0);
  await page.waitForFunction(before => document.body.innerText.length > before + 50, status, { timeout: 8000 }).catch(() => {});
  for (const part of (await page.$$('button.opblock-summary-control, [role=menuitem] > label, button.model-box-control, .opblock-tag')).slice(0, 12)) await part.click({ timeout: 500 }).catch(() => {});
}

export async function documentation({ host, browser, reader, signedIn }) {
  const paths = host.texts.flatMap((_, i) => [`${docs}/docs/component/default/v${i}${['', '/second/'][i % 2]}`]);
  const pages = await read(host.base, paths);
  const wrong = pages.filter(({ status }) => status !== 200);
  if (wrong.length > 0) throw new Error(`${wrong.length} pages are ${wrong[0].status}: ${wrong[0].name} ${wrong[0].html.slice(0, 300)}`);
  await browser.parse(reader, pages);
  await browser.open(signedIn, paths.filter((_, i) => i % 40 === 0).map(path => host.base + path));
  return pages.length;
}

/** The files of a site as they are, which Backstage's frontend reads: opened as pages they must be nothing. */
export async function files({ host, browser, signedIn }) {
  const pages = host.texts.map((_, i) => `${host.base}/api/techdocs/static/docs/default/component/v${i}/index.html`).filter((_, i) => i % 20 === 0);
  return browser.open(signedIn, pages);
}
