// A session is how the elements of a page reach one host: its address, who asks, and what is under way.
import { TokenSource, type TokenProvider } from './token';
import { Batch } from './batch';

/** What a framework gives instead of fetch, such as Backstage's fetchApi; it brings its own credentials. */
export type Fetcher = (url: string, init?: RequestInit) => Promise<Response>;

export interface Access {
  root: string;
  fetcher?: Fetcher | undefined;
  provider?: string | TokenProvider | undefined;
}

/** Where the host is: the address without /api/widgets and what follows. */
export function rootOf(base: string): string {
  const url = new URL(base, document.baseURI);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new TypeError(`base: must be an http or https address, not ${base}`);
  return url.origin + url.pathname.replace(/\/+$/, '').replace(/\/api\/widgets(\/v1)?$/, '');
}

let made = 0;

export class Session {
  /** Tells sessions apart: what one was answered is not what another would be. */
  readonly id = ++made;
  readonly tokens: TokenSource | undefined;
  readonly batch: Batch;
  readonly origin: string;
  users = 0;

  constructor(readonly access: Access) {
    this.origin = new URL(access.root).origin;
    this.tokens = !access.fetcher && access.provider ? new TokenSource(access.provider) : undefined;
    this.batch = new Batch(this);
  }

  /** Asks the host. A token that it refuses is replaced once. */
  async send(path: string, init: RequestInit = {}): Promise<Response> {
    const url = this.access.root + path;
    if (this.access.fetcher) return this.access.fetcher(url, init);
    if (!this.tokens) return fetch(url, { ...init, credentials: this.origin === location.origin ? 'same-origin' : 'omit' });
    const token = await this.tokens.get();
    const answer = await fetch(url, authorized(init, token));
    if (answer.status !== 401) return answer;
    await answer.body?.cancel();
    return fetch(url, authorized(init, await this.tokens.after(token)));
  }
}

function authorized(init: RequestInit, token: string): RequestInit {
  const headers = new Headers(init.headers);
  headers.set('Authorization', 'Bearer ' + token);
  return { ...init, headers, credentials: 'omit', referrerPolicy: 'no-referrer' };
}

const sessions: Session[] = [];

/** The session of an access, shared by all who have the same. Whoever acquires it releases it. */
export function acquire(access: Access): Session {
  let found = sessions.find(
    s => s.access.root === access.root && s.access.fetcher === access.fetcher && s.access.provider === access.provider,
  );
  if (!found) sessions.push((found = new Session(access)));
  found.users++;
  return found;
}

export function release(session: Session) {
  if (--session.users > 0) return;
  const at = sessions.indexOf(session);
  if (at >= 0) sessions.splice(at, 1);
}
