// Records into ../testdata/node.jsonl what the packages themselves, in Node and as they were released, answer to these files
// and schemas. The bundle must answer the same in QuickJS.
import { writeFile } from 'node:fs/promises';
import jsonschema from 'jsonschema';
import { createTemplateRenderer } from 'nunjitsu';

const values = { name: 'tug', n: 5, list: [3, 1, 2], none: null, html: '<a href="x">', long: 'one two three four', o: { b: 1, a: [true] } };
const file = (text, options = {}) => ({ file: text, options, variables: { values } });
const schema = (document, ...instances) => instances.map((instance) => ({ schema: document, instance }));

const every = [{}, { trimBlocks: true }, { lstripBlocks: true }, { trimBlocks: true, lstripBlocks: true }, { cookiecutterCompat: true }];
const texts = [
  'no tag\nat all\n',
  '\n\n  ${{ values.name }}\r\n\t{{ values.name }}\n',
  'a {% if true %}b{% endif %} c\n  {% if true %}\n  d\n  {% endif %}\ne\n',
  'x  {%- if true -%}  y  {%- endif -%}  z',
  'a\n{# a comment\n over lines #}\n  b ${{ values.nosuch.deep }}',
  '{% raw %}${{ x }} {% if %}{% endraw %}\n{% for i in values.list %}  ${{ loop.index }}=${{ i }}\n{% endfor %}',
  '   \n \u00a0{% set x = 1 %}\n${{ x }}',
  'üß⚓\n𝒳 ${{ values.name | nosuch }}',
  '1\n2\n  3 ${{ values.name( }}',
  'a\r\nb\r\n {% nosuch %}',
  'a #} b',
  '\n\n{% if true %}\n',
  '  \n\n x ${{ values.n / 0 }} ${{ values.none }} ${{ values.list }} ${{ values.o }}',
  '{% macro m(a, b=2) %}[${{ a }}-${{ b }}]{% endmacro %}${{ m(1) }}\n${{ m(1, b=3) }}',
  '${{ values.long | title }} ${{ values.long | truncate(9) }} ${{ values.html | escape }} ${{ values.o | dump }}',
  '{% switch values.n %}{% case 5 %}five{% default %}other{% endswitch %}',
];

const ref = { $ref: '#/$defs/name' };
const checked = [
  ...schema({ type: 'object', required: ['a', 'b'], properties: { a: { type: 'string' } } }, {}, { a: 1, b: 2 }, { a: 'x', b: null }, []),
  ...schema({ properties: { a: ref, b: { items: ref } }, $defs: { name: { type: 'string', maxLength: 3 } } }, { a: 'long', b: ['x', 5] }),
  ...schema({ $id: 'http://a.test/root.json', properties: { a: { $ref: 'part.json' } }, definitions: { p: { $id: 'part.json', type: 'null' } } }, { a: 1 }),
  ...schema({ $id: 'http://a.test/root.json', properties: { a: { $ref: '#/$defs/p' } }, $defs: { p: { type: 'null' } } }, { a: 1 }),
  ...schema({ $ref: '#/definitions/node', definitions: { node: { required: ['v'], properties: { next: { $ref: '#/definitions/node' } } } } }, { v: 1, next: { next: { v: 1 } } }),
  ...schema({ properties: { 'a/b': { $ref: '#/$defs/x~1y' } }, $defs: { 'x/y': { type: 'number' } } }, { 'a/b': 'z' }),
  ...schema({ $ref: '#/$defs/nosuch' }, 1),
  ...schema({ $ref: 'http://a.test/nosuch.json' }, 1),
  ...schema({ $ref: 'other.json#/a' }, 1),
  ...schema({ $id: 'urn:ship', properties: { a: { $ref: '#/$defs/p' } }, $defs: { p: { type: 'null' } } }, { a: 1 }),
  ...schema({ anyOf: [{ type: 'string' }, { type: 'number', minimum: 3 }] }, 1, 4, null),
  ...schema({ oneOf: [{ type: 'number' }, { minimum: 3 }] }, 4, 1, 'x'),
  ...schema({ allOf: [{ minimum: 3 }, { maximum: 1 }] }, 2),
  ...schema({ not: { type: 'string' } }, 'a'),
  ...schema({ if: { properties: { a: { const: 1 } } }, then: { required: ['b'] }, else: { required: ['c'] } }, { a: 1 }, { a: 2 }),
  ...schema({ dependencies: { a: ['b'], c: { required: ['d'] }, e: 'f' } }, { a: 1, c: 1, e: 1 }),
  ...schema({ items: [{ type: 'string' }, { type: 'number' }], additionalItems: false }, ['a', 1, 2], [1, 'a']),
  ...schema({ items: { enum: ['a', { b: 1 }] }, minItems: 1, maxItems: 2, uniqueItems: true }, [], ['a', 'a'], [{ b: 1 }, 'c', 'd']),
  ...schema({ contains: { type: 'string' } }, [1], ['a']),
  ...schema({ patternProperties: { '^x-': { type: 'string' } }, additionalProperties: false, minProperties: 1, maxProperties: 2 }, {}, { 'x-a': 1, y: 2, z: 3 }),
  ...schema({ additionalProperties: { type: 'number' }, propertyNames: { pattern: '^[a-z]+$' } }, { A: 'x', b: 1 }),
  ...schema({ minimum: 1, maximum: 3, exclusiveMinimum: true, multipleOf: 0.1 }, 1, 2.05, 4),
  ...schema({ exclusiveMinimum: 1, exclusiveMaximum: 3 }, 1, 3),
  ...schema({ minLength: 2, maxLength: 3, pattern: '^\\p{L}+$' }, '', 'ü⚓', '𝒳𝒳', 'abcd'),
  ...schema({ const: { a: [1] } }, { a: [1] }, { a: [2] }),
  ...schema({ type: ['string', 'null'] }, 1, null),
  ...schema({ type: [{ type: 'string' }, 'integer'] }, 1.5),
  ...schema({ disallow: 'string', divisibleBy: 2 }, 'a', 3),
  ...schema({ extends: { required: ['a'] }, properties: { a: { type: 'string', required: true } } }, {}, { a: 1 }),
  ...['date-time', 'date', 'time', 'email', 'hostname', 'ipv4', 'ipv6', 'uri', 'uri-reference', 'uuid', 'json-pointer', 'regex', 'color', 'phone', 'nosuch'].flatMap(
    (format) => schema({ format }, '2026-02-30', 'a@b.test', 'a.test', '127.0.0.1', '::1', 'http://a.test/ü', '#fff', '('),
  ),
];

function answer(work) {
  try {
    return { gives: work() };
  } catch (error) {
    return { error: `${error.name}: ${error.message}` };
  }
}

const cases = [
  ...texts.flatMap((text) => every.map((options) => file(text, options))).map((input) => {
    const variables = input.options.cookiecutterCompat ? { cookiecutter: values, values } : input.variables;
    const renderer = createTemplateRenderer({ allowRegexExecution: true, ...input.options });
    return { ...input, variables, ...answer(() => renderer.render(input.file, variables)) };
  }),
  ...checked.map((input) => ({ ...input, ...answer(() => jsonschema.validate(input.instance, input.schema).errors) })),
];
await writeFile(new URL('../testdata/node.jsonl', import.meta.url), cases.map((line) => `${JSON.stringify(line)}\n`).join(''));
