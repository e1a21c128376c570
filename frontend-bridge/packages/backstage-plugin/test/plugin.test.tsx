// Everything that needs Backstage is in this one file: to import it takes longer than all tests.
import { discoveryApiRef, fetchApiRef } from '@backstage/frontend-plugin-api';
import { createExtensionTester, renderInTestApp } from '@backstage/frontend-test-utils';
import { renderInTestApp as renderInLegacyApp, TestApiProvider } from '@backstage/test-utils';
import { catalogApiRef, EntityProvider } from '@backstage/plugin-catalog-react';
import { EntityCardBlueprint } from '@backstage/plugin-catalog-react/alpha';
import { cleanup, configure, fireEvent, screen, waitFor } from '@testing-library/react';
import { Suspense, type ReactElement } from 'react';
import { afterEach, expect, test, vi } from 'vitest';
import { patience } from '../../../vitest.patience.js';
import { CallboardClient, callboardApiRef } from '../src/api.js';
import { summaryCard } from '../src/cards.js';
import { referenceContent, usageContent } from '../src/contents.js';
import plugin from '../src/index.js';
import { AccessRequestsContent, callboardPlugin as legacy, EntityWidgetsCard, hasWidgets, isWidgetsAvailable, PluginsContent, UsageContent } from '../src/legacy.js';
import de from '../src/translations/de.js';
import fr from '../src/translations/fr.js';

configure({ asyncUtilTimeout: patience });

const base = 'https://portal.example.com';
const entity = { apiVersion: 'backstage.io/v1alpha1', kind: 'API', metadata: { name: 'timetable' } };
const widget = (id: string, view: string, appliesTo = '*') => ({ id, view, appliesTo, title: id, description: '' });
const widgets = [
  widget('gateway/gateway-requests', 'line'),
  widget('gateway/gateway-access', 'form'),
  widget('cost/cost-budget', 'stat'),
  widget('cost/cost-over-time', 'stacked'),
  widget('cost/cost-unallocated', 'stat', ''),
];

// A host that answers each path with a status and a body, in turn.
function host(...answers: Array<[status: number, body: unknown]>) {
  const asked: string[] = [];
  const fetch = vi.fn(async (input: RequestInfo | URL) => {
    asked.push(String(input).slice(base.length));
    const [status, body] = answers[Math.min(asked.length, answers.length) - 1]!;
    return new Response(JSON.stringify(body), { status });
  });
  const apis = { discoveryApi: { getBaseUrl: async (id: string) => `${base}/api/${id}` }, fetchApi: { fetch } };
  return { asked, apis, client: new CallboardClient(apis) };
}

function show(element: ReactElement, { apis, client }: ReturnType<typeof host>) {
  const page = (
    <EntityProvider entity={entity}>
      <Suspense fallback={null}>{element}</Suspense>
    </EntityProvider>
  );
  return renderInTestApp(page, {
    apis: [
      [discoveryApiRef, apis.discoveryApi],
      [fetchApiRef, apis.fetchApi],
      [callboardApiRef, client],
      [catalogApiRef, { getEntities: async () => ({ items: [entity] }) } as never],
    ],
  });
}

const elements = () => [...document.querySelectorAll<HTMLElement>('callboard-widget')];
const names = () => elements().map(element => element.getAttribute('name'));

afterEach(cleanup);

test('the extensions have the ids that configurations of apps name', () => {
  const ids = ['api:callboard/client', 'summary', 'usage', 'cost', 'errors', 'quality', 'reference', 'usage', 'page:callboard', 'usage', 'access-requests', 'plugins'];
  const kinds = ['', ...Array(5).fill('entity-card:callboard/'), ...Array(2).fill('entity-content:callboard/'), '', ...Array(3).fill('sub-page:callboard/')];
  const expected = ids.map((id, i) => kinds[i] + id);
  expect(plugin.$$type).toBe('@backstage/FrontendPlugin');
  for (const id of expected) expect(plugin.getExtension(id as never), id).toBeDefined();
  expect((plugin as unknown as { extensions: Array<{ id: string }> }).extensions.map(({ id }) => id)).toEqual(expected);
});

test('a card shows what the host has for the entity, numbers first, with the access of the app', async () => {
  const portal = host([200, { widgets }]);
  await show(createExtensionTester(summaryCard).reactElement(), portal);
  await waitFor(() => expect(names()).toEqual(['cost/cost-budget', 'cost/cost-unallocated', 'gateway/gateway-requests', 'cost/cost-over-time']));
  expect(portal.asked).toEqual(['/api/widgets/v1/entities/api/default/timetable']);
  expect(screen.getByRole('heading', { name: 'At a glance', level: 3 })).toBeTruthy();
  for (const element of elements()) {
    expect(element.dataset.fetcher).toBe('function');
    expect(Object.fromEntries(['base', 'entity', 'theme', 'lang'].map(name => [name, element.getAttribute(name)]))).toEqual({
      base,
      entity: 'api:default/timetable',
      theme: 'light',
      lang: 'en',
    });
  }
});

test('an app chooses by its configuration what a card shows, where, and of which entities', async () => {
  const tester = createExtensionTester(summaryCard, { config: { include: ['cost/*'], exclude: ['cost/cost-unallocated'], limit: 0, type: 'info', filter: { kind: 'api' } } });
  expect(tester.get(EntityCardBlueprint.dataRefs.type)).toBe('info');
  const isFor = tester.get(EntityCardBlueprint.dataRefs.filterFunction);
  expect([entity, { ...entity, kind: 'Component' }].map(one => isFor?.(one))).toEqual([true, false]);
  await show(tester.reactElement(), host([200, { widgets }]));
  await waitFor(() => expect(names()).toEqual(['cost/cost-budget']));
  fireEvent.click(screen.getByRole('button', { name: 'Show all 2' }));
  await waitFor(() => expect(names()).toEqual(['cost/cost-budget', 'cost/cost-over-time']));
});

test.each([
  ['may not be read', 404, { error: { name: 'NotFoundError', message: 'no entity named api:default/timetable' } }],
  ['may not be seen by this viewer', 403, { error: { name: 'NotAllowedError', message: 'no' } }],
  ['has nothing', 200, { widgets: [] }],
  ['has forms alone', 200, { widgets: [widget('gateway/gateway-access', 'form')] }],
])('there is no card for an entity that %s', async (_, status, body) => {
  const portal = host([status, body]);
  await show(createExtensionTester(summaryCard).reactElement(), portal);
  await waitFor(() => expect(portal.asked).toHaveLength(1));
  expect(screen.queryByRole('article')).toBeNull();
  expect(screen.queryByRole('alert')).toBeNull();
});

test('a host that fails is told, and asked again', async () => {
  await show(createExtensionTester(summaryCard).reactElement(), host([503, { error: { message: 'plugins are starting' } }], [200, { widgets }]));
  await waitFor(() => expect(screen.getByRole('alert').textContent).toContain('plugins are starting'));
  fireEvent.click(screen.getByRole('button', { name: 'Try again' }));
  await waitFor(() => expect(names()).toHaveLength(4));
});

test('the usage of an entity follows the chosen time, in the elements that are there', async () => {
  await show(createExtensionTester(usageContent).reactElement(), host([200, { widgets }]));
  await waitFor(() => expect(elements().at(0)?.getAttribute('range')).toBe('30d'));
  const before = elements();
  expect(names()).toContain('gateway/gateway-access');
  fireEvent.change(screen.getByLabelText('Time range'), { target: { value: '7d' } });
  await waitFor(() => expect(elements().filter(element => element.getAttribute('range') === '7d')).toHaveLength(4));
  expect(elements()).toEqual(before);
});

test('the page of usage has the widgets that are about no entity', async () => {
  const portal = host([200, { widgets }]);
  await show(createExtensionTester(plugin.getExtension('sub-page:callboard/usage')).reactElement(), portal);
  await waitFor(() => expect(names()).toEqual(['cost/cost-unallocated']));
  expect(portal.asked).toEqual(['/api/widgets/v1/catalog']);
});

test('access is asked for of one API, and keys are shown anew when a form is sent', async () => {
  const access = [widget('gateway/rotate-key', 'form', ''), widget('gateway/gateway-keys', 'table', ''), widget('gateway/request', 'form', 'kind:api'), widget('gateway/latency', 'line', 'kind:api')];
  await show(createExtensionTester(plugin.getExtension('sub-page:callboard/access-requests')).reactElement(), host([200, { widgets: [...widgets.slice(2), ...access] }]));
  await waitFor(() => expect(names()).toEqual(['gateway/gateway-keys', 'gateway/rotate-key']));
  fireEvent.change(screen.getByRole('combobox', { name: 'API' }), { target: { value: 'api:default/timetable' } });
  await waitFor(() => expect(names()).toEqual(['gateway/gateway-keys', 'gateway/rotate-key', 'gateway/request']));
  const [keys, rotate, request] = elements();
  expect(request!.getAttribute('entity')).toBe('api:default/timetable');
  request!.dispatchEvent(new CustomEvent('callboard-submit', { bubbles: true, composed: true }));
  expect([keys, rotate, request].map(element => element!.dataset.refreshed)).toEqual(['1', '1', undefined]);
});

test('links of elements are followed by the router of the app, others by the browser', async () => {
  await show(createExtensionTester(referenceContent).reactElement(), host([200, {}]));
  const docs = await waitFor(() => {
    const element = document.querySelector('callboard-api-docs');
    expect(element?.getAttribute('entity')).toBe('api:default/timetable');
    expect(element?.hasAttribute('linked')).toBe(true);
    return element!;
  });
  const goesTo = (url: string) => !docs.dispatchEvent(new CustomEvent('callboard-navigate', { bubbles: true, composed: true, cancelable: true, detail: { url } }));
  expect(goesTo(`${window.location.origin}/catalog/default/component/booking-service`)).toBe(true);
  for (const url of [`${window.location.origin}/api/techdocs/static/x`, 'https://elsewhere.example/catalog', 'javascript:alert(1)']) expect(goesTo(url), url).toBe(false);
});

test('cards of one page ask once, and again after a failure', async () => {
  const { client, asked } = host([503, {}], [200, { widgets }]);
  const both = await Promise.allSettled([client.widgetsOf('api:default/timetable'), client.widgetsOf('api:default/timetable')]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await client.widgetsOf('api:default/timetable')).toHaveLength(5);
  expect(await client.widgetsOf('api:default/timetable')).toHaveLength(5);
  expect(asked).toHaveLength(2);
  await expect(client.widgetsOf('timetable')).rejects.toThrow('not a full entity ref');
  expect(await client.getBaseUrl()).toBe(base);
});

test.each([
  ['what it has', [200, { widgets }], {}, true],
  ['what the card is to show', [200, { widgets }], { include: ['cost/*'] }, true],
  ['other things alone', [200, { widgets }], { include: ['sentry/*'] }, false],
  ['what the app shows itself', [200, { widgets: [widget('catalog/owner', 'list')] }], {}, false],
  ['forms alone', [200, { widgets: [widget('gateway/gateway-access', 'form')] }], {}, false],
  ['nothing for this viewer', [404, {}], {}, false],
  ['an error, which the card tells', [503, {}], {}, true],
] as const)('apps of the system before place a card for a host that has %s', async (_, answer, selection, there) => {
  const { client } = host([...answer]);
  expect(await hasWidgets(selection)(entity, { apis: { get: () => client } as never })).toBe(there);
});

test('apps of the system before place no card without a host', async () => {
  expect(legacy.getId()).toBe('callboard');
  expect(await isWidgetsAvailable(entity, { apis: { get: () => undefined } })).toBe(false);
});

function showInLegacyApp(element: ReactElement, { client }: ReturnType<typeof host>) {
  return renderInLegacyApp(
    <TestApiProvider
      apis={[
        [callboardApiRef, client],
        [catalogApiRef, { getEntities: async () => ({ items: [entity] }) } as never],
      ]}
    >
      <EntityProvider entity={entity}>{element}</EntityProvider>
    </TestApiProvider>,
  );
}

test('the card works in apps of the system before', async () => {
  await showInLegacyApp(<EntityWidgetsCard include={['cost/*']} />, host([200, { widgets }]));
  await waitFor(() => expect(names()).toEqual(['cost/cost-budget', 'cost/cost-unallocated', 'cost/cost-over-time']));
  expect(screen.getByRole('heading', { name: 'At a glance', level: 3 })).toBeTruthy();
  expect(elements().map(element => element.getAttribute('lang'))).toEqual(['en', 'en', 'en']);
});

test('apps of the system before can make a page of what is about the whole portal', async () => {
  const portal = host([200, { widgets: [...widgets, widget('gateway/gateway-keys', 'table', '')] }]);
  await showInLegacyApp(<UsageContent />, portal);
  await waitFor(() => expect(names()).toEqual(['cost/cost-unallocated']));
  cleanup();
  await showInLegacyApp(<AccessRequestsContent />, portal);
  await waitFor(() => expect(names()).toEqual(['gateway/gateway-keys']));
  expect(await screen.findByRole('combobox', { name: 'API' })).toBeTruthy();
  cleanup();
  await showInLegacyApp(<PluginsContent />, portal);
  await waitFor(() => expect(screen.getAllByRole('rowheader').map(({ textContent }) => textContent)).toEqual(['cost', 'gateway']));
});

test('every text is translated', () => {
  expect(Object.keys(de)).toEqual(Object.keys(fr));
  for (const [key, text] of [...Object.entries(de), ...Object.entries(fr)]) expect(text, key).not.toBe('');
});
