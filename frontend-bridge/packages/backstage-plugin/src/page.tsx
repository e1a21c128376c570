import { createRouteRef, PageBlueprint, SubPageBlueprint } from '@backstage/frontend-plugin-api';
import type { ReactElement } from 'react';
import { pluginsReadPermission } from './api.js';

export const rootRouteRef = createRouteRef();

export const icon = (
  <svg viewBox="0 0 24 24" width="1em" height="1em" fill="none" stroke="currentColor" strokeWidth="2" strokeLinecap="round" aria-hidden="true">
    <rect x="3" y="4" width="18" height="16" rx="2" />
    <path d="M8 16v-3M12 16V8M16 16v-5" />
  </svg>
);

export const page = PageBlueprint.make({ params: { path: '/callboard', title: 'Callboard', icon, routeRef: rootRouteRef } });

// The app gives a page a header and nothing else.
const padded = (content: ReactElement) => <div style={{ padding: '0 var(--bui-space-5, 20px) 32px' }}>{content}</div>;

export const usagePage = SubPageBlueprint.make({
  name: 'usage',
  params: {
    path: 'usage',
    title: 'Usage',
    loader: async () => {
      const { UsagePage } = await import('./components/UsagePage.js');
      return padded(<UsagePage />);
    },
  },
});

export const accessRequestsPage = SubPageBlueprint.make({
  name: 'access-requests',
  params: {
    path: 'access-requests',
    title: 'Access requests',
    loader: async () => {
      const { AccessRequestsPage } = await import('./components/AccessRequestsPage.js');
      return padded(<AccessRequestsPage />);
    },
  },
});

/** Shown to whom the portal's permission policy allows it. */
export const pluginsPage = SubPageBlueprint.make({
  name: 'plugins',
  if: { permissions: { $contains: pluginsReadPermission.name } },
  params: {
    path: 'plugins',
    title: 'Plugins',
    loader: async () => {
      const { PluginsPage } = await import('./components/PluginsPage.js');
      return padded(<PluginsPage />);
    },
  },
});
