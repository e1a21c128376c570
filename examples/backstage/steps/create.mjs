// From the list of templates to a form that was filled in and reviewed.
import { articleOf, boxOf, chooseFrom, next, seeReview } from './scaffolder.mjs';

const cards = screen => screen.page.getByRole('heading', { level: 4 }).allInnerTexts();
const everyCard = ['Request API access', 'Fire Drill', 'Go Service', 'Maintenance Window', 'Pilot Roster', 'Static Site', 'Terraform Module'];

async function seeCards(screen, names) {
  await screen.eventually(`the cards ${names.join(', ')}`, () => cards(screen), seen => seen.join() === names.join());
}

// The browser itself asks for what is missing, in a bubble at the field.
async function seeMissing(screen, field) {
  await screen.eventually(`the focus on ${field}, which is to be filled in`, () => boxOf(screen, field).evaluate(box => box === document.activeElement && box.validity.valueMissing), Boolean);
}

async function fillService(screen) {
  await screen.fill(boxOf(screen, 'Name'), 'tide-table');
  await screen.fill(boxOf(screen, 'Description'), 'When the water comes');
  await chooseFrom(screen, boxOf(screen, 'Owner'), 'Quayside Web');
}

export const create = [
  {
    name: 'create/list',
    async walk(screen) {
      await screen.open('/create');
      await seeCards(screen, everyCard);
      await screen.see(screen.role('menuitem', 'All 7'));
      for (const text of ['A small HTTP service with health checks, metrics and a pipeline that passes on the first day', 'service', 'recommended']) await screen.see(screen.page.getByText(text, { exact: true }));
      await screen.seeLinks(articleOf(screen), ['Harbour Platform', 'Quayside Web', 'Golden path'], 'the list');
    },
  },
  {
    name: 'create/list filters',
    async walk(screen) {
      await screen.open('/create');
      await seeCards(screen, everyCard);
      await screen.fill(boxOf(screen, 'Search'), 'terra');
      await seeCards(screen, ['Terraform Module']);
      await screen.click(screen.role('button', 'clear search'));
      await seeCards(screen, everyCard);
      await chooseFrom(screen, boxOf(screen, 'Categories'), 'Website');
      await seeCards(screen, ['Static Site']);
      await screen.open('/create/templates?filters[kind]=template&filters[tags]=operations');
      await seeCards(screen, ['Maintenance Window']);
    },
  },
  {
    name: 'create/template in the catalog',
    async walk(screen) {
      await screen.open('/create');
      await screen.click(screen.page.locator('a[href="/catalog/default/template/go-service"]'), 'the details of the Go Service');
      await screen.see(screen.heading('Go Service'));
      await screen.click(screen.role('link', 'Launch Template'));
      await screen.see(boxOf(screen, 'Name'));
    },
  },
  {
    name: 'create/form finds mistakes',
    async walk(screen) {
      await screen.open('/create/templates/default/go-service');
      await screen.see(screen.heading('Go Service'));
      await next(screen);
      await seeMissing(screen, 'Name');
      await screen.fill(boxOf(screen, 'Name'), 'Tide Table');
      await next(screen);
      await seeMissing(screen, 'Owner');
      await chooseFrom(screen, boxOf(screen, 'Owner'), 'Quayside Web');
      await next(screen);
      await screen.see('must match pattern "^[a-z][a-z0-9-]{1,61}[a-z0-9]$"');
      await screen.fill(boxOf(screen, 'Name'), 'tide-table');
      await next(screen);
      await screen.see(screen.role('spinbutton', 'Port'));
      await screen.fill(screen.role('spinbutton', 'Port'), '80');
      await next(screen);
      await screen.eventually('the browser to refuse a port below 1024', () => screen.role('spinbutton', 'Port').evaluate(box => box === document.activeElement && box.validity.rangeUnderflow), Boolean);
    },
  },
  {
    name: 'create/form service',
    async walk(screen) {
      await screen.open('/create/templates/default/go-service');
      await screen.see('It is hard to change later');
      await fillService(screen);
      await chooseFrom(screen, boxOf(screen, 'System'), 'Tide Gauges');
      for (const api of ['Bookings API', 'Timetable API']) await chooseFrom(screen, boxOf(screen, 'APIs that it calls'), api);
      for (const tag of ['go', 'tide']) {
        await screen.fill(boxOf(screen, 'Tags'), tag);
        await screen.page.keyboard.press('Enter');
      }
      await screen.click(screen.role('button', 'Add Item'));
      await screen.fill(boxOf(screen, 'Title'), 'Runbook');
      await screen.fill(boxOf(screen, 'Address'), 'https://wiki.marram.example/tide');
      for (const chip of ['api:default/bookings', 'api:default/timetable', 'go', 'tide']) await screen.see(screen.role('button', chip, { exact: true }));
      await next(screen);
      await next(screen);
      await screen.click(screen.role('button', 'Review'));
      await seeReview(screen, {
        Name: 'tide-table',
        Description: 'When the water comes',
        Owner: 'group:default/quayside-web',
        System: 'system:default/tide-gauges',
        'APIs that it calls': 'api:default/bookings api:default/timetable',
        Tags: 'go tide',
        Links: 'title: Runbook url: https://wiki.marram.example/tide',
        Go: 'Go 1.25',
        Port: '8080',
        'Ships wait for it': '❌',
        Destination: 'Nowhere yet',
      });
    },
  },
  {
    name: 'create/form build',
    async walk(screen) {
      await screen.open('/create/templates/default/go-service');
      await fillService(screen);
      await next(screen);
      await screen.fill(boxOf(screen, 'Go module'), 'marram.example/tide-table');
      await screen.click(screen.role('button', 'Go Go 1.25'));
      await screen.click(screen.role('option', 'Go 1.26'));
      await screen.fill(screen.role('spinbutton', 'Port'), '9000');
      await screen.page.getByRole('slider').focus();
      for (let i = 0; i < 5; i++) await screen.page.keyboard.press('ArrowRight');
      await screen.click(screen.role('checkbox', 'A pipeline of GitHub Actions'));
      await screen.click(screen.role('checkbox', 'Ships wait for it'));
      await next(screen);
      await screen.click(screen.role('button', 'Review'));
      await seeReview(screen, { 'Go module': 'marram.example/tide-table', Go: 'Go 1.26', Port: '9000', 'Seconds to finish requests when it is stopped': '15', 'It comes with': 'metrics container', 'Ships wait for it': '✅' });
      await screen.click(screen.role('button', 'Back'));
      await screen.see(screen.page.getByRole('radio', { name: 'Nowhere yet', checked: true }));
    },
  },
  {
    name: 'create/form destination',
    async walk(screen) {
      await screen.open('/create/templates/default/go-service');
      await fillService(screen);
      await next(screen);
      await next(screen);
      await screen.click(screen.role('radio', 'A new repository on GitHub'));
      await screen.see('The host where the repository will be created');
      await screen.fill(boxOf(screen, 'Owner'), 'marram-line');
      await screen.page.keyboard.press('Enter');
      await screen.fill(boxOf(screen, 'Repository'), 'tide-table');
      await screen.page.keyboard.press('Enter');
      await screen.click(screen.role('button', 'Review'));
      await seeReview(screen, { Destination: 'A new repository on GitHub', Repository: 'github.com?owner=marram-line&repo=tide-table', 'Who may see it': 'private' });
      await screen.click(screen.role('button', 'Back'));
      await screen.click(screen.role('radio', 'An empty repository on another server'));
      await screen.gone(boxOf(screen, 'Repository'), 'the field for GitHub');
      await screen.fill(boxOf(screen, 'Address'), 'https://git.marram.example/tide-table.git');
      await screen.fill(boxOf(screen, 'Token'), 'not-to-be-seen');
      await screen.click(screen.role('button', 'Review'));
      await seeReview(screen, { Destination: 'An empty repository on another server', Address: 'https://git.marram.example/tide-table.git', Token: '******' });
    },
  },
  {
    name: 'create/choices from elsewhere',
    own: true,
    async walk(screen) {
      await screen.open('/create/templates/default/maintenance-window');
      await screen.click(screen.role('button', 'Database'));
      // The databases that the catalog knows, under their descriptions.
      await screen.eventually('the seven databases of the catalog', () => screen.page.getByRole('option').allInnerTexts(), texts => texts.filter(text => text.trim()).length === 7 && texts.includes('Sailings, planned and sailed'));
      await screen.click(screen.role('option', /^Manifests of the sailings/));
      await screen.click(screen.role('button', 'Review'));
      await seeReview(screen, { Database: 'Manifests of the sailings to come and of the last year', Seconds: '60' });
    },
  },
  {
    name: 'create/choices that cannot be had',
    own: true,
    async walk(screen) {
      await screen.open('/create/templates/default/pilot-roster');
      await screen.see(/^The choices cannot be loaded: .*http:\/\/127\.0\.0\.1:9\/pilots\.json.*connection refused\. Reload the page to try again\.$/);
      await screen.see(screen.page.getByRole('textbox', { name: 'Pilot', exact: true, disabled: true }));
      await screen.click(screen.role('button', 'Review'));
      await screen.see("must have required property 'Pilot'");
    },
  },
];
