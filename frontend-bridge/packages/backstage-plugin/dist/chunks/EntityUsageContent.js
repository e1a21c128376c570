import { jsx, jsxs, Fragment } from "react/jsx-runtime";
import { stringifyEntityRef } from "@backstage/catalog-model";
import { useTranslationRef } from "@backstage/frontend-plugin-api";
import { useEntity } from "@backstage/plugin-catalog-react";
import { s as select, W as WidgetGrid } from "./WidgetGrid.js";
import { a as callboardTranslationRef } from "./translation.js";
import { C as CallboardElement } from "./CallboardElement.js";
import { u as useWidgetsOf, F as Failure, P as Panel } from "./useWidgets.js";
import { R as Ranged } from "./Ranged.js";
function EntityUsageContent(selection) {
  const { t } = useTranslationRef(callboardTranslationRef);
  const entityRef = stringifyEntityRef(useEntity().entity);
  const answer = useWidgetsOf(entityRef);
  if (answer.state === "waiting") return null;
  if (answer.state === "failed") return /* @__PURE__ */ jsx(Failure, { ...answer });
  const widgets = select(answer.value, selection);
  if (widgets.length === 0) return /* @__PURE__ */ jsx("p", { children: t("state.noneOfEntity") });
  return /* @__PURE__ */ jsx(Ranged, { children: (range) => /* @__PURE__ */ jsxs(Fragment, { children: [
    /* @__PURE__ */ jsx(Panel, { children: /* @__PURE__ */ jsx(WidgetGrid, { widgets, entityRef, range }) }),
    widgets.filter(({ view }) => view === "form").map(({ id }) => /* @__PURE__ */ jsx(Panel, { children: /* @__PURE__ */ jsx(CallboardElement, { tag: "callboard-widget", attributes: { name: id, entity: entityRef, "heading-level": 4 } }) }, id))
  ] }) });
}
export {
  EntityUsageContent
};
