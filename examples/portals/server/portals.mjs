// The three portals: what app-config.yaml calls them, and where their files are.
import path from 'node:path';

const here = path.resolve(import.meta.dirname, '..');
const shared = path.join(here, 'shared');

export const portals = [
  { app: 'portal-html', title: 'Harbour Desk', variable: 'PORTAL_HTML_PORT', port: 7021, pages: [path.join(here, 'html'), shared] },
  { app: 'portal-react', title: 'Crew Room', variable: 'PORTAL_REACT_PORT', port: 7022, pages: [path.join(here, '.cache/react'), shared] },
  { app: 'portal-vue', title: 'Bridge Watch', variable: 'PORTAL_VUE_PORT', port: 7023, pages: [path.join(here, '.cache/vue'), shared] },
];

/** What app-config.yaml says of the host and of the portals' secret unless the environment does. */
export const hostPort = 7007;
export const sampleSecret = 'sample-secret-of-the-portals-0123456789';
