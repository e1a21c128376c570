// A plugin that answers frames with a text of the corpus wherever a text may stand, and where the host must refuse one. What
// it sends is not checked on this side.
import fs from 'node:fs';
import { Plugin, frame } from './callboard.mjs';

const texts = JSON.parse(fs.readFileSync(new URL('texts.json', import.meta.url), 'utf8'));
const views = ['stat', 'table', 'line', 'area', 'bar', 'stacked', 'donut', 'sparkline', 'heat', 'gauge', 'list', 'status', 'form', 'docs'];
const start = Date.UTC(2026, 0, 1);

const plugin = new Plugin({
  id: 'hostile-frames',
  version: '0.1.0',
  title: '<img src=x onerror=canary()>',
  description: '"><script>canary()</script> [x](javascript:canary())',
  license: 'Apache-2.0',
});

// Which text is asked for is in the range of time, since arguments need a schema: its length is an hour and n minutes, and a
// thousand minutes more for each kind of frame that is forbidden.
const asked = ({ fromMs, toMs }) => {
  const minutes = Math.round((Number(toMs) - Number(fromMs)) / 60_000) - 60;
  return { text: texts[minutes % 1000] ?? texts[0], kind: Math.floor(minutes / 1000) };
};

const short = (text, most = 90) => Buffer.from(text).subarray(0, most).toString('utf8').replace(/\uFFFD/g, '');
const path = encodeURIComponent;

/** Valid: the text is a name, a label, a unit, an option, a value, a part of an address. */
function valid(text) {
  const s = short(text);
  const columns = [
    { name: 't', label: s, type: 'string', values: [text, `${text}2`, text], links: [`https://example.com/?${path(text)}`, '', `https://example.com/#${path(text)}`] },
    { name: 'n', label: s, unit: s, type: 'number', values: [3, 90, 1], thresholds: [{ from: 0, status: 'ok' }, { from: 80, status: 'warn' }] },
    { name: 'm', label: `2${s}`, unit: 'USD', type: 'number', values: [1, 2, 3] },
    { name: 'e', label: `3${s}`, type: 'enum', options: [s, 'ok'], values: [s, 'ok', s] },
    { name: 'u', label: `4${s}`, type: 'url', values: [`https://example.com/${path(text)}`, `http://example.com/?q=${path(text)}`, 'https://example.com'] },
    { name: 'b', label: `5${s}`, type: 'bool', values: [true, false, true] },
  ];
  return frame(s, ...columns);
}

/** The same over time, so that lines and areas have an axis. */
const timed = text => {
  const f = valid(text);
  f.columns.unshift({ name: 'at', label: short(text), type: 'time', values: [start, start + 3_600_000, start + 7_200_000] });
  f.columns.splice(1, 1);
  return f;
};

/** Not valid: addresses, refs, options, states and types that are texts of the corpus as they are. */
const forbidden = [
  text => frame('links', { name: 'a', type: 'string', values: ['x'], links: [text] }),
  text => frame('urls', { name: 'a', type: 'url', values: [text] }),
  text => frame('refs', { name: 'a', type: 'entityRef', values: [text] }),
  text => frame('names', { name: text, type: 'string', values: [text] }),
  text => frame('options', { name: 'a', type: 'enum', options: ['ok'], values: [text] }),
  text => frame('types', { name: 'a', type: text, values: [text] }),
  text => frame('states', { name: 'a', type: 'number', values: [1], thresholds: [{ from: 0, status: text }] }),
  text => frame(text.repeat(8), { name: text.repeat(8), type: 'string', values: [1] }),
  text => ({ [text]: text, name: { [text]: text }, columns: text }),
];

const overTime = new Set(['line', 'area', 'sparkline', 'heat', 'bar', 'stacked']);
for (const view of views) {
  plugin.widget(
    view,
    query => {
      const { text, kind } = asked(query);
      if (forbidden[kind - 1]) return forbidden[kind - 1](text);
      if (view === 'docs') return frame('text', { name: 'text', type: 'string', values: [text] });
      if (view === 'gauge') return frame(short(text), ...valid(text).columns.slice(1));
      return overTime.has(view) ? timed(text) : valid(text);
    },
    { title: `"><img src=x onerror=canary()> ${view}`, view, appliesTo: 'annotation:example.com/hostile' },
  );
}

await plugin.serve();
