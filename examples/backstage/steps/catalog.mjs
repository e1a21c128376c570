import { StepError } from '../screen.mjs';

// The sample has 33 components and 5 that survive being broken on purpose; 60 tide gauges are added for paging. The plugin,
// which a stock backend cannot run, brings two.
const COMPONENTS = process.argv.includes('--stock') ? 98 : 100;
const PAGE = 20;

const everything = '/?filters[kind]=component&filters[user]=all';
const rows = screen => screen.page.locator('table').first().locator('tbody tr');
const names = screen => rows(screen).locator('td:first-child').allInnerTexts().then(texts => texts.map(text => text.trim()));
const next = screen => screen.role('button', 'Next Page', { exact: true });
const previous = screen => screen.role('button', 'Previous Page', { exact: true });

// The title counts all matches, the table shows the first page of them.
async function seeList(screen, title, first) {
  await screen.see(screen.heading(title, { exact: true, level: 2 }));
  if (first) await screen.see(screen.page.locator('table').first().getByRole('link', { name: first, exact: true }));
}

async function pickFrom(screen, label, option) {
  const picker = screen.role('textbox', label, { exact: true });
  // The list closes when its options arrive, so it may have to be opened again.
  await screen.eventually(
    `options in the ${label} picker`,
    async () => {
      if (!(await screen.page.getByRole('listbox').isVisible())) await screen.click(picker, `the ${label} picker`);
      return screen.page.getByRole('option').count();
    },
    count => count > 0,
  );
  await screen.click(screen.role('option', option, { exact: true }), `“${option}” in the ${label} picker`);
  await screen.page.keyboard.press('Escape');
}

async function choose(screen, index, option) {
  await screen.click(screen.page.locator('[aria-haspopup=listbox]').nth(index), index === 0 ? 'the Kind picker' : 'the Type picker');
  await screen.click(screen.page.getByRole('listbox').getByRole('option', { name: option, exact: true }), `“${option}”`);
}

const kinds = [
  ['API', 'All APIS (11)', 'Bookings API'],
  ['Domain', 'All Domains (5)', 'Ticketing'],
  ['Group', 'All Groups (13)', 'Booking Crew'],
  ['Location', /^All Locations \(\d+\)$/, 'marram-freight'],
  ['Resource', 'All Resources (14)', 'bookings-db'],
  ['System', 'All Systems (10)', 'Tide Gauges'],
  ['Template', 'All Templates (7)', 'Go Service'],
  ['User', 'All Users (15)', 'Isla Brandt'],
];

export const catalog = [
  {
    name: 'catalog/owned',
    async walk(screen) {
      await screen.open('/');
      await seeList(screen, 'Owned Components (7)', 'Web Shop');
      await screen.see(screen.role('menuitem', 'Owned 7'));
      await screen.see(screen.role('menuitem', `All ${COMPONENTS}`));
      await screen.seeLinks(rows(screen).filter({ hasText: 'Web Shop' }), ['Web Shop', 'Booking', 'Quayside Web'], 'the row of the Web Shop');
    },
  },
  {
    name: 'catalog/all',
    async walk(screen) {
      await screen.open('/');
      await seeList(screen, 'Owned Components (7)');
      await screen.click(screen.role('menuitem', `All ${COMPONENTS}`));
      await seeList(screen, `All Components (${COMPONENTS})`, 'ais-receiver');
      await screen.eventually(`${PAGE} rows`, () => rows(screen).count(), count => count === PAGE);
    },
  },
  {
    name: 'catalog/paging',
    async walk(screen) {
      await screen.open(everything);
      await seeList(screen, `All Components (${COMPONENTS})`);
      const pages = [await names(screen)];
      while (await next(screen).isEnabled()) {
        if (pages.length > COMPONENTS / PAGE) throw new StepError(`the last of ${Math.ceil(COMPONENTS / PAGE)} pages`, 'Next Page can still be clicked');
        const before = pages.at(-1);
        await screen.click(next(screen), 'Next Page');
        pages.push(await screen.eventually('the next page', () => names(screen), now => now.length > 0 && now[0] !== before[0]));
      }
      const seen = pages.flat();
      if (new Set(seen).size !== COMPONENTS) throw new StepError(`${COMPONENTS} different components on ${Math.ceil(COMPONENTS / PAGE)} pages`, `${new Set(seen).size} on ${pages.length}: ${seen.join(', ')}`);
      if (seen.at(-1) !== 'yard-planner') throw new StepError('yard-planner to be the last one', seen.at(-1));
      for (const page of pages.slice(0, -1).reverse()) {
        await screen.click(previous(screen), 'Previous Page');
        await screen.eventually(`to be back at the page of ${page[0]}`, () => names(screen), now => now.join() === page.join());
      }
    },
  },
  ...kinds.map(([kind, title, first]) => ({
    name: `catalog/kind ${kind}`,
    async walk(screen) {
      await screen.open(everything);
      await screen.see(screen.heading('Marram Line Catalog'));
      await choose(screen, 0, kind);
      await seeList(screen, title, first);
    },
  })),
  {
    name: 'catalog/type',
    async walk(screen) {
      await screen.open(everything);
      await seeList(screen, `All Components (${COMPONENTS})`);
      await choose(screen, 1, 'website');
      await seeList(screen, 'All website Components (7)', 'Web Shop');
    },
  },
  {
    name: 'catalog/owner',
    async walk(screen) {
      await screen.open(everything);
      await seeList(screen, `All Components (${COMPONENTS})`);
      await pickFrom(screen, 'Owner', 'Freight Desk');
      await seeList(screen, 'All Components (5)', 'Manifest Service');
    },
  },
  {
    name: 'catalog/lifecycle',
    async walk(screen) {
      await screen.open(everything);
      await seeList(screen, `All Components (${COMPONENTS})`);
      await pickFrom(screen, 'Lifecycle', 'deprecated');
      await seeList(screen, 'All Components (2)', 'Ticket Counter (classic)');
    },
  },
  {
    name: 'catalog/tags',
    async walk(screen) {
      await screen.open(everything);
      await seeList(screen, `All Components (${COMPONENTS})`);
      await pickFrom(screen, 'Tags', 'graphql');
      await seeList(screen, 'All Components (2)', 'storefront-gateway');
    },
  },
  {
    name: 'catalog/namespace',
    async walk(screen) {
      await screen.open(everything);
      await seeList(screen, `All Components (${COMPONENTS})`);
      await pickFrom(screen, 'Namespace', 'default');
      await seeList(screen, `All Components (${COMPONENTS})`, 'ais-receiver');
    },
  },
  {
    name: 'catalog/processing status',
    async walk(screen) {
      await screen.open(everything);
      await seeList(screen, `All Components (${COMPONENTS})`);
      await pickFrom(screen, 'Processing Status', 'Is Orphan');
      await screen.see('No records to display');
    },
  },
  {
    name: 'catalog/text search',
    async walk(screen) {
      await screen.open(everything);
      await seeList(screen, `All Components (${COMPONENTS})`);
      const box = screen.role('textbox', 'Search', { exact: true });
      await screen.fill(box, 'tide');
      await seeList(screen, 'All Components (60)', 'tide-gauge-01');
      await screen.fill(box, 'counter (cl');
      await seeList(screen, 'All Components (1)', 'Ticket Counter (classic)');
      await screen.fill(box, 'no such thing');
      await screen.see('No records to display');
      await screen.click(screen.role('button', 'clear search'));
      await seeList(screen, `All Components (${COMPONENTS})`, 'ais-receiver');
    },
  },
  {
    name: 'catalog/link with several filters',
    async walk(screen) {
      await screen.open('/?filters[kind]=component&filters[type]=service&filters[owners]=group:default/quayside-web&filters[tags]=graphql&filters[lifecycles]=experimental&filters[user]=all');
      await seeList(screen, 'All service Components (1)', 'loyalty-service');
    },
  },
  {
    name: 'catalog/star',
    async walk(screen) {
      await screen.open('/');
      const row = rows(screen).filter({ hasText: 'Marram App' });
      await screen.click(row.getByRole('button', { name: 'Add to favorites' }), 'the star of the Marram App');
      await screen.page.mouse.move(0, 0); // the button has no name of its own while its tooltip is open
      await screen.see(row.getByRole('button', { name: 'Remove from favorites' }));
      await screen.see(screen.role('menuitem', 'Starred 1'));
      // Other tabs of the same person learn it over the live connection.
      await screen.eventually(
        'a signal that the starred entities changed',
        () => screen.watch.sockets.flatMap(socket => socket.received),
        frames => frames.some(frame => /"channel":"user-settings"/.test(frame) && /"key":"entityRefs"/.test(frame)),
      );
      await screen.open('/');
      await screen.click(screen.role('menuitem', 'Starred 1'), '“Starred” after a reload');
      await seeList(screen, 'Starred Components (1)', 'Marram App');
      await screen.click(rows(screen).getByRole('button', { name: 'Remove from favorites' }), 'the star again');
      await screen.see(screen.role('menuitem', 'Starred 0'));
    },
  },
];
