import { beforeEach, describe, expect, test, vi } from 'vitest';
import { define } from '../src/define';
import { find, read } from '../src/docs-search';
import { choose, files, MOST, requestOf, TooLarge } from '../src/docs-form';
import { HOST, html, json, next, page, press, put, settled } from './page';

define();
const of = page();

beforeEach(() => {
  Element.prototype.scrollIntoView = () => {};
  vi.stubGlobal('scrollTo', () => {});
});

describe('the reader of a document', () => {
  const base = '/api/api-docs/v1/entities/api/default/shop';
  const index =
    `<div class="cb-docs" data-cb-docs="index"><h2>Shop</h2><form class="cb-docs-search" data-cb-search action="${base}"><input name="q"></form>` +
    `<details class="cb-docs-group" open><ul class="cb-docs-list"><li><a data-cb-operation="placeOrder" href="${base}/operations/placeOrder">POST /orders</a></li><li><a data-cb-operation="a/b" href="${base}/operations/a%2Fb">GET /b</a></li></ul></details></div>`;
  const operation = `<div class="cb-docs" data-cb-docs="operation"><nav class="cb-docs-way"><a data-cb-index="1" href="${base}">Shop</a></nav><h2>Place an order</h2><p><a data-cb-schema="components.schemas.Order" href="${base}/schemas/x">Order</a></p><pre aria-label="curl"><code>curl x</code></pre></div>`;

  async function shown(attributes = '') {
    of.host.on(base, () => html(index)).on(base + '/operations/placeOrder', () => html(operation)).on(base + '/schemas/components.schemas.Order', () => html('<div class="cb-docs"><nav class="cb-docs-way"></nav><h2>Order</h2></div>'));
    const element = put<HTMLElement & { root: ShadowRoot; body: HTMLElement }>(`<callboard-api-docs base="${HOST}" entity="Shop" lang="en" ${attributes}></callboard-api-docs>`.replace('Shop', 'shop'));
    await next(element, 'ready');
    return element;
  }
  const click = (element: { root: ShadowRoot }, selector: string) => element.root.querySelector(selector)!.dispatchEvent(new MouseEvent('click', { bubbles: true, composed: true, cancelable: true }));

  test('opens an operation in place, and comes back to where one was', async () => {
    const element = await shown();
    expect(of.host.to(base)[0]!.url.search).toBe('?view=fragment&level=2');
    click(element, '[data-cb-operation=placeOrder]');
    await next(element, 'ready');
    expect(element.root.activeElement?.textContent).toBe('Place an order');
    press(element.root.activeElement!, 'Escape');
    await next(element, 'ready');
    expect(element.root.activeElement?.textContent).toBe('POST /orders');
    expect(of.host.to(base)).toHaveLength(1); // it was kept
  });

  test('unfolds a schema below the link, and folds it again', async () => {
    const element = await shown();
    click(element, '[data-cb-operation=placeOrder]');
    await next(element, 'ready');
    const link = element.root.querySelector('[data-cb-schema]')!;
    click(element, '[data-cb-schema]');
    await vi.waitFor(() => expect(link.getAttribute('aria-expanded')).toBe('true'));
    expect(element.body.textContent).toContain('Order');
    expect(element.root.querySelector('[data-cb-unfolded] h2')).not.toBeNull();
    click(element, '[data-cb-schema]');
    await vi.waitFor(() => expect(link.getAttribute('aria-expanded')).toBe('false'));
  });

  test('goes through operations with j and k, and to the search with /', async () => {
    const element = await shown();
    const labels: (string | undefined | null)[] = [];
    for (const key of ['j', 'j', 'k']) {
      press(element.root.activeElement ?? element, key);
      labels.push(element.root.activeElement?.textContent);
    }
    expect(labels).toEqual(['POST /orders', 'GET /b', 'POST /orders']);
    press(element.root.activeElement!, '/');
    expect(element.root.activeElement?.localName).toBe('input');
    expect(press(element.root.activeElement!, 'j')).toBe(true); // letters that are typed are typed
  });

  test('searches as one types, in the whole document', async () => {
    of.host.on(base + '/search.json', () => json({ version: 1, complete: true, groups: ['orders'], operations: [[0, 'placeOrder', 'POST', 0, '/orders', 'Place an order', 0], [0, 'cancelOrder', 'DELETE', 7, '/{id}', 'Cancel an order', 0]] }));
    const element = await shown();
    const input = element.root.querySelector('input')!;
    for (const text of ['c', 'cancel']) {
      input.value = text;
      input.dispatchEvent(new Event('input', { bubbles: true }));
    }
    await vi.waitFor(() => expect(element.root.querySelectorAll('form + ul li')).toHaveLength(1));
    expect(element.root.querySelector('form + ul')!.textContent).toContain('DELETE /orders/{id}');
    expect(element.root.querySelector<HTMLElement>('.cb-docs-group')!.hidden).toBe(true);
    expect(of.host.to(base + '/search.json')).toHaveLength(1);
  });

  test('goes from page to page of an entity\'s documentation', async () => {
    const site = '/api/api-docs/v1/docs/component/default/shop/';
    of.host
      .on(site, () => html(`<div class="cb-docs"><h2>Shop</h2><a data-cb-doc="guide/start" href="${site}guide/start">Start</a></div>`))
      .on(site + 'guide/start', () => html('<div class="cb-docs"><h2>Start</h2></div>'));
    const element = put<HTMLElement & { root: ShadowRoot; body: HTMLElement }>(`<callboard-docs base="${HOST}" entity="component:default/shop" lang="en"></callboard-docs>`);
    await next(element, 'ready');
    click(element, '[data-cb-doc]');
    await next(element, 'ready');
    expect(element.body.querySelector('h2')?.textContent).toBe('Start');
    expect(element.dataset.status).toBe('ok');
  });

  test('follows the address of a page that is about the document', async () => {
    location.hash = '#operation/placeOrder';
    const element = await shown('linked');
    expect(element.body.textContent).toContain('Place an order');
    click(element, '[data-cb-index]');
    await next(element, 'ready');
    expect(location.hash).toBe('');
    click(element, '[data-cb-operation=placeOrder]');
    await next(element, 'ready');
    expect(location.hash).toBe('#operation/placeOrder');
    location.hash = '';
  });

  test('says what the host says when there is nothing to read', async () => {
    of.host.on(base, () => json({ error: { message: 'There is no entity api:default/shop' } }, 404));
    const element = put<HTMLElement & { body: HTMLElement }>(`<callboard-api-docs base="${HOST}" entity="api:default/shop"></callboard-api-docs>`);
    expect(await next(element, 'error')).toMatchObject({ code: 'document', status: 404 });
    expect(element.body.querySelector('[role=alert]')!.textContent).toBe('There is no entity api:default/shop');
  });

  test('copies what is in a block of code', async () => {
    const written = vi.fn(async () => {});
    Object.defineProperty(navigator, 'clipboard', { value: { writeText: written }, configurable: true });
    const element = await shown();
    click(element, '[data-cb-operation=placeOrder]');
    await next(element, 'ready');
    click(element, '[data-cb-copy]');
    await settled();
    expect(written).toHaveBeenCalledWith('curl x');
  });
});

describe('the index of a search', () => {
  test('is read row by row, each after the one before', () => {
    const entries = read({ groups: ['a', 'b'], operations: [[0, 'getPet', 'GET', 0, '/pets/{id}', 'A pet', 0], [3, 'Owner', 'GET', 6, '{id}/owner', '', 1], [0, 'schemas.Pet', 'type', 0, 'Pet', '', 1]] });
    expect(entries.map(e => [e.place.kind, e.place.id, e.path, e.group])).toEqual([
      ['operation', 'getPet', '/pets/{id}', 'a'], ['operation', 'getOwner', '/pets/{id}/owner', 'b'], ['schema', 'schemas.Pet', 'Pet', 'b'],
    ]);
  });

  test.each([[null], [{}], [{ operations: 1 }], [{ operations: [null] }], [{ operations: [[0]] }], ['x']])('%j has nothing in it', index => expect(read(index)).toEqual([]));

  test('finds what holds every word, and first what begins with them', () => {
    const entries = read({ groups: [], operations: [[0, 'a', 'GET', 0, '/x/orders', 'List orders', 0], [0, 'b', 'GET', 0, 'orders', '', 0], [0, 'c', 'POST', 0, '/pets', 'Orders', 0]] });
    expect(find(entries, 'ORDERS').map(e => e.place.id)).toEqual(['b', 'c', 'a']);
    expect(find(entries, 'get orders list').map(e => e.place.id)).toEqual(['a']);
    expect(find(entries, '  ')).toEqual([]);
  });
});

describe('trying an operation', () => {
  const form =
    '<form data-cb-try="/api/api-docs/v1/entities/api/default/shop/operations/x/try" data-cb-verb="DELETE"><select name="server"><option value="https://a.test">a</option><option value="https://b.test">b</option></select>' +
    '<select name="credential"><option value="">None</option><option value="k" data-cb-server="https://b.test">key</option></select>' +
    '<input data-cb-in="path" data-cb-name="id" required value="1"><input data-cb-in="query" data-cb-name="__proto__" value="p"><input data-cb-in="query" data-cb-name="empty" value=""><input data-cb-in="elsewhere" data-cb-name="x" value="y">' +
    '<select name="contentType"><option>application/json</option></select><textarea name="body">{}</textarea><button type="submit" disabled data-cb-try-send>Send</button><div data-cb-try-confirm hidden></div><div data-cb-try-answer tabindex="-1"></div></form>';
  const base = '/api/api-docs/v1/entities/api/default/shop';
  const request = { server: 'https://a.test', params: { path: { id: '1' }, query: JSON.parse('{"__proto__":"p"}'), header: {}, cookie: {} }, body: '{}', contentType: 'application/json' };

  test('sends what the form says, and leaves out what is empty', async () => {
    const holder = document.createElement('div');
    holder.innerHTML = form;
    expect(JSON.stringify(await requestOf(holder.firstElementChild!))).toBe(JSON.stringify({ server: request.server, params: request.params, body: '{}', contentType: 'application/json' }));
  });

  const upload =
    '<form data-cb-try="/try"><select name="server"><option>https://a.test</option></select><input data-cb-in="cookie" data-cb-name="locale" value="de">' +
    '<select name="contentType"><option>multipart/form-data</option><option>application/x-www-form-urlencoded</option><option>text/plain</option></select>' +
    '<fieldset data-cb-form="multipart/form-data"><input type="text" data-cb-part="photo" data-cb-file="1" data-cb-each="1" data-cb-type="image/png"><input data-cb-part="title" value="A">' +
    '<input data-cb-part="empty"><textarea data-cb-part="tags" data-cb-each="1">x\n\ny</textarea><textarea data-cb-part="meta" data-cb-type="application/json">{}</textarea></fieldset>' +
    '<fieldset hidden disabled data-cb-form="application/x-www-form-urlencoded"><input data-cb-part="title" value="B"></fieldset>' +
    '<div hidden data-cb-raw="1"><textarea name="body">raw</textarea></div></form>';

  function uploadForm(photos: Partial<File>[] = []) {
    const holder = document.createElement('div');
    holder.innerHTML = upload;
    const form = holder.firstElementChild as HTMLFormElement;
    files(form);
    Object.defineProperty(form.querySelector('[data-cb-file]')!, 'files', { value: photos });
    return form;
  }

  test('sends the fields of a form, and its files', async () => {
    const form = uploadForm([new File([new Uint8Array([0, 255])], 'a"b.png', { type: 'image/png' }), new File(['x'], 'plain')]);
    const photo = form.querySelector<HTMLInputElement>('[data-cb-file]')!;
    expect([photo.type, photo.multiple, photo.accept]).toEqual(['file', true, 'image/png']);
    const { parts, contentType, body, params } = await requestOf(form);
    expect(JSON.parse(JSON.stringify(parts))).toEqual([
      { name: 'photo', filename: 'a"b.png', contentType: 'image/png', base64: 'AP8=' }, { name: 'photo', filename: 'plain', base64: 'eA==' }, { name: 'title', text: 'A' },
      { name: 'tags', text: 'x' }, { name: 'tags', text: 'y' }, { name: 'meta', text: '{}', contentType: 'application/json' },
    ]);
    expect([contentType, body, params.cookie]).toEqual(['multipart/form-data', undefined, { locale: 'de' }]);
  });

  test('shows what the chosen type of content is entered with', async () => {
    const form = uploadForm();
    for (const [type, sent] of [['application/x-www-form-urlencoded', [{ name: 'title', text: 'B' }]], ['text/plain', 'raw']] as const) {
      form.querySelector<HTMLSelectElement>('[name=contentType]')!.value = type;
      choose(form);
      expect([...form.querySelectorAll<HTMLFieldSetElement>('fieldset')].map(f => [f.hidden, f.disabled])).toEqual([[true, true], [sent === 'raw', sent === 'raw']]);
      expect(form.querySelector<HTMLElement>('[data-cb-raw]')!.hidden).toBe(sent !== 'raw');
      const { parts, body } = await requestOf(form);
      expect(JSON.parse(JSON.stringify(parts ?? body))).toEqual(sent);
    }
  });

  test('reads no file that is larger than what can be sent', async () => {
    await expect(requestOf(uploadForm([{ size: MOST + 1, name: 'large' }]))).rejects.toThrow(TooLarge);
  });

  async function shown() {
    of.host.on(base, () => html(`<div class="cb-docs"><h2>x</h2>${form}</div>`));
    const element = put<HTMLElement & { root: ShadowRoot; body: HTMLElement }>(`<callboard-api-docs base="${HOST}" entity="api:default/shop" lang="en"></callboard-api-docs>`);
    await next(element, 'ready');
    return element;
  }
  const send = (element: { root: ShadowRoot }) => element.root.querySelector('form')!.dispatchEvent(new SubmitEvent('submit', { bubbles: true, cancelable: true }));

  test('shows what the API answers as text', async () => {
    of.host.on(/try$/, () => json({ status: 201, method: 'POST', url: 'https://a.test/x', tookMs: 4, headers: { 'content-type': 'text/html' }, body: '<img src=x onerror=canary()>', encoding: 'text', notes: ['n'] }));
    const element = await shown();
    expect(element.root.querySelector('button')!.disabled).toBe(false);
    send(element);
    const answer = element.root.querySelector('[data-cb-try-answer]')!;
    await vi.waitFor(() => expect(answer.textContent).toContain('201'));
    expect(answer.textContent).toContain('<img src=x onerror=canary()>');
    expect(answer.querySelector('img')).toBeNull();
  });

  test('what changes something is sent when a person has seen it, and as they saw it', async () => {
    of.host.on(/try$/, got => ((got.body as { confirm?: string }).confirm === 't' ? json({ status: 204, body: '' }) : json({ error: {}, confirm: { token: 't', summary: { method: 'DELETE', url: 'https://a.test/x' } } }, 409)));
    const element = await shown();
    send(element);
    const box = element.root.querySelector<HTMLElement>('[data-cb-try-confirm]')!;
    await vi.waitFor(() => expect(box.hidden).toBe(false));
    expect(box.textContent).toContain('https://a.test/x');
    expect(element.root.activeElement?.textContent).toBe('Cancel');
    const posts = () => of.host.got.filter(g => g.method === 'POST');
    expect(posts()).toHaveLength(1);
    box.querySelector('button')!.click();
    await vi.waitFor(() => expect(posts()).toHaveLength(2));
    expect(posts()[1]!.body).toEqual({ ...(posts()[0]!.body as object), confirm: 't' });
  });

  test('a changed request takes the consent back', async () => {
    of.host.on(/try$/, () => json({ confirm: { token: 't', summary: {} } }, 409));
    const element = await shown();
    send(element);
    const box = element.root.querySelector<HTMLElement>('[data-cb-try-confirm]')!;
    await vi.waitFor(() => expect(box.hidden).toBe(false));
    element.root.querySelector('textarea')!.dispatchEvent(new Event('input', { bubbles: true }));
    expect(box.hidden).toBe(true);
  });

  test('credentials can be chosen for their own server alone', async () => {
    const element = await shown();
    const [server, credential] = [...element.root.querySelectorAll('select')] as [HTMLSelectElement, HTMLSelectElement];
    expect(credential.options[1]!.disabled).toBe(true);
    server.value = 'https://b.test';
    server.dispatchEvent(new Event('input', { bubbles: true }));
    expect(credential.options[1]!.disabled).toBe(false);
    credential.value = 'k';
    server.value = 'https://a.test';
    server.dispatchEvent(new Event('input', { bubbles: true }));
    expect(credential.value).toBe('');
  });
});
