// What others may not: other origins, other frames, pages around frames.
import path from 'node:path';
import { expect, settle, until } from '../say.mjs';

export const borders = [
  { name: 'borders/an origin that is not registered gets no token', walk: noToken },
  { name: 'borders/a token is of no use on another origin', walk: otherOrigin },
  { name: 'borders/a page that is not registered cannot frame a widget', walk: noFrame },
  { name: 'borders/a sibling frame learns nothing and changes nothing', walk: sibling },
];

/** Pages of strangers. */
const pages = path.resolve(import.meta.dirname, '../pages');

/** The same portal on another port: the host does not know that origin. */
async function noToken(rig) {
  const stranger = await rig.portal('portal-html');
  const page = await rig.page();
  const answer = page.waitForResponse(response => response.url().endsWith('/callboard-token'));
  await page.goto(stranger.origin);
  const status = (await answer).status();
  expect(status === 502, 'the portal to be refused', status);
  await until(() => page.locator('callboard-widget').first().getAttribute('data-status'), 'the widget to say so', { holds: state => state === 'error' || state === 'denied' });
  return 'widgets say so';
}

/** A token that leaked is tried by a page of another origin, and by a program that claims such an origin. */
async function otherOrigin(rig) {
  const portal = rig.portals['portal-html'];
  const { token } = await portal.callboard.token({ viewer: portal.viewer, origin: portal.origin });
  const stranger = await rig.portal('portal-html');
  const page = await rig.page();
  await page.route('**/callboard-token', route => route.fulfill({ contentType: 'text/plain', body: token }));
  await page.goto(stranger.origin);
  await until(() => page.locator('callboard-widget').first().getAttribute('data-status'), 'the widget to have nothing', { holds: state => state === 'error' });
  const read = await page.evaluate(async ([url, secret]) => fetch(url, { headers: { authorization: `Bearer ${secret}` } }).then(() => 'read', () => 'refused'), [`${rig.host}/api/widgets/v1/catalog`, token]);
  expect(read === 'refused', 'the browser to refuse the answer', read);
  const asked = await fetch(`${rig.host}/api/widgets/v1/catalog`, { headers: { authorization: `Bearer ${token}`, origin: stranger.origin } });
  expect(asked.status === 401 || asked.status === 403, '401 or 403 for the origin', asked.status);
  return `browser: ${read}; host: ${asked.status}`;
}

/** Clickjacking: the widget lies in a frame of a page that is nobody's. */
async function noFrame(rig) {
  const stranger = await rig.portal('portal-html', { pages: [pages] });
  const page = await rig.page();
  await page.goto(stranger.origin);
  const said = await until(() => page.problems.find(text => /frame-ancestors/.test(text)), 'the browser to refuse the frame');
  await until(() => page.frames().at(-1).url(), 'an error of the browser in the frame', { holds: url => url.startsWith('chrome-error:') });
  expect(said.includes(`frame-ancestors ${rig.portals['portal-html'].origin}`), 'the policy to name the portal alone', said);
  return 'refused by frame-ancestors';
}

/** A stranger's frame on the portal's own page, whose policy is bypassed for that. */
async function sibling(rig) {
  const stranger = await rig.portal('portal-html', { pages: [pages], ancestors: '*' });
  const page = await rig.page({ bypassCSP: true });
  await page.goto(rig.portals['portal-html'].origin, { waitUntil: 'commit' });
  await page.waitForSelector('main');
  await page.evaluate(src => {
    const frame = document.body.insertBefore(document.createElement('iframe'), document.querySelector('main'));
    Object.assign(frame, { src, title: 'advertisement', width: 10, height: 10 });
  }, `${stranger.origin}/sibling.html`);
  const inside = await until(() => page.frames().find(frame => frame.url().endsWith('/sibling.html')), 'the frame of the stranger');
  await settle(page);
  const before = await inside.evaluate(() => globalThis.sent);
  await until(() => inside.evaluate(() => globalThis.sent), 'messages after the widgets are there', { holds: sent => sent > before + 40 });
  const heard = await inside.evaluate(() => globalThis.heard);
  expect(heard.length === 0, 'no message to the stranger', heard);
  const frame = page.locator('callboard-widget[mode=frame]');
  const { height } = await frame.locator('iframe').boundingBox();
  expect((await frame.getAttribute('data-status')) === 'ok' && height < 2000, 'the widget as it was', { height, status: await frame.getAttribute('data-status') });
  expect(page.url() === `${rig.portals['portal-html'].origin}/`, 'the page to stay where it is', page.url());
  return `${await inside.evaluate(() => globalThis.sent)} messages sent, 0 heard`;
}
