import { jsxs, jsx } from "react/jsx-runtime";
import { C as CallboardElement } from "./CallboardElement.js";
function select(widgets, { include = ["*"], exclude = [] }) {
  const unwanted = exclude.map(pattern);
  const left = widgets.filter(({ id }) => !unwanted.some((matches) => matches(id)));
  return [...new Set(include.map(pattern).flatMap((matches) => left.filter(({ id }) => matches(id))))];
}
function pattern(text) {
  const parts = text.split("*").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const expression = new RegExp(`^${parts.join(".*")}$`);
  return (id) => expression.test(id);
}
const small = /* @__PURE__ */ new Set(["stat", "badge", "status"]);
function bySize(widgets) {
  return {
    small: widgets.filter(({ view }) => small.has(view)),
    large: widgets.filter(({ view }) => !small.has(view) && view !== "form")
  };
}
const columns = (width) => ({ alignItems: "start", display: "grid", gap: 16, gridTemplateColumns: `repeat(auto-fit, minmax(min(100%, ${width}px), 1fr))` });
function WidgetGrid({ widgets, entityRef, range, limit }) {
  const { small: small2, large } = bySize(widgets);
  const shown = (some) => some.map(({ id }) => /* @__PURE__ */ jsx(CallboardElement, { tag: "callboard-widget", attributes: { name: id, entity: entityRef, range, "heading-level": 4 } }, id));
  return /* @__PURE__ */ jsxs("div", { style: { display: "grid", gap: 16 }, children: [
    small2.length > 0 && /* @__PURE__ */ jsx("div", { style: columns(180), children: shown(small2) }),
    large.length > 0 && /* @__PURE__ */ jsx("div", { style: columns(340), children: shown(large.slice(0, limit)) })
  ] });
}
export {
  WidgetGrid as W,
  bySize as b,
  select as s
};
