// @vitest-environment node
import { expect, test } from 'vitest';
import { bySize, select } from '../src/select.js';

const widget = (id: string, view = 'line') => ({ id, view, title: id, appliesTo: '*' });
const ids = (widgets: Array<{ id: string }>) => widgets.map(({ id }) => id);
const all = [widget('cost/over-time'), widget('gateway/latency'), widget('gateway/access', 'form'), widget('cost/budget', 'stat')];
const own = [widget('catalog/about'), widget('api-docs/reference')];

test.each([
  ['everything that the app does not show itself, as the host lists it', {}, ['cost/over-time', 'gateway/latency', 'gateway/access', 'cost/budget']],
  ['a plugin', { include: ['cost/*'] }, ['cost/over-time', 'cost/budget']],
  ['in the order of the patterns, each once', { include: ['*/latency', 'cost/budget', '*'] }, ['gateway/latency', 'cost/budget', 'cost/over-time', 'gateway/access']],
  ['without some', { exclude: ['gateway/*', 'cost/budget', 'api-docs/*'] }, ['catalog/about', 'cost/over-time']],
  ['nothing', { include: [] }, []],
  ['where a dot is a dot', { include: ['cost.*', 'cost/b.dget'] }, []],
])('a selection has %s', (_, selection, expected) => {
  expect(ids(select([...own, ...all], selection))).toEqual(expected);
});

test('forms are neither small nor large', () => {
  const { small, large } = bySize(all);
  expect([ids(small), ids(large)]).toEqual([['cost/budget'], ['cost/over-time', 'gateway/latency']]);
});
