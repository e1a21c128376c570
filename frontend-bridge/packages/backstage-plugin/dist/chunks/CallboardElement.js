import { jsx } from "react/jsx-runtime";
import "@callboard/widgets/register";
import { useState, useEffect, useRef, useLayoutEffect } from "react";
import { useApi, appLanguageApiRef, appThemeApiRef } from "@backstage/frontend-plugin-api";
import { useNavigate, useHref } from "react-router-dom";
import { c as callboardApiRef } from "./translation.js";
function useSurroundings() {
  const api = useApi(callboardApiRef);
  const [base, setBase] = useState("");
  useEffect(() => {
    let gone = false;
    api.getBaseUrl().then((url) => gone || setBase(url));
    return () => {
      gone = true;
    };
  }, [api]);
  return { base, fetcher: api.fetch, theme: useTheme(), lang: useLanguage(), navigate: useAppNavigate() };
}
const prefersDark = "(prefers-color-scheme: dark)";
function useTheme() {
  const themes = useApi(appThemeApiRef);
  const [chosen, setChosen] = useState(themes.getActiveThemeId());
  const [dark, setDark] = useState(() => window.matchMedia?.(prefersDark).matches ?? false);
  useEffect(() => {
    const subscription = themes.activeThemeId$().subscribe(setChosen);
    return () => subscription.unsubscribe();
  }, [themes]);
  useEffect(() => {
    const media = window.matchMedia?.(prefersDark);
    const follow = () => setDark(media.matches);
    media?.addEventListener("change", follow);
    return () => media?.removeEventListener("change", follow);
  }, []);
  const installed = themes.getInstalledThemes();
  const only = installed.length === 1 ? installed[0] : void 0;
  return (installed.find(({ id }) => id === chosen) ?? only)?.variant ?? (dark ? "dark" : "light");
}
function useLanguage() {
  const languages = useApi(appLanguageApiRef);
  const [language, setLanguage] = useState(languages.getLanguage().language);
  useEffect(() => {
    const subscription = languages.language$().subscribe(({ language: language2 }) => setLanguage(language2));
    return () => subscription.unsubscribe();
  }, [languages]);
  return language;
}
function useAppNavigate() {
  const navigate = useNavigate();
  const root = useHref("/").replace(/\/$/, "");
  return (href) => {
    const url = new URL(href, window.location.origin);
    const path = url.pathname.startsWith(`${root}/`) ? url.pathname.slice(root.length) : void 0;
    if (url.origin !== window.location.origin || path === void 0 || isHosts(path)) return false;
    navigate(path + url.search + url.hash);
    return true;
  };
}
const isHosts = (path) => /^\/(api|embed|console|\.backstage)\//.test(path);
const tokens = Object.fromEntries(
  Object.entries({
    font: "font-regular",
    "font-mono": "font-monospace",
    radius: "radius-3",
    bg: "bg-app",
    surface: "bg-neutral-1",
    text: "fg-primary",
    "text-muted": "fg-secondary",
    border: "border-1",
    accent: "bg-solid",
    focus: "ring",
    ok: "fg-success",
    warn: "fg-warning",
    danger: "fg-danger",
    info: "fg-info"
  }).map(([own, apps]) => [`--callboard-${own}`, `var(--bui-${apps})`])
);
function CallboardElement({ tag, attributes }) {
  const place = useRef(null);
  const element = useRef();
  const { base, fetcher, theme, lang, navigate } = useSurroundings();
  const wanted = Object.entries({ ...attributes, base, theme, lang }).flatMap(([name, value]) => value === void 0 ? [] : [[name, String(value)]]);
  useLayoutEffect(() => {
    if (!base || !place.current) return void 0;
    const made = document.createElement(tag);
    made.fetcher = fetcher;
    for (const [name, value] of wanted) made.setAttribute(name, value);
    place.current.append(made);
    element.current = made;
    return () => made.remove();
  }, [tag, base, fetcher]);
  useLayoutEffect(() => {
    for (const [name, value] of wanted) {
      if (element.current?.getAttribute(name) !== value) element.current?.setAttribute(name, value);
    }
    for (const name of Object.keys(attributes)) if (attributes[name] === void 0) element.current?.removeAttribute(name);
  });
  useEffect(() => {
    const host = place.current;
    const follow = (event) => {
      const { href } = event.detail ?? {};
      if (href && navigate(href)) event.preventDefault();
    };
    host?.addEventListener("callboard-navigate", follow);
    return () => host?.removeEventListener("callboard-navigate", follow);
  });
  return /* @__PURE__ */ jsx("div", { ref: place, style: tokens });
}
export {
  CallboardElement as C
};
