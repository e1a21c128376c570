import { looks } from './visitor.mjs';

export const pages = {
  home: '/console/',
  catalog: '/console/catalog',
  'catalog filtered': '/console/catalog?kind=Component&type=service&sort=-name',
  component: '/console/catalog/default/component/booking-service',
  api: '/console/catalog/default/api/bookings',
  reference: '/console/catalog/default/api/bookings/api',
  operation: '/console/catalog/default/api/bookings/api/operations/createHold',
  'access of an API': '/console/catalog/default/api/timetable/access',
  raw: '/console/catalog/default/api/bookings/raw',
  group: '/console/catalog/default/group/quayside-web',
  apis: '/console/apis',
  access: '/console/access',
  audit: '/console/audit',
  search: '/console/search?term=booking',
  gallery: '/console/gallery',
  widget: '/console/gallery/sentry/events',
  drawings: '/console/gallery/drawings',
  host: '/console/host',
  plugins: '/console/plugins',
  problems: '/console/problems',
};

const shop = '/console/catalog/default/api/loyalty';
const refused = /Failed to load resource: the server responded with a status of (401|404)/;

export const stories = [
  {
    name: 'sign in and come back to the page',
    allowed: refused,
    async walk(visitor) {
      if ((await visitor.goto('/console/catalog?kind=API')) !== 401) visitor.complain('expected to be asked to sign in');
      await visitor.inspect('sign-in');
      await visitor.click('Enter as guest');
      visitor.at('/console/catalog?kind=API');
      await visitor.see('Bookings API');
      const [cookie] = await visitor.context.cookies(`${visitor.base}/console/`);
      if (!cookie?.httpOnly || cookie.sameSite !== 'Lax' || cookie.path !== '/console') visitor.complain(`the cookie is ${JSON.stringify({ ...cookie, value: '…' })}`);
      if ((await visitor.context.cookies(`${visitor.base}/api/catalog`)).length) visitor.complain('the cookie is sent to the API');
      await visitor.context.addCookies([{ ...cookie, value: 'of-another-time' }]);
      await visitor.goto('/console/apis');
      await visitor.see('Your session has ended.');
      await visitor.click('Enter as guest');
      visitor.at('/console/apis');
      await visitor.click('Sign out');
      await visitor.see('Enter as guest');
    },
  },
  {
    name: 'find an API without scripts',
    look: { ...looks.light, javaScriptEnabled: false },
    allowed: refused,
    async walk(visitor) {
      const { page } = visitor;
      await visitor.signIn();
      await page.getByLabel('Services, APIs, teams, documentation').fill('fares bookings hold seats');
      await page.keyboard.press('Enter');
      await page.getByRole('link', { name: 'Bookings API' }).click();
      visitor.at('/console/catalog/default/api/bookings');
      await page.getByRole('navigation', { name: 'Parts of Bookings API' }).getByRole('link', { name: 'API' }).click();
      await page.getByRole('searchbox', { name: 'Search operations' }).fill('hold');
      await page.getByRole('main').getByRole('button', { name: 'Search', exact: true }).click();
      await page.getByRole('link', { name: /POST \/holds/ }).click();
      visitor.at('/console/catalog/default/api/bookings/api/operations/createHold');
      await visitor.see('HoldRequest');
      await visitor.goto('/console/catalog');
      await page.getByRole('combobox', { name: /^Kind/ }).selectOption('Component');
      await page.getByRole('button', { name: 'Show' }).click();
      await page.getByRole('link', { name: 'Next' }).click();
      await page.getByRole('link', { name: 'Previous' }).waitFor();
    },
  },
  {
    name: 'get a key, and end it',
    allowed: refused,
    async walk(visitor) {
      const { page } = visitor;
      await visitor.signIn(`${shop}/access`);
      visitor.at(`${shop}/access`);
      await page.getByLabel('Name of a new application').fill('Kiosk');
      await page.getByRole('combobox', { name: 'Plan' }).selectOption({ index: 1 });
      await page.getByLabel('Reason', { exact: true }).fill('to show points');
      await visitor.click('Request access');
      await visitor.see('Kiosk has access to pier/loyalty');
      await visitor.inspect('outcome');
      await visitor.goto('/console/access');
      await page.getByLabel('Label of a new key for pier/loyalty').first().fill('kiosk 1');
      await visitor.click('New key');
      await visitor.see('This is the only time that it is shown.');
      await visitor.inspect('key');
      const secret = await page.locator('#secret').textContent();
      await page.reload();
      await visitor.see('This form was sent before');
      await visitor.goto('/console/access');
      if (!secret || (await page.content()).includes(secret)) visitor.complain('the secret is shown again');
      await page.getByRole('row', { name: /kiosk 1/ }).getByRole('button', { name: 'Revoke' }).click();
      await visitor.see('The key is revoked.');
      await visitor.inspect('access with keys');
      await visitor.goto('/console/audit');
      await visitor.see('key.revoke');
      await visitor.inspect('audit with events');
      await visitor.goto('/console/apis');
      await visitor.see('granted');
    },
  },
  {
    name: 'read with the keyboard',
    allowed: refused,
    async walk(visitor) {
      const { page } = visitor;
      await visitor.signIn();
      await visitor.goto('/console/catalog/default/component/booking-service');
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
      if ((await page.evaluate(() => document.activeElement?.id)) !== 'main') visitor.complain('the skip link leads nowhere');
      await page.goto(`${visitor.base}/console/`);
      if ((await page.evaluate(() => document.activeElement?.id)) !== 'search') visitor.complain('the search is not where typing begins');
      await visitor.see('Looked at lately');
      for (let i = 0; i < 40; i++) {
        await page.keyboard.press('Tab');
        const lost = await page.evaluate(() => {
          const at = document.activeElement;
          if (!at || at === document.body) return '';
          const { width, height } = at.getBoundingClientRect();
          return width > 0 && height > 0 ? '' : at.outerHTML.slice(0, 120);
        });
        if (lost) visitor.complain(`the focus is on what cannot be seen: ${lost}`);
      }
    },
  },
  {
    name: 'a widget as a custom element, its size and its colours',
    async walk(visitor) {
      const { page } = visitor;
      await visitor.signIn();
      await visitor.goto('/console/gallery/sentry/events?theme=dark');
      await page.getByRole('slider', { name: 'Width' }).fill('800');
      if ((await page.locator('#stage').evaluate(stage => stage.style.width)) !== '800px') visitor.complain('the slider does nothing');
      await page.getByRole('radio', { name: 'Dark' }).check({ force: true });
      if ((await page.evaluate(() => document.documentElement.dataset.theme)) !== 'dark') visitor.complain('the colours do not change');
      await visitor.click('Load it');
      await page.locator('callboard-widget figure').waitFor();
      await visitor.inspect('element');
    },
  },
];
