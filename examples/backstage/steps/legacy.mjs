// What is particular to an app of the frontend system before: the pages that its own code is made of, with Callboard's cards
// and tabs where legacy/app.patch places them.
import { StepError } from '../screen.mjs';
import { panel } from './cards.mjs';

const component = 'component/default/booking-service';
const page = '/catalog/default/component/booking-service';
const card = screen => panel(screen, 'At a glance');

async function seeTabs(screen, names) {
  await screen.eventually(`the tabs ${names.join(', ')}`, () => screen.page.getByRole('tab').allTextContents(), seen => seen.join() === names.join());
}

// Places of the page's grid that hold nothing, which leave a gap between the cards.
const gaps = screen => screen.page.locator('main [class*=MuiGrid-item]:empty').count();

// Puts an answer in the place of the host's list of the component's widgets while `walk` runs.
async function answering(screen, answer, walk) {
  const list = `**/api/widgets/v1/entities/${component}`;
  await screen.page.route(list, route => route.fulfill(answer));
  await walk();
  await screen.watch.settle();
  await screen.page.unroute(list);
}

const layouts = [
  ['a component', page, ['Overview', 'CI/CD', 'API', 'Dependencies', 'Docs', 'Usage']],
  ['an API', '/catalog/default/api/timetable', ['Overview', 'Definition', 'Reference', 'Usage']],
  ['a system', '/catalog/default/system/booking', ['Overview', 'Diagram', 'Usage']],
  ['a group', '/catalog/default/group/quayside-web', ['Overview', 'Usage']],
];

export const legacy = [
  {
    name: 'legacy/catalog',
    async walk(screen) {
      await screen.open('/catalog');
      await screen.see(screen.heading('Owned Components (7)'));
      await screen.click(screen.role('menuitem', /^All \d+$/));
      await screen.see(screen.heading(/^All Components \(\d+\)$/));
      await screen.fill(screen.role('textbox', 'Search', { exact: true }), 'booking service');
      await screen.click(screen.page.locator('table').first().getByRole('link', { name: 'Booking Service', exact: true }));
      await screen.eventually('the page of the component', () => screen.page.url(), url => url.endsWith(page));
      await screen.see(card(screen));
    },
  },
  ...layouts.map(([what, path, tabs]) => ({
    name: `legacy/page of ${what}`,
    async walk(screen) {
      await screen.open(path);
      await seeTabs(screen, tabs);
      await screen.see(card(screen));
      await card(screen).scrollIntoViewIfNeeded();
      await screen.see(screen.page.locator('callboard-widget figure').first());
    },
  })),
  {
    name: 'legacy/no card without widgets',
    async walk(screen) {
      const own = { id: 'catalog/about', title: 'About', view: 'text', appliesTo: '*' }; // the app has a card of its own for it
      await answering(screen, { status: 200, json: { widgets: [own] } }, async () => {
        await screen.open(page);
        await screen.see(screen.heading('Has subcomponents'));
      });
      await screen.gone(card(screen), 'the card');
      const empty = await gaps(screen);
      if (empty > 0) throw new StepError('no place for a card that is not there', `${empty} empty places`);
    },
  },
  {
    name: 'legacy/card tells that the host fails',
    async walk(screen) {
      await answering(screen, { status: 503, json: { error: { name: 'ServiceUnavailableError', message: 'plugins are starting' } } }, async () => {
        await screen.open(page);
        await screen.see('The host could not be asked: plugins are starting', card(screen));
      });
      await screen.click(screen.role('button', 'Try again'));
      await screen.see(screen.page.locator('callboard-widget figure').first());
    },
  },
];
