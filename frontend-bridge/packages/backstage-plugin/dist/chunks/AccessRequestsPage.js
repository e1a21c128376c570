import { jsx, jsxs } from "react/jsx-runtime";
import { CATALOG_FILTER_EXISTS } from "@backstage/catalog-client";
import { stringifyEntityRef } from "@backstage/catalog-model";
import { useTranslationRef, useApi } from "@backstage/frontend-plugin-api";
import { catalogApiRef } from "@backstage/plugin-catalog-react";
import { useState, useCallback } from "react";
import { a as callboardTranslationRef } from "./translation.js";
import { C as CallboardElement } from "./CallboardElement.js";
import { a as useEveryWidget, F as Failure, P as Panel, b as useHost, C as Choice } from "./useWidgets.js";
const gatewayAnnotation = "metadata.annotations.callboard.dev/gateway-api";
function AccessRequestsPage() {
  const { t } = useTranslationRef(callboardTranslationRef);
  const answer = useEveryWidget();
  if (answer.state === "waiting") return null;
  if (answer.state === "failed") return /* @__PURE__ */ jsx(Failure, { ...answer });
  const own = answer.value.filter(({ id, appliesTo }) => id.startsWith("gateway/") && appliesTo === "");
  if (own.length === 0) return /* @__PURE__ */ jsx("p", { children: t("state.none") });
  return /* @__PURE__ */ jsxs("div", { style: { display: "grid", gap: 16 }, children: [
    /* @__PURE__ */ jsx(Panel, { title: t("access.keys"), children: own.map(({ id }) => /* @__PURE__ */ jsx(CallboardElement, { tag: "callboard-widget", attributes: { name: id, "heading-level": 4 } }, id)) }),
    /* @__PURE__ */ jsx(Panel, { title: t("access.request"), children: /* @__PURE__ */ jsx(RequestOfAccess, {}) })
  ] });
}
function RequestOfAccess() {
  const { t } = useTranslationRef(callboardTranslationRef);
  const catalog = useApi(catalogApiRef);
  const [chosen, setChosen] = useState("");
  const ask = useCallback(async () => {
    const { items } = await catalog.getEntities({ filter: { kind: "api", [gatewayAnnotation]: CATALOG_FILTER_EXISTS }, fields: ["kind", "metadata.name", "metadata.namespace", "metadata.title"] });
    return items.map((entity) => [stringifyEntityRef(entity), entity.metadata.title ?? entity.metadata.name]).sort(([, a], [, b]) => a.localeCompare(b));
  }, [catalog]);
  const answer = useHost(ask);
  if (answer.state === "waiting") return null;
  if (answer.state === "failed") return /* @__PURE__ */ jsx(Failure, { ...answer });
  if (answer.value.length === 0) return /* @__PURE__ */ jsx("p", { children: t("access.noApis") });
  return /* @__PURE__ */ jsxs("div", { style: { display: "grid", gap: 16 }, children: [
    /* @__PURE__ */ jsx(Choice, { label: t("access.api"), value: chosen, options: [["", t("access.choose")], ...answer.value], onChange: setChosen }),
    chosen && /* @__PURE__ */ jsx(CallboardElement, { tag: "callboard-access-request", attributes: { api: chosen } }, chosen)
  ] });
}
export {
  AccessRequestsPage
};
