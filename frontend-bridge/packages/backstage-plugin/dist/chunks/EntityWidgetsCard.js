import { jsx } from "react/jsx-runtime";
import { stringifyEntityRef } from "@backstage/catalog-model";
import { useTranslationRef } from "@backstage/frontend-plugin-api";
import { useEntity } from "@backstage/plugin-catalog-react";
import { useState } from "react";
import { s as select, b as bySize, W as WidgetGrid } from "./WidgetGrid.js";
import { a as callboardTranslationRef } from "./translation.js";
import { u as useWidgetsOf, P as Panel, F as Failure, B as Button } from "./useWidgets.js";
function EntityWidgetsCard({ topic = "summary", limit = 4, ...selection }) {
  const { t } = useTranslationRef(callboardTranslationRef);
  const entityRef = stringifyEntityRef(useEntity().entity);
  const answer = useWidgetsOf(entityRef);
  const [all, setAll] = useState(false);
  if (answer.state === "waiting") return null;
  if (answer.state === "failed") {
    return /* @__PURE__ */ jsx(Panel, { title: t(`card.${topic}`), children: /* @__PURE__ */ jsx(Failure, { ...answer }) });
  }
  const widgets = select(answer.value, selection);
  const { small, large } = bySize(widgets);
  if (small.length + large.length === 0) return null;
  const more = large.length > limit && /* @__PURE__ */ jsx(Button, { onClick: () => setAll(!all), children: all ? t("card.showFewer") : t("card.showAll", { total: String(small.length + large.length) }) });
  return /* @__PURE__ */ jsx(Panel, { title: t(`card.${topic}`), actions: more, children: /* @__PURE__ */ jsx(WidgetGrid, { widgets, entityRef, limit: all ? void 0 : limit }) });
}
export {
  EntityWidgetsCard
};
