// What people see: data, theme, language, any width, nothing that jumps, nothing that only some can use.
import path from 'node:path';
import axe from 'axe-core';
import { guestToken } from '../../../backstage/callboard.mjs';
import { expect, settle, shifts, textOf, until, watchShifts } from '../say.mjs';

/** The sum of shifts below which nobody sees any; 0.1 counts as good elsewhere. */
const CLS = 0.005;

const apps = ['portal-html', 'portal-react', 'portal-vue'];

export const looks = [
  ...apps.flatMap(app => [
    { name: `${app}/shows what the host has`, walk: rig => showsData(rig, app) },
    { name: `${app}/dark, and in German`, walk: rig => darkGerman(rig, app) },
    { name: `${app}/another service`, walk: rig => anotherService(rig, app) },
    { name: `${app}/on a phone`, walk: rig => phone(rig, app) },
  ]),
  { name: 'frame/as high as what is in it', walk: frameHeight },
  { name: 'batch/20 widgets are one request', walk: batch },
  { name: 'no script/pictures and links', walk: noScript },
];

/** Rules that are for whole pages; a frame is a part of one. */
const partOfPage = { 'page-has-heading-one': { enabled: false } };

/** Opens a portal and reads it from top to bottom. */
async function open(rig, app, settings) {
  const page = await rig.page(settings);
  await watchShifts(page);
  await page.goto(rig.portals[app].origin);
  await settle(page);
  return page;
}

async function showsData(rig, app) {
  const page = await open(rig, app);
  const cost = await textOf(page, 'callboard-widget[name="cost/cost-over-time"]');
  expect(/Amazon Elastic Compute Cloud/.test(cost) && /\d/.test(cost), 'the cost of the booking service', cost.slice(0, 300));
  await until(() => textOf(page, 'callboard-api-docs'), 'operations of the bookings API', { holds: text => /\/bookings/.test(text) });
  await page.frameLocator('callboard-widget[mode=frame] iframe').locator('svg').first().waitFor();
  const [violations, jumped] = [await audit(page), await shifts(page)];
  await shot(rig, page, `${app}-light`);
  const sum = jumped.reduce((total, { value }) => total + value, 0);
  expect(sum < CLS, 'no shift of the layout that can be seen', jumped);
  clean(page);
  return `CLS ${sum.toFixed(3)}, axe 0 of ${violations.rules} rules, ${page.asked.length} requests to the host`;
}

async function darkGerman(rig, app) {
  const page = await open(rig, app);
  const before = await textOf(page, 'callboard-widget[name="gateway/gateway-requests"]');
  await page.getByLabel('Theme').selectOption('dark');
  await page.getByLabel('Language').selectOption('de');
  await page.locator('callboard-widget[name="gateway/gateway-requests"]').scrollIntoViewIfNeeded();
  await until(() => textOf(page, 'callboard-widget[name="gateway/gateway-requests"]'), 'words in German', { holds: text => text !== before && /Als Tabelle|Tabelle|Daten/.test(text) });
  await settle(page);
  const colour = await page.locator('callboard-widget .cb-widget').first().evaluate(element => getComputedStyle(element).color);
  expect(colour === 'rgb(228, 234, 237)', 'text in the colour of the dark portal', colour);
  const framed = page.frameLocator('callboard-widget[mode=frame] iframe').locator('html');
  await until(() => framed.evaluate(html => getComputedStyle(html).colorScheme), 'the frame to be dark too', { holds: scheme => scheme === 'dark' });
  const { rules } = await audit(page);
  await shot(rig, page, `${app}-dark`);
  clean(page);
  return `axe 0 of ${rules} rules`;
}

async function anotherService(rig, app) {
  const page = await open(rig, app);
  await page.getByLabel('Service').selectOption({ label: 'Payments' });
  const entity = await until(() => page.locator('callboard-widget[name="cost/cost-over-time"]').getAttribute('entity'), 'the payment gateway', { holds: ref => /payment/.test(ref) });
  await settle(page);
  await until(() => textOf(page, 'callboard-api-docs'), 'operations of the payments API', { holds: text => /\/payments|\/charges|\/refunds/.test(text) });
  clean(page);
  return entity;
}

async function phone(rig, app) {
  const page = await open(rig, app, { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true });
  const width = await page.evaluate(() => document.documentElement.scrollWidth);
  await audit(page);
  await shot(rig, page, `${app}-phone`);
  expect(width <= 360, 'nothing wider than the screen', `${width} px of 360`);
  clean(page);
  return '360 px wide, axe 0';
}

/** The frame follows its content, when the page gets narrower too; and holds to the rules that the page holds to. */
async function frameHeight(rig) {
  const page = await open(rig, 'portal-html');
  const frame = page.locator('callboard-widget[mode=frame] iframe');
  const heights = async () => {
    await frame.scrollIntoViewIfNeeded(); // browsers do not lay out frames that nobody sees
    const inside = await (await (await frame.elementHandle()).contentFrame()).evaluate(() => Math.ceil(document.querySelector('#callboard').getBoundingClientRect().height));
    return { inside, outside: (await frame.boundingBox()).height };
  };
  const fits = ({ inside, outside }) => inside > 80 && Math.abs(outside - inside) <= 24;
  const wide = await until(heights, 'the frame to be as high as its content', { holds: fits });
  await page.setViewportSize({ width: 500, height: 900 });
  const narrow = await until(heights, 'the frame to follow its content', { holds: fits });
  const { rules } = await audit(await (await frame.elementHandle()).contentFrame(), { rules: partOfPage });
  return `${wide.outside} px, then ${narrow.outside} px; axe 0 of ${rules} rules in the frame`;
}

async function batch(rig) {
  const page = await rig.page();
  await page.goto(rig.portals['portal-html'].origin);
  await page.evaluate(() => document.querySelector('main').remove());
  await page.waitForTimeout(300); // what was asked before is answered
  page.asked.length = 0;
  await page.evaluate(() => {
    const names = ['cost/cost-over-time', 'cost/cost-budget', 'sentry/crash-free', 'sonarqube/sonarqube-gate'];
    const grid = document.body.appendChild(document.createElement('main'));
    grid.style.cssText = 'display:grid;grid-template-columns:repeat(10,1fr)';
    for (let i = 0; i < 20; i++) {
      const widget = grid.appendChild(document.createElement('callboard-widget'));
      widget.setAttribute('name', names[i % 4]);
      widget.setAttribute('entity', 'component:default/booking-service');
      widget.setAttribute('max-points', 50 + i);
      widget.setAttribute('height', 200);
    }
  });
  await settle(page);
  const asked = page.asked.filter(request => request.method() !== 'OPTIONS' && /\/(batch|render)\b/.test(request.url()));
  expect(asked.length === 1, 'one request', asked.map(request => request.url()));
  return `${asked.length} request`;
}

async function noScript(rig) {
  const page = await rig.page({ javaScriptEnabled: false });
  const counts = [];
  for (const app of apps) {
    await page.goto(rig.portals[app].origin);
    const pictures = await until(() => page.$$eval('img[src]', all => all.map(image => image.naturalWidth)), `pictures of the host in ${app}`, { holds: widths => widths.length >= 2 && widths.every(width => width > 0) });
    counts.push(pictures.length);
    await shot(rig, page, `${app}-no-script`);
  }
  await page.goto(rig.portals['portal-html'].origin);
  // The page behind the link is for who is signed in at the host: it is read as such, and runs nothing.
  const token = await guestToken(rig.host);
  await page.context().setExtraHTTPHeaders({ authorization: `Bearer ${token}` });
  await page.goto(await page.getByRole('link', { name: 'The bookings API' }).getAttribute('href'));
  await page.getByRole('link', { name: '/holds', exact: false }).first().click();
  await page.getByText('Hold seats on a sailing').first().waitFor();
  return `${counts.join(' + ')} pictures, and an operation by links alone`;
}

/** Runs axe where scripts of the page may not come from elsewhere: it is put in by the browser's own tools. */
async function audit(where, { rules = {} } = {}) {
  await where.evaluate(axe.source);
  const found = await where.evaluate(options => globalThis.axe.run(document, options), { resultTypes: ['violations'], iframes: false, rules });
  const said = found.violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(node => `${node.target.flat().join(' ')} ${node.failureSummary}`).join('; ')}`);
  expect(said.length === 0, 'axe to find nothing', said.join('\n         '));
  return { rules: found.passes.length + found.violations.length + found.inapplicable.length };
}

async function shot(rig, page, name) {
  // A window as high as the page: frames that are out of view are not painted.
  const { width } = page.viewportSize();
  await page.setViewportSize({ width, height: await page.evaluate(() => document.documentElement.scrollHeight) });
  await page.waitForTimeout(300);
  await page.screenshot({ path: path.join(rig.out, `${name}.png`) });
}

function clean(page) {
  expect(page.problems.length === 0, 'nothing in the console', page.problems);
}
