// Signs people in as they do it, and says what went wrong.
import fs from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { repository } from '../backstage/callboard.mjs';
import { flags, thisMachineAlone } from '../browser/chromium.mjs';
import { looks, open } from '../console/visitor.mjs';
import { Rig } from './rig.mjs';
import { stories } from './stories/index.mjs';

const { values } = parseArgs({ options: { out: { type: 'string' }, only: { type: 'string' }, bin: { type: 'string' } } });
const out = path.resolve(values.out ?? path.join(process.env.CALLBOARD_CACHE ?? path.join(repository, '.cache'), 'signin'));
fs.rmSync(out, { recursive: true, force: true });
fs.mkdirSync(out, { recursive: true });
process.exit(await main());

async function main() {
  const rig = new Rig(out, path.resolve(values.bin ?? path.join(repository, 'bin/callboard')));
  let browser;
  let failed = 0;
  const report = (name, problems) => {
    failed += problems.length > 0;
    console.log(`${problems.length ? 'FAILED' : 'ok    '} ${name}`);
    for (const problem of problems) console.log(`       ${problem}`);
  };
  try {
    await rig.start();
    browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: [...flags, thisMachineAlone] });
    for (const story of stories) {
      if (!values.only || story.name.startsWith(values.only)) report(story.name, await walk(browser, rig, story));
    }
  } catch (error) {
    report('set-up', [String(error.stack ?? error)]);
  } finally {
    await browser?.close();
    report('all of it stops when asked', await rig.stop());
  }
  console.log(failed ? `${failed} failed` : `all passed; screenshots in ${path.relative(process.cwd(), out)}`);
  return failed ? 1 : 0;
}

async function walk(browser, rig, story) {
  if (story.skip?.(rig)) return [];
  const visitor = await open(browser, rig.base, story.look ?? looks.light, { also: [rig.idp.issuer, rig.idp.githubIssuer, rig.frontend.base, rig.stranger.base] });
  try {
    await story.walk(visitor, rig);
    return visitor.problems(story.allowed);
  } catch (error) {
    return [...visitor.problems(story.allowed), String(error.stack ?? error)];
  } finally {
    await visitor.picture(path.join(out, `${story.name.replace(/\W+/g, '-')}.png`));
    await visitor.close();
  }
}
