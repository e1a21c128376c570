// Builds dist/ for npm and ../../dist/{widgets,viewers} for the host, and holds the files that browsers load to their sizes.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const here = import.meta.dirname ?? dirname(new URL(import.meta.url).pathname);
const npm = join(here, 'dist');
const host = join(here, '../../dist');
const require = createRequire(import.meta.url);

/** What each file may be, in KB of gzip. */
const budgets = { 'embed.js': 12, 'chart.js': 6, 'docs.js': 15, 'form.js': 6, 'framed.js': 6, 'contrast.js': 2, 'download.js': 2, 'frame.js': 15 };

/** What the loader loads when it is needed. */
const later = ['chart', 'docs', 'form', 'framed', 'contrast', 'download'];

const shared = { bundle: true, format: 'esm', target: 'es2022', charset: 'utf8', logLevel: 'warning', legalComments: 'none' };

/** One file for browsers. Each is whole by itself: the parts that are loaded later get the core handed in. */
async function forHost(name, define = {}) {
  const outfile = join(host, 'widgets', `${name}.js`);
  await build({ ...shared, entryPoints: [join(here, 'src', `${name}.ts`)], outfile, minify: true, define });
  const text = readFileSync(outfile);
  return { integrity: 'sha256-' + createHash('sha256').update(text).digest('base64'), gzip: gzipSync(text, { level: 9 }).length };
}

async function widgets() {
  rmSync(join(host, 'widgets'), { recursive: true, force: true });
  const sizes = {};
  const integrity = {};
  for (const name of later) {
    const file = await forHost(name);
    sizes[`${name}.js`] = file.gzip;
    integrity[`${name}.js`] = file.integrity;
  }
  // The loader knows the digests of what it loads, so a page that pins the loader has pinned them.
  sizes['embed.js'] = (await forHost('embed', { INTEGRITY: JSON.stringify(integrity) })).gzip;
  sizes['frame.js'] = (await forHost('frame')).gzip;
  cpSync(join(here, 'src/theme.css'), join(host, 'widgets/theme.css'));
  return sizes;
}

function viewers() {
  const files = {
    'swagger-ui': [dirname(require.resolve('swagger-ui-dist/package.json')), ['swagger-ui-bundle.js', 'swagger-ui.css', 'LICENSE', 'NOTICE']],
    redoc: [dirname(require.resolve('redoc/package.json')), ['bundles/redoc.standalone.js', 'LICENSE']],
  };
  const quiet = readFileSync(join(here, 'viewers/quiet.js'), 'utf8');
  rmSync(join(host, 'viewers'), { recursive: true, force: true });
  for (const [viewer, [from, names]] of Object.entries(files)) {
    const to = join(host, 'viewers', viewer);
    mkdirSync(to, { recursive: true });
    for (const name of names) cpSync(join(from, name), join(to, name.split('/').pop()));
    writeFileSync(join(to, 'viewer.js'), quiet + readFileSync(join(here, 'viewers', `${viewer}.js`), 'utf8'));
  }
}

async function packages() {
  rmSync(npm, { recursive: true, force: true });
  const entryPoints = ['index', 'register', 'types'].map(name => join(here, 'src', `${name}.ts`));
  await build({ ...shared, entryPoints, outdir: npm, splitting: true, chunkNames: '[name]-[hash]' });
  // The loader for pages that serve it themselves, with what it loads where it looks for it.
  for (const name of ['embed.js', 'theme.css']) cpSync(join(host, 'widgets', name), join(npm, name));
  for (const name of later) cpSync(join(host, 'widgets', `${name}.js`), join(npm, 'assets', `${name}.js`));
  execFileSync(process.execPath, [require.resolve('typescript/bin/tsc'), '-p', join(here, 'tsconfig.build.json')], { stdio: 'inherit' });
}

function check(sizes) {
  let beyond = false;
  for (const [name, most] of Object.entries(budgets)) {
    const size = sizes[name] / 1024;
    const fits = size <= most;
    beyond ||= !fits;
    console.log(`${name.padEnd(10)} ${size.toFixed(1).padStart(5)} KB gzip of ${most}${fits ? '' : ': too large'}`);
  }
  writeFileSync(join(npm, 'sizes.json'), JSON.stringify(sizes, null, 2) + '\n');
  if (beyond) process.exit(1);
}

const sizes = await widgets();
viewers();
await packages();
check(sizes);
