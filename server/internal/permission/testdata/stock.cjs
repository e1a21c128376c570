// Records what the permission routes of a stock Backstage plugin answer, as stock.jsonl beside this file:
//
//	node stock.cjs <folder with node_modules of examples/backstage/node-plugin>
'use strict';
const { join, resolve } = require('node:path');
const { writeFileSync } = require('node:fs');
const load = require('node:module').createRequire(join(resolve(process.argv[2]), 'x.js'));
const express = load('express');
const { z } = load('zod/v3');
const { NotAllowedError, AuthenticationError } = load('@backstage/errors');
const { ConfigReader } = load('@backstage/config');
const { createPermission } = load('@backstage/plugin-permission-common');
const { createPermissionIntegrationRouter } = load('@backstage/plugin-permission-node');
const { MiddlewareFactory } = load('@backstage/backend-defaults/rootHttpRouter');

const boats = { 'boat:a': { colour: 'red', old: true }, 'boat:b': { colour: 'blue', old: false } };
const router = createPermissionIntegrationRouter();
router.addResourceType({
  resourceType: 'boat',
  permissions: [
    createPermission({ name: 'boat.sail', attributes: { action: 'update' }, resourceType: 'boat' }),
    createPermission({ name: 'boat.register', attributes: { action: 'create' } }),
    createPermission({ name: 'boat.look', attributes: {}, resourceType: 'boat' }),
  ],
  rules: [
    {
      name: 'HAS_COLOUR', description: 'Boats of a colour', resourceType: 'boat',
      paramsSchema: z.object({ colour: z.string().describe('The colour') }),
      apply: (boat, { colour }) => boat.colour === colour,
    },
    { name: 'IS_OLD', description: 'Old boats', resourceType: 'boat', apply: boat => boat.old },
  ],
  getResources: async refs => refs.map(ref => boats[ref]),
});
router.addResourceType({
  resourceType: 'pier', permissions: [createPermission({ name: 'pier.use', attributes: {}, resourceType: 'pier' })], rules: [],
});

const metadata = '/.well-known/backstage/permissions/metadata';
const apply = '/.well-known/backstage/permissions/apply-conditions';
const app = express();
app.use((req, _res, next) => next(req.headers['x-as'] ? undefined : new AuthenticationError('Missing credentials')));
app.use(apply, (req, _res, next) => next(req.headers['x-as'] === 'user' ? new NotAllowedError() : undefined)); // the registry service
app.use(router);
const silent = { error() {}, warn() {}, info() {}, debug() {}, child: () => silent };
const middleware = MiddlewareFactory.create({ config: new ConfigReader({}), logger: silent });
app.use(middleware.notFound());
app.use(middleware.error());

const red = { rule: 'HAS_COLOUR', resourceType: 'boat', params: { colour: 'red' } };
const blue = { rule: 'HAS_COLOUR', resourceType: 'boat', params: { colour: 'blue' } };
const old = { rule: 'IS_OLD', resourceType: 'boat' };
const unknown = { rule: 'NO_RULE', resourceType: 'boat', params: {} };
const item = (resourceRef, conditions, resourceType = 'boat', id = '1') => ({ id, resourceRef, resourceType, conditions });
const items = (...all) => ({ items: all });
const cases = [
  ['metadata', 'GET', metadata, 'service'],
  ['metadata for a user', 'GET', metadata, 'user'],
  ['metadata for nobody', 'GET', metadata, ''],
  ['metadata by another method', 'POST', metadata, 'service', {}],
  ['holds', 'POST', apply, 'service', items(item('boat:a', red))],
  ['does not hold', 'POST', apply, 'service', items(item('boat:a', blue))],
  ['for a user through a plugin', 'POST', apply, 'acting', items(item('boat:a', red))],
  ['for a user', 'POST', apply, 'user', items(item('boat:a', red))],
  ['for a user by another method', 'PUT', apply, 'user', {}],
  ['by another method', 'PUT', apply, 'service', {}],
  ['for nobody', 'POST', apply, '', items(item('boat:a', red))],
  ['a rule without parameters', 'POST', apply, 'service', items(item('boat:a', old), item('boat:b', old))],
  ['parameters that nobody asks for', 'POST', apply, 'service', items(item('boat:a', { ...old, params: { x: 1 } }))],
  ['not', 'POST', apply, 'service', items(item('boat:a', { not: red }), item('boat:b', { not: red }))],
  ['missing', 'POST', apply, 'service', items(item('boat:none', red), item('boat:none', { not: red }))],
  ['missing among several', 'POST', apply, 'service', items(item(['boat:a', 'boat:none', 'boat:b'], { not: blue }))],
  ['the same twice', 'POST', apply, 'service', items(item(['boat:a', 'boat:a'], red), item('boat:a', red, 'boat', '2'), item('boat:a', red, 'boat', '2'))],
  ['allOf', 'POST', apply, 'service', items(item(['boat:a', 'boat:b'], { allOf: [red, old] }))],
  ['anyOf', 'POST', apply, 'service', items(item(['boat:a', 'boat:b'], { anyOf: [blue, old] }))],
  ['nested', 'POST', apply, 'service', items(item(['boat:a', 'boat:b'], { not: { anyOf: [{ allOf: [red, old] }, { not: blue }] } }))],
  ['no items', 'POST', apply, 'service', items()],
  ['further members', 'POST', apply, 'service', { ...items({ ...item('boat:a', red), more: 1 }), odd: 2 }],
  ['an unknown rule', 'POST', apply, 'service', items(item('boat:a', unknown))],
  ['an unknown rule that is not reached', 'POST', apply, 'service', items(item('boat:a', { anyOf: [red, unknown] }))],
  ['wrong parameters', 'POST', apply, 'service', items(item('boat:a', { ...red, params: { colour: 5 } }))],
  ['no parameters', 'POST', apply, 'service', items(item('boat:a', { rule: 'HAS_COLOUR', resourceType: 'boat' }))],
  ['an unknown resource type', 'POST', apply, 'service', items(item('a', { ...red, resourceType: 'odd' }, 'odd'))],
  ['unknown resource types among known', 'POST', apply, 'service', items(item('a', red, 'odd'), item('boat:a', red), item('b', red, 'odd'), item('b', red, 'ship'))],
  ['a type without rules', 'POST', apply, 'service', items(item('pier:1', { rule: 'X', resourceType: 'pier' }, 'pier'))],
  ['conditions on another type', 'POST', apply, 'service', items(item('boat:a', { ...red, resourceType: 'ship' }))],
  ['no body', 'POST', apply, 'service'],
  ['a list', 'POST', apply, 'service', []],
  ['no ref', 'POST', apply, 'service', items({ id: '1', resourceType: 'boat', conditions: red })],
  ['no refs', 'POST', apply, 'service', items(item([], red))],
  ['empty anyOf', 'POST', apply, 'service', items(item('boat:a', { anyOf: [] }))],
  ['no criteria', 'POST', apply, 'service', items(item('boat:a', {}))],
  ['no JSON', 'POST', apply, 'service', '{"items":'],
  ['no JSON of a user', 'POST', apply, 'user', '{"items":'],
  ['too large', 'POST', apply, 'service', '{"items":[],"x":"' + 'x'.repeat(100 << 10) + '"}'],
];

const server = app.listen(0, '127.0.0.1', async () => {
  const lines = [];
  for (const [name, method, path, as, body] of cases) {
    const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
    const headers = { ...(as && { 'x-as': as }), ...(text !== undefined && { 'content-type': 'application/json' }) };
    const response = await fetch(`http://127.0.0.1:${server.address().port}${path}`, { method, headers, body: text });
    const answer = await response.text();
    const long = text && text.length > 10000; // shown by its length
    lines.push(JSON.stringify({ name, method, path, as, ...(text !== undefined && { body: long ? { length: text.length } : text }),
      status: response.status, answer: answer.startsWith('{') ? JSON.parse(answer) : answer }));
  }
  writeFileSync(join(__dirname, 'stock.jsonl'), lines.join('\n') + '\n');
  server.close();
});
