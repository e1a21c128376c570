// A Callboard whose catalog, documentation and plugins are hostile.
import fs from 'node:fs';
import path from 'node:path';
import { freePort, startCallboard } from '../../backstage/callboard.mjs';

// Of this run alone.
export const token = 'for-hostile-texts-alone-0123456789abcdef';

/** How many documents there are of each kind. Each place of a document has another text in each of them. */
const DOCUMENTS = 24;
export const FORM = 10; // texts in a form, as forms/main.go has it

/** Starts the host; `portal` is the origin of the page that embeds it. */
export async function startHost({ work, binary, corpus, portal }) {
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const apis = documents(corpus);
  const files = [write(work, 'components.yaml', corpus.texts.map(component)), write(work, 'refused.yaml', corpus.texts.flatMap(refused)), write(work, 'apis.yaml', apis.map(api))];
  documentation(path.join(work, 'docs'), corpus.texts);
  plugins(work, corpus.texts);
  const config = path.join(work, 'app-config.yaml');
  fs.writeFileSync(config, JSON.stringify(configuration({ base, port, work, files, portal })));
  const host = await startCallboard({ binary, configs: [config], base, log: path.join(work, 'callboard.log') });
  return { base, apis, texts: corpus.texts, stop: host.stop };
}

function configuration({ base, port, work, files, portal }) {
  return {
    app: { title: '"><img src=x onerror=canary()>', baseUrl: base },
    organization: { name: '<svg onload=canary()>' },
    backend: {
      baseUrl: base,
      listen: { host: '127.0.0.1', port },
      auth: { externalAccess: [{ type: 'static', options: { token, subject: 'hostile' } }] },
      database: { client: 'better-sqlite3', connection: ':memory:' },
    },
    auth: { providers: { guest: { userEntityRef: 'user:default/guest', dangerouslyAllowOutsideDevelopment: true } } },
    techdocs: { builder: 'external', publisher: { type: 'local', local: { publishDirectory: path.join(work, 'docs') } } },
    catalog: { rules: [{ allow: ['Component', 'API', 'User'] }], locations: files.map(target => ({ type: 'file', target })) },
    callboard: {
      operations: { listen: false },
      catalog: { maxFileSize: 40 << 20 },
      reading: { maxSize: 40 << 20 },
      pluginHost: { dataDir: path.join(work, 'plugins') },
      plugins: Object.fromEntries(['frames', 'forms'].map(id => [`hostile-${id}`, { source: path.join(work, id), development: true }])),
      embed: { apps: { portal: { title: '<img src=x onerror=canary()>', origins: [portal], services: ['hostile'], widgets: ['*'], features: ['forms', 'export', 'tryit'] } } },
    },
  };
}

// A document of JSON is one of YAML.
function write(work, name, entities) {
  const file = path.join(work, name);
  fs.writeFileSync(file, entities.map(entity => JSON.stringify({ apiVersion: 'backstage.io/v1alpha1', ...entity })).join('\n---\n'));
  return file;
}

const links = text => [{ url: text, title: text, icon: text, type: text }, { url: `https://example.com/?${text}`, title: text }];
const hostile = i => (i === 0 ? { 'example.com/hostile': 'yes' } : {});

function component(text, i) {
  const annotations = { 'example.com/text': text, 'backstage.io/source-location': `url:${text}`, 'backstage.io/edit-url': text, 'backstage.io/view-url': text, 'backstage.io/techdocs-ref': `dir:${text}`, ...hostile(i) };
  return { kind: 'Component', metadata: { name: `v${i}`, title: text, description: text, annotations, labels: { 'example.com/n': `n${i}` } }, spec: { type: text, lifecycle: text, owner: `group:default/g${i}`, subcomponentOf: 'component:v0' } };
}

/** Where a catalog has rules: links, names, tags, owners, relations. What it refuses, it tells about. */
function refused(text, i) {
  const spec = { type: 'service', lifecycle: 'production', owner: 'crew' };
  return [
    { kind: 'Component', metadata: { name: `l${i}`, links: links(text) }, spec },
    { kind: 'Component', metadata: { name: text }, spec },
    { kind: 'Component', metadata: { name: `t${i}`, tags: [text], labels: { [text]: text }, annotations: { [text]: text } }, spec },
    { kind: 'Component', metadata: { name: `o${i}` }, spec: { ...spec, owner: text, dependsOn: [text] } },
    { kind: text, metadata: { name: `k${i}` }, spec },
  ];
}

/** Descriptions of APIs with a text at each place, which is another one at each of them. */
function documents({ texts, documents }) {
  return Object.entries(documents).flatMap(([kind, template]) =>
    Array.from({ length: DOCUMENTS }, (_, d) => {
      let at = Math.floor((d * texts.length) / DOCUMENTS);
      const [type] = kind.split(' ');
      const definition = template.replace(/\bV\b/g, () => JSON.stringify(texts[at++ % texts.length]));
      return { name: `${kind.replace(/\W/g, '-')}-${d}`, type, definition };
    }),
  );
}

const api = ({ name, type, definition }, i) => ({ kind: 'API', metadata: { name, annotations: hostile(i) }, spec: { type, lifecycle: 'production', owner: 'crew', definition } });

/** A site of each component: what the generator made of a page is HTML, of which the text is a part. */
function documentation(directory, texts) {
  for (const [i, text] of texts.entries()) {
    const site = path.join(directory, `default/component/v${i}`);
    fs.mkdirSync(path.join(site, 'second'), { recursive: true });
    fs.writeFileSync(path.join(site, 'index.html'), `<!doctype html><title>${text}</title><article class="md-content__inner"><h1 id="a">A</h1><p>${text}</p><p title="${text}">b</p><a href="${text}">c</a></article>`);
    fs.writeFileSync(path.join(site, 'second/index.html'), `<!doctype html><article class="md-content__inner">${text}<h2 id='${text}'>${text}</h2><pre><code class="${text}">${text}</code></pre></article>`);
  }
}

function plugins(work, texts) {
  for (const id of ['frames', 'forms']) fs.writeFileSync(path.join(work, id, 'texts.json'), JSON.stringify(texts));
  const forms = Array.from({ length: Math.ceil(texts.length / FORM) }, (_, i) => `form${i}`);
  fs.writeFileSync(
    path.join(work, 'forms/plugin.yaml'),
    JSON.stringify({
      apiVersion: 'callboard.dev/v1', id: 'hostile-forms', version: '0.1.0', title: '"><svg onload=canary()>', description: '<img src=x onerror=canary()>',
      license: 'Apache-2.0', protocol: '>=1 <2', run: { command: ['./forms'] }, provides: { widgets: forms }, needs: { limits: { memory: '256MiB', processes: 64 } },
    }),
  );
}
