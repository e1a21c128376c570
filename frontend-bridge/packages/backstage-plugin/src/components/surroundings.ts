import { appLanguageApiRef, appThemeApiRef, routeResolutionApiRef, useApi, useApiHolder } from '@backstage/frontend-plugin-api';
import { entityRouteParams, entityRouteRef } from '@backstage/plugin-catalog-react';
import { useEffect, useState, type CSSProperties } from 'react';
import { useHref, useNavigate } from 'react-router-dom';
import { callboardApiRef, type CallboardApi } from '../api.js';

/** What an element takes over from the app around it. */
export interface Surroundings {
  /** Empty until it is known. */
  base: string;
  fetcher: CallboardApi['fetch'];
  theme: 'light' | 'dark';
  lang: string;
  /** Leads to an entity, or to an address in the app, by the app's router; false when the address is not the app's. */
  navigate(to: { url: string; entityRef?: string }): boolean;
}

export function useSurroundings(): Surroundings {
  const api = useApi(callboardApiRef);
  const [base, setBase] = useState('');
  useEffect(() => {
    let gone = false;
    api.getBaseUrl().then(url => gone || setBase(url));
    return () => {
      gone = true;
    };
  }, [api]);
  return { base, fetcher: api.fetch, theme: useTheme(), lang: useLanguage(), navigate: useAppNavigate() };
}

const prefersDark = '(prefers-color-scheme: dark)';

// The variant of the chosen theme; as long as none is chosen, apps follow the system.
function useTheme(): 'light' | 'dark' {
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
    media?.addEventListener('change', follow);
    return () => media?.removeEventListener('change', follow);
  }, []);
  const installed = themes.getInstalledThemes();
  const only = installed.length === 1 ? installed[0] : undefined;
  return (installed.find(({ id }) => id === chosen) ?? only)?.variant ?? (dark ? 'dark' : 'light');
}

function useLanguage(): string {
  const languages = useApi(appLanguageApiRef);
  const [language, setLanguage] = useState(languages.getLanguage().language);
  useEffect(() => {
    const subscription = languages.language$().subscribe(({ language }) => setLanguage(language));
    return () => subscription.unsubscribe();
  }, [languages]);
  return language;
}

function useAppNavigate(): Surroundings['navigate'] {
  const navigate = useNavigate();
  const root = useHref('/').replace(/\/$/, '');
  const routes = useApiHolder().get(routeResolutionApiRef); // apps of the system before have none: there, addresses lead the way
  return ({ url, entityRef }) => {
    const path = (entityRef && routes?.resolve(entityRouteRef)?.(entityRouteParams(entityRef, { encodeParams: true }))) || pathInApp(url, root);
    if (path) navigate(path);
    return Boolean(path);
  };
}

// The path of an address within an app that lives at `root`. What the host keeps for itself on the same origin is not in it.
function pathInApp(address: string, root: string): string | undefined {
  const url = new URL(address, window.location.href);
  if (url.origin !== window.location.origin || !url.pathname.startsWith(`${root}/`)) return undefined;
  const path = url.pathname.slice(root.length);
  return /^\/(api|embed|console|\.backstage)(\/|$)/.test(path) ? undefined : path + url.search + url.hash;
}

// The app's secondary text is too faint on a panel of its dark theme for the elements, which want 4.5:1.
const muted = 'color-mix(in srgb, var(--bui-fg-primary) 70%, var(--bui-bg-neutral-1))';

/** The app's design tokens under the elements' names. What an app has no token for keeps the elements' own value. */
export const tokens = {
  '--callboard-font': 'var(--bui-font-regular)',
  '--callboard-font-mono': 'var(--bui-font-monospace)',
  '--callboard-radius': 'var(--bui-radius-3)',
  '--callboard-bg': 'var(--bui-bg-neutral-1)', // elements stand in panels
  '--callboard-surface': 'var(--bui-bg-neutral-2)',
  '--callboard-text': 'var(--bui-fg-primary)',
  '--callboard-text-muted': muted,
  '--callboard-border': 'var(--bui-border-1)',
  '--callboard-accent': 'var(--bui-bg-solid)',
  '--callboard-focus': 'var(--bui-ring)',
  '--callboard-ok': 'var(--bui-fg-success-on-bg)',
  '--callboard-warn': 'var(--bui-fg-warning-on-bg)',
  '--callboard-danger': 'var(--bui-fg-danger-on-bg)',
  '--callboard-info': 'var(--bui-fg-info-on-bg)',
} as CSSProperties;
