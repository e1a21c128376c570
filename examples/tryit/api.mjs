// An API of a harbour as a server that answers what it gets, and its description.
import http from 'node:http';

const text = { type: 'string' };
const said = { 200: { description: 'What came', content: { 'application/json': { schema: { type: 'object' }, example: { gauges: [{ pier: 3, metres: 1.8, rising: true }] } } } } };
const id = { name: 'id', in: 'path', required: true, schema: text, example: 'pier-3' };

/** The description; `live` and `stranger` are servers of it that the host does not reach, or not for everything. */
export const description = ({ sandbox, live, stranger }) => ({
  openapi: '3.1.0',
  info: { title: 'Harbour API', version: '4', description: 'Tides and holds.\n\n```js\nconst { gauges } = await harbour.tides({ pier: 3 }); // metres\n```' },
  servers: [{ url: live, description: 'Live' }, { url: sandbox, description: 'Sandbox' }],
  paths: {
    '/tides/{id}': { get: { operationId: 'getTide', summary: 'Read a tide gauge', tags: ['harbour'], parameters: [id, { name: 'unit', in: 'query', schema: { enum: ['metres', 'feet'] } }, { name: 'locale', in: 'cookie', schema: text }], responses: said } },
    '/holds': {
      post: {
        operationId: 'createHold', summary: 'Hold seats', tags: ['harbour'], responses: said,
        requestBody: { required: true, content: { 'application/json': { schema: { type: 'object', properties: { sailing: { type: 'string', example: 'M-12' }, seats: { type: 'integer', example: 2 } } } } } },
      },
    },
    '/manifests': {
      post: {
        operationId: 'upload', summary: 'Upload a manifest', tags: ['harbour'], responses: said,
        requestBody: {
          content: {
            'multipart/form-data': { schema: { type: 'object', required: ['manifest'], properties: { manifest: { type: 'string', format: 'binary' }, note: text, tags: { type: 'array', items: text }, crew: { type: 'object', properties: { master: text } } } } },
            'application/x-www-form-urlencoded': { schema: { type: 'object', properties: { note: text } } },
          },
        },
      },
    },
    '/elsewhere': { get: { operationId: 'elsewhere', summary: 'Ask another harbour', tags: ['harbour'], servers: [{ url: stranger }], responses: said } },
  },
});

/** Starts the API on a free port. `got` is what came, with its body. */
export async function startApi() {
  const got = [];
  const server = http.createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const { method, url, headers } = request;
    const body = Buffer.concat(parts);
    got.push({ method, url, headers, body: body.toString('latin1') });
    // A careless API: it tells whoever asks what it was asked with.
    response.writeHead(method === 'POST' ? 201 : 200, { 'content-type': 'application/json', 'x-request-id': 'r-1', 'x-echo': headers.authorization ?? '', 'set-cookie': 'api-session=of-the-api' });
    response.end(JSON.stringify({ method, url, authorization: headers.authorization, cookie: headers.cookie, bytes: body.length }));
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${server.address().port}`;
  return { base, got, close: () => new Promise(resolve => (server.close(resolve), server.closeAllConnections())) };
}
