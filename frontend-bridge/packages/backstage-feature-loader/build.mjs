// Builds the package, with everything that it depends on left to the app that installs it; and the script for apps that do
// not, with everything in it, which the host serves.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'vite';

const here = import.meta.dirname;
const served = path.resolve(here, '../../dist/backstage');
const { dependencies } = JSON.parse(readFileSync(path.join(here, 'package.json'), 'utf8'));
const common = { root: here, configFile: false, logLevel: 'warn' };

await build({
  ...common,
  build: {
    outDir: 'dist',
    target: 'es2022',
    minify: false,
    lib: { entry: 'src/index.ts', formats: ['es'], fileName: () => 'index.js' },
    rollupOptions: { external: Object.keys(dependencies) },
  },
});
execFileSync('npx', ['tsc', '-p', 'tsconfig.build.json'], { cwd: here, stdio: 'inherit' });

await build({
  ...common,
  define: { 'process.env.NODE_ENV': '"production"' },
  build: {
    outDir: served,
    emptyOutDir: true,
    target: 'es2022',
    lib: { entry: 'src/script.ts', formats: ['iife'], name: 'callboardFeatureLoader', fileName: () => 'feature-loader.js' },
  },
});
const script = readFileSync(path.join(served, 'feature-loader.js'));
console.log(`backstage/feature-loader.js: ${script.length} bytes, ${gzipSync(script, { level: 9 }).length} gzip`);
