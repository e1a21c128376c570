import { jsxs, jsx } from "react/jsx-runtime";
import { useTranslationRef } from "@backstage/frontend-plugin-api";
import { useState } from "react";
import { a as callboardTranslationRef } from "./translation.js";
import { C as Choice } from "./useWidgets.js";
const ranges = ["24h", "7d", "30d", "90d"];
function Ranged({ children }) {
  const { t } = useTranslationRef(callboardTranslationRef);
  const [range, setRange] = useState("30d");
  return /* @__PURE__ */ jsxs("div", { style: { display: "grid", gap: 16 }, children: [
    /* @__PURE__ */ jsx("div", { style: { textAlign: "end" }, children: /* @__PURE__ */ jsx(Choice, { label: t("range.label"), value: range, options: ranges.map((one) => [one, t(`range.${one}`)]), onChange: setRange }) }),
    children(range)
  ] });
}
export {
  Ranged as R
};
