// The life of tokens: renewed before they end, of no use when they have ended or were revoked.
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, settle, textOf, until } from '../say.mjs';

const LIFE = 30; // seconds, the shortest that the host gives
const widget = 'callboard-widget[name="sentry/crash-free"]';

export const tokens = [
  { name: 'tokens/renewed before they end; ended when nobody renews them', walk: renewedAndEnded },
  { name: 'tokens/revoked by signing out', walk: signOut },
  { name: 'tokens/all of an app revoked: pages get others', walk: revokedApp },
];

/** Opens a portal and keeps the tokens that its page is given. */
async function open(rig, portal) {
  const page = await rig.page();
  page.tokens = [];
  page.on('response', async response => {
    if (response.url().endsWith('/callboard-token') && response.ok()) page.tokens.push(await response.json());
  });
  await page.goto(portal.origin);
  await settle(page);
  await until(() => page.tokens.length, 'a token');
  return page;
}

const statusAt = (host, token, path = '/api/widgets/v1/catalog', headers = {}) =>
  fetch(host + path, { headers: { authorization: `Bearer ${token}`, ...headers } }).then(answer => answer.status);

/** Widgets of somebody who is signed out say so, and show nothing any longer. */
async function signedOut(page) {
  await until(() => stateOf(page), 'widgets to say that nobody is signed in', { holds: status => status === 'denied' });
  const said = (await textOf(page, widget)).trim();
  expect(said !== '' && !/\d/.test(said), 'words and no figures', said);
  return JSON.stringify(said.slice(0, 80));
}

const refresh = page => page.locator(widget).evaluate(element => element.refresh());
const stateOf = page => page.locator(widget).getAttribute('data-status');

/** Two pages at once, since each needs a token's whole life: one of a portal that goes on, one of a portal that forgot who it was. */
async function renewedAndEnded(rig) {
  const [going, gone] = [rig.portals['portal-html'], rig.portals['portal-react']];
  going.seconds = gone.seconds = LIFE;
  const [first, second] = [await open(rig, going), await open(rig, gone)];
  gone.sessions.clear();
  const [old, ended] = [first.tokens[0], second.tokens[0]];
  try {
    await until(() => first.tokens.length, 'a second token before the first one ends', { patience: LIFE * 1000, holds: count => count > 1 });
    const early = Date.parse(old.expiresAt) - Date.now();
    expect(early > 0, 'the new token before the old one ended', `${early} ms`);
    await sleep(Math.max(0, Date.parse(ended.expiresAt) - Date.now()) + 1000);
    await Promise.all([refresh(first), refresh(second)]);
    const said = await signedOut(second);
    expect((await stateOf(first)) === 'ok', 'the page with a new token to go on', await stateOf(first));
    expect((await statusAt(rig.host, ended.token)) === 401, '401 for the token that ended', await statusAt(rig.host, ended.token));
    return `renewed ${Math.round(early / 1000)} s before its end of ${LIFE} s; then: ${said}`;
  } finally {
    going.seconds = gone.seconds = undefined;
  }
}

async function signOut(rig) {
  const page = await open(rig, rig.portals['portal-html']);
  const [{ token }] = page.tokens;
  expect((await statusAt(rig.host, token)) === 200, '200 before', await statusAt(rig.host, token));
  await page.getByRole('button', { name: 'Sign out' }).click();
  const said = await signedOut(page);
  expect((await statusAt(rig.host, token)) === 401, '401 for the revoked token', await statusAt(rig.host, token));
  await page.screenshot({ path: `${rig.out}/signed-out.png`, fullPage: true });
  return said;
}

async function revokedApp(rig) {
  const portal = rig.portals['portal-html'];
  const page = await open(rig, portal);
  const before = page.tokens.length;
  await portal.callboard.revokeAll();
  expect((await statusAt(rig.host, page.tokens[0].token)) === 401, '401 at once', await statusAt(rig.host, page.tokens[0].token));
  await refresh(page);
  await until(() => page.tokens.length, 'another token', { holds: count => count > before });
  await until(() => stateOf(page), 'the widget to go on', { holds: status => status === 'ok' });
  return 'refused at once, replaced once';
}
