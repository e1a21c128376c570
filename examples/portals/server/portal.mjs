// The server of a portal: its files, its own sign-in, and tokens for its pages. Node's http and nothing else.
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import path from 'node:path';
import { callboard } from './callboard.mjs';
import { services } from '../shared/sample.mjs';

const types = { '.html': 'text/html', '.js': 'text/javascript', '.mjs': 'text/javascript', '.css': 'text/css', '.json': 'application/json', '.svg': 'image/svg+xml' };
const MOST_SESSIONS = 1000;
const MOST_BODY = 64 * 1024;

/**
 * Starts a portal and answers what runs. `pages` are the folders that its files are in; `seconds` is the life of its tokens;
 * `ancestors` are the pages that may hold it in a frame.
 * Whoever opens the page is signed in as `viewer`: this is where a real portal has its own sign-in.
 */
export async function startPortal({ app, title, host, secret, port, pages, viewer = 'user:default/guest', seconds, ancestors = "'none'" }) {
  const origin = `http://127.0.0.1:${port}`;
  const portal = {
    app, title, host, origin, pages, viewer, seconds, ancestors,
    callboard: callboard({ url: host, app, secret }),
    sessions: new Map(),
    log: [], // each request, as an access log has it
    violations: [], // what browsers report of the policy
    pictures: undefined,
  };
  portal.server = http.createServer((request, response) => void serve(portal, request, response));
  await new Promise((resolve, reject) => portal.server.once('error', reject).listen(port, '127.0.0.1', resolve));
  portal.close = () => new Promise(resolve => (portal.server.close(resolve), portal.server.closeAllConnections()));
  return portal;
}

async function serve(portal, request, response) {
  const { pathname } = new URL(request.url, portal.origin);
  portal.log.push(`${request.method} ${request.url}`);
  for (const [name, value] of Object.entries(headers(portal))) response.setHeader(name, value);
  try {
    const route = routes[`${request.method} ${pathname}`];
    if (route) await route(portal, request, response);
    else if (request.method === 'GET') await file(portal, pathname, response);
    else send(response, 405, 'Method not allowed\n');
  } catch (error) {
    console.error(`${portal.app}: ${request.method} ${pathname}: ${error.message}`);
    send(response, 502, 'Callboard cannot be reached, or refuses\n');
  }
}

const routes = {
  'GET /': index,
  'POST /callboard-token': token,
  'POST /sign-out': signOut,
  'POST /csp-reports': report,
};

/** A policy that is as strict as widgets let it be. Their styles need no permission: they are constructed by script. */
function headers({ host, ancestors }) {
  return {
    'content-security-policy': [
      "default-src 'none'", `script-src 'self' ${host}`, "style-src 'self'", `img-src 'self' ${host} data:`, `connect-src 'self' ${host}`,
      `frame-src ${host}`, "base-uri 'none'", "form-action 'self'", `frame-ancestors ${ancestors}`,
      "require-trusted-types-for 'script'", 'trusted-types callboard vue', 'report-uri /csp-reports',
    ].join('; '),
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
  };
}

/** The page, with the address of Callboard and pictures for browsers without JavaScript in it. */
async function index(portal, request, response) {
  if (!session(portal, request)) signIn(portal, response);
  portal.pictures ??= await pictures(portal);
  const values = { callboard: portal.host, app: portal.app, title: portal.title, viewer: portal.viewer, ...portal.pictures };
  const page = (await readFile(path.join(portal.pages[0], 'index.html'), 'utf8')).replace('<!--no-script-->', noScript).replace(/\{\{([\w-]+)\}\}/g, (_, name) => escape(values[name] ?? ''));
  response.setHeader('cache-control', 'no-store');
  send(response, 200, page, 'text/html');
}

/** For the portals whose pages are made by script alone. */
const noScript = `<noscript><main><h1>{{title}}</h1>
  <div class="card"><img src="{{picture-cost}}" alt="Cost of the booking service" width="640" height="320"></div>
  <div class="card"><img src="{{picture-usage}}" alt="Requests to the bookings API" width="640" height="320"></div>
</main></noscript>`;

const escape = text => text.replace(/[&<>"']/g, c => `&#${c.charCodeAt(0)};`);

async function pictures({ callboard }) {
  const [{ entity, api }] = services;
  const [cost, usage] = await Promise.all([callboard.picture('cost/cost-over-time', entity), callboard.picture('gateway/gateway-requests', api)]);
  return { 'picture-cost': cost, 'picture-usage': usage };
}

/**
 * A token for the page. Only the portal's own page may ask: the cookie does not travel with requests of other sites, and a
 * browser says where a request comes from. The answer of Callboard is handed on as it is.
 */
async function token(portal, request, response) {
  response.setHeader('cache-control', 'no-store');
  const signedIn = session(portal, request);
  if (!signedIn) return send(response, 401, 'Sign in first\n');
  if ((request.headers['sec-fetch-site'] ?? 'same-origin') !== 'same-origin') return send(response, 403, 'For the pages of this portal\n');
  const minted = await portal.callboard.token({ viewer: signedIn.viewer, origin: portal.origin, seconds: portal.seconds });
  signedIn.tokens.push(minted.id);
  send(response, 200, JSON.stringify(minted), 'application/json');
}

/** Ends the session, and with it every token that its pages were given. */
async function signOut(portal, request, response) {
  const signedIn = session(portal, request);
  if (signedIn) {
    portal.sessions.delete(signedIn.id);
    await Promise.all(signedIn.tokens.map(portal.callboard.revoke));
  }
  response.setHeader('set-cookie', `${portal.app}=; Path=/; Max-Age=0`);
  send(response, 204);
}

async function report(portal, request, response) {
  let body = '';
  for await (const part of request) if ((body += part).length > MOST_BODY) return send(response, 413, 'Too long\n');
  portal.violations.push(body);
  send(response, 204);
}

function signIn(portal, response) {
  const id = randomBytes(16).toString('base64url');
  if (portal.sessions.size >= MOST_SESSIONS) portal.sessions.delete(portal.sessions.keys().next().value);
  portal.sessions.set(id, { id, viewer: portal.viewer, tokens: [] });
  // Ports share cookies, so each portal has a name of its own. On https it would be Secure as well.
  response.setHeader('set-cookie', `${portal.app}=${id}; Path=/; HttpOnly; SameSite=Strict`);
}

function session({ app, sessions }, request) {
  const cookies = new Map((request.headers.cookie ?? '').split(/;\s*/).map(cookie => cookie.split('=', 2)));
  return sessions.get(cookies.get(app));
}

async function file({ pages }, pathname, response) {
  const type = types[path.extname(pathname)];
  for (const folder of type ? pages : []) {
    const name = path.join(folder, path.normalize(pathname)); // normalize: an absolute path cannot climb above its root
    const content = await readFile(name).catch(() => undefined);
    if (content) return send(response, 200, content, type);
  }
  send(response, 404, 'Not found\n');
}

function send(response, status, body = '', type = 'text/plain') {
  if (status !== 204) response.setHeader('content-type', `${type}; charset=utf-8`);
  response.writeHead(status).end(body);
}
