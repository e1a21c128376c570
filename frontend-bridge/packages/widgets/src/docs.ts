// Reads documents of the host in place: an index, its operations and schemas as fragments when they are wanted, search in
// the whole of it, a form to try an operation. All of it is the host's markup; this moves it about.
import { copyButtons } from './docs-copy';
import { Search } from './docs-search';
import { tryForms } from './docs-try';
import { follow } from './links';
import { view } from './docs-viewer';
import type { Detach, Surface } from './modules';

/** Something of a document that is shown: which, and how its fragment is asked for. */
export interface Place {
  kind: 'index' | 'operation' | 'schema' | 'doc';
  id: string;
}

/** A failed request as people are told of it. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** How a document is read. */
export interface DocsOptions {
  /** The address of the first fragment, below the root of the host. */
  start: string;
  level: number;
  /** Whether the address of the page follows what is shown. */
  linked: boolean;
}

type Opened = Surface & { styleFrom(path: string): Promise<void> };

/** Shows what the attributes of an element name. */
export async function open(surface: Opened): Promise<Detach> {
  const attribute = (name: string) => surface.host.getAttribute(name) ?? '';
  const api = surface.host.localName.startsWith('callboard-api-docs');
  const entity = entityPath(attribute('entity'), api ? 'api' : 'component');
  if (!entity) throw new TypeError(`entity: must be a ref such as api:default/pay, not "${attribute('entity')}"`);
  const page = attribute('path').replace(/^\/+/, '').split('/').map(encodeURIComponent).join('/');
  const what: DocsOptions = {
    start: api ? `/api/api-docs/v1/entities/${entity}` : `/api/api-docs/v1/docs/${entity}/${page}`,
    level: Math.min(4, Math.max(1, Number(attribute('heading-level')) || 2)),
    linked: surface.host.hasAttribute('linked'),
  };
  const renderer = attribute('renderer');
  if (api && (renderer === 'swagger-ui' || renderer === 'redoc')) return view(surface, what, renderer);
  return enhance(surface, what);
}

/** Shows a document as the host writes it. */
export async function enhance(surface: Opened, what: DocsOptions): Promise<Detach> {
  const reader = new Reader(surface, what);
  await surface.styleFrom('/api/api-docs/v1/style.css');
  void reader.open(reader.linked() ?? reader.first);
  return reader.detach;
}

/** kind:namespace/name as a path; undefined for what is no ref. */
export function entityPath(ref: string, kind: string): string | undefined {
  const m = /^(?:([^:/]+):)?(?:([^:/]+)\/)?([^:/]+)$/.exec(ref.trim());
  return m ? [m[1] ?? kind, m[2] ?? 'default', m[3]!].map(encodeURIComponent).join('/') : undefined;
}

/** The place that a link of a fragment leads to. */
export function placeOf(link: Element): Place | undefined {
  const { cbIndex, cbOperation, cbSchema, cbDoc } = (link as HTMLElement).dataset;
  if (cbIndex !== undefined) return { kind: 'index', id: '' };
  if (cbOperation !== undefined) return { kind: 'operation', id: cbOperation };
  if (cbSchema !== undefined) return { kind: 'schema', id: cbSchema };
  if (cbDoc !== undefined) return { kind: 'doc', id: cbDoc };
  return undefined;
}

const hashOf = (place: Place) => (place.kind === 'index' ? '' : `#${place.kind}/${encodeURIComponent(place.id).replace(/%2F/gi, '/')}`);

function placeOfHash(hash: string): Place | undefined {
  const m = /^#(operation|schema|doc)\/(.+)$/.exec(hash);
  try {
    return m ? { kind: m[1] as Place['kind'], id: decodeURIComponent(m[2]!) } : undefined;
  } catch {
    return undefined;
  }
}

/** How many fragments are kept: what somebody goes back to is shown at once. */
const KEPT = 30;

class Reader {
  readonly #kept = new Map<string, string>();
  readonly #main = document.createElement('div');
  readonly #said = document.createElement('p');
  #detach: Detach[] = [];
  #leave: Detach[] = [];
  #run = 0;
  #at: Place | undefined;
  /** Where in the index somebody was when they left it. */
  #left: { link: string; scroll: number } | undefined;

  constructor(
    readonly surface: Surface,
    readonly what: DocsOptions,
  ) {
    this.#said.className = 'cb-hidden';
    this.#said.setAttribute('role', 'status');
    const click = (event: Event) => this.#click(event as MouseEvent);
    const key = (event: KeyboardEvent) => this.#key(event);
    const hash = () => void this.open(this.linked() ?? this.first);
    surface.root.addEventListener('click', click, true);
    // A page that is all about the document lends it the keyboard.
    const keys: EventTarget = what.linked ? document : surface.host;
    keys.addEventListener('keydown', key as (event: Event) => void);
    if (what.linked) addEventListener('hashchange', hash);
    this.#leave.push(
      () => surface.root.removeEventListener('click', click, true),
      () => keys.removeEventListener('keydown', key as (event: Event) => void),
      () => removeEventListener('hashchange', hash),
    );
  }

  readonly detach = () => {
    this.#run++;
    for (const leave of [...this.#leave.splice(0), ...this.#detach.splice(0)]) leave();
  };

  get first(): Place {
    return this.what.start.includes('/v1/docs/') ? { kind: 'doc', id: this.what.start.split('/').slice(8).map(decodeURIComponent).join('/') } : { kind: 'index', id: '' };
  }

  linked(): Place | undefined {
    return this.what.linked ? placeOfHash(location.hash) : undefined;
  }

  /** The address of a place's fragment. */
  address({ kind, id }: Place): string {
    const start = this.what.start;
    const query = `?view=fragment&level=${this.what.level}`;
    if (kind === 'operation' || kind === 'schema') return `${start}/${kind}s/${encodeURIComponent(id)}${query}`;
    if (kind === 'index') return start + query;
    const root = start.split('/').slice(0, 8).join('/');
    return `${root}/${id.split('#')[0]!.split('/').map(encodeURIComponent).join('/')}${query}`;
  }

  async fragment(place: Place): Promise<string> {
    const address = this.address(place);
    const held = this.#kept.get(address);
    if (held !== undefined) return held;
    const answer = await this.surface.session.send(address, { headers: { Accept: 'text/html' } });
    if (!answer.ok) throw await refusal(answer);
    const html = await answer.text();
    if (this.#kept.size >= KEPT) this.#kept.delete(this.#kept.keys().next().value!);
    this.#kept.set(address, html);
    return html;
  }

  /** Shows a place instead of what is shown. */
  async open(place: Place, from?: Element) {
    const run = ++this.#run;
    if (this.#at?.kind === 'index' && from) this.#left = { link: from.getAttribute('href') ?? '', scroll: scrollY };
    try {
      const html = await this.fragment(place);
      if (run === this.#run) this.#show(place, html);
    } catch (problem) {
      if (run !== this.#run) return;
      if (!this.#at) this.#alone(problem as Error);
      else this.say((problem as Error).message, true);
      this.surface.fail('document', problem, problem instanceof Refused ? problem.status : 0);
    }
  }

  #show(place: Place, html: string) {
    const before = this.#at;
    this.#at = place;
    for (const detach of this.#detach.splice(0)) detach();
    this.#main.replaceChildren(this.surface.nodes(html));
    const { body } = this.surface;
    body.removeAttribute('aria-busy');
    if (!this.#main.isConnected) body.replaceChildren(this.#main, this.#said);
    this.dress(this.#main);
    this.#linkTo(place);
    if (before) this.#arrive(place);
    this.surface.host.dataset.status = 'ok';
    this.surface.tell('ready', { id: place.id, status: 'ok', ms: 0 });
  }

  /** Adds what the fragments of this document have in common. */
  dress(within: Element) {
    copyButtons(within, this.surface);
    this.#detach.push(tryForms(within, this.surface));
    const form = within.querySelector<HTMLFormElement>('form[data-cb-search]');
    if (form) this.#detach.push(new Search(form, within, this).detach);
  }

  #linkTo(place: Place) {
    const hash = this.#same(place, this.first) ? '' : hashOf(place);
    if (this.what.linked && location.hash !== hash) history.pushState(history.state, '', hash || location.pathname + location.search);
  }

  #same(a: Place, b: Place) {
    return a.kind === b.kind && a.id === b.id;
  }

  /** Brings whoever opened a place to its beginning, and whoever came back to where they were. */
  #arrive(place: Place) {
    const left = place.kind === 'index' ? this.#left : undefined;
    const link = left && [...this.#main.querySelectorAll<HTMLElement>('a[href]')].find(a => a.getAttribute('href') === left.link);
    const anchor = place.kind === 'doc' && place.id.includes('#') ? this.surface.root.getElementById(place.id.split('#')[1]!) : null;
    const to = link ?? anchor ?? this.#main.querySelector<HTMLElement>('h1,h2,h3,h4,h5,h6');
    if (!to) return;
    for (let up: Element | null = to; up && up !== this.#main; up = up.parentElement) if (up instanceof HTMLDetailsElement) up.open = true;
    if (!to.matches('a')) to.tabIndex = -1;
    to.focus({ preventScroll: true });
    if (left && link) scrollTo({ top: left.scroll });
    else if (anchor || this.surface.host.getBoundingClientRect().top < 0) (anchor ?? this.surface.host).scrollIntoView({ block: 'start' });
  }

  /** Links of a document stay in it; modified clicks go to the whole page, as everywhere. */
  #click(event: MouseEvent) {
    const link = event.composedPath().find(at => at instanceof Element && at.localName === 'a') as HTMLElement | undefined;
    if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const href = link.getAttribute('href') ?? '';
    const place = placeOf(link);
    if (!place && !href.startsWith('#')) return follow(event, this.surface);
    event.preventDefault();
    if (!place) return this.#jump(href.slice(1));
    if (place.kind === 'schema') void this.#unfold(link, place);
    else void this.open(place, link);
  }

  #jump(id: string) {
    const to = this.surface.root.getElementById(decodeURIComponent(id));
    if (!to) return;
    to.tabIndex = -1;
    to.focus({ preventScroll: true });
    to.scrollIntoView({ block: 'start' });
  }

  /** Shows one more level of a schema below the link that names it, or takes it away again. */
  async #unfold(link: HTMLElement, place: Place) {
    const cell = link.closest('td,li,p') ?? link;
    const shown = [...cell.children, cell.nextElementSibling].find(c => c instanceof HTMLElement && c.dataset.cbUnfolded === place.id);
    if (shown) {
      shown.remove();
      return link.setAttribute('aria-expanded', 'false');
    }
    try {
      const html = await this.fragment(place);
      const part = document.createElement('div');
      part.dataset.cbUnfolded = place.id;
      part.style.borderInlineStart = '2px solid var(--callboard-border,#8885)';
      part.style.paddingInlineStart = '10px';
      part.append(this.surface.nodes(html));
      for (const extra of part.querySelectorAll('nav.cb-docs-way')) extra.remove();
      copyButtons(part, this.surface);
      if (cell.localName === 'p') cell.after(part);
      else cell.append(part);
      link.setAttribute('aria-expanded', 'true');
    } catch (problem) {
      this.say((problem as Error).message, true);
    }
  }

  /** / searches; j and k go through what can be opened; Escape goes back to the index. */
  #key(event: KeyboardEvent) {
    const at = event.composedPath()[0] as Element;
    const elsewhere = at !== document.body && !event.composedPath().includes(this.surface.host);
    if (elsewhere || event.ctrlKey || event.metaKey || event.altKey || /^(input|textarea|select)$/.test(at.localName)) return;
    if (event.key === '/') {
      const search = this.#main.querySelector<HTMLInputElement>('form[data-cb-search] input');
      if (!search) return;
      search.focus();
      search.select();
    } else if (event.key === 'j' || event.key === 'k') this.#step(event.key === 'j' ? 1 : -1);
    else if (event.key === 'Escape' && this.#at?.kind !== 'index' && this.first.kind === 'index') void this.open(this.first);
    else return;
    event.preventDefault();
  }

  #step(by: number) {
    const links = [...this.#main.querySelectorAll<HTMLElement>('.cb-docs-list a')].filter(a => a.getClientRects().length > 0 || !a.closest('[hidden]'));
    const at = links.indexOf(this.surface.root.activeElement as HTMLElement);
    const to = links[at < 0 ? (by > 0 ? 0 : links.length - 1) : at + by];
    to?.focus();
    to?.scrollIntoView?.({ block: 'nearest' });
  }

  /** Tells something to who listens, and to who looks when it went wrong. */
  say(text: string, wrong = false) {
    this.#said.className = wrong ? 'cb-docs-notes' : 'cb-hidden';
    this.#said.textContent = text;
  }

  #alone(problem: Error) {
    const { body, host } = this.surface;
    host.dataset.status = problem instanceof Refused && problem.status === 403 ? 'denied' : 'error';
    body.removeAttribute('aria-busy');
    const text = document.createElement('p');
    text.setAttribute('role', 'alert');
    text.textContent = problem instanceof Refused ? problem.message : this.surface.say('offline');
    const again = document.createElement('button');
    again.type = 'button';
    again.textContent = this.surface.say('retry');
    again.addEventListener('click', () => void this.open(this.linked() ?? this.first));
    const local = document.createElement('div');
    local.className = 'cb-local';
    local.append(text, again);
    body.replaceChildren(local);
  }
}

export async function refusal(answer: Response): Promise<Refused> {
  let message = `${answer.status} ${answer.statusText}`.trim();
  try {
    const said = (await answer.json())?.error?.message;
    if (typeof said === 'string') message = said;
  } catch {
    // what is not JSON is not for people
  }
  return new Refused(answer.status, message);
}
