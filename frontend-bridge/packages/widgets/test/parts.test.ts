import { beforeEach, describe, expect, test, vi } from 'vitest';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { define } from '../src/define';
import { tokenNames } from '../src/theme';
import type { CallboardWidget } from '../src/widget';
import { HOST, figure, html, json, next, page, press, put, settled } from './page';

define();
const of = page();

beforeEach(() => {
  Element.prototype.scrollIntoView = () => {};
  vi.stubGlobal('scrollTo', () => {});
});

describe('the cursor of a chart', () => {
  const days = ['2026-11-01', '2026-11-02', '2026-11-03', '2026-11-04'];
  const chart =
    '<svg viewBox="0 0 400 200" role="img" data-plot="40 8 388 178" data-xs="40 NaN 272 388"><title>Cost</title></svg>' +
    `<table><thead><tr><th>Day</th><th>EUR</th></tr></thead><tbody>${days.map((d, i) => `<tr><th><time datetime="${d}T00:00:00Z">${d}</time></th><td>${i * 10}</td></tr>`).join('')}</tbody></table>`;

  async function shown(content = chart) {
    of.host.on(/render/, () => html(figure('', 'ok', content)));
    const element = put<CallboardWidget>(`<callboard-widget base="${HOST}" name="cost/trend" range="30d"></callboard-widget>`);
    await next(element, 'ready');
    const svg = element.body.querySelector('svg')!;
    await vi.waitFor(() => expect(svg.getAttribute('tabindex')).toBe('0'));
    return { element, svg, live: () => element.body.querySelector('[aria-live]')!.textContent };
  }

  test('says by keyboard what the table says, and leaves out rows without a place', async () => {
    const { svg, live } = await shown();
    const said = [];
    for (const key of ['ArrowRight', 'ArrowRight', 'ArrowRight', 'ArrowRight', 'Home', 'End']) {
      press(svg, key);
      said.push(live());
    }
    expect(said).toEqual(['2026-11-01, EUR: 0', '2026-11-03, EUR: 20', '2026-11-04, EUR: 30', '2026-11-04, EUR: 30', '2026-11-01, EUR: 0', '2026-11-04, EUR: 30']);
    press(svg, 'Escape');
    expect(live()).toBe('');
  });

  test('leaves other keys to the page', async () => {
    const { svg } = await shown();
    expect(press(svg, 'Tab')).toBe(true);
    expect(press(svg, 'Enter')).toBe(true);
    expect(press(svg, 'ArrowRight')).toBe(false);
  });

  test('chooses a range by keyboard, which the widget then shows instead of its own', async () => {
    const { element, svg } = await shown();
    press(svg, 'Home');
    press(svg, 'ArrowRight', { shiftKey: true });
    const told = next(element, 'range');
    press(svg, 'Enter');
    expect(await told).toEqual({ from: days[0] + 'T00:00:00Z', to: days[2] + 'T00:00:00Z' });
    await next(element, 'ready');
    const asked = Object.fromEntries(of.host.got.at(-1)!.url.searchParams);
    expect(asked).toMatchObject({ from: days[0] + 'T00:00:00Z', to: days[2] + 'T00:00:00Z' });
    expect(asked.range).toBeUndefined();
    press(svg, 'Escape'); // once for the cursor
    press(svg, 'Escape'); // once for the range
    await next(element, 'ready');
    expect(of.host.got.at(-1)!.url.searchParams.get('range')).toBe('30d');
  });

  test('a page may do something else with a range', async () => {
    const { element, svg } = await shown();
    element.addEventListener('callboard-range', event => event.preventDefault());
    const asked = of.host.got.length;
    press(svg, 'Home');
    press(svg, 'End', { shiftKey: true });
    press(svg, 'Enter');
    await settled();
    expect(of.host.got).toHaveLength(asked);
  });

  test.each([
    ['no places', chart.replace(/data-xs="[^"]*"/, 'data-xs=""')],
    ['places that are no numbers', chart.replace(/data-xs="[^"]*"/, 'data-xs="a b c d"')],
    ['an area that is none', chart.replace(/data-plot="[^"]*"/, 'data-plot="1 2"')],
    ['no table', chart.replace(/<table>.*/, '')],
  ])('is left away from a picture with %s', async (_, content) => {
    of.host.on(/render/, () => html(figure('', 'ok', content)));
    const element = put<CallboardWidget>(`<callboard-widget base="${HOST}" name="cost/trend"></callboard-widget>`);
    await next(element, 'ready');
    await settled();
    expect(element.body.querySelector('svg')!.hasAttribute('tabindex')).toBe(false);
  });

  test('is taken away with the picture', async () => {
    const { element, svg } = await shown();
    element.remove();
    expect(svg.querySelector('line')).toBeNull();
    expect(element.body.querySelector('[aria-live]')).toBeNull();
  });
});

describe('a form', () => {
  const form = '<form method="post" action="/api/widgets/v1/forms/gateway/request"><input type="hidden" name="key" value="k1"><input name="attributes" value="x"><input name="args.reason" id="f-1" value="why"><button name="go" value="1">Send</button></form>';

  async function shown(content = form) {
    of.host.on(/render/, () => html(figure('', 'ok', content)));
    const element = put<CallboardWidget>(`<callboard-access-request base="${HOST}" api="api:default/pay" name="gateway/request" lang="en"></callboard-access-request>`);
    await next(element, 'ready');
    await import('../src/form');
    await settled();
    return element;
  }
  const submit = (element: CallboardWidget) => {
    const at = element.body.querySelector('form')!;
    const event = new SubmitEvent('submit', { bubbles: true, cancelable: true, submitter: element.body.querySelector('button') });
    Element.prototype.dispatchEvent.call(at, event);
    return event;
  };

  test('is sent as a browser sends it, with the token, and its answer takes its place', async () => {
    of.host.on('/api/widgets/v1/forms/gateway/request', () => html('<figure class="cb-widget" data-status="ok"><div class="cb-outcome" role="status"><p>Done</p><code class="cb-secret">s3cret</code></div></figure>'));
    const element = await shown();
    element.tokenProvider = async () => 'token';
    await next(element, 'ready');
    const told = next(element, 'submit');
    expect(submit(element).defaultPrevented).toBe(true);
    expect(await told).toMatchObject({ id: 'gateway/request', status: 200 });
    const [got] = of.host.to('/api/widgets/v1/forms/gateway/request');
    expect(got!.token).toBe('Bearer token');
    expect(Object.fromEntries(new URLSearchParams(got!.body as string))).toMatchObject({ key: 'k1', 'args.reason': 'why', attributes: 'x', go: '1', lang: 'en' });
    expect(element.root.activeElement?.getAttribute('role')).toBe('status');
    expect(element.body.querySelector('.cb-secret + button')?.textContent).toBe('Copy');
  });

  test('that comes back shows what is wrong, and links to the fields', async () => {
    of.host.on(/forms/, () => html(`<figure class="cb-widget" data-status="ok"><div role="alert"><a href="#f-1">Reason: must be filled in</a></div>${form}</figure>`, { status: 400 }));
    const element = await shown();
    const told = next(element, 'submit');
    submit(element);
    expect(await told).toMatchObject({ status: 400, message: 'Reason: must be filled in' });
    expect(element.root.activeElement?.getAttribute('role')).toBe('alert');
    element.body.querySelector('a')!.dispatchEvent(new MouseEvent('click', { bubbles: true, composed: true, cancelable: true }));
    expect(element.root.activeElement?.id).toBe('f-1');
    const again = next(element, 'submit');
    submit(element);
    await again;
    expect(of.host.to('/api/widgets/v1/forms/gateway/request')).toHaveLength(2);
  });

  test('is sent once, however often somebody presses', async () => {
    of.host.on(/forms/, () => json({ error: { message: 'busy' } }, 503));
    const element = await shown();
    const told = next(element, 'submit');
    submit(element);
    submit(element);
    expect(await told).toMatchObject({ status: 503, message: 'busy' });
    expect(of.host.to('/api/widgets/v1/forms/gateway/request')).toHaveLength(1);
    expect(element.body.querySelector('[data-cb-problem]')?.textContent).toBe('busy');
    expect(element.body.querySelector<HTMLInputElement>('#f-1')!.value).toBe('why');
  });

  test.each(['https://host.example/api/catalog/x', '/api/widgets/v1/forms/../tokens', '/other'])('to %s is not sent at all', async action => {
    const element = await shown(form.replace('/api/widgets/v1/forms/gateway/request', action));
    expect(submit(element).defaultPrevented).toBe(true);
    expect(of.host.got.filter(g => g.method === 'POST')).toHaveLength(0);
  });

  test('that somebody is filling in is not shown anew', async () => {
    const element = await shown();
    element.body.querySelector<HTMLInputElement>('#f-1')!.value = 'because';
    of.host.on(/render/, () => html(figure('', 'ok', form.replace('k1', 'k2'))));
    element.refresh();
    await settled();
    await settled();
    expect(element.body.querySelector<HTMLInputElement>('#f-1')!.value).toBe('because');
  });
});

describe('what is published', () => {
  const file = (path: string) => readFileSync(resolve(import.meta.dirname, path), 'utf8');

  test('theme.css has every token with the value that the host draws with', () => {
    const drawn = file('../../../../server/internal/widget/draw/tokens.go');
    const css = file('../src/theme.css');
    for (const name of tokenNames) {
      const [, light, dark] = new RegExp(`\\{"${name}", (?:"([^"]*)"|\`[^\`]*\`), "([^"]*)"\\}`).exec(drawn) ?? [];
      const value = new RegExp(`--callboard-${name}: ([^;]+);`).exec(css)?.[1];
      expect([name, value]).toEqual([name, expect.any(String)]);
      if (light !== undefined && !name.startsWith('font')) expect([name, value]).toEqual([name, dark ? `light-dark(${light}, ${dark})` : light]);
    }
  });

  test('custom-elements.json tells all attributes of all elements', () => {
    const manifest = JSON.parse(file('../custom-elements.json')) as { modules: { declarations: { tagName: string; attributes: { name: string }[] }[] }[] };
    const told = manifest.modules.flatMap(m => m.declarations);
    const tags = ['callboard-config', 'callboard-widget', 'callboard-badge', 'callboard-api-docs', 'callboard-docs', 'callboard-access-request'];
    expect(told.map(d => d.tagName).sort()).toEqual([...tags].sort());
    for (const { tagName, attributes } of told) {
      const observed = (customElements.get(tagName) as unknown as { observedAttributes: string[] }).observedAttributes;
      expect([tagName, attributes.map(a => a.name)]).toEqual([tagName, expect.arrayContaining(observed)]);
    }
  });
});
