import { createHmac } from 'node:crypto';
import { StepError } from '../screen.mjs';

// The cards of `@backstage-community/plugin-sentry` and `-sonarqube` in the frontend that has them, fed by the plugins
// sentry and sonarqube with the sample data of plugins/fakes.
const entity = name => `/catalog/default/component/${name}`;

// The innermost box of the page with a text: these cards are no articles, as those of the catalog are.
const box = (screen, text) => screen.page.locator('.MuiPaper-root').filter({ hasText: text }).last();
const issues = screen => box(screen, 'Sentry Issues');
const quality = screen => box(screen, 'Code Quality');
const row = (table, type) => table.getByRole('row').filter({ hasText: type });
const text = async locator => (await locator.innerText()).replace(/\s*, Opens in a new window$/, '').replace(/\s+/g, ' ').trim();

async function seeIssue(screen, { type, value, events, users, link }) {
  const line = row(issues(screen), type);
  await screen.see(value, line);
  await screen.see(line.getByRole('cell', { name: events, exact: true }));
  await screen.see(line.getByRole('cell', { name: users, exact: true }));
  await screen.eventually('a bar for each hour', () => line.locator('svg rect').count(), bars => bars === 24);
  if (link) await screen.eventually(`a link to ${link}`, () => line.getByRole('link').getAttribute('href'), href => href === link);
}

// Names, values and letters as they stand in the card, from left to right.
const seeRatings = (screen, ratings) =>
  screen.eventually(`ratings ${ratings.join(', ')}`, async () => Promise.all((await quality(screen).getByRole('link').all()).map(text)), seen => ratings.every(rating => seen.includes(rating)));

// What an integration of Sentry sends when an issue is new; the secret is that of plugins/fakes/app-config.yaml.
async function reportIssue(base, project, title) {
  const issue = { id: '700109999', title, level: 'fatal', permalink: 'https://sentry.marram.example/organizations/marram-line/issues/700109999/', project: { slug: project } };
  const body = JSON.stringify({ action: 'created', data: { issue } });
  const signature = createHmac('sha256', 'sample-secret-of-webhooks').update(body).digest('hex');
  const response = await fetch(`${base}/api/sentry/webhook/marram-line`, { method: 'POST', body, headers: { 'content-type': 'application/json', 'sentry-hook-resource': 'issue', 'sentry-hook-signature': signature } });
  if (response.status !== 204) throw new StepError('the webhook to be taken with 204', `${response.status} ${await response.text()}`);
}

const ages = table => table.getByRole('cell', { name: / ago$/ }).allInnerTexts();

export const plugins = [
  {
    name: 'sentry/card',
    async walk(screen) {
      await screen.open(entity('booking-service'));
      await screen.see('Graph shows the last 24h', issues(screen));
      await seeIssue(screen, { type: 'TimeoutError', value: 'payment-gateway did not answer within 2s', events: '184', users: '162', link: 'https://sentry.marram.example/organizations/marram-line/issues/700100200/' });
      await seeIssue(screen, { type: 'HoldExpired', value: 'seat hold 4f1c ran out before the payment', events: '57', users: '49' });
      await seeIssue(screen, { type: 'panic', value: 'runtime error: index out of range [3] with lengt...', events: '6', users: '4' });
      await screen.eventually('when each was first and last seen', () => ages(issues(screen)), seen => seen.length === 6 && seen[0] === '21 days ago' && /^\d+ minutes ago$/.test(seen[1]));
    },
  },
  {
    name: 'sentry/older issues',
    readme: { file: 'plugins/sentry/docs/screenshot.png', of: issues },
    async walk(screen) {
      await screen.open(`${entity('booking-service')}/sentry`);
      await screen.see(row(issues(screen), 'panic'));
      await screen.gone(row(issues(screen), 'ConstraintError'), 'what was quiet for five days');
      await screen.click(issues(screen).getByRole('button', { name: '24H' }));
      await screen.click(screen.role('option', '7D'));
      await screen.see(row(issues(screen), 'ConstraintError'));
      await screen.gone(row(issues(screen), 'DeadlockError'), 'what is resolved');
    },
  },
  {
    name: 'sentry/tab',
    async walk(screen) {
      await screen.open(`${entity('booking-web')}/sentry`);
      await seeIssue(screen, { type: 'TypeError', value: "Cannot read properties of undefined (reading 'pr...", events: '942', users: '311' });
      await seeIssue(screen, { type: 'ChunkLoadError', value: 'Loading chunk 42 failed', events: '120', users: '118' });
    },
  },
  {
    name: 'sentry/no such project',
    async walk(screen) {
      await screen.open(`${entity('lost-cargo')}/sentry`);
      await screen.see("There is no Sentry project with id 'no-such-project'.");
      await screen.see('Request failed with 404 Not Found');
    },
  },
  {
    name: 'sentry/webhook tells the owners',
    async walk(screen) {
      await screen.open('/notifications');
      await screen.see(screen.heading('Unread notifications (0)'));
      await reportIssue(screen.base, 'payment-gateway', 'panic: refund of nothing');
      await reportIssue(screen.base, 'booking-web', 'RangeError: Maximum call stack size exceeded');
      // The page hears of it by itself. The guest's team owns the one component and not the other.
      await screen.see('Sentry: RangeError: Maximum call stack size exceeded');
      await screen.see('booking-web: issue created');
      await screen.see(screen.heading('Unread notifications (1)'));
    },
  },
  {
    name: 'sonarqube/card of a failed gate',
    readme: { file: 'plugins/sonarqube/docs/screenshot.png', of: quality },
    async walk(screen) {
      await screen.open(entity('booking-service'));
      await screen.see('Gate failed', quality(screen));
      await seeRatings(screen, ['3 C Bugs', '0 A Vulnerabilities', '41 A Code Smells', '75.0% B Hotspots Reviewed', '82.4% Coverage', '1.2% Duplications']);
      await screen.see(/^2 hours ago$/, quality(screen));
    },
  },
  {
    name: 'sonarqube/tab of a passed gate',
    async walk(screen) {
      await screen.open(`${entity('booking-web')}/sonarqube`);
      await screen.see(screen.heading('SonarQube Dashboard'));
      await screen.see('Gate passed', quality(screen));
      await seeRatings(screen, ['0 A Bugs', '0 A Vulnerabilities', '12 A Code Smells', '100.0% A Hotspots Reviewed', '91.3% Coverage', '0.0% Duplications']);
    },
  },
  {
    name: 'sonarqube/tab of a bad state',
    async walk(screen) {
      await screen.open(`${entity('payment-gateway')}/sonarqube`);
      await screen.see('Gate failed', quality(screen));
      await seeRatings(screen, ['17 D Bugs', '4 E Vulnerabilities', '380 B Code Smells', '12.5% E Hotspots Reviewed', '— Coverage', '11.8% Duplications']);
      const link = quality(screen).getByRole('link', { name: /Bugs/ });
      await screen.eventually('bugs to lead to SonarQube', () => link.getAttribute('href'), href => href?.startsWith('https://sonarqube.marram.example/project/issues?id=example.marram%3Apayment-gateway&types=BUG'));
    },
  },
  {
    name: 'sonarqube/never analysed',
    async walk(screen) {
      await screen.open(`${entity('timetable-service')}/sonarqube`);
      await screen.see('Not computed', quality(screen));
      await seeRatings(screen, ['Bugs', 'Vulnerabilities', 'Code Smells', '— Coverage']);
    },
  },
  {
    name: 'sonarqube/no such project',
    async walk(screen) {
      await screen.open(`${entity('lost-cargo')}/sonarqube`);
      // The card swallows the error and stays empty; the message is in the answer alone.
      await screen.see(quality(screen));
      await screen.watch.settle();
      await screen.eventually('a card without numbers', () => text(quality(screen)), seen => seen === 'Code Quality');
    },
  },
  {
    name: 'plugins/neither card without annotations',
    async walk(screen) {
      await screen.open(entity('seat-allocator'));
      await screen.see(screen.card('About'));
      await screen.watch.settle();
      for (const title of ['Sentry', 'SonarQube']) await screen.gone(screen.role('link', title, { exact: true }), `the tab ${title}`);
      await screen.gone(quality(screen), 'the card of SonarQube');
    },
  },
];
