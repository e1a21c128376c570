// The frame's side: the page that the host serves for one widget to be put into others. It learns everything that is of
// a person from the page around it, and tells it sizes and links.
import { fromFiles, useModules } from './modules';
import { define } from './define';
import { tokenNames, validToken } from './theme';
import { PROTOCOL, nonce, readInit, readToFrame, type FromFrame, type Init } from './protocol';
import type { TokenAnswer } from './token';
import type { CallboardWidget } from './widget';

const GREETINGS = 5; // a page may take a second each until it listens
const ANSWER = 10_000;
const SIZES_A_SECOND = 10;

/** The way to the page around, once it has answered. */
class Parent {
  #port: MessagePort | undefined;
  #latest: TokenAnswer | undefined;
  #given: string | undefined;
  #asked: ((answer: TokenAnswer | undefined) => void) | undefined;
  #seq = 0;
  look: ((theme: string, tokens: Record<string, string>, lang: string) => void) | undefined;

  /** Greets the window around until it answers; undefined when nobody does. */
  greet(): Promise<Init | undefined> {
    const mine = nonce();
    return new Promise(resolve => {
      let left = GREETINGS;
      const done = (init?: Init) => {
        removeEventListener('message', hear);
        clearInterval(timer);
        resolve(init);
      };
      const hear = (event: MessageEvent) => {
        const init = event.source === parent && fromAround(event.origin) ? readInit(event.data) : undefined;
        const port = event.ports[0];
        if (!init || init.nonce !== mine || !port) return;
        this.#connect(port, init);
        done(init);
      };
      const hello = () => (left-- > 0 ? parent.postMessage({ callboard: PROTOCOL, t: 'hello', nonce: mine }, '*') : done());
      const timer = setInterval(hello, 1000);
      addEventListener('message', hear);
      hello();
    });
  }

  #connect(port: MessagePort, init: Init) {
    this.#port = port;
    this.#keep(init.token, init.expiresAt);
    port.onmessage = event => {
      const said = readToFrame(event.data);
      if (said?.t === 'theme') this.look?.(said.theme, said.tokens, said.lang);
      if (said?.t !== 'token') return;
      this.#keep(said.token, said.expiresAt);
      this.#asked?.(this.#latest);
      this.#asked = undefined;
    };
  }

  #keep(token: string | undefined, expires: number | undefined) {
    const ends = expires && Math.floor(expires / 1000);
    // The page renews it and tells, so that it is not asked for before it ends.
    this.#latest = token ? { token, ...(ends && { expiresAt: ends, refreshAfter: ends }) } : undefined;
  }

  /** The newest token. One that was given before is no good any more, or it would not be asked for. */
  readonly token = async (): Promise<TokenAnswer> => {
    let found = this.#latest;
    if (!found || found.token === this.#given) found = await this.#ask(this.#given !== undefined);
    if (!found) throw new Error('the page around gives no token');
    this.#given = found.token;
    return found;
  };

  #ask(refused: boolean): Promise<TokenAnswer | undefined> {
    return new Promise(resolve => {
      this.#asked = resolve;
      setTimeout(() => resolve(undefined), ANSWER);
      this.tell({ t: 'token', refused });
    });
  }

  tell(message: FromFrame) {
    this.#port?.postMessage(message);
  }

  /** Tells the height of an element, at most ten times a second. */
  follow(element: HTMLElement) {
    let waiting = false;
    const said = () => {
      waiting = false;
      const { width } = element.getBoundingClientRect();
      this.tell({ t: 'size', h: element.offsetHeight, w: width, seq: ++this.#seq });
    };
    new ResizeObserver(() => {
      if (waiting) return;
      waiting = true;
      setTimeout(() => requestAnimationFrame(said), 1000 / SIZES_A_SECOND);
    }).observe(element);
    said();
  }
}

/** Whether a message is of the page around, where the browser tells which that is. */
function fromAround(origin: string): boolean {
  const around = location.ancestorOrigins?.[0];
  return around === undefined || around === origin;
}

function dress(theme: string, tokens: Record<string, string>, widget: HTMLElement) {
  const { style } = document.documentElement;
  for (const name of tokenNames) {
    const value = tokens[name];
    if (value !== undefined && validToken(name, value)) style.setProperty('--callboard-' + name, value);
    else style.removeProperty('--callboard-' + name);
  }
  widget.setAttribute('theme', theme);
  document.documentElement.dataset.theme = theme;
  style.colorScheme = theme === 'light' || theme === 'dark' ? theme : 'light dark';
}

function widgetOf(said: DOMStringMap): CallboardWidget {
  const widget = document.createElement('callboard-widget');
  const attributes: Record<string, string | undefined> = {
    base: location.origin + (said.base ?? ''), name: said.widget, entity: said.entity, args: said.args, range: said.range,
    from: said.from, to: said.to, lang: said.lang, theme: said.theme, height: said.height, 'heading-level': said.headingLevel,
  };
  for (const [name, value] of Object.entries(attributes)) if (value) widget.setAttribute(name, value);
  return widget;
}

async function begin() {
  const main = document.getElementById('callboard');
  const said = document.body.dataset;
  if (!main || !said.widget) return;
  document.body.style.margin = '0'; // the height of the content is that of the page
  const around = new Parent();
  const widget = widgetOf(said);
  const init = parent === window ? undefined : await around.greet();
  if (init) {
    if (init.token) widget.tokenProvider = around.token;
    if (init.lang) widget.setAttribute('lang', init.lang);
    dress(init.theme, init.tokens, widget);
    around.look = (theme, tokens, lang) => {
      if (lang) widget.setAttribute('lang', lang);
      dress(theme, tokens, widget);
    };
  }
  relay(widget, around);
  main.append(widget);
  around.follow(main);
}

/** Hands on what happens in the frame. */
function relay(widget: CallboardWidget, around: Parent) {
  const on = <D>(name: string, hand: (detail: D, event: Event) => void) =>
    widget.addEventListener('callboard-' + name, event => hand((event as CustomEvent<D>).detail, event));
  on<{ url: string }>('navigate', ({ url }, event) => {
    if (parent === window) return;
    event.preventDefault();
    around.tell({ t: 'navigate', href: url });
  });
  on<{ ms: number; status: string }>('ready', ({ ms, status }) => around.tell({ t: 'ready', ms, status }));
  on<{ code: string; message: string }>('error', ({ code, message }) => around.tell({ t: 'error', code, message: String(message).slice(0, 500) }));
  for (const name of ['submit', 'range']) on<unknown>(name, detail => around.tell({ t: 'event', name, detail }));
}

const assets = document.body?.dataset.assets ?? './';
const file = <M>(name: string) => import(/* @vite-ignore */ new URL(assets + name, location.href).href) as Promise<M>;
useModules(fromFiles(file));
define();
void begin();
