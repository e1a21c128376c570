// Frames, oEmbed and elements in a page of a foreign portal.
import { query, read, until } from './ask.mjs';
import { range } from './widgets.mjs';

const parameters = ['app', 'entityRef', 'args', 'range', 'from', 'to', 'tz', 'theme', 'lang', 'height', 'headingLevel', 'none'];
const frame = '/embed/v1/frame/hostile-frames/stat';

export async function shells({ host, browser, reader, signedIn }) {
  const paths = parameters.flatMap((name, i) => host.texts.filter((_, n) => n % 8 === i % 8).flatMap(text => [`${frame}?${query({ app: 'portal', [name]: name === 'args' ? JSON.stringify({ [text]: text }) : text })}`]));
  paths.push(...host.texts.filter((_, n) => n % 4 === 0).map(text => `/embed/v1/frame/${encodeURIComponent(text)}?app=portal`));
  const pages = (await read(host.base, paths)).filter(({ type }) => type.startsWith('text/html'));
  await browser.parse(reader, pages);
  await browser.open(signedIn, paths.filter((_, i) => i % 45 === 0).map(path => host.base + path));
  return paths.length;
}

export async function oembed({ host, browser, reader }) {
  const addresses = host.texts.flatMap(text => [`${host.base}${frame}?${query({ app: 'portal', args: JSON.stringify({ a: text }) })}`, `${host.base}${frame}?${query({ app: text })}`, text]);
  const answers = await read(host.base, addresses.map(url => `/api/widgets/v1/oembed?${query({ url, format: 'json' })}`));
  const odd = answers.find(({ type }) => !type.startsWith('application/json'));
  if (odd) throw new Error(`${odd.name} is ${odd.type}`);
  const rich = answers.map(({ name, html }) => ({ name, html: JSON.parse(html).html })).filter(({ html }) => html);
  if (rich.length < host.texts.length * 0.9) throw new Error(`oEmbed answers ${rich.length} frames: ${answers[0].html.slice(0, 300)}`);
  // What a consumer inserts loads a frame; here it is looked at and not loaded.
  await browser.insert(reader, rich.map(({ name, html }) => ({ name, html: `<template>${html}</template>` })));
  return answers.length;
}

/** How many elements stand on one page, below each other. */
const ON_A_PAGE = 50;

/** Elements that show hostile widgets, with hostile tokens of a theme; and such with hostile attributes. */
export async function elements({ host, browser, portal }) {
  const views = ['stat', 'table', 'line', 'donut', 'list', 'status', 'form', 'docs'];
  const tokens = ['accent', 'font', 'bg', 'radius', 'c1'];
  const attributes = ['name', 'entity', 'range', 'theme', 'lang', 'args', 'height', 'heading-level', 'from'];
  const widgets = host.texts.map((text, n) => ({ name: `hostile-frames/${views[n % views.length]}`, entity: 'component:default/v0', ...range(n), token: tokens[n % tokens.length], text })).filter((_, i) => i % 2 === 0);
  const forms = Array.from({ length: 20 }, (_, i) => ({ name: `hostile-forms/form${i}`, entity: 'component:default/v0' }));
  const asked = host.texts.map((text, n) => ({ name: 'hostile-frames/stat', entity: 'component:default/v0', [attributes[n % attributes.length]]: text })).filter((_, i) => i % 4 === 0);
  const documents = host.apis.filter((_, i) => i % 16 === 0).map(({ name }) => ({ tag: 'callboard-api-docs', entity: `api:default/${name}` }));
  documents.push(...host.texts.filter((_, i) => i % 12 === 0).map((_, i) => ({ tag: 'callboard-docs', entity: `component:default/v${i * 12}` })));

  const context = await browser.context({ viewport: { width: 1200, height: 2000 } });
  let opened = 0;
  const show = async (list, expected) => {
    const statuses = [];
    for (let i = 0; i < list.length; i += ON_A_PAGE) statuses.push(...(await scrollThrough({ browser, context, portal }, list.slice(i, i + ON_A_PAGE))));
    const odd = list.filter((_, i) => !expected(statuses[i]));
    if (odd.length > 0) throw new Error(`${odd.length} of ${list.length} elements are not as they should be but ${JSON.stringify([...new Set(statuses)])}, such as ${JSON.stringify(odd[0]).slice(0, 200)}`);
    opened += list.length;
  };
  // Elements that show nothing prove nothing.
  for (const list of [widgets, forms, documents]) await show(list, status => status === 'ok');
  // What is asked for wrongly is answered too. Only a name that no widget can have is asked of nobody.
  const named = ({ name }) => /^[a-z0-9-]+\/[a-z0-9-]+$/.test(name);
  await show(asked.filter(named), Boolean);
  await scrollThrough({ browser, context, portal }, asked.filter(element => !named(element)), 0);
  await context.close();
  return opened;
}

/** What each element of a page says about how it fares, to somebody who scrolls until it does: it asks for nothing before it is near to view. */
async function scrollThrough({ browser, context, portal }, list, patience = 5000) {
  const page = await browser.page(context);
  await page.goto(portal.origin + '/elements');
  await page.evaluate(all => globalThis.show(all), list);
  const statuses = await page.evaluate(async patience => {
    const statuses = [];
    for (const element of document.querySelectorAll('main > *')) {
      element.scrollIntoView();
      for (const end = Date.now() + patience; !element.dataset.status && Date.now() < end; ) await new Promise(resolve => setTimeout(resolve, 20));
      statuses.push(element.dataset.status ?? '');
    }
    return statuses;
  }, patience);
  for (const problem of await browser.look(page)) browser.hit('markup', problem);
  await page.close();
  return statuses;
}

/** Pages that show what somebody may see or send, in a frame of a page that is nobody's, of three origins. */
export async function clickjacking({ host, browser, portal, strangers }) {
  const context = await browser.context();
  const page = await browser.page(context);
  const widget = `${frame}?app=portal`;
  const targets = ['/console/', '/console/access', '/console/sign-in', '/console/catalog/default/component/v0', '/api/api-docs/v1/entities/api/default/openapi-3-1-0', '/api/api-docs/v1/docs/component/default/v0', widget, `${frame}?app=none`, '/api/widgets/v1/render/hostile-forms/form0.html?entityRef=component:default/v0'];
  const framed = async (origin, target) => {
    await page.goto(`${origin}/frame?${query({ of: host.base + target })}`);
    const inside = () => page.frames()[1]?.url() ?? '';
    await until('the frame to be shown or refused', () => /^(chrome-error|http):/.test(inside()) || inside());
    return !inside().startsWith('chrome-error:');
  };
  // The portal may, so what the others get is a refusal and no mistake of the page.
  if (!(await framed(portal.origin, widget))) throw new Error('the registered origin cannot frame a widget');
  for (const origin of strangers) {
    for (const target of targets) if (await framed(origin, target)) browser.hit('markup', `${target} can be framed by ${origin}`);
  }
  browser.forget(({ kind, text }) => kind === 'policy' && text.startsWith('Framing'));
  await context.close();
  return strangers.length * targets.length;
}
