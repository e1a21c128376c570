// Builds the package: both entries, with what extensions show in chunks of their own. Everything that it depends on is left
// to the app that installs it.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { build } from 'vite';

const here = import.meta.dirname;
const { dependencies, peerDependencies } = JSON.parse(readFileSync(path.join(here, 'package.json'), 'utf8'));
const others = Object.keys({ ...dependencies, ...peerDependencies });

await build({
  root: here,
  configFile: false,
  logLevel: 'warn',
  esbuild: { jsx: 'automatic' },
  build: {
    outDir: 'dist',
    target: 'es2022',
    minify: false,
    lib: { entry: { index: 'src/index.ts', legacy: 'src/legacy.ts' }, formats: ['es'] },
    rollupOptions: {
      external: id => others.some(name => id === name || id.startsWith(`${name}/`)),
      output: { entryFileNames: '[name].js', chunkFileNames: 'chunks/[name].js' },
    },
  },
});
execFileSync('npx', ['tsc', '-p', 'tsconfig.build.json'], { cwd: here, stdio: 'inherit' });
