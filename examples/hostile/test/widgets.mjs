// What plugins send: frames, forms, titles; as fragments, pictures, badges, errors.
import { credentials, each, query, read } from './ask.mjs';
import { FORM } from './host.mjs';

const views = ['stat', 'table', 'line', 'area', 'bar', 'stacked', 'donut', 'sparkline', 'heat', 'gauge', 'list', 'status', 'form', 'docs'];
const drawn = ['stat', 'line', 'area', 'bar', 'stacked', 'donut', 'sparkline', 'heat', 'gauge'];
const FORBIDDEN = 9; // kinds of frames that the host must refuse, as frames/plugin.mjs has them
const AT_ONCE = 30; // questions of a batch, which a plugin answers at once
const begin = Date.UTC(2026, 0, 1);

/** Text n of the corpus is asked for by the length of the range. */
export const range = (n, kind = 0) => ({ from: String(begin), to: String(begin + (60 + n + kind * 1000) * 60_000) });

/** Answers of a batch as fragments; every line has one, also where it is an error. */
async function batch({ base }, requests) {
  const parts = Array.from({ length: Math.ceil(requests.length / AT_ONCE) }, (_, i) => requests.slice(i * AT_ONCE, (i + 1) * AT_ONCE));
  const answers = await each(parts, async part => {
    const response = await fetch(`${base}/api/widgets/v1/batch`, { method: 'POST', headers: { ...credentials, 'content-type': 'application/json' }, body: JSON.stringify({ requests: part }) });
    const text = await response.text();
    if (!response.ok) throw new Error(`POST batch ${response.status} ${text.slice(0, 300)}`);
    return text.trim().split('\n').map(line => JSON.parse(line)).map(line => ({ name: JSON.stringify(part[line.index]).slice(0, 200), status: line.status, html: line.html ?? '' }));
  }, 1);
  return answers.flat();
}

/** The fragments of a sink that must show something, or must be refused. */
function expect(fragments, holds, what) {
  const fit = fragments.filter(({ status, html }) => html.startsWith('<figure') && holds(status));
  if (fit.length < fragments.length * 0.9) throw new Error(`${fit.length} of ${fragments.length} fragments are ${what}: ${JSON.stringify(fragments.find(f => !fit.includes(f)))}`);
  return fragments;
}

export async function frames({ host, browser, reader }) {
  const requests = views.flatMap((view, v) => host.texts.flatMap((_, n) => (n % 2 === v % 2 ? [{ id: `hostile-frames/${view}`, entityRef: 'component:default/v0', level: 3, ...range(n) }] : [])));
  return browser.insert(reader, expect(await batch(host, requests), status => status === 200, 'shown'));
}

/** A plugin most of whose answers are wrong is left alone, so two are good for each that is not. */
export async function refused({ host, browser, reader }) {
  const ask = (n, kind) => ({ id: 'hostile-frames/table', entityRef: 'component:default/v0', ...range(n, kind) });
  const kinds = Array.from({ length: FORBIDDEN }, (_, kind) => kind + 1);
  const requests = kinds.flatMap(kind => host.texts.flatMap((_, n) => (n % 4 === kind % 4 ? [ask(n, kind), ask(n, kind + 20), ask(n, kind + 40)] : [])));
  const answers = await batch(host, requests);
  const wrong = expect(answers.filter(({ name }) => kinds.some(kind => asksFor(name, kind))), status => status === 500 || status === 502, 'refused for what they are');
  return browser.insert(reader, wrong);
}

const asksFor = (name, kind) => Math.floor(((Number(/"to":"(\d+)"/.exec(name)[1]) - begin) / 60_000 - 60) / 1000) === kind;

/** Questions that are texts of the corpus: what is said about them must not repeat them as markup. */
export async function questions({ host, browser, reader }) {
  const good = { id: 'hostile-frames/stat', entityRef: 'component:default/v0' };
  const names = ['id', 'entityRef', 'from', 'to', 'range', 'lang', 'tz', 'theme', 'args'];
  const requests = names.flatMap((name, i) => host.texts.filter((_, n) => n % 3 === i % 3).map(text => ({ ...good, [name]: name === 'args' ? { [text]: text } : text })));
  return browser.insert(reader, await batch(host, requests.concat(host.texts.map(text => ({ ...good, id: `${text}/${text}` })))));
}

/** Pictures as documents and inside of a page; each text in some of the views. */
export async function pictures({ host, browser, reader, signedIn }) {
  const paths = drawn.flatMap((view, v) => host.texts.map((_, n) => n).filter(n => n % 6 === v % 6).map(n => `/api/widgets/v1/render/hostile-frames/${view}.svg?${query({ entityRef: 'component:default/v0', ...range(n) })}`));
  const answers = await read(host.base, paths);
  const broken = await reader.evaluate(all => all.filter(svg => new DOMParser().parseFromString(svg, 'image/svg+xml').querySelector('parsererror')).length, answers.map(({ html }) => html));
  if (broken > 0 || answers.some(({ status }) => status !== 200)) throw new Error(`${broken} pictures are no SVG; ${answers.find(({ status }) => status !== 200)?.html}`);
  await browser.insert(reader, answers);
  const some = paths.filter((_, i) => i % 12 === 0);
  await browser.open(signedIn, some.concat(some.slice(0, 9).map(path => path.replace('.svg', '.png'))).map(path => host.base + path));
  return answers.length;
}

export async function badges({ host, browser, reader, signedIn }) {
  const paths = host.texts.map((_, n) => `/api/widgets/v1/badge/hostile-frames/stat.svg?${query({ entityRef: 'component:default/v0', ...range(n) })}`);
  const answers = await read(host.base, paths);
  if (answers.some(({ html }) => !html.startsWith('<svg'))) throw new Error(`a badge is ${answers.find(({ html }) => !html.startsWith('<svg')).html.slice(0, 300)}`);
  await browser.insert(reader, answers);
  await browser.open(signedIn, paths.filter((_, i) => i % 10 === 0).map(path => host.base + path));
  return answers.length;
}

/** Forms as they are opened, filled in wrongly, refused and done. */
export async function forms({ host, browser, reader }) {
  const all = Array.from({ length: Math.ceil(host.texts.length / FORM) }, (_, i) => `form${i}`);
  const opened = await read(host.base, all.map(form => `/api/widgets/v1/render/hostile-forms/${form}.html?${query({ entityRef: 'component:default/v0' })}`));
  if (opened.some(({ html }) => !html.includes('<form'))) throw new Error(`there is no form in ${opened.find(({ html }) => !html.includes('<form')).html.slice(0, 400)}`);
  const sent = all.flatMap((form, i) => ['wrong', 'refused', 'done', host.texts[i * FORM]].map(first => [form, { entityRef: 'component:default/v0', 'args.f0': first, 'args.f1': host.texts[i * FORM], 'args.f4': host.texts[i * FORM] }]));
  const answers = await each(sent, async ([form, body]) => {
    const response = await fetch(`${host.base}/api/widgets/v1/forms/hostile-forms/${form}`, { method: 'POST', headers: { ...credentials, accept: 'text/html', 'content-type': 'application/x-www-form-urlencoded' }, body: query(body) });
    return { name: `${form} ${body['args.f0']}`, status: response.status, html: await response.text() };
  });
  if (!answers.some(({ status }) => status === 200) || !answers.some(({ status }) => status === 400)) throw new Error(`forms are answered with ${answers.map(({ status }) => status)}: ${answers[0].html.slice(0, 300)}`);
  return browser.insert(reader, [...opened, ...answers]);
}
