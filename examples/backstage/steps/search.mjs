const results = screen => screen.page.getByRole('listitem').filter({ has: screen.page.locator('a[href^="/catalog/"]') });

export const search = [
  {
    name: 'search/modal',
    async walk(screen) {
      await screen.open('/');
      await screen.see(screen.heading('Marram Line Catalog'));
      await screen.click(screen.role('button', 'Search', { exact: true }));
      await screen.fill(screen.dialog().getByRole('textbox', { name: 'Search' }), 'vessel');
      await screen.see(screen.dialog().getByRole('link', { name: 'Vessel Tracker' }));
      await screen.click(screen.dialog().getByRole('link', { name: 'Vessel Tracker' }));
      await screen.see('Latest position and expected arrival of each ship, pushed as it changes');
    },
  },
  {
    name: 'search/page',
    async walk(screen) {
      await screen.open('/search');
      await screen.fill(screen.role('textbox', 'Search', { exact: true }), 'roster');
      await screen.see(results(screen).getByRole('link', { name: 'crew-roster-service' }));
      await screen.see(screen.page.locator('mark').first());
    },
  },
  {
    name: 'search/type filter',
    async walk(screen) {
      await screen.open('/search?query=roster');
      await screen.click(screen.role('button', /^Software Catalog/), 'the type Software Catalog');
      await screen.see(results(screen).getByRole('link', { name: 'crew-roster-service' }));
      await screen.click(screen.role('button', /^Documentation/), 'the type Documentation');
      await screen.see('Sorry, no results were found');
    },
  },
  {
    name: 'search/kind and lifecycle filters',
    async walk(screen) {
      await screen.open('/search?query=loyalty&types[]=software-catalog&filters[kind]=Component&filters[lifecycle][]=experimental');
      await screen.see(results(screen).getByRole('link', { name: 'loyalty-service' }));
      await screen.gone(results(screen).getByRole('link', { name: 'loyalty-db' }), 'loyalty-db, a resource,');
    },
  },
  {
    name: 'search/paging',
    async walk(screen) {
      await screen.open('/search?query=gauge');
      await screen.see(results(screen).getByRole('link', { name: /tide-gauge-\d+/ }));
      const first = await results(screen).getByRole('link').allInnerTexts();
      await screen.click(screen.role('button', 'Next page', { exact: true }).first(), 'Next page');
      await screen.eventually('other results on the second page', () => results(screen).getByRole('link').allInnerTexts(), now => now.length > 0 && !now.some(name => first.includes(name)));
    },
  },
  {
    name: 'search/nothing found',
    async walk(screen) {
      await screen.open('/search?query=zzzzqqqq');
      await screen.see('Sorry, no results were found');
    },
  },
];
