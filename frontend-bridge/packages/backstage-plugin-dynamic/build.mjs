// Builds the plugin as a module federation remote into the files that the host serves. The same sources give the same
// files: names of chunks are hashes of their content.
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { defaultRemoteSharedDependencies } from '@backstage/module-federation-common';
import { rspack } from '@rspack/core';

// Its ES module asks for `require`, which only its CommonJS form has.
const { ModuleFederationPlugin } = createRequire(import.meta.url)('@module-federation/rspack');

const here = import.meta.dirname;
const served = path.resolve(here, '../../dist/remote');
const { name, version } = JSON.parse(readFileSync(path.join(here, '../backstage-plugin/package.json'), 'utf8'));

const compiler = rspack({
  mode: 'production',
  context: here,
  target: ['web', 'es2022'],
  entry: {},
  devtool: false,
  output: { path: served, clean: true, publicPath: 'auto', uniqueName: name, chunkFilename: '[id].[contenthash:16].js', crossOriginLoading: 'anonymous' },
  optimization: { chunkIds: 'deterministic', moduleIds: 'deterministic' },
  resolve: { extensions: ['.ts', '.tsx', '.js'], extensionAlias: { '.js': ['.ts', '.tsx', '.js'] }, conditionNames: ['callboard-source', 'import', 'module', 'browser', 'default'] },
  module: { rules: [{ test: /\.tsx?$/, loader: 'builtin:swc-loader', options: { jsc: { parser: { syntax: 'typescript', tsx: true }, transform: { react: { runtime: 'automatic' } }, target: 'es2022' } }, type: 'javascript/auto' }] },
  plugins: [
    new ModuleFederationPlugin({
      // The name that Backstage's own build gives to a remote of this package.
      name: name.replaceAll('@', '').replaceAll('/', '__').replaceAll('-', '_'),
      filename: 'remoteEntry.js',
      exposes: { '.': './src/index.ts' },
      shared: defaultRemoteSharedDependencies(),
      runtime: false,
      dts: false,
      manifest: true,
    }),
  ],
});

const stats = await new Promise((resolve, reject) => compiler.run((error, stats) => (error ? reject(error) : resolve(stats))));
await new Promise(resolve => compiler.close(resolve));
if (stats.hasErrors()) {
  console.error(stats.toString({ all: false, errors: true }));
  process.exit(1);
}
rmSync(path.join(served, 'mf-stats.json')); // what the manifest says, for tools of developers
for (const file of readdirSync(served).sort()) {
  const content = readFileSync(path.join(served, file));
  console.log(`remote/${file}: ${content.length} bytes, ${gzipSync(content, { level: 9 }).length} gzip`);
}
