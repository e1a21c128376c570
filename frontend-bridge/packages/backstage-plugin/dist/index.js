import { C as CallboardClient, c as callboardApiRef } from "./chunks/translation.js";
import { a } from "./chunks/translation.js";
import { PageBlueprint, SubPageBlueprint, createRouteRef, createFrontendPlugin, ApiBlueprint, fetchApiRef, discoveryApiRef } from "@backstage/frontend-plugin-api";
import { jsx, jsxs } from "react/jsx-runtime";
import { EntityCardBlueprint, EntityContentBlueprint } from "@backstage/plugin-catalog-react/alpha";
import { z } from "zod/v4";
const selectionSchema = { include: z.array(z.string()).optional(), exclude: z.array(z.string()).optional() };
const loadCard = async (props) => {
  const { EntityWidgetsCard } = await import("./chunks/EntityWidgetsCard.js");
  return /* @__PURE__ */ jsx(EntityWidgetsCard, { ...props });
};
const summaryCard = EntityCardBlueprint.makeWithOverrides({
  name: "summary",
  configSchema: { ...selectionSchema, limit: z.number().int().min(0).optional() },
  factory: (original, { config }) => original({ type: "content", loader: () => loadCard({ topic: "summary", include: config.include, exclude: config.exclude, limit: config.limit }) })
});
const topicCard = (topic, include) => EntityCardBlueprint.makeWithOverrides({
  name: topic,
  disabled: true,
  configSchema: { ...selectionSchema, limit: z.number().int().min(0).optional() },
  factory: (original, { config }) => original({ type: "content", loader: () => loadCard({ topic, include: config.include ?? include, exclude: config.exclude, limit: config.limit }) })
});
const usageCard = topicCard("usage", ["gateway/*"]);
const costCard = topicCard("cost", ["cost/*"]);
const errorsCard = topicCard("errors", ["sentry/*"]);
const qualityCard = topicCard("quality", ["sonarqube/*"]);
const referenceContent = EntityContentBlueprint.make({
  name: "reference",
  params: {
    path: "reference",
    title: "Reference",
    group: "documentation",
    filter: { kind: "api" },
    loader: async () => {
      const { EntityReferenceContent } = await import("./chunks/EntityReferenceContent.js");
      return /* @__PURE__ */ jsx(EntityReferenceContent, {});
    }
  }
});
const usageContent = EntityContentBlueprint.makeWithOverrides({
  name: "usage",
  configSchema: selectionSchema,
  factory: (original, { config }) => original({
    path: "usage",
    title: "Usage",
    group: "observability",
    filter: { kind: { $in: ["api", "component", "domain", "group", "resource", "system", "user"] } },
    loader: async () => {
      const { EntityUsageContent } = await import("./chunks/EntityUsageContent.js");
      return /* @__PURE__ */ jsx(EntityUsageContent, { include: config.include, exclude: config.exclude });
    }
  })
});
const rootRouteRef = createRouteRef();
const icon = /* @__PURE__ */ jsxs("svg", { viewBox: "0 0 24 24", width: "1em", height: "1em", fill: "none", stroke: "currentColor", strokeWidth: "2", strokeLinecap: "round", "aria-hidden": "true", children: [
  /* @__PURE__ */ jsx("rect", { x: "3", y: "4", width: "18", height: "16", rx: "2" }),
  /* @__PURE__ */ jsx("path", { d: "M8 16v-3M12 16V8M16 16v-5" })
] });
const page = PageBlueprint.make({ params: { path: "/callboard", title: "Callboard", icon, routeRef: rootRouteRef } });
const usagePage = SubPageBlueprint.make({
  name: "usage",
  params: {
    path: "usage",
    title: "Usage",
    loader: async () => {
      const { UsagePage } = await import("./chunks/UsagePage.js");
      return /* @__PURE__ */ jsx(UsagePage, {});
    }
  }
});
const accessRequestsPage = SubPageBlueprint.make({
  name: "access-requests",
  params: {
    path: "access-requests",
    title: "Access requests",
    loader: async () => {
      const { AccessRequestsPage } = await import("./chunks/AccessRequestsPage.js");
      return /* @__PURE__ */ jsx(AccessRequestsPage, {});
    }
  }
});
const pluginsPage = SubPageBlueprint.make({
  name: "plugins",
  if: { permissions: { $contains: "callboard.plugins.read" } },
  params: {
    path: "plugins",
    title: "Plugins",
    loader: async () => {
      const { PluginsPage } = await import("./chunks/PluginsPage.js");
      return /* @__PURE__ */ jsx(PluginsPage, {});
    }
  }
});
const client = ApiBlueprint.make({
  name: "client",
  params: (define) => define({
    api: callboardApiRef,
    deps: { discoveryApi: discoveryApiRef, fetchApi: fetchApiRef },
    factory: (deps) => new CallboardClient(deps)
  })
});
const callboardPlugin = createFrontendPlugin({
  pluginId: "callboard",
  title: "Callboard",
  icon,
  routes: { root: rootRouteRef },
  extensions: [client, summaryCard, usageCard, costCard, errorsCard, qualityCard, referenceContent, usageContent, page, usagePage, accessRequestsPage, pluginsPage]
});
export {
  CallboardClient,
  callboardApiRef,
  a as callboardTranslationRef,
  callboardPlugin as default
};
