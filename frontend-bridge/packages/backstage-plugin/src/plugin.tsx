import { ApiBlueprint, createFrontendPlugin, discoveryApiRef, fetchApiRef } from '@backstage/frontend-plugin-api';
import { CallboardClient, callboardApiRef } from './api.js';
import { costCard, errorsCard, qualityCard, summaryCard, usageCard } from './cards.js';
import { referenceContent, usageContent } from './contents.js';
import { accessRequestsPage, icon, page, pluginsPage, rootRouteRef, usagePage } from './page.js';

const client = ApiBlueprint.make({
  name: 'client',
  params: define =>
    define({
      api: callboardApiRef,
      deps: { discoveryApi: discoveryApiRef, fetchApi: fetchApiRef },
      factory: deps => new CallboardClient(deps),
    }),
});

export const callboardPlugin = createFrontendPlugin({
  pluginId: 'callboard',
  title: 'Callboard',
  icon,
  routes: { root: rootRouteRef },
  extensions: [client, summaryCard, usageCard, costCard, errorsCard, qualityCard, referenceContent, usageContent, page, usagePage, accessRequestsPage, pluginsPage],
});
