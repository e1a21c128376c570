import { jsx, jsxs } from "react/jsx-runtime";
import { useTranslationRef } from "@backstage/frontend-plugin-api";
import { a as callboardTranslationRef } from "./translation.js";
import { a as useEveryWidget, F as Failure, P as Panel } from "./useWidgets.js";
const cell = { borderTop: "1px solid var(--bui-border-1, currentColor)", padding: "8px 16px 8px 0", textAlign: "start", verticalAlign: "top" };
function PluginsPage() {
  const { t } = useTranslationRef(callboardTranslationRef);
  const answer = useEveryWidget();
  if (answer.state === "waiting") return null;
  if (answer.state === "failed") return /* @__PURE__ */ jsx(Failure, { ...answer });
  if (answer.value.length === 0) return /* @__PURE__ */ jsx("p", { children: t("state.none") });
  const columns = ["name", "widgets", "view", "appliesTo"].map((key) => t(`plugins.${key}`));
  return /* @__PURE__ */ jsx(Panel, { title: t("plugins.title"), children: /* @__PURE__ */ jsxs("table", { style: { borderCollapse: "collapse", width: "100%" }, children: [
    /* @__PURE__ */ jsx("thead", { children: /* @__PURE__ */ jsx("tr", { children: columns.map((text) => /* @__PURE__ */ jsx("th", { scope: "col", style: { ...cell, borderTop: "none" }, children: text }, text)) }) }),
    /* @__PURE__ */ jsx("tbody", { children: byPlugin(answer.value).map(([plugin, widgets]) => widgets.map((widget, i) => /* @__PURE__ */ jsx(Row, { plugin, widget, span: i === 0 ? widgets.length : 0 }, widget.id))) })
  ] }) });
}
function Row({ plugin, widget, span }) {
  const { t } = useTranslationRef(callboardTranslationRef);
  return /* @__PURE__ */ jsxs("tr", { children: [
    span > 0 && /* @__PURE__ */ jsx("th", { scope: "rowgroup", rowSpan: span, style: cell, children: plugin }),
    /* @__PURE__ */ jsxs("td", { style: cell, children: [
      widget.title,
      widget.description && /* @__PURE__ */ jsx("div", { style: { color: "var(--bui-fg-secondary, inherit)" }, children: widget.description })
    ] }),
    /* @__PURE__ */ jsx("td", { style: cell, children: widget.view }),
    /* @__PURE__ */ jsx("td", { style: cell, children: widget.appliesTo ? /* @__PURE__ */ jsx("code", { children: widget.appliesTo }) : t("plugins.everywhere") })
  ] });
}
function byPlugin(widgets) {
  const plugins = /* @__PURE__ */ new Map();
  for (const widget of widgets) {
    const [plugin = ""] = widget.id.split("/");
    plugins.set(plugin, [...plugins.get(plugin) ?? [], widget]);
  }
  return [...plugins].sort(([a], [b]) => a.localeCompare(b));
}
export {
  PluginsPage
};
