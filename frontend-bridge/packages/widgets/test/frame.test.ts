import { beforeEach, describe, expect, test, vi } from 'vitest';
import { define } from '../src/define';
import { Heights } from '../src/heights';
import { readFromFrame, readHello, readInit, readToFrame } from '../src/protocol';
import { validToken } from '../src/theme';
import type { CallboardWidget } from '../src/widget';
import { HOST, next, page, put } from './page';

define();
const of = page();

const NONCE = '0123456789abcdef';
const hello = { callboard: 1, t: 'hello', nonce: NONCE };

/** A widget in a frame, whose window is ours to speak for. */
async function framed(attributes = '', before?: (element: CallboardWidget) => void) {
  const element = put<CallboardWidget>(`<callboard-widget base="${HOST}" mode="frame" app="shop" name="cost/trend" entity="component:default/pay" ${attributes}></callboard-widget>`);
  element.tokenProvider = async () => 'token-1';
  before?.(element);
  const frame = await vi.waitFor(() => {
    const found = element.body.querySelector('iframe');
    expect(found?.contentWindow).toBeTruthy();
    return found!;
  }, { timeout: 10_000 }); // the first frame waits until its module is compiled
  const inside = frame.contentWindow!;
  const posted: { data: Record<string, unknown>; target: string; port: MessagePort }[] = [];
  vi.spyOn(inside, 'postMessage').mockImplementation(((data: Record<string, unknown>, target: string, ports: MessagePort[]) => void posted.push({ data, target, port: ports[0]! })) as typeof inside.postMessage);
  const greet = (data: unknown, source: unknown = inside, origin = HOST) => {
    const event = new MessageEvent('message', { data, origin });
    Object.defineProperty(event, 'source', { value: source });
    window.dispatchEvent(event);
  };
  const connect = async () => {
    greet(hello);
    await vi.waitFor(() => expect(posted.length).toBeGreaterThan(0));
    return posted.at(-1)!;
  };
  return { element, frame, inside, posted, greet, connect };
}

const quiet = () => new Promise(resolve => setTimeout(resolve, 30));

// jsdom gives no windows to frames in shadow roots.
const windows = new WeakMap<HTMLIFrameElement, Window>();
beforeEach(() => {
  sessionStorage.clear();
  vi.spyOn(HTMLIFrameElement.prototype, 'contentWindow', 'get').mockImplementation(function (this: HTMLIFrameElement) {
    if (!windows.has(this)) windows.set(this, { postMessage() {} } as unknown as Window);
    return this.isConnected ? windows.get(this)! : null;
  });
});

describe('the page’s side of a frame', () => {
  test('loads the shell of the host with the question and without a token', async () => {
    const { frame } = await framed('range="30d" args=\'{"a":1}\' height="300" title="Cost"');
    const url = new URL(frame.src);
    expect(url.origin + url.pathname).toBe(HOST + '/embed/v1/frame/cost/trend');
    expect(Object.fromEntries(url.searchParams)).toMatchObject({ app: 'shop', entityRef: 'component:default/pay', range: '30d', args: '{"a":1}', height: '300' });
    expect(frame.src).not.toContain('token');
    expect(frame.title).toBe('Cost');
    expect(frame.getAttribute('sandbox')).not.toContain('top-navigation');
  });

  test('answers a hello of its frame with a port and the token, at the host’s origin alone', async () => {
    const { connect } = await framed('lang="fr" theme="dark"', element => element.style.setProperty('--callboard-text', '#123456'));
    const { data, target, port } = await connect();
    expect(target).toBe(HOST);
    expect(data).toMatchObject({ callboard: 1, t: 'init', nonce: NONCE, token: 'token-1', lang: 'fr', theme: 'dark', tokens: { text: '#123456' } });
    expect(port).toBeDefined();
  });

  test.each<[string, (of: Awaited<ReturnType<typeof framed>>) => void]>([
    ['from another window', of => of.greet(hello, window)],
    ['from no window', of => of.greet(hello, null)],
    ['from another origin, to which the frame was led', of => of.greet(hello, of.inside, 'https://evil.example')],
    ['from an opaque origin', of => of.greet(hello, of.inside, 'null')],
    ['of another version', of => of.greet({ ...hello, callboard: 2 })],
    ['without a nonce', of => of.greet({ callboard: 1, t: 'hello' })],
    ['with a nonce of the wrong shape', of => of.greet({ ...hello, nonce: '<script>' })],
    ['that is no object', of => of.greet('hello')],
    ['that is null', of => of.greet(null)],
    ['of another protocol', of => of.greet({ type: 'resize', height: 1 })],
  ])('does not answer a hello %s', async (_, greet) => {
    const of = await framed();
    greet(of);
    await quiet();
    expect(of.posted).toHaveLength(0);
  });

  test('stops answering a frame that greets without end', async () => {
    const of = await framed();
    for (let i = 0; i < 50; i++) of.greet({ ...hello, nonce: NONCE + String(i).padStart(4, '0') });
    await quiet();
    expect(of.posted.length).toBeLessThanOrEqual(10);
  });

  test('follows the height of the content', async () => {
    const of = await framed();
    const { port } = await of.connect();
    port.postMessage({ t: 'size', h: 412.2, w: 300, seq: 1 });
    await vi.waitFor(() => expect(of.frame.style.height).toBe('413px'));
    port.postMessage({ t: 'size', h: 1e9, w: 300, seq: 2 });
    await vi.waitFor(() => expect(of.frame.style.height).toBe('4096px'));
  });

  test('is as high at once as it was when the page was last seen, and does not shrink while it waits', async () => {
    const first = await framed();
    expect(first.frame.style.height).toBe('240px');
    const before = (await first.connect()).port;
    before.postMessage({ t: 'ready', ms: 1, status: 'ok' });
    before.postMessage({ t: 'size', h: 412, w: 300, seq: 1 });
    await vi.waitFor(() => expect(first.frame.style.height).toBe('412px'));
    first.element.remove();

    const { element, frame, connect } = await framed();
    expect(frame.style.height).toBe('412px');
    expect(element.body.style.minHeight).toBe('');
    const { port } = await connect();
    port.postMessage({ t: 'size', h: 240, w: 300, seq: 1 });
    await quiet();
    expect(frame.style.height).toBe('412px');
    port.postMessage({ t: 'ready', ms: 1, status: 'ok' });
    port.postMessage({ t: 'size', h: 300, w: 300, seq: 2 });
    await vi.waitFor(() => expect(frame.style.height).toBe('300px'));
  });

  test('keeps its place until it is there', async () => {
    const element = put<CallboardWidget>(`<callboard-widget base="${HOST}" mode="frame" app="shop" name="cost/other"></callboard-widget>`);
    await quiet();
    expect(element.body.style.minHeight === '240px' || element.body.querySelector('iframe')?.style.height === '240px').toBe(true);
  });

  test('keeps a height that the page has fixed', async () => {
    const of = await framed('height="300"');
    const { port } = await of.connect();
    port.postMessage({ t: 'size', h: 900, w: 300, seq: 1 });
    await quiet();
    expect(of.frame.style.height).toBe('300px');
  });

  test('hangs up on a frame that floods it', async () => {
    const of = await framed();
    const { port } = await of.connect();
    const told = next(of.element, 'error');
    for (let i = 0; i < 2000; i++) port.postMessage({ t: 'size', h: 100 + i, w: 1, seq: i });
    expect(await told).toMatchObject({ code: 'flood' });
    expect(of.element.body.querySelector('iframe')).toBeNull();
  });

  test.each([
    ['javascript:canary()'], ['data:text/html,x'], ['file:///etc/passwd'], ['//[', ], [''],
  ])('tells nobody of a link to %s', async href => {
    const of = await framed();
    const { port } = await of.connect();
    const told = vi.fn();
    of.element.addEventListener('callboard-navigate', told);
    port.postMessage({ t: 'navigate', href });
    await quiet();
    expect(told).not.toHaveBeenCalled();
  });

  test('tells the page of links, and follows none by itself without a person’s click', async () => {
    Object.defineProperty(navigator, 'userActivation', { value: { isActive: false }, configurable: true });
    const opened = vi.fn();
    vi.stubGlobal('open', opened);
    const of = await framed();
    const { port } = await of.connect();
    const told = next(of.element, 'navigate');
    port.postMessage({ t: 'navigate', href: HOST + '/catalog/default/component/pay' });
    expect(await told).toEqual({ href: '/catalog/default/component/pay', url: HOST + '/catalog/default/component/pay' });
    port.postMessage({ t: 'navigate', href: 'https://elsewhere.example/' });
    await quiet();
    expect(opened).not.toHaveBeenCalled();
  });

  test('hands on events that pages know, and no others', async () => {
    const of = await framed();
    const { port } = await of.connect();
    const foreign = vi.fn();
    of.element.addEventListener('callboard-token', foreign);
    const told = next(of.element, 'range');
    port.postMessage({ t: 'event', name: 'token', detail: {} });
    port.postMessage({ t: 'event', name: 'range', detail: { from: 'a' } });
    expect(await told).toEqual({ from: 'a' });
    expect(foreign).not.toHaveBeenCalled();
  });

  test('gives the frame another token when the host refused the one it has', async () => {
    let made = 0;
    const of = await framed('', element => void (element.tokenProvider = async () => `token-${++made}`));
    const { port, data } = await of.connect();
    expect(data.token).toBe('token-1');
    const heard = new Promise<Record<string, unknown>>(resolve => (port.onmessage = event => event.data.t === 'token' && event.data.token !== 'token-1' && resolve(event.data)));
    port.postMessage({ t: 'token', refused: true });
    expect(await heard).toMatchObject({ t: 'token', token: 'token-2' });
  });

  test('says so when the frame never answers, which is how a refused one looks', async () => {
    vi.useFakeTimers();
    const element = put<CallboardWidget>(`<callboard-widget base="${HOST}" mode="frame" app="other" name="cost/trend" lang="en"></callboard-widget>`);
    const told = next(element, 'error');
    await vi.advanceTimersByTimeAsync(25_000);
    expect(await told).toMatchObject({ code: 'frame' });
    expect(element.body.querySelector('[role=alert]')?.textContent).toBe('The portal does not answer.');
  });

  test('is loaded when it comes near to view, and not given up before', async () => {
    vi.useFakeTimers();
    of.observers.inView = false;
    const element = put<CallboardWidget>(`<callboard-widget base="${HOST}" mode="frame" app="shop" name="cost/trend"></callboard-widget>`);
    const failed = vi.fn();
    element.addEventListener('callboard-error', failed);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(element.body.querySelector('iframe')).toBeNull();
    expect(failed).not.toHaveBeenCalled();
    of.observers.show(element);
    await vi.advanceTimersByTimeAsync(100);
    expect(element.body.querySelector('iframe')).not.toBeNull();
  });

  test('becomes a widget in the page when the page says so, and back', async () => {
    const { element } = await framed();
    of.host.on(/render/, () => new Response('<figure data-status="ok">inline</figure>', { headers: { 'Content-Type': 'text/html' } }));
    element.setAttribute('mode', 'inline');
    await next(element, 'ready');
    expect(element.body.querySelector('iframe')).toBeNull();
    expect(element.body.textContent).toBe('inline');
    element.setAttribute('mode', 'frame');
    await vi.waitFor(() => expect(element.body.querySelector('iframe')).not.toBeNull());
  });

  test('leaves nothing behind', async () => {
    const of = await framed();
    await of.connect();
    of.element.remove();
    of.greet(hello);
    await quiet();
    expect(of.posted).toHaveLength(1);
    expect(of.element.body.querySelector('iframe')).toBeNull();
  });
});

describe('heights', () => {
  const run = (...said: number[]) => {
    const heights = new Heights();
    return said.map((h, i) => heights.next(h, i));
  };

  test('follow the content, but not by a pixel', () => expect(run(100, 101, 140, 139)).toEqual([100, undefined, 140, undefined]));
  test('that alternate are held at the taller one', () => expect(run(100, 120, 100, 120, 100, 120, 300)).toEqual([100, 120, 100, 120, 120, undefined, undefined]));
  test('that grow are followed', () => expect(run(100, 120, 140, 160, 180, 200)).toEqual([100, 120, 140, 160, 180, 200]));
  test('that arrive late are not taken', () => {
    const heights = new Heights();
    heights.next(100, 5);
    expect(heights.next(500, 4)).toBeUndefined();
  });
});

describe('messages', () => {
  const hostile: unknown[] = [
    undefined, null, 0, 'x', [], {}, { t: 1 }, { t: 'size' }, { t: 'size', h: NaN, w: 1, seq: 1 }, { t: 'size', h: -1, w: 1, seq: 1 }, { t: 'size', h: '1', w: 1, seq: 1 },
    { t: 'navigate', href: {} }, { t: 'navigate', href: 'x'.repeat(5000) }, { t: 'event', name: 'x'.repeat(50) }, { t: '__proto__' }, { t: 'constructor' },
    { callboard: '1', t: 'hello', nonce: NONCE }, { callboard: 1, t: 'init', nonce: 'short' },
  ];
  test.each(hostile.map(h => [h]))('%j is none', data => {
    expect([readHello(data), readInit(data), readFromFrame(data), readToFrame(data)]).toEqual([undefined, undefined, undefined, undefined]);
  });

  test('lose what is not part of them', () => {
    const init = readInit({ callboard: 1, t: 'init', nonce: NONCE, token: 5, tokens: { text: 'red', x: 1, y: 'x'.repeat(300) }, theme: 'x'.repeat(99), more: 1 });
    expect(init).toEqual({ nonce: NONCE, token: undefined, expiresAt: undefined, theme: 'auto', tokens: { text: 'red' }, lang: '', tz: '', maxHeight: 0 });
  });
});

describe('tokens of a theme that come into a frame', () => {
  beforeEach(() => vi.stubGlobal('CSS', { supports: () => true }));

  test.each([
    ['text', '#123'], ['bg', 'rgb(1 2 3 / 50%)'], ['accent', 'oklch(0.6 0.2 240)'], ['c1', 'light-dark(#fff, #000)'], ['size', '14px'], ['radius', '0.5rem'],
    ['font', 'Inter, "Segoe UI", sans-serif'], ['warn', 'rebeccapurple'],
  ])('may be --callboard-%s: %s', (name, value) => expect(validToken(name, value)).toBe(true));

  test.each([
    ['text', 'url(https://x.test)'], ['text', 'red;position:fixed'], ['text', 'var(--x)'], ['text', 'image-set("x")'], ['text', 'rgb(1,2,3);}'], ['size', '100vw'], ['size', 'calc(1px)'],
    ['size', '9999px'], ['font', 'x;src:url(y)'], ['font', 'a{}'], ['unknown', 'red'], ['__proto__', 'red'], ['text', 'expression(alert(1))'], ['text', 'a'.repeat(300)], ['text', 'red\\0a'], ['bg', '</style>'],
  ])('may not be --callboard-%s: %s', (name, value) => expect(validToken(name, value)).toBe(false));
});
