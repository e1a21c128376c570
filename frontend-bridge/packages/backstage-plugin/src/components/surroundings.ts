import { appLanguageApiRef, appThemeApiRef, useApi } from '@backstage/frontend-plugin-api';
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
  /** Leads to an address in the app by its router; false when the address is not the app's. */
  navigate(href: string): boolean;
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

function useAppNavigate(): (href: string) => boolean {
  const navigate = useNavigate();
  const root = useHref('/').replace(/\/$/, '');
  return href => {
    const url = new URL(href, window.location.origin);
    const path = url.pathname.startsWith(`${root}/`) ? url.pathname.slice(root.length) : undefined;
    if (url.origin !== window.location.origin || path === undefined || isHosts(path)) return false;
    navigate(path + url.search + url.hash);
    return true;
  };
}

// Addresses on the app's origin that are not the app's when the host serves it.
const isHosts = (path: string) => /^\/(api|embed|console|\.backstage)\//.test(path);

/** The app's design tokens under the elements' names. What an app has no token for keeps the elements' own value. */
export const tokens = Object.fromEntries(
  Object.entries({
    font: 'font-regular',
    'font-mono': 'font-monospace',
    radius: 'radius-3',
    bg: 'bg-app',
    surface: 'bg-neutral-1',
    text: 'fg-primary',
    'text-muted': 'fg-secondary',
    border: 'border-1',
    accent: 'bg-solid',
    focus: 'ring',
    ok: 'fg-success',
    warn: 'fg-warning',
    danger: 'fg-danger',
    info: 'fg-info',
  }).map(([own, apps]) => [`--callboard-${own}`, `var(--bui-${apps})`]),
) as CSSProperties;
