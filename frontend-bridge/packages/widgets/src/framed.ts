// The page's side of a widget in a frame.
import type { CallboardElement } from './element';
import { widgetPath, type Question } from './batch';
import { tokenNames } from './theme';
import { Heights } from './heights';
import { remember, remembered } from './places';
import { PROTOCOL, readFromFrame, readHello, type FromFrame, type Init, type ToFrame } from './protocol';

export interface Framed {
  id: string;
  title: string;
  height: number | undefined;
  /** What its height is remembered by, where none is fixed. */
  place: string;
  question: Question;
  app: string;
  theme: string;
}

/** A frame may take the origin of the host, where it is loaded from: it is the page around it that it is kept apart from. */
const SANDBOX = 'allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox allow-downloads';
const PATIENCE = 20_000;
const MESSAGES_A_SECOND = 100;
const HELLOS = 10;
/** What of a frame's events pages get. */
const EVENTS = new Set(['submit', 'range']);

/** Makes the frame of an element, which is shown when it is told what. */
export const frame = (element: CallboardElement): FrameHost => new FrameHost(element);

export class FrameHost {
  readonly #frame = document.createElement('iframe');
  #what: Framed | undefined;
  #heights = new Heights();
  #settled = false;
  #port: MessagePort | undefined;
  #patience: ReturnType<typeof setTimeout> | undefined;
  #hellos = 0;
  #second = 0;
  #messages = 0;
  #sent: string | undefined;
  #unwatch: (() => void) | undefined;

  constructor(private readonly element: CallboardElement) {
    this.#frame.setAttribute('sandbox', SANDBOX);
    this.#frame.referrerPolicy = 'no-referrer';
    this.#frame.allow = '';
    addEventListener('message', this.#greeted);
    element.root.addEventListener('click', this.#clicked);
  }

  /** Shows a widget, or tells the frame what has changed of the page around it. */
  show(what: Framed) {
    const before = this.#what;
    this.#what = what;
    this.#frame.title = what.title;
    this.#frame.style.height = (what.height ?? (Number.parseInt(this.#frame.style.height) || remembered(what.place))) + 'px';
    const src = this.#address(what);
    if (before && this.#frame.src === src) return this.#send({ t: 'theme', ...this.#look() });
    this.#load(src);
  }

  reload() {
    if (this.#what) this.#load(this.#address(this.#what));
  }

  stop() {
    removeEventListener('message', this.#greeted);
    this.element.root.removeEventListener('click', this.#clicked);
    clearTimeout(this.#patience);
    this.#hangUp();
    this.#frame.remove();
  }

  #load(src: string) {
    this.#hangUp();
    this.#heights = new Heights();
    this.#settled = false;
    this.#hellos = 0;
    this.#frame.src = src;
    const { body } = this.element;
    body.replaceChildren(this.#frame);
    body.removeAttribute('style'); // the frame is as high as the place that was kept for it
    body.classList.remove('cb-scroll');
    clearTimeout(this.#patience);
    // A browser that refuses to show a frame tells nobody.
    this.#patience = setTimeout(() => this.#fail('frame', this.element.say('offline')), PATIENCE);
  }

  #address(what: Framed): string {
    const url = new URL(`${this.element.session.access.root}/embed/v1/frame/${widgetPath(what.id)}`);
    const { entityRef, args, range, from, to, tz, lang } = what.question;
    const said = { app: what.app, entityRef, args: args === undefined ? undefined : JSON.stringify(args), range, from, to, tz, lang, height: what.height };
    for (const [name, value] of Object.entries(said)) if (value !== undefined && value !== '') url.searchParams.set(name, String(value));
    const level = this.element.getAttribute('heading-level');
    if (level) url.searchParams.set('headingLevel', level);
    return url.href;
  }

  /** Answers a hello of our own frame, from where we loaded it. Everything else that arrives at the window is somebody else's. */
  readonly #greeted = (event: MessageEvent) => {
    if (!this.#frame.contentWindow || event.source !== this.#frame.contentWindow || event.origin !== this.element.session.origin) return;
    const hello = readHello(event.data);
    if (!hello || ++this.#hellos > HELLOS) return;
    clearTimeout(this.#patience);
    void this.#answer(hello.nonce);
  };

  async #answer(nonce: string) {
    const target = this.#frame.contentWindow;
    let token: ToFrame & { t: 'token' };
    try {
      token = await this.#token(false);
    } catch (problem) {
      return this.#fail('token', this.element.say('signedOut'), String(problem));
    }
    if (target !== this.#frame.contentWindow || !target) return;
    this.#hangUp();
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    port1.onmessage = message => this.#heard(message.data);
    this.#unwatch = this.element.session.tokens?.watch((value, expiresAt) => this.#give(value, expiresAt));
    const init: Init = {
      nonce,
      token: token.token,
      expiresAt: token.expiresAt,
      tz: this.#what?.question.tz ?? '',
      maxHeight: this.#what?.height ?? 0,
      ...this.#look(),
    };
    target.postMessage({ callboard: PROTOCOL, t: 'init', ...init }, this.element.session.origin, [port2]);
  }

  #heard(data: unknown) {
    if (this.#flooded()) {
      this.#hangUp();
      return this.#fail('flood', this.element.say('offline'));
    }
    const said = readFromFrame(data);
    if (said) this.#act(said);
  }

  #act(said: FromFrame) {
    switch (said.t) {
      case 'size':
        return this.#resize(said.h, said.seq);
      case 'token':
        return void this.#token(said.refused).then(
          token => this.#send(token),
          () => this.#send({ t: 'token' }),
        );
      case 'navigate':
        return this.#navigate(said.href);
      case 'event':
        if (EVENTS.has(said.name)) this.element.tell(said.name, said.detail);
        return;
      case 'error':
        this.#settled = true;
        this.element.dataset.status = 'error';
        this.element.fail(said.code, said.message);
        return;
      case 'ready':
        this.#settled = true;
        this.element.dataset.status = said.status;
        this.element.tell('ready', { id: this.#what?.id, status: said.status, ms: said.ms });
    }
  }

  #resize(height: number, seq: number) {
    if (!this.#what || this.#what.height !== undefined) return;
    // What waits for its content is no higher than it has to be, and would give up the place that is kept for that.
    if (!this.#settled && height < Number.parseInt(this.#frame.style.height)) return;
    const next = this.#heights.next(height, seq);
    if (next === undefined) return;
    this.#frame.style.height = next + 'px';
    if (this.#settled) remember(this.#what.place, next);
  }

  /** The page decides about links. What it leaves alone is followed when a person clicked, and out of the host in a new tab. */
  #navigate(href: string) {
    const root = this.element.session.access.root;
    let url: URL;
    try {
      url = new URL(/^\/(?![/\\])/.test(href) ? root + href : href);
    } catch {
      return;
    }
    if (url.protocol !== 'https:' && url.protocol !== 'http:') return;
    const below = url.href.startsWith(root + '/');
    if (!this.element.tell('navigate', { href: below ? url.href.slice(root.length) : url.href, url: url.href })) return;
    if (navigator.userActivation && !navigator.userActivation.isActive) return;
    if (below) location.assign(url.href);
    else open(url.href, '_blank', 'noopener,noreferrer');
  }

  async #token(refused: boolean): Promise<ToFrame & { t: 'token' }> {
    const tokens = this.element.session.tokens;
    if (!tokens) return { t: 'token' };
    const token = refused && this.#sent ? await tokens.after(this.#sent) : await tokens.get();
    this.#sent = token;
    return { t: 'token', token, expiresAt: tokens.expires };
  }

  #give(token: string, expiresAt: number) {
    this.#sent = token;
    this.#send({ t: 'token', token, expiresAt });
  }

  #send(message: ToFrame) {
    this.#port?.postMessage(message);
  }

  /** Custom properties end at a frame, so it is told those that it may have. */
  #look(): { theme: string; tokens: Record<string, string>; lang: string } {
    const style = getComputedStyle(this.element);
    const tokens: Record<string, string> = {};
    for (const name of tokenNames) {
      const value = style.getPropertyValue('--callboard-' + name).trim();
      if (value) tokens[name] = value;
    }
    // A frame sees the system's scheme and not that of the page: where the page has chosen one, it is told.
    const chosen = /^(only )?(light|dark)( only)?$/.exec(style.colorScheme)?.[2];
    const asked = this.#what?.theme ?? 'auto';
    return { theme: asked === 'auto' ? (chosen ?? 'auto') : asked, tokens, lang: this.element.language };
  }

  #flooded(): boolean {
    const second = Math.floor(performance.now() / 1000);
    if (second !== this.#second) [this.#second, this.#messages] = [second, 0];
    return ++this.#messages > MESSAGES_A_SECOND;
  }

  #hangUp() {
    this.#unwatch?.();
    this.#unwatch = undefined;
    this.#port?.close();
    this.#port = undefined;
  }

  #fail(code: string, said: string, message = said) {
    const text = document.createElement('p');
    text.setAttribute('role', 'alert');
    text.textContent = said;
    const retry = document.createElement('button');
    retry.type = 'button';
    retry.textContent = this.element.say('retry');
    const local = document.createElement('div');
    local.className = 'cb-local';
    local.append(text, retry);
    this.element.body.replaceChildren(local);
    this.element.dataset.status = 'error';
    this.element.fail(code, message);
  }

  readonly #clicked = (event: Event) => {
    if (event.target instanceof HTMLButtonElement) this.reload();
  };
}
