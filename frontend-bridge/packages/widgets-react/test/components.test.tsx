import { CONTRACT } from '@callboard/widgets';
import { act, cleanup, render } from '@testing-library/react';
import { createRef, StrictMode } from 'react';
import { hydrateRoot } from 'react-dom/client';
import { renderToString } from 'react-dom/server';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { attributesOf } from '../src/attributes.js';
import { CallboardAccessRequest, CallboardApiDocs, CallboardConfig, CallboardWidget, type TokenProvider } from '../src/index.js';

type Element = HTMLElement & { fetcher?: unknown; tokenProvider?: unknown; args?: unknown };

const elementOf = (container: HTMLElement, tag: string) => container.querySelector<Element>(tag)!;

beforeEach(() => {
  // jsdom lays nothing out, so nothing comes into view and no element asks a host.
  vi.stubGlobal('IntersectionObserver', class { observe() {} unobserve() {} disconnect() {} });
  vi.stubGlobal('ResizeObserver', class { observe() {} unobserve() {} disconnect() {} });
  vi.stubGlobal('matchMedia', () => ({ matches: false, addEventListener() {}, removeEventListener() {} }));
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

test('props are the attributes of the element, and go when they are left out', () => {
  const { container, rerender } = render(<CallboardWidget name="cost/cost-over-time" entity="component:default/pay" range="30d" headingLevel={3} className="wide" args={{ metric: 'billed' }} />);
  const widget = elementOf(container, 'callboard-widget');
  expect(Object.fromEntries([...widget.attributes].map(({ name, value }) => [name, value]))).toMatchObject({
    name: 'cost/cost-over-time', entity: 'component:default/pay', range: '30d', 'heading-level': '3', class: 'wide', args: '{"metric":"billed"}',
  });
  rerender(<CallboardWidget name="cost/cost-over-time" />);
  expect(elementOf(container, 'callboard-widget')).toBe(widget);
  expect(widget.getAttributeNames()).not.toContain('range');
});

test('what attributes cannot hold is set before the element looks at its settings', async () => {
  const fetcher = vi.fn();
  const provider: TokenProvider = async () => 'token';
  const { container } = render(<CallboardWidget name="a/b" fetcher={fetcher} tokenProvider={provider} />);
  const widget = elementOf(container, 'callboard-widget');
  expect([widget.fetcher, widget.tokenProvider]).toEqual([fetcher, provider]);
});

test('an address of tokens is an attribute', () => {
  const { container } = render(<CallboardConfig base="https://portal.example" tokenProvider="/token" />);
  const config = elementOf(container, 'callboard-config');
  expect(config.getAttribute('token-provider')).toBe('/token');
  expect(config.tokenProvider).toBeUndefined();
});

test('functions of a CallboardConfig may be made while rendering: the element keeps one, which calls the latest', async () => {
  const asked: number[] = [];
  const page = (n: number) => <CallboardConfig base="https://portal.example" tokenProvider={async () => (asked.push(n), 'token')} />;
  const { container, rerender } = render(page(1));
  const config = elementOf(container, 'callboard-config');
  const first = config.tokenProvider as TokenProvider;
  rerender(page(2));
  expect(config.tokenProvider).toBe(first);
  await first();
  expect(asked).toEqual([2]);
});

test('events call the handlers of the latest rendering, once in StrictMode too', () => {
  const [first, second] = [vi.fn(), vi.fn()];
  const page = (onReady: typeof first) => (
    <StrictMode>
      <CallboardWidget name="a/b" onReady={onReady} />
    </StrictMode>
  );
  const { container, rerender } = render(page(first));
  rerender(page(second));
  const detail = { id: 'a/b', status: 'ok', ms: 1 };
  elementOf(container, 'callboard-widget').dispatchEvent(new CustomEvent('callboard-ready', { detail }));
  expect(first).not.toHaveBeenCalled();
  expect(second).toHaveBeenCalledExactlyOnceWith(detail, expect.any(CustomEvent));
});

test('a handler can keep a link for the router of the page', () => {
  const { container } = render(<CallboardWidget name="a/b" onNavigate={(_, event) => event.preventDefault()} />);
  const event = new CustomEvent('callboard-navigate', { detail: { href: '/catalog', url: 'https://portal.example/catalog' }, cancelable: true });
  elementOf(container, 'callboard-widget').dispatchEvent(event);
  expect(event.defaultPrevented).toBe(true);
});

test('a removed component leaves no listener', () => {
  const onError = vi.fn();
  const { container, unmount } = render(<CallboardWidget name="a/b" onError={onError} />);
  const widget = elementOf(container, 'callboard-widget');
  unmount();
  widget.dispatchEvent(new CustomEvent('callboard-error', { detail: {} }));
  expect(onError).not.toHaveBeenCalled();
});

test('a ref is the element', () => {
  const ref = createRef<HTMLElementTagNameMap['callboard-widget']>();
  render(<CallboardWidget name="a/b" ref={ref} />);
  expect(ref.current).toHaveProperty('refresh');
  expect((ref.current!.constructor as unknown as { contract: number }).contract).toBe(CONTRACT);
});

test('a server renders the element with its children, and a browser takes it over as it is', async () => {
  const page = (
    <CallboardConfig base="https://portal.example" tokenProvider={async () => 'secret-token'}>
      <CallboardWidget name="a/b" args={{ q: '"<&' }} style={{ minHeight: 200 }}>
        <img src="https://portal.example/picture.svg" alt="Cost" />
      </CallboardWidget>
      <CallboardApiDocs entity="api:default/pay" linked />
      <CallboardAccessRequest api="api:default/pay" />
    </CallboardConfig>
  );
  // React takes this test's document for a browser's; server.test.tsx renders where there is none.
  const complaints = vi.spyOn(console, 'error').mockImplementation(() => {});
  const html = renderToString(page);
  complaints.mockClear();
  expect(html).toContain('<img src="https://portal.example/picture.svg" alt="Cost"/>');
  expect(html).toContain('<callboard-api-docs entity="api:default/pay" linked="">');
  expect(html).not.toContain('secret-token');
  const container = document.body.appendChild(document.createElement('div'));
  container.innerHTML = html;
  const widget = elementOf(container, 'callboard-widget');
  const root = await act(async () => hydrateRoot(container, page));
  expect(complaints.mock.calls).toEqual([]);
  expect(elementOf(container, 'callboard-widget')).toBe(widget);
  expect(elementOf(container, 'callboard-config').tokenProvider).toBeTypeOf('function');
  await act(async () => root.unmount());
});

test('attributes have no functions, and nothing that is false or missing', () => {
  expect(attributesOf({ name: 'a/b', linked: false, height: 0, from: null, onReady: () => {}, children: 'x', maxPoints: 50 })).toEqual({ name: 'a/b', height: '0', 'max-points': '50' });
});
