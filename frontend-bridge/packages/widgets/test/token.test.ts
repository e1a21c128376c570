import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Session } from '../src/session';
import { TokenError, TokenSource, type Surroundings } from '../src/token';
import { HOST, Host, jwt } from './page';

const MINUTE = 60_000;

/** A backend that mints tokens, a clock, and no chance. */
class Mint implements Surroundings {
  made = 0;
  clock = Date.parse('2026-11-28T12:00:00Z');
  asked: RequestInit[] = [];
  sub = 'user:default/ada';
  life = 5 * MINUTE;
  answer: (() => Response | Promise<Response>) | undefined;

  now = () => this.clock;
  random = () => 0.5;
  fetch = async (_: string, init: RequestInit) => {
    this.asked.push(init);
    if (this.answer) return this.answer();
    return new Response(JSON.stringify(this.next()));
  };

  next() {
    const exp = (this.clock + this.life) / 1000;
    return { token: jwt({ sub: this.sub, wid: ['cost/*'], jti: String(++this.made), exp }), expiresAt: new Date(this.clock + this.life).toISOString() };
  }

  /** Lets time pass, for timers and for the clock. */
  async pass(ms: number) {
    this.clock += ms;
    await vi.advanceTimersByTimeAsync(ms);
  }
}

let visibility = 'visible';
let mint: Mint;

beforeEach(() => {
  vi.useFakeTimers();
  visibility = 'visible';
  vi.spyOn(document, 'visibilityState', 'get').mockImplementation(() => visibility as DocumentVisibilityState);
  mint = new Mint();
});
afterEach(() => vi.useRealTimers());

function look(state: 'visible' | 'hidden') {
  visibility = state;
  document.dispatchEvent(new Event('visibilitychange'));
}

describe('a token source', () => {
  test('asks its backend once for all who want a token at the same time, and keeps it', async () => {
    const source = new TokenSource('/token', mint);
    const all = await Promise.all([source.get(), source.get(), source.get()]);
    expect(new Set(all).size).toBe(1);
    expect(await source.get()).toBe(all[0]);
    expect(mint.asked).toHaveLength(1);
    expect(mint.asked[0]).toMatchObject({ method: 'POST', credentials: 'same-origin', cache: 'no-store' });
  });

  test('renews at four fifths of its life while somebody watches, and not afterwards', async () => {
    const source = new TokenSource('/token', mint);
    const told: string[] = [];
    const unwatch = source.watch(token => told.push(token));
    const first = await source.get();
    await mint.pass(4 * MINUTE - 1000);
    expect(mint.asked).toHaveLength(1);
    await mint.pass(1000);
    expect(mint.asked).toHaveLength(2);
    expect(await source.get()).not.toBe(first);
    expect(told).toHaveLength(2);
    unwatch();
    await mint.pass(60 * MINUTE);
    expect(mint.asked).toHaveLength(2);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('follows the host when it says when to renew, and never waits longer than the token lives', async () => {
    const source = new TokenSource(async () => ({ ...mint.next(), refreshAfter: (mint.clock + MINUTE) / 1000 }), mint);
    source.watch(() => {});
    await source.get();
    await mint.pass(MINUTE);
    expect(mint.made).toBe(2);
  });

  test('pages that ask at the same time renew at different ones', async () => {
    const times: number[] = [];
    for (const chance of [0, 0.999]) {
      const own = new Mint();
      own.random = () => chance;
      const source = new TokenSource('/token', own);
      const unwatch = source.watch(() => {});
      await source.get();
      const began = own.clock;
      while (own.asked.length < 2) await own.pass(1000);
      times.push(own.clock - began);
      unwatch();
    }
    expect(times).toEqual([225_000, 255_000]);
  });

  test('a hidden page renews nothing; when it is looked at again, what is due is renewed at once', async () => {
    const source = new TokenSource('/token', mint);
    source.watch(() => {});
    await source.get();
    look('hidden');
    await mint.pass(30 * MINUTE);
    expect(mint.asked).toHaveLength(1);
    look('visible');
    await mint.pass(0);
    expect(mint.asked).toHaveLength(2);
  });

  test('an ended token is not given out', async () => {
    const source = new TokenSource('/token', mint);
    const first = await source.get();
    mint.clock += 5 * MINUTE;
    expect(await source.get()).not.toBe(first);
  });

  test('a token that the host refused is replaced once, however many bring it', async () => {
    const source = new TokenSource('/token', mint);
    const refused = await source.get();
    const all = await Promise.all([source.after(refused), source.after(refused)]);
    expect(new Set(all).size).toBe(1);
    expect(mint.asked).toHaveLength(2);
    expect(await source.after(refused)).toBe(all[0]);
    expect(mint.asked).toHaveLength(2);
  });

  test('a failed renewal is tried again later each time, and the old token is good until it ends', async () => {
    const source = new TokenSource('/token', mint);
    source.watch(() => {});
    const first = await source.get();
    mint.answer = () => new Response('', { status: 503 });
    await mint.pass(4 * MINUTE);
    expect(mint.asked).toHaveLength(2);
    expect(await source.get()).toBe(first);
    await mint.pass(5000);
    expect(mint.asked).toHaveLength(3);
    await mint.pass(5000);
    expect(mint.asked).toHaveLength(3);
    await mint.pass(5000);
    expect(mint.asked).toHaveLength(4);
    mint.answer = undefined;
    await mint.pass(20_000);
    expect(await source.get()).not.toBe(first);
  });

  test.each([
    ['no JSON at all', '{"tok', 'TokenError'],
    ['no token', '{}', 'TokenError'],
    ['a token with a line break, which would be another header', '{"token":"a\\r\\nX: y"}', 'TokenError'],
    ['an empty text', '', 'TokenError'],
  ])('a backend that answers %s is a TokenError', async (_, body, name) => {
    mint.answer = () => new Response(body);
    await expect(new TokenSource('/token', mint).get()).rejects.toMatchObject({ name });
  });

  test('a token as plain text ends when its claims say', async () => {
    const { token } = mint.next();
    mint.answer = () => new Response(token);
    const source = new TokenSource('/token', mint);
    await source.get();
    expect(source.expires).toBe(mint.clock + 5 * MINUTE);
  });

  test('is a TokenError for a provider that throws', async () => {
    const source = new TokenSource(async () => { throw new Error('signed out'); }, mint);
    await expect(source.get()).rejects.toBeInstanceOf(TokenError);
  });
});

describe('tabs of one origin', () => {
  const tabs: Channel[] = [];
  class Channel {
    onmessage: ((event: { data: unknown }) => void) | undefined;
    constructor(readonly name: string) {
      tabs.push(this);
    }
    postMessage(data: unknown) {
      for (const tab of tabs) if (tab !== this && tab.name === this.name) tab.onmessage?.({ data });
    }
    close() {
      tabs.splice(tabs.indexOf(this), 1);
    }
  }

  beforeEach(() => {
    tabs.length = 0;
    vi.stubGlobal('BroadcastChannel', Channel);
  });

  test('share what one of them renews', async () => {
    const [a, b] = [new TokenSource('/token', mint), new TokenSource('/token', mint)];
    a.watch(() => {});
    b.watch(() => {});
    await a.get();
    mint.clock += 1000;
    await b.get();
    mint.clock += MINUTE;
    const renewed = await a.after(await a.get());
    expect(await b.get()).toBe(renewed);
    expect(mint.asked).toHaveLength(3);
  });

  test.each([
    ['somebody else', { sub: 'user:default/eve', wid: ['cost/*'] }],
    ['a page with more widgets', { sub: 'user:default/ada', wid: ['*'] }],
  ])('never take a token of %s', async (_, claims) => {
    const source = new TokenSource('/token', mint);
    source.watch(() => {});
    const own = await source.get();
    const later = mint.clock + 60 * MINUTE;
    new Channel(tabs[0]!.name).postMessage({ token: jwt({ ...claims, exp: later / 1000, jti: 'z' }), expires: later, refresh: later });
    expect(await source.get()).toBe(own);
  });

  test('take nothing before they were given a token themselves, and nothing malformed', async () => {
    const source = new TokenSource('/token', mint);
    source.watch(() => {});
    const other = new Channel(tabs[0]!.name);
    const later = mint.clock + 60 * MINUTE;
    other.postMessage({ token: jwt({ sub: mint.sub, wid: ['cost/*'] }), expires: later, refresh: later });
    const own = await source.get();
    expect(mint.asked).toHaveLength(1);
    for (const data of [null, 1, 'x', {}, { token: 1, expires: later, refresh: later }, { token: 'opaque', expires: later, refresh: later }]) other.postMessage(data);
    expect(await source.get()).toBe(own);
  });
});

describe('a session', () => {
  const session = (host: Host, life?: number) => {
    vi.stubGlobal('fetch', host.fetch);
    if (life) mint.life = life;
    return new Session({ root: HOST, provider: async () => mint.next() });
  };

  test('sends the token in the header and nowhere else', async () => {
    const host = new Host().on('/x', () => new Response('ok'));
    await session(host).send('/x?y=1');
    expect(host.got[0]!.token).toMatch(/^Bearer /);
    expect(host.got[0]!.url.search).toBe('?y=1');
    expect(host.got[0]!.init).toMatchObject({ credentials: 'omit', referrerPolicy: 'no-referrer' });
  });

  test('asks again once with a new token after 401, and then answers what there is', async () => {
    const host = new Host().on('/x', () => new Response('', { status: 401 }));
    const answer = await session(host).send('/x');
    expect(answer.status).toBe(401);
    expect(new Set(host.got.map(g => g.token)).size).toBe(2);
    expect(host.got).toHaveLength(2);
  });

  test('a fetcher brings its own credentials', async () => {
    const host = new Host();
    const fetcher = vi.fn(async () => new Response('ok'));
    await new Session({ root: HOST, fetcher, provider: '/token' }).send('/x', { method: 'POST' });
    expect(fetcher).toHaveBeenCalledWith(HOST + '/x', { method: 'POST' });
    expect(host.got).toHaveLength(0);
  });

  test('nothing is stored where other scripts or later visitors find it', async () => {
    const host = new Host().on('/x', () => new Response('ok'));
    await session(host).send('/x');
    expect([localStorage.length, sessionStorage.length, document.cookie]).toEqual([0, 0, '']);
  });
});
