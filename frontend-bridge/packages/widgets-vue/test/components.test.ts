import { mount } from '@vue/test-utils';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createSSRApp, h, nextTick } from 'vue';
import { renderToString } from 'vue/server-renderer';
import { callboard, CallboardApiDocs, CallboardConfig, CallboardWidget, isCustomElement, type TokenProvider } from '../src/index.js';
import { callboardTemplate } from '../src/vite.js';

type Element = HTMLElement & { fetcher?: unknown; tokenProvider?: unknown };

const options = { base: 'https://portal.example', app: 'shop', tokenProvider: (async () => 'secret-token') as TokenProvider };
const withPlugin = { global: { plugins: [[callboard, options]] as [[typeof callboard, typeof options]] } };

beforeEach(() => {
  // jsdom lays nothing out, so nothing comes into view and no element asks a host.
  vi.stubGlobal('IntersectionObserver', class { observe() {} unobserve() {} disconnect() {} });
  vi.stubGlobal('ResizeObserver', class { observe() {} unobserve() {} disconnect() {} });
  vi.stubGlobal('matchMedia', () => ({ matches: false, addEventListener() {}, removeEventListener() {} }));
});
afterEach(() => vi.unstubAllGlobals());

test('props are the attributes of the element, and go when they are left out', async () => {
  const page = mount(CallboardWidget, { props: { name: 'cost/cost-over-time', entity: 'component:default/pay', range: '30d', headingLevel: 3, args: { metric: 'billed' } } });
  expect(page.element.localName).toBe('callboard-widget');
  expect(page.attributes()).toMatchObject({ name: 'cost/cost-over-time', entity: 'component:default/pay', range: '30d', 'heading-level': '3' });
  expect((page.element as Element & { args: unknown }).args).toBe('{"metric":"billed"}');
  const element = page.element;
  await page.setProps({ range: undefined, entity: 'component:default/other' });
  expect(page.element).toBe(element);
  expect(page.attributes()).not.toHaveProperty('range');
  expect(page.attributes('entity')).toBe('component:default/other');
});

test('the plugin tells every element where its host is, and gives all the same functions', () => {
  const page = mount({ template: '<CallboardWidget name="a/b" /><CallboardBadge name="a/b" />' }, withPlugin);
  for (const tag of ['callboard-widget', 'callboard-badge']) {
    const element = page.find(tag).element as Element;
    expect(element.getAttribute('base')).toBe('https://portal.example');
    expect(element.tokenProvider).toBe(options.tokenProvider);
  }
});

test('an element that names another host does not get the credentials of the app', () => {
  const page = mount(CallboardWidget, { ...withPlugin, props: { name: 'a/b', base: 'https://other.example' } });
  expect(page.attributes('base')).toBe('https://other.example');
  expect((page.element as Element).tokenProvider).toBeUndefined();
});

test('functions are properties, addresses are attributes', () => {
  const fetcher = vi.fn();
  const page = mount(CallboardConfig, { props: { base: 'https://portal.example', fetcher, tokenProvider: '/token' } });
  expect((page.element as Element).fetcher).toBe(fetcher);
  expect(page.attributes('token-provider')).toBe('/token');
});

test('events are emitted with their details, and can be prevented', async () => {
  const page = mount(CallboardWidget, { props: { name: 'a/b', onNavigate: (_detail: unknown, event: Event) => event.preventDefault() } });
  page.element.dispatchEvent(new CustomEvent('callboard-ready', { detail: { id: 'a/b', status: 'ok', ms: 1 } }));
  const navigate = new CustomEvent('callboard-navigate', { detail: { href: '/x', url: 'https://portal.example/x' }, cancelable: true });
  page.element.dispatchEvent(navigate);
  await nextTick();
  expect(page.emitted('ready')).toEqual([[{ id: 'a/b', status: 'ok', ms: 1 }, expect.any(CustomEvent)]]);
  expect(navigate.defaultPrevented).toBe(true);
});

test('a server renders the element with its slot, and a browser takes it over as it is', async () => {
  const picture = () => h('img', { src: 'https://portal.example/picture.svg', alt: 'Cost' });
  const app = () => createSSRApp({ render: () => [h(CallboardWidget, { name: 'a/b' }, picture), h(CallboardApiDocs, { entity: 'api:default/pay', linked: true })] }).use(callboard, options);
  const html = await renderToString(app());
  expect(html).toContain('<img src="https://portal.example/picture.svg" alt="Cost">');
  expect(html).not.toContain('secret-token');
  const container = document.body.appendChild(document.createElement('div'));
  container.innerHTML = html;
  const complaints = [vi.spyOn(console, 'warn').mockImplementation(() => {}), vi.spyOn(console, 'error').mockImplementation(() => {})];
  const widget = container.querySelector<Element>('callboard-widget')!;
  const mounted = app();
  mounted.mount(container);
  expect(complaints.flatMap(spy => spy.mock.calls)).toEqual([]);
  expect(container.querySelector('callboard-widget')).toBe(widget);
  expect(widget.tokenProvider).toBe(options.tokenProvider);
  mounted.unmount();
});

test("Vue's compiler leaves the tags of Callboard alone, and no others", () => {
  expect(['callboard-widget', 'callboard-config', 'router-link', 'CallboardWidget'].map(isCustomElement)).toEqual([true, true, false, false]);
  expect(callboardTemplate.compilerOptions.isCustomElement).toBe(isCustomElement);
});
