// A Callboard with the documents as API entities and a small site of documentation.
import fs from 'node:fs';
import path from 'node:path';
import { freePort, startCallboard } from '../backstage/callboard.mjs';

// Of this run alone.
const token = 'for-measuring-alone-0123456789abcdef';
export const credentials = { authorization: `Bearer ${token}` };

const page = `<!doctype html><title>Guide</title><article class="md-content__inner"><h1 id="guide">Guide</h1><p>Read <a href="#b">this</a>.</p>
<h2 id="a">Before</h2><pre><code>make</code></pre><h2 id="b">After</h2><table><thead><tr><th>A</th></tr></thead><tbody><tr><td>1</td></tr></tbody></table>
<div class="admonition note"><p class="admonition-title">Note</p><p>Careful</p></div></article>`;

// entities describes the documents, which are beside it.
export const entities = names =>
  names
    .map(
      name => `apiVersion: backstage.io/v1alpha1
kind: API
metadata: { name: ${name} }
spec: { type: openapi, lifecycle: production, owner: team, definition: { $text: ./${name}.json } }
`,
    )
    .join('---\n');

// startHost reads the entities at an address of this machine.
export async function startHost({ directory, binary, names, source }) {
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const site = path.join(directory, 'docs/default/api/github');
  fs.mkdirSync(site, { recursive: true });
  fs.writeFileSync(path.join(site, 'index.html'), page);
  const config = path.join(directory, 'app-config.yaml');
  fs.writeFileSync(
    config,
    `app: { baseUrl: ${base} }
backend:
  baseUrl: ${base}
  listen: { host: 127.0.0.1, port: ${port} }
  auth: { externalAccess: [{ type: static, options: { token: ${token}, subject: viewers } }] }
  database: { client: better-sqlite3, connection: ':memory:' }
  reading: { allow: [{ host: ${JSON.stringify(new URL(source).host)} }] }
callboard:
  reading: { maxSize: ${20 << 20} }
  catalog: { maxFileSize: ${20 << 20} }
  operations: { listen: false }
  apiDocs: { tryIt: { enabled: true, servers: [{ url: 'https://api.stripe.com', environment: live, methods: [GET, POST] }] } }
techdocs: { builder: external, publisher: { type: local, local: { publishDirectory: ${JSON.stringify(path.join(directory, 'docs'))} } } }
catalog: { rules: [{ allow: [API] }], locations: [{ type: url, target: ${JSON.stringify(`${source}/apis.yaml`)} }] }
`,
  );
  const host = await startCallboard({ binary, configs: [config], base, log: path.join(directory, 'callboard.log') });
  const pages = Object.fromEntries(names.map(name => [name, `${base}/api/api-docs/v1/entities/api/default/${name}`]));
  try {
    for (const address of Object.values(pages)) await answers(address);
  } catch (error) {
    await host.stop();
    const said = fs.readFileSync(path.join(directory, 'callboard.log'), 'utf8').split('\n').filter(line => /"level":"(WARN|ERROR)"/.test(line));
    throw new Error(`${error.message}\n${said.slice(-10).join('\n').slice(0, 4000)}`);
  }
  return { base, pages, stop: host.stop };
}

// Also has each document read once, which a viewer waits for at most once.
async function answers(address) {
  for (let i = 0; ; i++) {
    const response = await fetch(address, { headers: credentials });
    const text = await response.text();
    if (response.ok) return;
    if (i > 300) throw new Error(`GET ${address}: ${response.status} ${text}`);
    await new Promise(resolve => setTimeout(resolve, 100));
  }
}
