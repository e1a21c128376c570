import { jsxs, jsx } from "react/jsx-runtime";
import { useTranslationRef, useApi } from "@backstage/frontend-plugin-api";
import { a as callboardTranslationRef, c as callboardApiRef } from "./translation.js";
import { useCallback, useState, useEffect } from "react";
const panel = {
  background: "var(--bui-bg-neutral-1, Canvas)",
  border: "1px solid var(--bui-border-1, color-mix(in srgb, currentColor 20%, transparent))",
  borderRadius: "var(--bui-radius-3, 8px)",
  boxSizing: "border-box",
  color: "var(--bui-fg-primary, CanvasText)",
  fontFamily: "var(--bui-font-regular, inherit)",
  fontSize: "var(--bui-font-size-3, 14px)",
  padding: 16
};
function Panel({ title, actions, children }) {
  return /* @__PURE__ */ jsxs("article", { style: panel, children: [
    title && /* @__PURE__ */ jsxs("header", { style: { alignItems: "center", display: "flex", gap: 8, justifyContent: "space-between", marginBottom: 12 }, children: [
      /* @__PURE__ */ jsx("h3", { style: { fontSize: "var(--bui-font-size-4, 16px)", fontWeight: "var(--bui-font-weight-bold, 600)", margin: 0 }, children: title }),
      actions
    ] }),
    children
  ] });
}
const control = {
  background: "transparent",
  border: "1px solid var(--bui-border-2, currentColor)",
  borderRadius: "var(--bui-radius-2, 4px)",
  color: "inherit",
  cursor: "pointer",
  font: "inherit",
  minHeight: 32,
  padding: "4px 12px"
};
function Button({ onClick, children }) {
  return /* @__PURE__ */ jsx("button", { type: "button", style: control, onClick, children });
}
function Choice({ label, value, options, onChange }) {
  return /* @__PURE__ */ jsxs("label", { style: { alignItems: "center", display: "inline-flex", gap: 8 }, children: [
    label,
    /* @__PURE__ */ jsx("select", { style: { ...control, background: "var(--bui-bg-neutral-1, Canvas)" }, value, onChange: (event) => onChange(event.target.value), children: options.map(([key, text]) => /* @__PURE__ */ jsx("option", { value: key, children: text }, key)) })
  ] });
}
function Failure({ error, retry }) {
  const { t } = useTranslationRef(callboardTranslationRef);
  return /* @__PURE__ */ jsxs("div", { role: "alert", style: { alignItems: "center", display: "flex", flexWrap: "wrap", gap: 12 }, children: [
    t("state.failed", { reason: error.message }),
    /* @__PURE__ */ jsx(Button, { onClick: retry, children: t("state.retry") })
  ] });
}
function useHost(ask) {
  const api = useApi(callboardApiRef);
  const [answer, setAnswer] = useState({ state: "waiting" });
  const [attempt, setAttempt] = useState(0);
  const retry = useCallback(() => setAttempt((n) => n + 1), []);
  useEffect(() => {
    let gone = false;
    setAnswer({ state: "waiting" });
    ask(api).then(
      (value) => gone || setAnswer({ state: "ready", value }),
      (error) => gone || setAnswer({ state: "failed", error: error instanceof Error ? error : new Error(String(error)), retry })
    );
    return () => {
      gone = true;
    };
  }, [api, ask, attempt, retry]);
  return answer;
}
function useWidgetsOf(entityRef) {
  return useHost(useCallback((api) => api.widgetsOf(entityRef), [entityRef]));
}
const everyWidget = (api) => api.widgets();
const useEveryWidget = () => useHost(everyWidget);
export {
  Button as B,
  Choice as C,
  Failure as F,
  Panel as P,
  useEveryWidget as a,
  useHost as b,
  useWidgetsOf as u
};
