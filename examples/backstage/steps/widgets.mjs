// Widgets as the host draws them, with the sample data of plugins/fakes, on a page that holds nothing else.
import { StepError } from '../screen.mjs';
import { ask } from './ask.mjs';

// Shows widgets in two columns; each is an id, and the ref of an entity if it is about one.
async function show(screen, widgets) {
  const figures = await Promise.all(widgets.map(([id, ref]) => ask(screen, `widgets/v1/render/${id}.html?w=560${ref ? `&entityRef=${ref}` : ''}`)));
  const style = await ask(screen, 'widgets/v1/style.css');
  await screen.page.goto('about:blank'); // the page before still has scripts that would look for their styles
  await screen.page.setContent(`<!doctype html><title>Widgets</title><style>${style}
    body { margin: 0; background: #f4f5f7 } main { columns: 2; column-gap: 16px; padding: 16px 16px 0; width: 1216px }
    figure.cb-widget { break-inside: avoid; margin: 0 0 16px; padding: 16px; background: #fff; border-radius: 6px } figcaption { font-weight: 600; margin-bottom: 8px } details { display: none }
    </style><main>${figures.join('\n')}</main>`);
}

const figure = (screen, id) => screen.page.locator(`figure[data-widget="${id}"]`);

// What a picture says in words, to who cannot see it.
const said = (screen, id, pattern) =>
  screen.eventually(`${id} to say ${pattern}`, async () => (await figure(screen, id).locator('desc').first().textContent()) ?? '', text => pattern.test(text));

const imported = screen =>
  screen.eventually('the bills of three clouds', async () => JSON.parse(await ask(screen, 'cost/v1/imports?limit=100')).imports.filter(one => one.origin === 's3' && one.state === 'done').length, n => n >= 36);

// Has the guest's team have an application with keys for two APIs.
async function withKeys(screen) {
  const { id: app } = JSON.parse(await ask(screen, 'gateway/v1/apps', { name: 'Pier Display', owner: 'group:default/quayside-web' }));
  for (const [api, plan] of [['harbour/timetable', 'crew'], ['pier/loyalty', 'trial']]) {
    const request = JSON.parse(await ask(screen, 'gateway/v1/requests', { app, api, plan, ttlDays: 90, reason: 'the display at pier 3' }));
    if (request.status === 'pending') await ask(screen, `gateway/v1/requests/${request.id}/approve`, { comment: 'welcome' });
    const { secret } = JSON.parse(await ask(screen, `gateway/v1/apps/${app}/credentials`, { api, label: 'pier 3' }));
    if (api !== 'pier/loyalty') continue;
    // What Caddy or nginx would ask before each request that it lets in.
    for (let i = 0; i < 37; i++) await fetch(`${screen.base}/api/gateway/authz/${api}`, { headers: { 'x-api-key': secret } });
  }
}

const whole = screen => screen.page.locator('main');

export const widgets = [
  {
    name: 'widgets/cost',
    readme: { file: 'plugins/cost/docs/screenshot.png', of: whole },
    async walk(screen) {
      await imported(screen);
      await ask(screen, 'cost/v1/budgets/booking', { name: 'Booking', entityRef: 'system:default/booking', currency: 'EUR', amount: '13000' }, 'PUT');
      await show(screen, [['cost/cost-over-time-of-parts', 'system:default/booking'], ['cost/cost-budget-of-parts', 'system:default/booking'], ['cost/cost-unallocated'], ['cost/cost-top-entities']]);
      await said(screen, 'cost/cost-over-time-of-parts', /Amazon Elastic Compute Cloud: last EUR\s\d/);
      await screen.see(/Booking/, figure(screen, 'cost/cost-budget-of-parts'));
      await said(screen, 'cost/cost-unallocated', /^Unallocated: EUR\s[\d,.]+, . [+−][\d.]+\s%/);
      await screen.see('Unallocated', figure(screen, 'cost/cost-top-entities'));
      await screen.seeLinks(figure(screen, 'cost/cost-top-entities'), ['resource:default/data-lake', 'component:default/booking-service'], 'the most expensive');
    },
  },
  {
    name: 'widgets/gateway',
    readme: { file: 'plugins/gateway/docs/screenshot.png', of: whole },
    async walk(screen) {
      await withKeys(screen);
      await show(screen, [['gateway/gateway-requests', 'api:default/timetable'], ['gateway/keys'], ['gateway/gateway-latency', 'api:default/timetable'], ['gateway/gateway-quota', 'api:default/loyalty']]);
      await said(screen, 'gateway/gateway-quota', /Pier Display, of 100 requests per day: 37/);
      await said(screen, 'gateway/gateway-requests', /Requests: last \d+.*Errors: last \d+/);
      await said(screen, 'gateway/gateway-latency', /last \d/);
      await screen.see('Pier Display', figure(screen, 'gateway/keys'));
      await screen.see('active', figure(screen, 'gateway/keys'));
    },
  },
  {
    name: 'widgets/sentry and sonarqube',
    async walk(screen) {
      await show(screen, ['sentry/open-issues', 'sentry/events', 'sentry/crash-free', 'sonarqube/sonarqube-gate', 'sonarqube/sonarqube-ratings', 'sonarqube/sonarqube-coverage', 'sonarqube/sonarqube-hotspots'].map(id => [id, 'component:default/booking-service']));
      await screen.see('TimeoutError: payment-gateway did not answer within 2s', figure(screen, 'sentry/open-issues'));
      await said(screen, 'sentry/events', /events: last \d+/);
      await said(screen, 'sentry/crash-free', /99\.62/);
      await screen.see('measured: 71.5 %, at least 80 %', figure(screen, 'sonarqube/sonarqube-gate'));
      await said(screen, 'sonarqube/sonarqube-coverage', /last 82\.4/);
    },
  },
  {
    name: 'widgets/each is drawn',
    async walk(screen) {
      await imported(screen);
      for (const [ref, least] of [['component:default/booking-service', 10], ['api:default/bookings', 5], ['system:default/booking', 3]]) {
        const [, kind, name] = /^(\w+):default\/(.+)$/.exec(ref);
        const list = JSON.parse(await ask(screen, `widgets/v1/entities/${kind}/default/${name}`)).widgets.map(widget => widget.id);
        if (list.length < least) throw new StepError(`at least ${least} widgets for ${ref}`, list.join(', '));
        await show(screen, list.map(id => [id, ref]));
        for (const id of list) await screen.see(figure(screen, id));
      }
    },
  },
];
