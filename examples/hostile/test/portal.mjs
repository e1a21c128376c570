// The server of a foreign portal: a page without a policy that reads what it is given, one with elements, one with a frame.
import http from 'node:http';
import { reader } from './browser.mjs';
import { credentials } from './ask.mjs';

const elements = base => `<!doctype html><meta charset="utf-8"><title>Elements</title><link rel="icon" href="data:,">
<script type="module" src="${base}/embed/v1/embed.js" crossorigin></script>
<callboard-config app="portal" token-provider="/token"></callboard-config><main></main>
<script src="/show.js"></script>`;

const show = `
function show(list) {
  for (const { tag = 'callboard-widget', token, text, ...attributes } of list) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (token) element.style.setProperty('--callboard-' + token, text);
    document.querySelector('main').append(element);
  }
}`;

/** Starts a server; `base` answers where the host is. */
export async function startPortal(base) {
  const routes = {
    '/reader': () => reader,
    '/show.js': () => show,
    '/elements': () => elements(base()),
    '/frame': url => `<!doctype html><title>Frame</title><link rel="icon" href="data:,"><iframe src="${url.searchParams.get('of').replace(/[&"<]/g, c => `&#${c.charCodeAt(0)};`)}"></iframe>`,
  };
  const server = http.createServer(async (request, response) => {
    const url = new URL(request.url, 'http://portal');
    if (url.pathname === '/token') {
      const minted = await fetch(`${base()}/api/widgets/v1/tokens`, { method: 'POST', headers: { ...credentials, 'content-type': 'application/json' }, body: JSON.stringify({ app: 'portal' }) });
      response.writeHead(minted.ok ? 200 : 502, { 'content-type': 'application/json' }).end(await minted.text());
      return;
    }
    const page = routes[url.pathname]?.(url);
    response.writeHead(page ? 200 : 204, { 'content-type': `text/${url.pathname.endsWith('.js') ? 'javascript' : 'html'}; charset=utf-8`, 'referrer-policy': 'no-referrer' }).end(page);
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  return { origin: `http://127.0.0.1:${server.address().port}`, close: () => (server.close(), server.closeAllConnections()) };
}
