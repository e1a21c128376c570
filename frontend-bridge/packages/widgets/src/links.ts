// What a click in a fragment does.
import { load, type Surface } from './modules';

/** Where a link leads, as pages learn it. */
export interface Navigation {
  /** The path below the host where it is the host's own page, such as /catalog/default/component/pay; else the address. */
  href: string;
  /** The whole address. */
  url: string;
  /** The entity that the link is to, where it is one. */
  entityRef?: string | undefined;
}

/** What of the host is a file: it needs the page's credentials, which a plain link does not bring. The rest are pages. */
const FILES = /^\/api\/(widgets\/v1\/|api-docs\/v1\/[^?#]+\/document$)/;

/** Follows the links of a surface in the way of the page that it is on: its own router may take them. */
export function follow(event: Event, surface: Surface) {
  const link = linkOf(event);
  const href = link?.getAttribute('href');
  if (!link || !href || event.defaultPrevented || !plain(event as MouseEvent)) return;
  if (href.startsWith('#')) {
    event.preventDefault();
    show(surface.root, href.slice(1));
    return;
  }
  if (!/^https?:/.test(href)) return;
  const to = navigation(link, href, surface.session.access.root);
  if (FILES.test(to.href)) {
    event.preventDefault();
    load('download').then(m => m.download(to.href, link.getAttribute('download'), surface), problem => surface.fail('download', problem));
    return;
  }
  if (!surface.tell('navigate', to)) event.preventDefault();
}

export function navigation(link: Element, url: string, root: string): Navigation {
  const below = url.startsWith(root + '/') ? url.slice(root.length) : url;
  const entityRef = link.getAttribute('data-entity') ?? link.getAttribute('data-cb-entity') ?? undefined;
  return { href: below, url, entityRef };
}

/** The link that was clicked, also inside a shadow root. */
export function linkOf(event: Event): Element | undefined {
  for (const at of event.composedPath()) {
    if (at === event.currentTarget) return undefined;
    if (at instanceof Element && at.localName === 'a' && at.hasAttribute('href')) return at;
  }
  return undefined;
}

/** A click that means "here", not "in another tab". */
export function plain(event: MouseEvent): boolean {
  return !event.button && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
}

/** Shows a place of a shadow root, which the browser does not find by itself. */
export function show(root: ShadowRoot, id: string) {
  const at = root.getElementById(decodeURIComponent(id));
  if (!at) return;
  for (let up: Element | null = at; up; up = up.parentElement) if (up instanceof HTMLDetailsElement) up.open = true;
  at.scrollIntoView({ block: 'start', behavior: matchMedia?.('(prefers-reduced-motion: no-preference)').matches ? 'smooth' : 'auto' });
  if (!at.hasAttribute('tabindex')) at.setAttribute('tabindex', '-1');
  at.focus({ preventScroll: true });
}
