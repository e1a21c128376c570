// For apps of the frontend system before `@backstage/frontend-defaults`: the same components, as routable and component
// extensions that an app places in its own pages.
import { stringifyEntityRef, type Entity } from '@backstage/catalog-model';
import { createApiFactory, createComponentExtension, createPlugin, createRoutableExtension, createRouteRef, discoveryApiRef, fetchApiRef, type ApiHolder } from '@backstage/core-plugin-api';
import { CallboardClient, callboardApiRef } from './api.js';

export { CallboardClient, callboardApiRef, type CallboardApi, type WidgetInfo } from './api.js';
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

/** A condition for `EntitySwitch.Case`: whether the host has a widget for the entity that the viewer may see. */
export async function isWidgetsAvailable(entity: Entity, context: { apis: ApiHolder }): Promise<boolean> {
  const api = context.apis.get(callboardApiRef);
  if (!api) return false;
  return (await api.widgetsOf(stringifyEntityRef(entity))).length > 0;
}
