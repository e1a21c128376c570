// What must be nowhere, after all that was done before: tokens in addresses and logs, violations of the pages' policies.
import fs from 'node:fs';
import { expect, settle, until } from '../say.mjs';

export const quiet = [
  { name: 'quiet/no token in an address or a log', walk: noTokens },
  { name: 'quiet/no page broke its policy', walk: noViolations },
];

async function noTokens(rig) {
  const page = await rig.page();
  const [urls, tokens] = [[], []];
  page.context().on('request', request => urls.push(request.url(), request.headers().referer ?? ''));
  page.context().on('response', async response => response.url().endsWith('/callboard-token') && response.ok() && tokens.push((await response.json()).token));
  await page.goto(rig.portals['portal-html'].origin);
  await settle(page);
  const logs = { host: fs.readFileSync(rig.log, 'utf8'), ...Object.fromEntries(Object.values(rig.portals).map(({ app, log }) => [app, log.join('\n')])) };
  const places = { ...logs, addresses: urls.join('\n') };
  expect(tokens.length > 0 && logs.host.includes('"/api/widgets/v1/batch"'), 'a token, and a log with requests', { tokens: tokens.length });
  // Any token of this host begins with the same header; its signature is enough to name a single one.
  const header = tokens[0].split('.')[0];
  for (const [place, text] of Object.entries(places)) {
    expect(!text.includes(header) && !/\beyJ[\w-]{20,}\.eyJ/.test(text), `no token in ${place}`, text.match(/.{0,80}eyJ.{0,40}/)?.[0]);
  }
  const images = logs.host.match(/\/v1\/images\/[\w-]{16,}/);
  expect(!images, 'no address of a picture in the log', images?.[0].slice(0, 20));
  return `${urls.length / 2} requests, ${logs.host.split('\n').length} lines of the host's log`;
}

async function noViolations(rig) {
  const reports = Object.values(rig.portals).flatMap(({ app, violations }) => violations.map(report => `${app} ${report.slice(0, 400)}`));
  expect(reports.length === 0, 'no report', reports);
  // Reports do arrive: a page that is made to break its policy is told on.
  const portal = rig.portals['portal-html'];
  const page = await rig.page();
  await page.goto(portal.origin);
  await page.evaluate(() => document.body.append(Object.assign(document.createElement('img'), { src: 'http://127.0.0.1:1/forbidden.png' })));
  await until(() => portal.violations.splice(0), 'the report of a forbidden picture', { holds: seen => seen.some(report => report.includes('forbidden.png') || report.includes('127.0.0.1:1')) });
  return '0 reports';
}
