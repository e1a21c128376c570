// What all elements of Callboard have in common: where they learn their settings, how they reach the host, and their
// shadow root, which keeps the styles of the page and theirs apart. A shadow root is no border of trust: fragments are
// checked before they get in.
import { nodesOf } from './fragment';
import { load, type CoreWord, type Surface } from './modules';
import { upgrade } from './upgrade';
import { acquire, release, type Fetcher, type Session } from './session';
import { accessOf, dirOf, langOf, onSettings, settingsChanged, settingsOf, themeOf, type Configured, type Settings } from './settings';
import { dress, dressFrom } from './sheet';
import { core, wordIn } from './strings';
import type { TokenProvider } from './token';

/** HTMLElement, or nothing of importance where a server renders pages. */
const Base = (globalThis.HTMLElement ?? class {}) as typeof HTMLElement;

/** Which contract the elements of a page follow; elements of another one may be on the same page below their own names. */
export const CONTRACT = 1;

export abstract class CallboardElement extends Base implements Surface, Configured {
  static readonly contract = CONTRACT;

  readonly root!: ShadowRoot;
  readonly body!: HTMLElement;
  settings: Settings = {};
  language = 'en';
  #session: Session | undefined;
  #fetcher: Fetcher | undefined;
  #provider: string | TokenProvider | undefined;
  #scheduled = false;

  #leave: (() => void)[] = [];

  /** What answers requests instead of fetch. */
  get fetcher(): Fetcher | undefined {
    return this.#fetcher;
  }

  set fetcher(given: Fetcher | undefined) {
    this.#fetcher = given;
    this.schedule();
  }

  /** What gives tokens: a function, or the address of the page's own backend. */
  get tokenProvider(): string | TokenProvider | undefined {
    return this.#provider;
  }

  set tokenProvider(given: string | TokenProvider | undefined) {
    this.#provider = given;
    this.schedule();
  }

  get host(): HTMLElement {
    return this;
  }

  /** The session while the element is connected. */
  get session(): Session {
    if (!this.#session) throw new Error('the element names no host: base is missing');
    return this.#session;
  }

  get ready(): boolean {
    return this.#session !== undefined;
  }

  connectedCallback() {
    upgrade(this, 'fetcher', 'tokenProvider', 'args');
    if (!this.root) this.#build();
    this.#leave.push(onSettings(() => this.schedule()), watchSchemes());
    this.schedule();
  }

  disconnectedCallback() {
    for (const leave of this.#leave.splice(0)) leave();
    this.stop();
    this.#reach(undefined);
  }

  attributeChangedCallback() {
    this.schedule();
  }

  /** Applies the settings soon: a page that sets five attributes causes one change. */
  schedule() {
    if (this.#scheduled || !this.isConnected) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      if (this.isConnected) this.#apply();
    });
  }

  nodes(html: string): DocumentFragment {
    return nodesOf(html, this.session.access.root);
  }

  say(word: CoreWord): string {
    return wordIn(core, word, this.language);
  }

  tell(name: string, detail: unknown): boolean {
    return this.dispatchEvent(new CustomEvent('callboard-' + name, { detail, bubbles: true, composed: true, cancelable: true }));
  }

  fail(code: string, problem: unknown, status = 0) {
    this.tell('error', { id: this.about(), code, status, message: String((problem as Error)?.message ?? problem) });
  }

  /** Loads a style sheet of the host into the shadow root. */
  styleFrom(path: string): Promise<void> {
    return dressFrom(this.root, this.session.access.root + path);
  }

  /** Rules of one kind of element. */
  protected get extraStyle(): string {
    return '';
  }

  /** The settings are there, or changed. */
  protected abstract start(): void;

  /** What the element is about, for events. */
  protected abstract about(): string;

  /** The element left the page. */
  protected abstract stop(): void;

  /** Falls back to the built-in palette where what is shown cannot be read. */
  checkContrast() {
    load('contrast').then(({ check }) => this.isConnected && check(this, this.body), () => {});
  }

  #apply() {
    try {
      this.settings = settingsOf(this);
      this.#reach(accessOf(this.settings));
    } catch (problem) {
      console.error(`callboard: <${this.localName}>: ${String(problem)}`);
      return;
    }
    if (!this.ready) return;
    this.language = langOf(this, this.settings);
    this.body.lang = this.language;
    this.body.dir = dirOf(this, this.language);
    const theme = themeOf(this.settings);
    if (theme) this.dataset.theme = theme;
    else delete this.dataset.theme;
    this.start();
  }

  #reach(access: ReturnType<typeof accessOf>) {
    const held = this.#session;
    const next = access && acquire(access);
    this.#session = next;
    if (held) release(held);
    if (held === next) return;
    this.#unwatch?.();
    this.#unwatch = next?.tokens?.watch(() => {});
  }

  #unwatch: (() => void) | undefined;

  #build() {
    const root = this.attachShadow({ mode: 'open' });
    const body = document.createElement('div');
    body.className = 'cb-body';
    body.setAttribute('part', 'body');
    root.append(body);
    // Forms are sent by the part that handles them: by itself, a browser would leave the page for the host, without a token.
    root.addEventListener('submit', event => event.preventDefault());
    dress(root, this.extraStyle);
    Object.assign(this, { root, body });
  }
}

let watchers = 0;
let observer: MutationObserver | undefined;

/** While there are elements: whatever usually switches the theme of a page makes them look at their colours again. */
function watchSchemes(): () => void {
  const dark = globalThis.matchMedia?.('(prefers-color-scheme: dark)');
  if (watchers++ === 0) {
    observer = new MutationObserver(settingsChanged);
    const attributeFilter = ['class', 'style', 'data-theme', 'data-color-scheme', 'lang', 'dir'];
    for (const element of [document.documentElement, document.body]) if (element) observer.observe(element, { attributeFilter });
    dark?.addEventListener?.('change', settingsChanged);
  }
  return () => {
    if (--watchers > 0) return;
    observer?.disconnect();
    dark?.removeEventListener?.('change', settingsChanged);
  };
}
