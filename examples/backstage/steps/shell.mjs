const pressed = (screen, name) => screen.page.getByRole('button', { name, exact: true, pressed: true });
const theme = screen => screen.page.evaluate(() => document.body.getAttribute('data-theme-mode') ?? document.documentElement.getAttribute('data-theme-mode'));

export const shell = [
  {
    name: 'settings/general',
    async walk(screen) {
      await screen.open('/settings');
      await screen.see('user:default/guest');
      await screen.see(screen.heading('User Entity: Guest'));
      await screen.see(screen.heading(/Ownership Entities: Guest ?, Quayside Web/));
    },
  },
  {
    name: 'settings/dark theme',
    async walk(screen) {
      await screen.open('/settings');
      await screen.click(screen.role('button', 'Dark', { exact: true }));
      await screen.eventually('a dark page', () => theme(screen), mode => mode === 'dark');
      await screen.watch.settle();
      await screen.open('/settings');
      await screen.see(pressed(screen, 'Dark'));
      await screen.eventually('the page to be dark after a reload', () => theme(screen), mode => mode === 'dark');
    },
  },
  {
    name: 'settings/light theme',
    async walk(screen) {
      await screen.open('/settings');
      await screen.click(screen.role('button', 'Light', { exact: true }));
      await screen.eventually('a light page', () => theme(screen), mode => mode === 'light');
    },
  },
  {
    name: 'settings/other tabs',
    async walk(screen) {
      await screen.open('/settings');
      await screen.click(screen.page.getByRole('tab', { name: 'Authentication Providers' }));
      await screen.see(/No Authentication Providers|Available Providers/);
      await screen.click(screen.page.getByRole('tab', { name: 'Feature Flags' }));
      await screen.see(/Feature Flags/);
    },
  },
  {
    name: 'shell/notifications',
    async walk(screen) {
      await screen.open('/notifications');
      await screen.see(screen.heading('Unread notifications (0)'));
      await screen.see('No records to display');
    },
  },
  {
    name: 'shell/documentation home',
    async walk(screen) {
      await screen.open('/docs');
      await screen.see('No documents to show');
    },
  },
  {
    name: 'shell/navigation',
    async walk(screen) {
      await screen.open('/');
      const sidebar = screen.role('navigation', 'sidebar nav');
      for (const [link, title] of [['APIs', 'APIs'], ['Catalog Graph', 'Catalog Graph'], ['Settings', 'Settings'], ['Catalog', 'Marram Line Catalog']]) {
        await screen.click(sidebar.getByRole('link', { name: link, exact: true }), `${link} in the sidebar`);
        await screen.see(screen.heading(title));
      }
    },
  },
  {
    name: 'shell/not found',
    async walk(screen) {
      await screen.open('/no-such-page');
      await screen.see('ERROR 404: PAGE NOT FOUND');
    },
  },
  {
    name: 'shell/sign out',
    async walk(screen) {
      await screen.open('/settings');
      await screen.click(screen.role('button', 'more', { exact: true }));
      await screen.click(screen.role('menuitem', 'Sign Out'));
      await screen.see('Enter as a Guest User.');
    },
  },
];
