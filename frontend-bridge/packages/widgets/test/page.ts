// A page to try the elements on: a host that answers what a test says, and the observers that jsdom has none of.
import { afterEach, beforeEach, vi } from 'vitest';
import { load, useModules } from '../src/modules';

export const HOST = 'https://host.example';

/** A request that the host got. */
export interface Got {
  method: string;
  path: string;
  url: URL;
  token: string | null;
  body: unknown;
  init: RequestInit;
}

type Handler = (got: Got) => Response | Promise<Response> | undefined;

/** Answers requests in the place of fetch; what no handler answers is a 404. */
export class Host {
  readonly got: Got[] = [];
  readonly handlers: Handler[] = [];

  readonly fetch = async (input: RequestInfo | URL, init: RequestInit = {}): Promise<Response> => {
    const url = new URL(String(input), location.href);
    const got: Got = { method: init.method ?? 'GET', path: url.pathname, url, token: new Headers(init.headers).get('Authorization'), body: bodyOf(init.body), init };
    this.got.push(got);
    for (const handler of this.handlers) {
      const answer = await handler(got);
      if (answer) return answer;
    }
    return new Response('{}', { status: 404, headers: { 'Content-Type': 'application/json' } });
  };

  on(path: string | RegExp, answer: Handler): this {
    this.handlers.unshift(got => ((typeof path === 'string' ? got.path === path : path.test(got.path)) ? answer(got) : undefined));
    return this;
  }

  to(path: string): Got[] {
    return this.got.filter(g => g.path === path);
  }
}

function bodyOf(body: BodyInit | null | undefined): unknown {
  if (typeof body !== 'string') return undefined;
  try {
    return JSON.parse(body);
  } catch {
    return body;
  }
}

export const html = (text: string, init: ResponseInit = {}) => new Response(text, { ...init, headers: { 'Content-Type': 'text/html; charset=utf-8', ...init.headers } });
export const json = (value: unknown, status = 200) => new Response(JSON.stringify(value), { status, headers: { 'Content-Type': 'application/json' } });
export const figure = (text: string, status = 'ok', more = '') =>
  `<figure class="cb-widget" data-widget="a/b" data-status="${status}"><figcaption>A</figcaption>${more}<p>${text}</p></figure>`;

/** A batch that answers each question with a fragment of its id. */
export function batch(host: Host, answer: (question: { id: string }, index: number) => object | undefined = q => ({ html: figure(q.id), status: 200, maxAge: 60 })) {
  host.on('/api/widgets/v1/batch', got => {
    const { requests } = got.body as { requests: { id: string }[] };
    const lines = requests.map((q, index) => {
      const said = answer(q, index);
      return said && JSON.stringify({ index, status: 200, maxAge: 60, ...said }) + '\n';
    });
    return new Response(lines.filter(Boolean).join(''), { headers: { 'Content-Type': 'application/x-ndjson' } });
  });
}

type Entry = { target: Element; isIntersecting: boolean };

/** What elements observe; tests say what is seen. */
export class Observers {
  readonly seen = new Map<Element, (entries: Entry[]) => void>();
  readonly sized = new Map<Element, (entries: { target: Element; contentRect: { width: number } }[]) => void>();
  /** Whether what is observed is in view at once. */
  inView = true;

  show(element: Element, isIntersecting = true) {
    this.seen.get(element)?.([{ target: element, isIntersecting }]);
  }

  resize(element: Element, width: number) {
    this.sized.get(element)?.([{ target: element, contentRect: { width } }]);
  }
}

export interface Page {
  host: Host;
  observers: Observers;
}

// The observers of the elements are made once for a page, so what they observe goes to the page of the running test.
let current: Page;

class Intersection {
  constructor(private readonly tell: (entries: Entry[]) => void) {}
  observe(element: Element) {
    current.observers.seen.set(element, this.tell);
    if (current.observers.inView) queueMicrotask(() => current.observers.show(element));
  }
  unobserve(element: Element) {
    current.observers.seen.delete(element);
  }
}

class Resize {
  constructor(private readonly tell: (entries: { target: Element; contentRect: { width: number } }[]) => void) {}
  observe(element: Element) {
    current.observers.sized.set(element, this.tell);
  }
  unobserve(element: Element) {
    current.observers.sized.delete(element);
  }
  disconnect() {}
}

/** jsdom has no constructed style sheets; what is in them is the browsers' affair. */
class Sheet {
  replaceSync() {}
}
Object.defineProperty(Document.prototype, 'adoptedStyleSheets', { value: [], writable: true, configurable: true });
Object.defineProperty(ShadowRoot.prototype, 'adoptedStyleSheets', { value: [], writable: true, configurable: true });

/** Gives each test a page of its own. */
export function page(): Page {
  const of = {} as Page;
  beforeEach(() => {
    of.host = new Host();
    of.observers = new Observers();
    current = of;
    vi.stubGlobal('fetch', of.host.fetch);
    vi.stubGlobal('IntersectionObserver', Intersection);
    vi.stubGlobal('ResizeObserver', Resize);
    vi.stubGlobal('CSSStyleSheet', Sheet);
    of.host.on(/style\.css$/, () => new Response('.cb-widget{}', { headers: { 'Content-Type': 'text/css' } }));
    document.body.replaceChildren();
    sessionStorage.clear();
  });
  afterEach(() => {
    document.body.replaceChildren();
    vi.useRealTimers();
  });
  return of;
}

useModules({
  chart: () => import('../src/chart'),
  form: () => import('../src/form'),
  docs: () => import('../src/docs'),
  framed: () => import('../src/framed'),
  contrast: () => import('../src/contrast'),
  download: () => import('../src/download'),
});

export { load };

/** Puts an element on the page. */
export function put<E extends HTMLElement>(markup: string): E {
  const template = document.createElement('template');
  template.innerHTML = markup;
  const element = document.importNode(template.content, true).firstElementChild as E;
  document.body.append(element);
  return element;
}

/** The next event of an element. */
export function next<D = Record<string, unknown>>(element: EventTarget, name: string): Promise<D> {
  return new Promise(resolve => element.addEventListener('callboard-' + name, event => resolve((event as CustomEvent<D>).detail), { once: true }));
}

/** A token as the host makes them, unsigned. */
export function jwt(claims: Record<string, unknown>): string {
  const part = (value: unknown) => btoa(JSON.stringify(value)).replace(/=+$/, '').replace(/\+/g, '-').replace(/\//g, '_');
  return `${part({ typ: 'callboard-embed+jwt' })}.${part(claims)}.x`;
}

/** Presses a key on an element. */
export const press = (element: Element, key: string, init: KeyboardEventInit = {}) =>
  element.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, composed: true, cancelable: true, ...init }));

/** Waits until what was begun has had its turn. */
export const settled = () => new Promise(done => setTimeout(done, 20));
