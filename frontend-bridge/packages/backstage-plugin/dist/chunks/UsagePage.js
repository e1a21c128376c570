import { jsx } from "react/jsx-runtime";
import { useTranslationRef } from "@backstage/frontend-plugin-api";
import { a as callboardTranslationRef } from "./translation.js";
import { a as useEveryWidget, F as Failure, P as Panel } from "./useWidgets.js";
import { R as Ranged } from "./Ranged.js";
import { W as WidgetGrid } from "./WidgetGrid.js";
function UsagePage() {
  const { t } = useTranslationRef(callboardTranslationRef);
  const answer = useEveryWidget();
  if (answer.state === "waiting") return null;
  if (answer.state === "failed") return /* @__PURE__ */ jsx(Failure, { ...answer });
  const widgets = answer.value.filter(({ appliesTo, view }) => appliesTo === "" && view !== "form");
  if (widgets.length === 0) return /* @__PURE__ */ jsx("p", { children: t("state.none") });
  return /* @__PURE__ */ jsx(Ranged, { children: (range) => /* @__PURE__ */ jsx(Panel, { children: /* @__PURE__ */ jsx(WidgetGrid, { widgets, range }) }) });
}
export {
  UsagePage
};
