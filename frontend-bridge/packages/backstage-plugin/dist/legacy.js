import { stringifyEntityRef } from "@backstage/catalog-model";
import { createRouteRef, createPlugin, createApiFactory, fetchApiRef, discoveryApiRef, createComponentExtension, createRoutableExtension } from "@backstage/core-plugin-api";
import { C as CallboardClient, c as callboardApiRef } from "./chunks/translation.js";
import { a } from "./chunks/translation.js";
const referenceRouteRef = createRouteRef({ id: "callboard:reference" });
const usageRouteRef = createRouteRef({ id: "callboard:usage" });
const callboardPlugin = createPlugin({
  id: "callboard",
  apis: [createApiFactory({ api: callboardApiRef, deps: { discoveryApi: discoveryApiRef, fetchApi: fetchApiRef }, factory: (deps) => new CallboardClient(deps) })],
  routes: { reference: referenceRouteRef, usage: usageRouteRef }
});
const EntityWidgetsCard = callboardPlugin.provide(
  createComponentExtension({ name: "EntityWidgetsCard", component: { lazy: () => import("./chunks/EntityWidgetsCard.js").then((module) => module.EntityWidgetsCard) } })
);
const EntityUsageContent = callboardPlugin.provide(
  createRoutableExtension({ name: "EntityUsageContent", component: () => import("./chunks/EntityUsageContent.js").then((module) => module.EntityUsageContent), mountPoint: usageRouteRef })
);
const EntityReferenceContent = callboardPlugin.provide(
  createRoutableExtension({ name: "EntityReferenceContent", component: () => import("./chunks/EntityReferenceContent.js").then((module) => module.EntityReferenceContent), mountPoint: referenceRouteRef })
);
async function isWidgetsAvailable(entity, context) {
  const api = context.apis.get(callboardApiRef);
  if (!api) return false;
  return (await api.widgetsOf(stringifyEntityRef(entity))).length > 0;
}
export {
  CallboardClient,
  EntityReferenceContent,
  EntityUsageContent,
  EntityWidgetsCard,
  callboardApiRef,
  callboardPlugin,
  a as callboardTranslationRef,
  isWidgetsAvailable
};
