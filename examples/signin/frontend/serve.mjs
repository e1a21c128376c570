// Serves the frontend on a port of its own.
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';

const page = backend => `<!DOCTYPE html>
<html lang="en" data-backend="${backend}">
<head><meta charset="utf-8"><title>A frontend</title><link rel="icon" href="data:,"></head>
<body>
${['oidc', 'github'].map(id => `<section id="${id}"><h1>${id}</h1><button class="in">Sign in</button> <button class="out">Sign out</button> <output></output></section>`).join('\n')}
<script type="module" src="/frontend.js"></script>
</body>
</html>
`;

export async function serveFrontend(backend, port = 0) {
  const script = fs.readFileSync(path.join(import.meta.dirname, '../.cache/frontend.js'));
  const server = http.createServer((request, response) => {
    const isScript = request.url === '/frontend.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html; charset=utf-8');
    response.end(isScript ? script : page(backend));
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  return {
    base: `http://127.0.0.1:${server.address().port}`,
    stop: () => new Promise(resolve => {
      server.close(resolve);
      server.closeAllConnections();
    }),
  };
}
