// Where an element learns what it is not told itself: from the <callboard-config> around it, else from the first of the page.
import { rootOf, type Access, type Fetcher } from './session';
import type { TokenProvider } from './token';

export interface Settings {
  base?: string | undefined;
  app?: string | undefined;
  tokenProvider?: string | TokenProvider | undefined;
  fetcher?: Fetcher | undefined;
  theme?: string | undefined;
  lang?: string | undefined;
}

/** An element that has settings: some as attributes, functions as properties. */
export interface Configured extends HTMLElement {
  fetcher?: Fetcher | undefined;
  tokenProvider?: string | TokenProvider | undefined;
}

const CONFIG = 'callboard-config';
let defaultBase: string | undefined;
const listeners = new Set<() => void>();

/** The host that the script came from, for pages that name none. */
export function useBase(base: string) {
  defaultBase ??= base;
}

/** Calls back whenever settings of the page change. */
export function onSettings(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function settingsChanged() {
  for (const listener of listeners) listener();
}

function own(element: Configured): Settings {
  const attribute = (name: string) => element.getAttribute(name) || undefined;
  return {
    base: attribute('base'),
    app: attribute('app'),
    tokenProvider: element.tokenProvider ?? attribute('token-provider'),
    fetcher: element.fetcher,
    theme: attribute('theme'),
    lang: attribute('lang'),
  };
}

/** The settings of an element. What it says itself goes before what its surroundings say. */
export function settingsOf(element: Configured): Settings {
  const said = own(element);
  const config = around(element) ?? document.querySelector<Configured>(CONFIG);
  if (!config) return { ...said, base: said.base ?? defaultBase };
  const shared = own(config);
  // Whose credentials are whose: an element that names another host does not get the page's.
  const sameHost = !said.base || !shared.base || rootOf(said.base) === rootOf(shared.base);
  return {
    base: said.base ?? shared.base ?? defaultBase,
    app: said.app ?? shared.app,
    tokenProvider: said.tokenProvider ?? (sameHost ? shared.tokenProvider : undefined),
    fetcher: said.fetcher ?? (sameHost ? shared.fetcher : undefined),
    theme: said.theme ?? shared.theme,
    lang: said.lang ?? shared.lang,
  };
}

function around(element: Element): Configured | null {
  for (let at: Element | null = element; at; ) {
    const found: Configured | null = at.closest(CONFIG);
    if (found) return found;
    const root: Node = at.getRootNode();
    at = root instanceof ShadowRoot ? root.host : null;
  }
  return null;
}

/** How the host of some settings is reached; undefined when none is named. */
export function accessOf(settings: Settings): Access | undefined {
  if (!settings.base) return undefined;
  return { root: rootOf(settings.base), fetcher: settings.fetcher, provider: settings.tokenProvider || undefined };
}

/** The language that an element speaks: its own, that of the page around it, else the browser's. */
export function langOf(element: Element, settings: Settings): string {
  const said = settings.lang ?? element.parentElement?.closest('[lang]')?.getAttribute('lang') ?? document.documentElement.lang;
  return /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/.test(said || '') ? said! : navigator.language || 'en';
}

const rightToLeft = /^(ar|ckb|dv|fa|he|ps|sd|ug|ur|yi)\b/i;

export function dirOf(element: Element, lang: string): 'ltr' | 'rtl' {
  const said = element.closest('[dir]')?.getAttribute('dir');
  if (said === 'rtl' || said === 'ltr') return said;
  return rightToLeft.test(lang) ? 'rtl' : 'ltr';
}

const themes = ['light', 'dark', 'auto'];

/** The theme that is asked for; undefined = that of the page, which CSS calls its color-scheme. */
export function themeOf(settings: Settings): string | undefined {
  return themes.includes(settings.theme ?? '') ? settings.theme : undefined;
}
