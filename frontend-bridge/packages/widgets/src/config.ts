// <callboard-config>: what all elements of a page, or those inside of it, have in common.
import { settingsChanged } from './settings';
import { upgrade } from './upgrade';
import type { Fetcher } from './session';
import type { TokenProvider } from './token';

const Base = (globalThis.HTMLElement ?? class {}) as typeof HTMLElement;

export class CallboardConfig extends Base {
  static readonly contract = 1;
  static readonly observedAttributes = ['base', 'app', 'token-provider', 'theme', 'lang'];
  #fetcher: Fetcher | undefined;
  #provider: string | TokenProvider | undefined;

  get fetcher(): Fetcher | undefined {
    return this.#fetcher;
  }

  set fetcher(given: Fetcher | undefined) {
    this.#fetcher = given;
    settingsChanged();
  }

  get tokenProvider(): string | TokenProvider | undefined {
    return this.#provider;
  }

  set tokenProvider(given: string | TokenProvider | undefined) {
    this.#provider = given;
    settingsChanged();
  }

  connectedCallback() {
    upgrade(this, 'fetcher', 'tokenProvider');
    settingsChanged();
  }

  disconnectedCallback() {
    settingsChanged();
  }

  attributeChangedCallback() {
    settingsChanged();
  }
}
