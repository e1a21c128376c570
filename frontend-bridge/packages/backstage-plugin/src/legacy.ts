// For apps of the frontend system before `@backstage/frontend-defaults`: the same components, as routable and component
// extensions that an app places in its own pages.
import { stringifyEntityRef, type Entity } from '@backstage/catalog-model';
import { createApiFactory, createComponentExtension, createPlugin, createRoutableExtension, createRouteRef, discoveryApiRef, fetchApiRef, type ApiHolder } from '@backstage/core-plugin-api';
import { CallboardClient, callboardApiRef } from './api.js';
import { bySize, select, type Selection } from './select.js';

export { CallboardClient, callboardApiRef, pluginsReadPermission, type CallboardApi, type WidgetInfo } from './api.js';
export { callboardTranslationRef } from './translation.js';

const referenceRouteRef = createRouteRef({ id: 'callboard:reference' });
const usageRouteRef = createRouteRef({ id: 'callboard:usage' });

export const callboardPlugin = createPlugin({
  id: 'callboard',
  apis: [createApiFactory({ api: callboardApiRef, deps: { discoveryApi: discoveryApiRef, fetchApi: fetchApiRef }, factory: deps => new CallboardClient(deps) })],
  routes: { reference: referenceRouteRef, usage: usageRouteRef },
});

/** A card with the widgets of the entity; `include` and `exclude` choose among them. */
export const EntityWidgetsCard = callboardPlugin.provide(
  createComponentExtension({ name: 'EntityWidgetsCard', component: { lazy: () => import('./components/EntityWidgetsCard.js').then(module => module.EntityWidgetsCard) } }),
);

/** A tab with all widgets of the entity over a time. */
export const EntityUsageContent = callboardPlugin.provide(
  createRoutableExtension({ name: 'EntityUsageContent', component: () => import('./components/EntityUsageContent.js').then(module => module.EntityUsageContent), mountPoint: usageRouteRef }),
);

/** A tab with the reference of an API. */
export const EntityReferenceContent = callboardPlugin.provide(
  createRoutableExtension({ name: 'EntityReferenceContent', component: () => import('./components/EntityReferenceContent.js').then(module => module.EntityReferenceContent), mountPoint: referenceRouteRef }),
);

// What stands on a page that the app makes, with a header of its own: such a page may hold one routable extension at most.

/** The widgets that are about the whole portal. */
export const UsageContent = callboardPlugin.provide(
  createComponentExtension({ name: 'UsageContent', component: { lazy: () => import('./components/UsagePage.js').then(module => module.UsagePage) } }),
);

/** The viewer's keys, and forms to ask for access. */
export const AccessRequestsContent = callboardPlugin.provide(
  createComponentExtension({ name: 'AccessRequestsContent', component: { lazy: () => import('./components/AccessRequestsPage.js').then(module => module.AccessRequestsPage) } }),
);

/** What each plugin shows; `pluginsReadPermission` is the permission for it. */
export const PluginsContent = callboardPlugin.provide(
  createComponentExtension({ name: 'PluginsContent', component: { lazy: () => import('./components/PluginsPage.js').then(module => module.PluginsPage) } }),
);

/** A condition for `EntitySwitch.Case`: whether an `EntityWidgetsCard` with this selection has something to show. */
export const hasWidgets =
  (selection: Selection = {}) =>
  async (entity: Entity, context: { apis: ApiHolder }): Promise<boolean> => {
    const api = context.apis.get(callboardApiRef);
    if (!api) return false;
    try {
      const { small, large } = bySize(select(await api.widgetsOf(stringifyEntityRef(entity)), selection));
      return small.length + large.length > 0;
    } catch {
      return true; // a switch would swallow it; the card tells that the host could not be asked
    }
  };

/** The same for a card without a selection. */
export const isWidgetsAvailable = hasWidgets();
