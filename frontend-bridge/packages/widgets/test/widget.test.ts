import { describe, expect, test, vi } from 'vitest';
import { define, tagOf } from '../src/define';
import type { CallboardWidget } from '../src/widget';
import { HOST, batch, figure, html, json, next, page, put } from './page';

define();
const of = page();

const widget = (attributes: string, children = '') => put<CallboardWidget>(`<callboard-widget base="${HOST}" ${attributes}>${children}</callboard-widget>`);
const text = (element: CallboardWidget) => element.body.textContent ?? '';
const settled = () => new Promise(resolve => setTimeout(resolve, 60));
const RENDER = '/api/widgets/v1/render/cost/summary.html';

describe('a widget', () => {
  test('alone is one request, with what the page says of it', async () => {
    of.host.on(RENDER, () => html(figure('hello'), { headers: { 'Cache-Control': 'private, max-age=60' } }));
    const element = widget(`name="cost/summary" entity="component:default/pay" range="30d" args='{"a":1}' lang="fr" theme="dark" height="300" heading-level="3"`);
    const ready = await next(element, 'ready');
    expect(ready).toMatchObject({ id: 'cost/summary', status: 'ok' });
    expect(text(element)).toContain('hello');
    const [got] = of.host.to(RENDER);
    expect(Object.fromEntries(got!.url.searchParams)).toMatchObject({ entityRef: 'component:default/pay', range: '30d', args: '{"a":1}', lang: 'fr', theme: 'dark', h: '240', level: '3' });
    expect(of.host.to('/api/widgets/v1/batch')).toHaveLength(0);
    expect(element.dataset).toMatchObject({ status: 'ok', theme: 'dark' });
    expect(element.body.style.height).toBe('300px');
  });

  test('asks nothing before it comes near to view', async () => {
    of.observers.inView = false;
    of.host.on(RENDER, () => html(figure('x')));
    const element = widget('name="cost/summary"');
    await settled();
    expect(of.host.got).toHaveLength(0);
    of.observers.show(element);
    await next(element, 'ready');
    expect(of.host.to(RENDER)).toHaveLength(1);
  });

  test('twenty that come into view together are one request, and each shows its own answer as it arrives', async () => {
    batch(of.host);
    const all = Array.from({ length: 20 }, (_, i) => widget(`name="cost/w${i}"`));
    await Promise.all(all.map(element => next(element, 'ready')));
    expect(of.host.got.filter(g => g.path !== '/api/widgets/v1/style.css').map(g => g.path)).toEqual(['/api/widgets/v1/batch']);
    expect(all.map(text)).toEqual(all.map((_, i) => expect.stringContaining(`cost/w${i}`)));
    expect(of.host.to('/api/widgets/v1/style.css').length).toBeLessThanOrEqual(1);
  });

  test('fifty-one are two requests', async () => {
    batch(of.host);
    const all = Array.from({ length: 51 }, (_, i) => widget(`name="cost/w${i}"`));
    of.host.on(/render/, () => html(figure('last')));
    await Promise.all(all.map(element => next(element, 'ready')));
    expect(of.host.got.filter(g => /batch|render/.test(g.path))).toHaveLength(2);
  });

  test('is shown when its line has come, while another is still waited for', async () => {
    let more!: ReadableStreamDefaultController<Uint8Array>;
    const line = (index: number) => new TextEncoder().encode(JSON.stringify({ index, status: 200, html: figure('n' + index), maxAge: 60 }) + '\n');
    of.host.on('/api/widgets/v1/batch', () => new Response(new ReadableStream({ start: c => void (more = c) })));
    const [slow, fast] = [widget('name="cost/a"'), widget('name="cost/b"')];
    await vi.waitFor(() => expect(more).toBeDefined());
    const bytes = line(1);
    more.enqueue(bytes.slice(0, 20)); // a line may arrive in pieces
    more.enqueue(bytes.slice(20));
    await next(fast, 'ready');
    expect(text(slow)).toContain('Loading');
    more.enqueue(line(0));
    more.close();
    await next(slow, 'ready');
  });

  test.each([
    ['does not exist', () => json({}, 404)],
    ['leaves one out', undefined],
    ['holds lines that are none', () => new Response('{"index":\nnull\n{"index":"0","html":"x"}\n{"index":7,"html":"x"}\n')],
  ])('is asked for alone when the batch %s', async (_, answer) => {
    if (answer) of.host.on('/api/widgets/v1/batch', answer);
    else batch(of.host, (q, i) => (i === 0 ? { html: figure(q.id) } : undefined));
    of.host.on(/render/, got => html(figure('alone ' + got.path)));
    const all = [widget('name="cost/a"'), widget('name="cost/b"')];
    await Promise.all(all.map(element => next(element, 'ready')));
    expect(text(all[1]!)).toContain('alone');
  });

  test.each(['empty', 'partial', 'stale', 'error', 'denied'])('shows the state %s as the host words it', async status => {
    of.host.on(RENDER, () => html(figure('so it is', status), { status: status === 'denied' ? 403 : status === 'error' ? 503 : 200 }));
    const element = widget('name="cost/summary"');
    const event = await next(element, status === 'denied' || status === 'error' ? 'error' : 'ready');
    expect(event).toMatchObject({ id: 'cost/summary' });
    expect(element.dataset.status).toBe(status);
    expect(text(element)).toContain('so it is');
  });

  test('asks again when somebody presses retry', async () => {
    let fails = true;
    of.host.on(RENDER, () => (fails ? html(figure('no', 'error', '<button type="button" data-cb-action="retry">Retry</button>'), { status: 503 }) : html(figure('yes'))));
    const element = widget('name="cost/summary"');
    await next(element, 'error');
    fails = false;
    element.body.querySelector('button')!.click();
    await next(element, 'ready');
    expect(text(element)).toContain('yes');
  });

  test('says in the viewer’s language that nobody answers, and keeps what it has shown', async () => {
    let up = false;
    of.host.on(RENDER, () => {
      if (!up) throw new TypeError('Failed to fetch');
      return html(figure('content'));
    });
    const element = widget('name="cost/summary" lang="de"');
    expect(await next(element, 'error')).toMatchObject({ code: 'network', status: 0 });
    expect(element.body.querySelector('[role=alert]')!.textContent).toBe('Das Portal antwortet nicht.');
    up = true;
    element.body.querySelector('button')!.click();
    await next(element, 'ready');
    up = false;
    element.refresh();
    await next(element, 'error');
    expect(text(element)).toContain('content');
    expect(element.dataset.status).toBe('stale');
  });

  test('says that the session ended when there is no token to be had', async () => {
    const element = widget('name="cost/summary" lang="en"');
    element.tokenProvider = async () => { throw new Error('signed out'); };
    expect(await next(element, 'error')).toMatchObject({ code: 'token' });
    expect(text(element)).toContain('The session has ended.');
    expect(of.host.to(RENDER)).toHaveLength(0);
  });

  test('is asked for again after the age that the host gives, and not while the page is hidden', async () => {
    vi.useFakeTimers();
    let state = 'visible';
    vi.spyOn(document, 'visibilityState', 'get').mockImplementation(() => state as DocumentVisibilityState);
    of.host.on(RENDER, () => html(figure('x'), { headers: { 'Cache-Control': 'max-age=30' } }));
    widget('name="cost/summary"');
    await vi.advanceTimersByTimeAsync(100);
    expect(of.host.to(RENDER)).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(31_000);
    expect(of.host.to(RENDER)).toHaveLength(2);
    state = 'hidden';
    document.dispatchEvent(new Event('visibilitychange'));
    await vi.advanceTimersByTimeAsync(300_000);
    expect(of.host.to(RENDER)).toHaveLength(2);
    state = 'visible';
    document.dispatchEvent(new Event('visibilitychange'));
    await vi.advanceTimersByTimeAsync(100);
    expect(of.host.to(RENDER)).toHaveLength(3);
  });

  test('an answer that is the same changes nothing in the page', async () => {
    of.host.on(RENDER, () => html(figure('same', 'ok', '<details><summary>Table</summary></details>')));
    const element = widget('name="cost/summary"');
    await next(element, 'ready');
    const shown = element.body.firstElementChild;
    element.body.querySelector('details')!.open = true;
    element.refresh();
    await next(element, 'ready');
    expect(element.body.firstElementChild).toBe(shown);
    expect(element.body.querySelector('details')!.open).toBe(true);
  });

  test('is drawn anew for another width, in steps, once it has settled', async () => {
    vi.useFakeTimers();
    of.host.on(RENDER, () => html(figure('x')));
    of.observers.inView = false;
    const element = widget('name="cost/summary"');
    await vi.advanceTimersByTimeAsync(10);
    of.observers.resize(element, 633);
    of.observers.show(element);
    await vi.advanceTimersByTimeAsync(100);
    const widths = () => of.host.to(RENDER).map(g => g.url.searchParams.get('w'));
    expect(widths()).toEqual(['620']);
    for (const width of [640, 618, 650, 690, 560]) of.observers.resize(element, width); // near to what is drawn
    await vi.advanceTimersByTimeAsync(1000);
    expect(widths()).toEqual(['620']);
    for (const width of [500, 400, 320]) of.observers.resize(element, width);
    await vi.advanceTimersByTimeAsync(1000);
    expect(widths()).toEqual(['620', '320']);
    of.observers.resize(element, 0); // not displayed
    await vi.advanceTimersByTimeAsync(1000);
    expect(widths()).toHaveLength(2);
  });

  test('shows the page’s own children until there is something better', async () => {
    of.host.on(RENDER, () => html(figure('content')));
    const element = widget('name="cost/summary"', '<img alt="Cost" src="/x.svg">');
    await Promise.resolve();
    await Promise.resolve();
    expect(element.body.querySelector('slot')).not.toBeNull();
    await next(element, 'ready');
    expect(element.body.querySelector('slot')).toBeNull();
    expect(element.querySelector('img')).not.toBeNull();
  });

  test.each(['', 'cost', '../x', 'cost/summary/../..', 'Cost/<b>', 'cost/summary?x'])('asks nothing for the name "%s"', async name => {
    const complaint = vi.spyOn(console, 'error').mockImplementation(() => {});
    widget(`name="${name}"`);
    await settled();
    expect(of.host.got).toHaveLength(0);
    expect(complaint).toHaveBeenCalled();
  });

  test.each(['javascript:x', 'file:///x', 'nonsense://'])('asks nothing of the host %s', async base => {
    const complaint = vi.spyOn(console, 'error').mockImplementation(() => {});
    put(`<callboard-widget base="${base}" name="cost/summary"></callboard-widget>`);
    await settled();
    expect(of.host.got).toHaveLength(0);
    expect(complaint).toHaveBeenCalled();
  });

  test('leaves nothing behind when it leaves the page', async () => {
    vi.useFakeTimers();
    const listeners = new Set<unknown>();
    const added = vi.spyOn(document, 'addEventListener').mockImplementation((_, l) => void listeners.add(l));
    vi.spyOn(document, 'removeEventListener').mockImplementation((_, l) => void listeners.delete(l));
    of.host.on(RENDER, () => html(figure('x'), { headers: { 'Cache-Control': 'max-age=30' } }));
    const element = widget('name="cost/summary"');
    element.tokenProvider = async () => 'token';
    await vi.advanceTimersByTimeAsync(200);
    expect(added).toHaveBeenCalled();
    element.remove();
    await vi.advanceTimersByTimeAsync(20);
    expect([of.observers.seen.size, of.observers.sized.size, listeners.size, vi.getTimerCount()]).toEqual([0, 0, 0, 0]);
    const asked = of.host.got.length;
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(of.host.got).toHaveLength(asked);
  });

  test('can be moved on its page, and shows its content again', async () => {
    of.host.on(RENDER, () => html(figure('content')));
    const element = widget('name="cost/summary"');
    await next(element, 'ready');
    const elsewhere = put('<section></section>');
    elsewhere.append(element);
    await next(element, 'ready');
    expect(text(element)).toContain('content');
  });

  test('an answer for what is not asked any more is not shown', async () => {
    const answers: ((r: Response) => void)[] = [];
    of.host.on(/render/, () => new Promise<Response>(resolve => answers.push(resolve)));
    const element = widget('name="cost/first"');
    await vi.waitFor(() => expect(answers).toHaveLength(1));
    element.setAttribute('name', 'cost/second');
    await vi.waitFor(() => expect(answers).toHaveLength(2));
    answers[1]!(html(figure('second')));
    await next(element, 'ready');
    answers[0]!(html(figure('first')));
    await settled();
    expect(text(element)).toContain('second');
  });
});

describe('links of a widget', () => {
  const shown = async () => {
    of.host.on(RENDER, () => html(figure('', 'ok', '<a id="in" href="/catalog/default/component/pay">pay</a><a id="out" href="https://x.example/">x</a><a id="here" href="#there">y</a><p id="there">z</p>')));
    const element = widget('name="cost/summary"');
    await next(element, 'ready');
    return element;
  };
  const click = (element: CallboardWidget, id: string, init: MouseEventInit = {}) => {
    const event = new MouseEvent('click', { bubbles: true, composed: true, cancelable: true, ...init });
    element.root.getElementById(id)!.dispatchEvent(event);
    return event;
  };

  test('are told to the page, which may follow them in its own way', async () => {
    const element = await shown();
    const told: unknown[] = [];
    document.body.addEventListener('callboard-navigate', event => { told.push((event as CustomEvent).detail); event.preventDefault(); }, { once: true });
    expect(click(element, 'in').defaultPrevented).toBe(true);
    expect(told).toEqual([{ href: '/catalog/default/component/pay', url: HOST + '/catalog/default/component/pay' }]);
  });

  test('lead where they lead when the page has no opinion, and in new tabs as everywhere', async () => {
    const element = await shown();
    const stop = (event: Event) => event.preventDefault(); // jsdom cannot navigate
    addEventListener('click', stop);
    const told = next<{ href: string }>(element, 'navigate');
    click(element, 'out');
    expect((await told).href).toBe('https://x.example/');
    const silent = vi.fn();
    element.addEventListener('callboard-navigate', silent);
    click(element, 'in', { ctrlKey: true });
    expect(silent).not.toHaveBeenCalled();
    removeEventListener('click', stop);
  });

  test('to files of the host bring the token, and those to its pages are links', async () => {
    of.host.on(RENDER, () => html(figure('', 'ok', '<a id="csv" href="/api/widgets/v1/render/cost/summary.csv">CSV</a><a id="in" href="/api/api-docs/v1/entities/api/default/pay">docs</a>')));
    const element = widget('name="cost/summary"');
    element.tokenProvider = async () => 'token';
    await next(element, 'ready');
    const saved = vi.fn();
    vi.stubGlobal('URL', Object.assign(URL, { createObjectURL: () => 'blob:x', revokeObjectURL: () => {} }));
    vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function (this: HTMLAnchorElement) {
      saved(this.download);
    });
    of.host.on('/api/widgets/v1/render/cost/summary.csv', () => new Response('a,b'));
    expect(click(element, 'csv').defaultPrevented).toBe(true);
    await vi.waitFor(() => expect(saved).toHaveBeenCalledWith('summary.csv'));
    expect(of.host.to('/api/widgets/v1/render/cost/summary.csv')[0]!.token).toBe('Bearer token');
    element.addEventListener('callboard-navigate', event => event.preventDefault());
    const told = next<{ href: string }>(element, 'navigate');
    click(element, 'in');
    expect((await told).href).toBe('/api/api-docs/v1/entities/api/default/pay');
  });

  test('within a fragment lead to places in it', async () => {
    const element = await shown();
    Element.prototype.scrollIntoView = () => {};
    click(element, 'here');
    expect(element.root.activeElement?.id).toBe('there');
  });
});

describe('elements', () => {
  test('are defined once, also when the package is there twice, and a later contract keeps its own names', () => {
    expect(() => define()).not.toThrow();
    expect(customElements.get('callboard-widget')).toBeDefined();
    expect(customElements.get('callboard-widget-v1')).toBeDefined();
    expect(tagOf('callboard-widget')).toBe('callboard-widget');
  });

  test('whose plain name another version has are made below their own', async () => {
    vi.resetModules();
    const other = new Map<string, unknown>([['callboard-badge', class { static contract = 99; }]]);
    vi.spyOn(customElements, 'get').mockImplementation(name => other.get(name) as CustomElementConstructor);
    vi.spyOn(customElements, 'define').mockImplementation((name, made) => void other.set(name, made));
    const fresh = await import('../src/define');
    fresh.define();
    expect(fresh.tagOf('callboard-badge')).toBe('callboard-badge-v1');
    expect(fresh.tagOf('callboard-widget')).toBe('callboard-widget');
    expect((other.get('callboard-badge') as { contract?: number }).contract).toBe(99);
  });

  test('that were given properties before they were defined keep them', async () => {
    of.host.on(RENDER, () => html(figure('x')));
    const fetcher = vi.fn(async () => html(figure('by the framework')));
    const early = document.createElement('callboard-early') as HTMLElement & { fetcher?: unknown };
    early.fetcher = fetcher;
    early.setAttribute('base', HOST);
    early.setAttribute('name', 'cost/summary');
    document.body.append(early);
    customElements.define('callboard-early', class extends (customElements.get('callboard-widget') as CustomElementConstructor) {});
    await next(early, 'ready');
    expect(fetcher).toHaveBeenCalled();
    expect(of.host.to(RENDER)).toHaveLength(0);
  });
});

describe('settings', () => {
  test('come from the configuration of the page, wherever it is, and follow its changes', async () => {
    of.host.on(/render/, () => html(figure('x')));
    const element = put<CallboardWidget>('<callboard-widget name="cost/summary"></callboard-widget>');
    const config = put<HTMLElement>(`<callboard-config base="${HOST}/api/widgets/v1/" theme="light" lang="es"></callboard-config>`);
    await next(element, 'ready');
    expect(of.host.got.at(-1)!.url.href).toContain(HOST + RENDER);
    config.setAttribute('theme', 'dark');
    await next(element, 'ready');
    expect(of.host.got.at(-1)!.url.searchParams.get('theme')).toBe('dark');
    expect(element.body.lang).toBe('es');
  });

  test('credentials of the page do not go to another host that an element names', async () => {
    const provider = vi.fn(async () => 'secret');
    const config = put<HTMLElement & { tokenProvider: unknown }>(`<callboard-config base="${HOST}"></callboard-config>`);
    config.tokenProvider = provider;
    of.host.on(/render/, () => html(figure('x')));
    const element = put<CallboardWidget>('<callboard-widget base="https://other.example" name="cost/summary"></callboard-widget>');
    await next(element, 'ready');
    expect(provider).not.toHaveBeenCalled();
    expect(of.host.got.every(g => g.token === null)).toBe(true);
  });

  test('one token serves all elements of a page', async () => {
    batch(of.host);
    let given = 0;
    const config = put<HTMLElement & { tokenProvider: unknown }>(`<callboard-config base="${HOST}"></callboard-config>`);
    config.tokenProvider = async () => `token-${++given}`;
    const all = Array.from({ length: 5 }, (_, i) => put<CallboardWidget>(`<callboard-widget name="cost/w${i}"></callboard-widget>`));
    await Promise.all(all.map(element => next(element, 'ready')));
    expect(given).toBe(1);
    expect(of.host.to('/api/widgets/v1/batch').map(g => g.token)).toEqual(['Bearer token-1']);
  });
});
