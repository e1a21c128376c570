// Callboard's own plugin in a Backstage app, whose elements show what the host draws: the same steps hold for the app that
// has the npm package, for the one that knows nothing of it and takes the host's remote, and for one of the system before.
import { ask } from './ask.mjs';
import { StepError } from '../screen.mjs';

const entity = name => `/catalog/default/component/${name}`;
const widget = (screen, id) => screen.page.locator(`callboard-widget[name="${id}"]`);
// The innermost article: in apps of the system before, all that stands below the header of a page is one as well.
export const panel = (screen, title) => screen.page.getByRole('article').filter({ has: screen.page.getByRole('heading', { name: title, exact: true, level: 3 }) }).last();

// The text of a widget, which is asked for when it is about to be seen. It stands in a shadow root, which the text of a page
// leaves out.
const text = element => element.shadowRoot?.textContent.replace(/\s+/g, ' ') ?? '';
async function said(screen, id, pattern) {
  await widget(screen, id).scrollIntoViewIfNeeded();
  await screen.eventually(`${id} to say ${pattern}`, () => widget(screen, id).evaluate(text), seen => pattern.test(seen));
}

// How often the page asks for what `pattern` matches, while `action` runs and the page settles.
async function asked(screen, pattern, action) {
  let times = 0;
  const count = request => (times += pattern.test(request.url()) ? 1 : 0);
  screen.page.on('request', count);
  await action();
  await screen.watch.settle();
  screen.page.off('request', count);
  return times;
}

// A page that is loaded afresh forgets it.
const mark = screen => screen.page.evaluate(() => (window.walked = true));
const marked = screen => screen.page.evaluate(() => window.walked === true);

// What is the app's own. Apps of the system before have other cards, tabs in one row, and a page that is at once its first tab.
const today = {
  about: screen => screen.card('About'),
  async openReference(screen) {
    await screen.click(screen.role('button', 'Documentation'));
    await screen.click(screen.role('menuitemradio', 'Reference'));
  },
  firstPage: '/callboard/usage',
};
const before = {
  about: screen => screen.heading('About', { exact: true }),
  openReference: screen => screen.click(screen.role('tab', 'Reference', { exact: true })),
  firstPage: '/callboard',
};

const cardsIn = app => [
  {
    name: 'cards/at a glance',
    async walk(screen) {
      await screen.open(entity('booking-service'));
      await screen.see(panel(screen, 'At a glance'));
      await said(screen, 'sentry/crash-free', /99\.\d+\s*%/);
      await said(screen, 'sonarqube/sonarqube-hotspots', /To review: 2/);
      await said(screen, 'hello-go/hello', /Hello, booking-service/);
      await screen.gone(widget(screen, 'sonarqube/sonarqube-gate'), 'what is beyond the first');
      await screen.click(screen.page.getByRole('button', { name: /^Show all 11$/ }));
      await said(screen, 'sonarqube/sonarqube-gate', /measured: 71\.5 %, at least 80 %/);
      await said(screen, 'sentry/open-issues', /TimeoutError: payment-gateway did not answer within 2s/);
      await panel(screen, 'At a glance').scrollIntoViewIfNeeded();
    },
  },
  {
    name: 'cards/usage over a time',
    async walk(screen) {
      const first = await asked(screen, /\/api\/widgets\/v1\/batch$/, async () => {
        await screen.open(`${entity('booking-service')}/usage`);
        await said(screen, 'cost/cost-over-time', /Amazon Elastic Compute Cloud/);
        await screen.see(widget(screen, 'sentry/events').locator('svg'));
      });
      if (first > 3) throw new StepError('widgets that stand together to be asked for together', `${first} requests for 11 widgets`);
      await screen.role('combobox', 'Time range', { exact: true }).selectOption('7d');
      await screen.eventually('all widgets to be about 7 days', () => screen.page.locator('callboard-widget[range="7d"]').count(), n => n === 11);
      await screen.watch.settle();
      await said(screen, 'cost/cost-over-time', /Amazon Elastic Compute Cloud/);
    },
  },
  {
    name: 'cards/reference of an API',
    async walk(screen) {
      await screen.open('/catalog/default/api/timetable');
      await app.openReference(screen);
      const reference = screen.page.locator('callboard-api-docs[entity="api:default/timetable"]');
      await screen.see(reference.getByText('/sailings').first());
      await screen.eventually('the address of the tab', () => screen.page.url(), url => url.endsWith('/catalog/default/api/timetable/reference'));
    },
  },
  {
    name: 'cards/operations have addresses',
    async walk(screen) {
      const reference = screen.page.locator('callboard-api-docs');
      const link = reference.getByRole('link', { name: 'GET /sailings', exact: true });
      const operation = reference.getByRole('heading', { name: 'Sailings between two ports on a day', exact: true });
      await screen.open('/catalog/default/api/timetable/reference');
      await screen.click(link);
      await screen.see(operation);
      const url = screen.page.url();
      if (!url.endsWith('/reference#operation/searchSailings')) throw new StepError('an address of the operation', url);
      await screen.page.goBack();
      await screen.see(link);
      await screen.page.goForward();
      await screen.see(operation);
      await screen.page.goto('about:blank'); // else only the part after the # would change
      await screen.open(url.slice(screen.base.length));
      await screen.see(operation);
    },
  },
  {
    name: 'cards/usage of an API',
    async walk(screen) {
      await screen.open('/catalog/default/api/timetable/usage');
      await said(screen, 'gateway/gateway-requests', /Requests/);
      await screen.see(widget(screen, 'gateway/gateway-requests').locator('svg'));
    },
  },
  {
    name: 'cards/links stay in the app',
    async walk(screen) {
      await screen.open('/');
      await screen.click(screen.role('navigation', 'sidebar nav').getByRole('link', { name: 'Callboard', exact: true }));
      await screen.eventually('the first of its pages', () => screen.page.url(), url => url.endsWith(app.firstPage));
      await said(screen, 'cost/cost-unallocated', /Unallocated: EUR\s[\d,.]+/);
      await mark(screen);
      await screen.click(widget(screen, 'cost/cost-top-entities').getByRole('link', { name: /booking-service/ }));
      await screen.see(screen.heading('Booking Service'));
      if (!(await marked(screen))) throw new StepError('the router of the app to follow the link', 'the page was loaded afresh');
    },
  },
  {
    name: 'cards/dark theme',
    async walk(screen) {
      await screen.open('/settings');
      await screen.click(screen.role('button', 'Dark', { exact: true }));
      await screen.open(`${entity('booking-service')}/usage`);
      await said(screen, 'sentry/crash-free', /99\.\d+\s*%/);
      const themes = await screen.page.locator('callboard-widget').evaluateAll(elements => [...new Set(elements.map(element => element.getAttribute('theme')))]);
      if (themes.join() !== 'dark') throw new StepError('all widgets to be dark', themes.join());
    },
  },
  {
    name: 'cards/light theme',
    async walk(screen) {
      await screen.open('/settings');
      await screen.click(screen.role('button', 'Light', { exact: true }));
      await screen.open(`${entity('booking-service')}/usage`);
      await screen.eventually('all widgets to be light', () => screen.page.locator('callboard-widget[theme="light"]').count(), n => n === 11);
    },
  },
  {
    name: 'cards/access requests',
    async walk(screen) {
      await ask(screen, 'gateway/v1/apps', { name: 'Tide Table', owner: 'group:default/quayside-web' });
      await screen.open('/callboard/access-requests');
      await screen.see(panel(screen, 'Your keys'));
      await screen.see(widget(screen, 'gateway/keys').getByText('Application').first());
      await screen.role('combobox', 'API', { exact: true }).selectOption('api:default/timetable');
      const form = screen.page.locator('callboard-widget[name="gateway/request"][entity="api:default/timetable"]');
      await form.getByRole('combobox', { name: /^Application/ }).selectOption({ label: 'Tide Table' });
      await form.getByRole('combobox', { name: /^Plan/ }).selectOption('crew');
      await screen.fill(form.getByRole('textbox', { name: /^Reason(?! to)/ }), 'The table at pier 3');
      await screen.click(form.getByRole('button', { name: 'Request access' }));
      await screen.eventually('the request to be made', async () => JSON.parse(await ask(screen, 'gateway/v1/requests')).items.map(item => item.reason), reasons => reasons.includes('The table at pier 3'));
      await said(screen, 'gateway/request', /The request was sent/);
    },
  },
  {
    name: 'cards/plugins',
    async walk(screen) {
      await screen.open('/callboard/plugins');
      for (const plugin of ['cost', 'gateway', 'hello-go', 'sentry', 'sonarqube']) await screen.see(screen.role('rowheader', plugin, { exact: true }));
      await screen.see('Quality gate');
    },
  },
  {
    name: 'cards/none of what may not be read',
    async walk(screen) {
      // The policy of the sample lets everybody read everything. So the answer that a host with a stricter one gives for an
      // entity is put in the place of its own.
      const refused = '**/api/widgets/v1/entities/component/default/seat-allocator';
      await screen.page.route(refused, route => route.fulfill({ status: 404, json: { error: { name: 'NotFoundError', message: 'there is no such entity' } } }));
      await screen.open(entity('seat-allocator'));
      await screen.see(app.about(screen));
      await screen.watch.settle();
      await screen.page.unroute(refused);
      const shown = await screen.page.locator('callboard-widget').count();
      if (shown > 0) throw new StepError('no widget', `${shown} widgets`);
      await screen.gone(panel(screen, 'At a glance'), 'the card');
    },
  },
];

const discovered = screen => screen.page.evaluate(() => window['__@backstage/discovered__'].modules.map(module => module.name));

const fromPackage = {
  name: 'cards/come from the npm package',
  async walk(screen) {
    const remotes = await asked(screen, /dynamic-features/, async () => {
      await screen.open(entity('booking-service'));
      await screen.see(panel(screen, 'At a glance'));
    });
    if (remotes > 0) throw new StepError('no remote to be asked for', `${remotes} requests`);
    if (!(await discovered(screen)).includes('@callboard/backstage-plugin')) throw new StepError('the app to have found the package', (await discovered(screen)).join(', '));
  },
};

const fromRemote = {
  name: 'cards/come from the remote',
  async walk(screen) {
    const remotes = await asked(screen, /dynamic-features/, async () => {
      await screen.open(entity('booking-service'));
      await screen.see(panel(screen, 'At a glance'));
    });
    if (remotes < 3) throw new StepError('the list, the manifest and the entry of the remote to be asked for', `${remotes} requests`);
    const found = await discovered(screen);
    if (found.includes('@callboard/backstage-plugin') || found.at(-1) !== '@callboard/backstage-feature-loader') throw new StepError('an app that has the loader and not the package', found.join(', '));
  },
};

// A host whose remote cannot be had: the app must start as if there were none.
const withoutRemote = {
  name: 'cards/app starts without a remote that fails',
  async walk(screen) {
    const broken = '**/.backstage/dynamic-features/**/remoteEntry.js';
    await screen.page.route(broken, route => route.fulfill({ status: 200, contentType: 'application/javascript', body: 'throw new Error("wrecked")' }));
    const warned = screen.page.waitForEvent('console', message => message.text().includes('@callboard/backstage-plugin was not loaded'));
    await screen.open(entity('booking-service'));
    await screen.see(screen.card('About'));
    await warned;
    await screen.page.unroute(broken);
    await screen.gone(panel(screen, 'At a glance'), 'the card of the remote');
  },
};

export const cardsOfPackage = [fromPackage, ...cardsIn(today)];
export const cardsOfRemote = [fromRemote, ...cardsIn(today), withoutRemote];
export const cardsOfLegacy = cardsIn(before);
