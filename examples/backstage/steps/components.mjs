const page = '/catalog/default/component/booking-service';
const tab = (screen, name) => screen.role('navigation', 'Content navigation').getByRole('link', { name, exact: true });

async function openInspector(screen) {
  await screen.open(page);
  await screen.click(screen.role('button', 'More actions'));
  await screen.click(screen.role('menuitem', 'Inspect entity'));
  await screen.see('Entity Inspector', screen.dialog());
}

const inspect = (name, walk) => ({
  name: `component/inspect ${name}`,
  async walk(screen) {
    await openInspector(screen);
    await screen.click(screen.dialog().getByRole('tab', { name, exact: true }), `the tab ${name}`);
    await walk(screen, screen.dialog());
  },
});

export const components = [
  {
    name: 'component/overview',
    async walk(screen) {
      await screen.open(page);
      await screen.see(screen.heading('Booking Service', { level: 2 }));
      const about = screen.card('About');
      await screen.see('Owns a booking from the held seat to the printed ticket.', about);
      await screen.seeLinks(about, ['Booking Crew', 'Booking'], 'About');
      for (const tag of ['go', 'rest', 'tier-1', 'pci']) await screen.see(about.getByText(tag, { exact: true }), about);
      await screen.see(screen.card('Links').getByRole('link', { name: /Runbook/ }));
      await screen.see('marram.example/language', screen.card('Labels'));
      await screen.seeLinks(screen.card('Provided APIs'), ['Bookings API'], 'Provided APIs');
      await screen.seeLinks(screen.card('Consumed APIs'), ['Payments API', 'Sailing Events', 'Timetable API'], 'Consumed APIs');
      await screen.seeLinks(screen.card('Depends on components'), ['fare-rules'], 'Depends on components');
      await screen.seeLinks(screen.card('Depends on resources'), ['bookings-db', 'seat-hold-cache'], 'Depends on resources');
      await screen.seeLinks(screen.card('Has subcomponents'), ['seat-allocator'], 'Has subcomponents');
      await screen.seeGraph(screen.card('Relations'), ['Booking Service', 'Bookings API', 'Booking Crew', 'Booking', 'fare-rules', 'seat-allocator']);
    },
  },
  {
    name: 'component/tabs',
    async walk(screen) {
      await screen.open(page);
      await screen.click(tab(screen, 'APIs'), 'the tab APIs');
      await screen.seeLinks(screen.card('Provided APIs'), ['Bookings API'], 'Provided APIs');
      await screen.seeLinks(screen.card('Consumed APIs'), ['Payments API', 'Sailing Events', 'Timetable API'], 'Consumed APIs');
      await screen.click(tab(screen, 'TechDocs'), 'the tab TechDocs');
      await screen.see('Missing Annotation');
      await screen.click(tab(screen, 'Overview'), 'the tab Overview');
      await screen.see(screen.card('About'));
    },
  },
  {
    name: 'component/definition dialog',
    async walk(screen) {
      await screen.open(`${page}/apis`);
      await screen.click(screen.card('Provided APIs').getByRole('button', { name: 'Toggle API Definition Dialog' }));
      await screen.see('Turn a hold into a booking', screen.dialog());
    },
  },
  {
    name: 'component/follow relations',
    async walk(screen) {
      await screen.open(page);
      await screen.click(screen.card('Depends on resources').getByRole('link', { name: 'bookings-db' }));
      await screen.see('Bookings of the last seven years');
      await screen.click(screen.card('About').getByRole('link', { name: 'Booking', exact: true }));
      await screen.see(screen.card('Has components'));
      await screen.click(screen.card('Has components').getByRole('link', { name: 'Booking Service' }));
      await screen.see('Owns a booking from the held seat to the printed ticket.');
    },
  },
  {
    name: 'component/refresh',
    async walk(screen) {
      await screen.open(page);
      await screen.click(screen.card('About').getByRole('button', { name: 'Refresh' }));
      await screen.see('Refresh scheduled');
    },
  },
  {
    name: 'component/star',
    async walk(screen) {
      await screen.open(page);
      await screen.click(screen.role('button', 'Add to favorites'));
      await screen.see(screen.role('button', 'Remove from favorites'));
      await screen.watch.settle();
      await screen.open(page);
      await screen.click(screen.role('button', 'Remove from favorites'), 'the star, still set after a reload');
      await screen.see(screen.role('button', 'Add to favorites'));
    },
  },
  inspect('Overview', async (screen, dialog) => {
    await screen.see('component:default/booking-service', dialog);
    await screen.see(/^file:.*\/passengers\/systems\/booking\.yaml$/, dialog);
    await screen.see(/^file:.*\/examples\/catalog\/all\.yaml$/, dialog);
    await screen.seeLinks(dialog, ['Bookings API', 'fare-rules', 'seat-allocator', 'Booking Crew'], 'Relations');
  }),
  inspect('Ancestry', (screen, dialog) => screen.seeGraph(dialog, ['Booking Service', 'marram-passengers', 'Marram Line'])),
  inspect('Colocated', (screen, dialog) => screen.seeLinks(dialog, ['Web Shop', 'seat-hold-cache', 'Ticket Counter (classic)'], 'At the same location')),
  inspect('Raw JSON', (screen, dialog) => screen.see('"backstage.io/managed-by-location"', dialog)),
  inspect('Raw YAML', (screen, dialog) => screen.see('backstage.io/managed-by-location:', dialog)),
  {
    name: 'component/unregister dialog',
    async walk(screen) {
      await screen.open(page);
      await screen.click(screen.role('button', 'More actions'));
      await screen.click(screen.role('menuitem', 'Unregister entity'));
      await screen.see('This entity does not seem to originate from a registered location.', screen.dialog());
      await screen.click(screen.dialog().getByRole('button', { name: 'Cancel' }));
    },
  },
  {
    name: 'component/dangling relations',
    async walk(screen) {
      await screen.open('/catalog/default/component/ghost-ship');
      await screen.see(/This entity has relations to other entities, which can't be found in the catalog/);
      await screen.see(/resource:default\/davys-locker/);
    },
  },
  {
    name: 'component/circle of parts',
    async walk(screen) {
      await screen.open('/catalog/default/component/hen');
      await screen.seeLinks(screen.card('Has subcomponents'), ['egg'], 'Has subcomponents');
      await screen.seeGraph(screen.card('Relations'), ['hen', 'egg']);
    },
  },
  {
    name: 'component/unsafe links',
    async walk(screen) {
      await screen.open('/catalog/default/component/treasure-map');
      await screen.see('Link component rejected javascript: URL as a security precaution');
      const links = await screen.page.locator('a').evaluateAll(all => all.map(a => a.getAttribute('href') ?? ''));
      await screen.eventually('no link with a script in it', async () => links.filter(href => /^\s*javascript:/i.test(href)), found => found.length === 0);
    },
  },
  {
    name: 'component/not found',
    async walk(screen) {
      await screen.open('/catalog/default/component/no-such-component');
      await screen.see(/Entity not found|There is no component with the requested/);
    },
  },
];
