// Serves Swagger UI and Redoc with a document each as their instructions have it, compressed and from memory, and the
// documents to the host.
import fs from 'node:fs';
import http from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';
import zlib from 'node:zlib';
import { entities } from './host.mjs';

const require = createRequire(import.meta.url);
const folder = name => path.dirname(require.resolve(`${name}/package.json`));

const html = (head, body) => `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>API</title>${head}</head><body>${body}</body></html>`;
const swagger = name =>
  html(
    '<link rel="stylesheet" href="/swagger-ui.css">',
    `<div id="ui"></div><script src="/swagger-ui-bundle.js"></script><script>SwaggerUIBundle({ url: '/${name}.json', dom_id: '#ui', validatorUrl: null })</script>`,
  );
const redoc = name => html('', `<div id="ui"></div><script src="/redoc.standalone.js"></script><script>Redoc.init('/${name}.json', {}, document.getElementById('ui'))</script>`);

export async function serveViewers(documents) {
  const files = new Map();
  const add = (address, type, content) => files.set(address, { type, body: zlib.gzipSync(content) });
  for (const name of ['swagger-ui-bundle.js', 'swagger-ui.css']) {
    add(`/${name}`, name.endsWith('css') ? 'text/css' : 'text/javascript', fs.readFileSync(path.join(folder('swagger-ui-dist'), name)));
  }
  add('/redoc.standalone.js', 'text/javascript', fs.readFileSync(path.join(folder('redoc'), 'bundles/redoc.standalone.js')));
  for (const [name, file] of Object.entries(documents)) {
    add(`/${name}.json`, 'application/json', fs.readFileSync(file));
    add(`/swagger/${name}`, 'text/html', swagger(name));
    add(`/redoc/${name}`, 'text/html', redoc(name));
  }
  add('/apis.yaml', 'text/yaml', entities(Object.keys(documents)));
  const server = http.createServer((request, response) => {
    const file = files.get(request.url);
    if (!file) return response.writeHead(404).end();
    response.writeHead(200, { 'content-type': file.type, 'content-encoding': 'gzip', 'content-length': file.body.length }).end(file.body);
  });
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve));
  return { base: `http://127.0.0.1:${server.address().port}`, stop: () => new Promise(resolve => (server.close(resolve), server.closeAllConnections())) };
}
