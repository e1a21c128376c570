// Tokens of embedding pages: fetched once for all elements of a page, renewed before they end, shared with other tabs.
// A token is held in memory alone.

/** What a page calls to get a token: its own backend answers it. */
export type TokenProvider = () => Promise<string | TokenAnswer>;

/** What the host answers to POST /tokens; a page's backend hands it on as it is. */
export interface TokenAnswer {
  token: string;
  /** RFC 3339, or seconds since 1970. */
  expiresAt?: string | number;
  refreshAfter?: string | number;
}

/** Why there is no token. */
export class TokenError extends Error {
  override readonly name = 'TokenError';
}

interface Held {
  token: string;
  expires: number;
  refresh: number;
}

/** A share of a token's life after which it is renewed, and how far pages differ in it so that they do not ask at once. */
const RENEW_AT = 0.8;
const JITTER = 0.05;
const DEFAULT_LIFE = 300_000;
const LONGEST_WAIT = 60_000;

/** The host that answers to a provider. Time and chance are given by tests. */
export interface Surroundings {
  now(): number;
  random(): number;
  fetch(url: string, init: RequestInit): Promise<Response>;
}

const browser: Surroundings = {
  now: () => Date.now(),
  random: () => Math.random(),
  fetch: (url, init) => fetch(url, init),
};

/** The token of one provider. All elements that name the same provider share one source. */
export class TokenSource {
  #held: Held | undefined;
  #flight: Promise<Held> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #channel: BroadcastChannel | undefined;
  #failures = 0;
  readonly #listeners = new Set<(token: string, expires: number) => void>();

  constructor(
    readonly provider: string | TokenProvider,
    private readonly around: Surroundings = browser,
  ) {}

  /** When the token ends that is held now, in milliseconds since 1970. */
  get expires(): number | undefined {
    return this.#held?.expires;
  }

  /** A token that is valid now. Callers at the same time cause one request. */
  async get(): Promise<string> {
    if (this.#held && this.around.now() < this.#held.expires) return this.#held.token;
    return (await this.#renew()).token;
  }

  /** A token other than one that the host refused. Many callers may bring the same refused one. */
  async after(refused: string): Promise<string> {
    if (this.#held?.token === refused) this.#held = undefined;
    return this.get();
  }

  /** Keeps the token fresh as long as somebody watches, and tells them of each new one. */
  watch(listener: (token: string, expires: number) => void): () => void {
    if (this.#listeners.size === 0) this.#open();
    this.#listeners.add(listener);
    return () => {
      if (this.#listeners.delete(listener) && this.#listeners.size === 0) this.#close();
    };
  }

  #open() {
    document.addEventListener('visibilitychange', this.#check);
    if (typeof this.provider === 'string' && typeof BroadcastChannel === 'function') {
      this.#channel = new BroadcastChannel('callboard:' + new URL(this.provider, document.baseURI).href);
      this.#channel.onmessage = event => this.#hear(event.data);
    }
    this.#arm();
  }

  #close() {
    document.removeEventListener('visibilitychange', this.#check);
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#channel?.close();
    this.#channel = undefined;
  }

  /** Renews what is due. A page that nobody sees waits until it is looked at. */
  readonly #check = () => {
    if (!this.#held || document.visibilityState === 'hidden') return;
    if (this.around.now() < this.#held.refresh) this.#arm();
    else this.#renew().catch(() => this.#arm());
  };

  #arm() {
    clearTimeout(this.#timer);
    if (!this.#held || this.#listeners.size === 0) return;
    const wait = this.#failures > 0 ? Math.min(LONGEST_WAIT, 5000 * 2 ** (this.#failures - 1)) : this.#held.refresh - this.around.now();
    this.#timer = setTimeout(this.#check, Math.max(1000, wait));
  }

  #renew(): Promise<Held> {
    this.#flight ??= this.#ask().then(
      held => {
        this.#failures = 0;
        this.#take(held);
        this.#channel?.postMessage(held);
        return held;
      },
      (problem: unknown) => {
        this.#failures++;
        throw problem instanceof TokenError ? problem : new TokenError(String(problem));
      },
    ).finally(() => (this.#flight = undefined));
    return this.#flight;
  }

  async #ask(): Promise<Held> {
    const now = this.around.now();
    const answer = typeof this.provider === 'string' ? await this.#post(this.provider) : await this.provider();
    const told: TokenAnswer = typeof answer === 'string' ? { token: answer } : answer;
    if (!told || typeof told.token !== 'string' || !/^[\x21-\x7e]+$/.test(told.token)) {
      throw new TokenError('the token provider answers no token');
    }
    const expires = time(told.expiresAt) ?? time(claims(told.token)?.exp as number) ?? now + DEFAULT_LIFE;
    const life = expires - now;
    const due = (time(told.refreshAfter) ?? now + life * RENEW_AT) + (this.around.random() * 2 - 1) * life * JITTER;
    return { token: told.token, expires, refresh: Math.min(due, expires) };
  }

  async #post(url: string): Promise<string | TokenAnswer> {
    const answer = await this.around.fetch(url, {
      method: 'POST',
      credentials: 'same-origin',
      cache: 'no-store',
      headers: { Accept: 'application/json' },
    });
    if (!answer.ok) throw new TokenError(`the token provider answers ${answer.status}`);
    const text = await answer.text();
    return /^\s*[{"]/.test(text) ? JSON.parse(text) : text.trim();
  }

  #take(held: Held) {
    this.#held = held;
    this.#arm();
    for (const listener of this.#listeners) listener(held.token, held.expires);
  }

  /**
   * Takes what another tab was given. Somebody else may be signed in there, or see more, so it counts only when it says
   * the same as the token that this tab was given itself.
   */
  #hear(data: unknown) {
    const held = data as Partial<Held> | null;
    if (!this.#held || typeof held?.token !== 'string' || typeof held.expires !== 'number' || typeof held.refresh !== 'number') return;
    const scope = scopeOf(this.#held.token);
    if (scope && held.expires > this.#held.expires && scopeOf(held.token) === scope) this.#take(held as Held);
  }
}

/** Milliseconds since 1970 of a time in an answer. */
function time(value: string | number | undefined): number | undefined {
  const ms = typeof value === 'number' ? value * 1000 : typeof value === 'string' ? Date.parse(value) : NaN;
  return Number.isFinite(ms) ? ms : undefined;
}

/** The claims of a JWT, unverified: they tell when it ends and whom it is of, and decide nothing. */
function claims(token: string): Record<string, unknown> | undefined {
  try {
    const payload = token.split('.')[1] ?? '';
    return JSON.parse(atob(payload.replace(/-/g, '+').replace(/_/g, '/')));
  } catch {
    return undefined;
  }
}

/** What a token allows to whom, without what differs in each. */
function scopeOf(token: string): string | undefined {
  const all = claims(token);
  if (!all) return undefined;
  const { iat: _iat, exp: _exp, nbf: _nbf, jti: _jti, ...scope } = all;
  return JSON.stringify(scope);
}
