// A stock Backstage backend with a stock plugin (Jenkins) runs beside Callboard, which has the catalog, identity and
// permissions. Neither knows the other but by discovery.endpoints; each fetches the other's public keys.
//
//   examples/backstage/node-plugin/run.sh        (CALLBOARD=path of the binary, default bin/callboard)
//
//   caller ──► Node backend: /api/jenkins ──► recorder ──► Callboard: /api/catalog, /api/auth, /api/permission
//                    ▲                                          │
//                    └──────────────── recorder ◄───────────────┘   keys of the plugin "jenkins"
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createPrivateKey, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { freePort, guestToken, repository, startCallboard } from '../callboard.mjs';
import { decode, jenkins, recorder } from './parts.mjs';

const binary = path.resolve(process.env.CALLBOARD ?? path.join(repository, 'bin/callboard'));
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'callboard-node-'));
const stops = [];
let callboard, node, toCallboard, toNode, fake, callboardToken;

const write = (name, text) => {
  const file = path.join(folder, name);
  fs.writeFileSync(file, text, { mode: 0o600 });
  return file;
};

before(async () => {
  const callboardPort = await freePort();
  const nodePort = await freePort();
  callboard = `http://127.0.0.1:${callboardPort}`;
  node = `http://127.0.0.1:${nodePort}`;
  toCallboard = await recorder(callboard);
  toNode = await recorder(node);
  fake = await jenkins('callboard', 'the-key');
  stops.push(toCallboard.stop, toNode.stop, fake.stop);

  const entity = write('catalog.yaml', `apiVersion: backstage.io/v1alpha1
kind: Component
metadata: { name: shop, annotations: { jenkins.io/job-full-name: shop/build } }
spec: { type: service, lifecycle: production, owner: user:default/guest }
`);
  const hostConfig = write('callboard.yaml', `app: { baseUrl: ${callboard} }
backend:
  baseUrl: ${callboard}
  listen: { host: 127.0.0.1, port: ${callboardPort} }
  database: { client: better-sqlite3, connection: { directory: ${path.join(folder, 'db')} } }
auth: { providers: { guest: { userEntityRef: user:default/guest, dangerouslyAllowOutsideDevelopment: true } } }
permission: { enabled: true }
catalog: { locations: [{ type: file, target: ${entity} }] }
# The plugin that runs elsewhere. Keys are fetched from there, and from nowhere that a token could name.
discovery: { endpoints: [{ plugins: [jenkins], target: ${toNode.base}/api/jenkins }] }
callboard:
  operations: { listen: false }
  pluginHost: { dataDir: ${path.join(folder, 'plugins')} }
  plugins: { greeter: { source: ${greeter()}, enabled: true, development: true } }
`);
  const log = path.join(folder, 'callboard.log');
  const running = await startCallboard({ binary, configs: [hostConfig], base: callboard, log });
  stops.push(running.stop);
  callboardToken = (...flags) => execFileSync(binary, ['token', '--config', hostConfig, ...flags], { encoding: 'utf8' }).trim();

  const nodeConfig = write('node.yaml', nodeBackend(nodePort));
  stops.push(await startNode(nodeConfig));
  toCallboard.take();
  toNode.take();
});

// A plugin of Callboard's own plugin host whose process never comes up: for tokens and keys it need not run.
function greeter() {
  const source = path.join(folder, 'greeter');
  fs.mkdirSync(source);
  write('greeter/greeter.mjs', 'process.exit(1);\n');
  write('greeter/plugin.yaml', `apiVersion: callboard.dev/v1
id: greeter
version: 0.1.0
title: Greeter
license: Apache-2.0
protocol: ">=1 <2"
run: { command: [node, greeter.mjs] }
provides: { http: {} }
`);
  return source;
}

// What a Backstage backend needs to have its core plugins elsewhere. It keeps its signing key in files, so that it needs
// no database.
function nodeBackend(port) {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const publicKeyFile = write('node.pub.pem', publicKey.export({ type: 'spki', format: 'pem' }));
  const privateKeyFile = write('node.pem', privateKey.export({ type: 'pkcs8', format: 'pem' }));
  return `app: { baseUrl: ${callboard} }
backend:
  baseUrl: ${node}
  listen: { host: 127.0.0.1, port: ${port} }
  database: { client: better-sqlite3, connection: ':memory:' }
  auth: { pluginKeyStore: { type: static, static: { keys: [{ publicKeyFile: ${publicKeyFile}, privateKeyFile: ${privateKeyFile}, keyId: node }] } } }
permission: { enabled: true }
discovery: { endpoints: [{ plugins: [auth, catalog, permission, scaffolder, search, greeter], target: '${toCallboard.base}/api/{{pluginId}}' }] }
jenkins: { baseUrl: ${fake.base}, username: callboard, apiKey: the-key }
`;
}

async function startNode(config) {
  const log = path.join(folder, 'node.log');
  const output = fs.openSync(log, 'w');
  const child = spawn(process.execPath, ['backend.mjs', '--config', config], { cwd: import.meta.dirname, stdio: ['ignore', output, output], env: { ...process.env, NODE_ENV: 'production' } });
  fs.closeSync(output);
  const exited = new Promise(resolve => child.once('exit', resolve));
  const ready = () => fetch(`${node}/.backstage/health/v1/readiness`).then(r => r.ok, () => false);
  for (const began = Date.now(); !(await ready()); await new Promise(resolve => setTimeout(resolve, 100))) {
    if (child.exitCode !== null || Date.now() - began > 90_000) {
      child.kill('SIGKILL');
      throw new Error(`the Node backend did not start:\n${fs.readFileSync(log, 'utf8').split('\n').slice(-30).join('\n')}`);
    }
  }
  return async () => {
    child.kill('SIGTERM');
    const patience = setTimeout(() => child.kill('SIGKILL'), 10_000);
    await exited;
    clearTimeout(patience);
  };
}

after(async () => {
  for (const stop of stops.reverse()) await stop();
  fs.rmSync(folder, { recursive: true, force: true });
});

const ask = (url, token, method = 'GET') => fetch(url, { method, headers: token ? { authorization: `Bearer ${token}` } : {} });
const projects = '/api/jenkins/v1/entity/default/component/shop/projects';
const called = (calls, url) => calls.filter(call => call.url.split('?')[0] === url);
const now = () => Math.floor(Date.now() / 1000);

// A token of the Node plugin for Callboard's catalog, but for what `claims` says otherwise.
function minted(key, claims) {
  const parts = [{ typ: 'vnd.backstage.plugin', alg: 'ES256', kid: 'node' }, { sub: 'jenkins', aud: 'catalog', iat: now(), exp: now() + 60, jti: randomUUID(), ...claims }];
  const text = parts.map(part => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${text}.${sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`;
}

const catalogCall = calls => calls.find(call => call.url.startsWith('/api/catalog/'));

test('the Node plugin refuses callers without a token, as every Backstage plugin', async () => {
  const response = await ask(node + projects);
  assert.equal(response.status, 401);
  assert.equal((await response.json()).error.name, 'AuthenticationError');
});

test('a token that Callboard issues for one of its plugins is good for the Node plugin, which calls the catalog with its own', async () => {
  const token = callboardToken('--plugin', 'scaffolder', '--target', 'jenkins');
  const response = await ask(node + projects, token);
  assert.equal(response.status, 200, await response.clone().text());
  const [project] = (await response.json()).projects;
  assert.deepEqual([project.fullName, project.status], ['shop/build', 'SUCCESS'], 'the entity names the job');

  const calls = toCallboard.take();
  assert.equal(called(calls, '/api/scaffolder/.backstage/auth/v1/jwks.json')[0]?.status, 200, 'the Node backend fetched the keys of the caller');
  const call = catalogCall(calls);
  assert.equal(call?.status, 200, `the catalog was asked: ${JSON.stringify(calls)}`);
  const { header, payload } = decode(call.authorization.split(' ')[1]);
  assert.deepEqual([header.typ, payload.sub, payload.aud, payload.obo], ['vnd.backstage.plugin', 'jenkins', 'catalog', undefined]);
  assert.equal(called(toNode.take(), '/api/jenkins/.backstage/auth/v1/jwks.json')[0]?.status, 200, 'Callboard fetched the keys of the Node plugin');
});

test('a user of Callboard is known to the Node plugin, which asks the catalog on behalf of that user', async () => {
  const response = await ask(node + projects, await guestToken(callboard));
  assert.equal(response.status, 200, await response.clone().text());
  const calls = toCallboard.take();
  assert.equal(called(calls, '/api/auth/.well-known/jwks.json')[0]?.status, 200, 'the Node backend fetched the keys of users');
  const call = catalogCall(calls);
  assert.equal(call?.status, 200, JSON.stringify(calls));
  const { payload } = decode(call.authorization.split(' ')[1]);
  assert.deepEqual([payload.sub, payload.aud], ['jenkins', 'catalog']);
  const onBehalfOf = decode(payload.obo);
  assert.deepEqual([onBehalfOf.header.typ, onBehalfOf.payload.sub], ['vnd.backstage.limited-user', 'user:default/guest']);
});

test('the Node plugin asks Callboard what a user may do', async () => {
  const response = await ask(`${node}/api/jenkins/v1/entity/default/component/shop/job/build/7`, await guestToken(callboard), 'POST');
  assert.equal(response.status, 200, await response.clone().text());
  assert.equal(fake.seen.rebuilds, 1);
  const [call] = called(toCallboard.take(), '/api/permission/authorize');
  assert.equal(call?.status, 200);
  const { payload } = decode(call.authorization.split(' ')[1]);
  assert.deepEqual([payload.sub, payload.aud, decode(payload.obo).payload.sub], ['jenkins', 'permission', 'user:default/guest']);
});

test('plugins of the plugin host call and are called like the others', async () => {
  const response = await ask(node + projects, callboardToken('--plugin', 'greeter', '--target', 'jenkins'));
  assert.equal(response.status, 200, await response.clone().text());
  assert.equal(called(toCallboard.take(), '/api/greeter/.backstage/auth/v1/jwks.json')[0]?.status, 200, 'the Node backend fetched the keys of greeter');

  const key = createPrivateKey(fs.readFileSync(path.join(folder, 'node.pem')));
  const admitted = await ask(`${callboard}/api/greeter/hello`, minted(key, { aud: 'greeter' }));
  assert.equal(admitted.status, 503, 'the Node plugin may call; there is nobody to answer');
  assert.equal((await admitted.json()).error.plugin, 'greeter');
  assert.equal((await ask(`${callboard}/api/greeter/hello`, minted(key, { aud: 'catalog' }))).status, 401);
});

test('tokens for another plugin, and of a plugin that is nowhere, are refused by the Node plugin', async () => {
  for (const flags of [['--plugin', 'scaffolder', '--target', 'catalog'], ['--plugin', 'nowhere', '--target', 'jenkins']]) {
    const response = await ask(node + projects, callboardToken(...flags));
    assert.equal(response.status, 401, `${flags}: ${await response.clone().text()}`);
  }
});

test('Callboard refuses a token that another key signed in the name of the Node plugin', async () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const good = fs.readFileSync(path.join(folder, 'node.pem'));
  const entity = `${callboard}/api/catalog/entities/by-name/component/default/shop`;
  assert.equal((await ask(entity, minted(createPrivateKey(good), {}))).status, 200, 'signed by the plugin');
  assert.equal((await ask(entity, minted(privateKey, {}))).status, 401, 'signed by somebody else');
  assert.equal((await ask(entity, minted(createPrivateKey(good), { aud: 'scaffolder' }))).status, 401, 'for another plugin');
  assert.equal((await ask(entity, minted(createPrivateKey(good), { sub: 'search' }))).status, 401, 'in the name of a plugin of Callboard');
  assert.equal((await ask(entity, minted(createPrivateKey(good), { exp: now() - 120, iat: now() - 180 }))).status, 401, 'of yesterday');
});
