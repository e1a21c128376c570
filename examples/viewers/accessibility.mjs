// Looks for accessibility problems in pages and fragments of documentation, with axe, in both colour schemes. The pages run no
// script, so their HTML is put into a page that may.
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';
import { credentials } from './host.mjs';

const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

export async function accessibility({ host, executable, flags }) {
  const get = async address => (await fetch(address, { headers: credentials })).text();
  const style = await get(`${host.base}/api/api-docs/v1/style.css`);
  const { stripe } = host.pages;
  const operations = [...(await get(stripe)).matchAll(/data-cb-operation="([^"]+)"/g)].map(match => `${stripe}/operations/${match[1]}`);
  const operation = operations[0];
  const schema = `${stripe}/schemas/${await firstOf(operations, get, /data-cb-schema="([^"]+)"/)}`;
  const docs = `${host.base}/api/api-docs/v1/docs/api/default/github`;
  const fragment = `${operation}?view=fragment`; // with the form for trying it, which sends nothing here
  const problems = [];
  const browser = await chromium.launch({ executablePath: executable, headless: true, args: flags });
  try {
    for (const colorScheme of ['light', 'dark']) {
      const page = await browser.newPage({ colorScheme, viewport: { width: 1280, height: 900 } });
      for (const address of [`${stripe}?q=account`, operation, fragment, schema, docs]) {
        let html = (await get(address)).replace(/<link rel="stylesheet"[^>]*>/, `<style>${style}</style>`);
        if (address === fragment) {
          if (!html.includes('data-cb-try=')) problems.push(`${address} has no form`);
          html = `<!doctype html><html lang="en"><head><title>Portal</title><style>${style}</style></head><body class="cb-docs-page"><main class="cb-docs"><h1>Portal</h1>${html}</main></body></html>`;
        }
        await page.setContent(html);
        problems.push(...(await violations(page)).map(text => `axe, ${colorScheme}, ${address}: ${text}`), ...(await keyboard(page)).map(text => `${address}: ${text}`));
      }
      await page.close();
    }
  } finally {
    await browser.close();
  }
  return problems;
}

async function firstOf(addresses, get, pattern) {
  for (const address of addresses) {
    const found = pattern.exec(await get(address));
    if (found) return found[1];
  }
  throw new Error(`none of ${addresses.length} pages has ${pattern}`);
}

async function violations(page) {
  await page.addScriptTag({ path: axe });
  const { violations } = await page.evaluate(() => window.axe.run());
  return violations.map(v => `${v.id} (${v.nodes.length}): ${v.nodes[0].html.slice(0, 200)}`);
}

// keyboard walks a page by Tab: every stop is visible and has an outline.
async function keyboard(page) {
  const problems = [];
  await page.evaluate(() => document.activeElement?.blur());
  for (let i = 0; i < 25; i++) {
    await page.keyboard.press('Tab');
    const stop = await page.evaluate(() => {
      const e = document.activeElement;
      if (!e || e === document.body) return null;
      const { outlineStyle, outlineWidth } = getComputedStyle(e);
      return { html: e.outerHTML.slice(0, 120), seen: e.getClientRects().length > 0, outline: outlineStyle !== 'none' && parseFloat(outlineWidth) >= 1 };
    });
    if (!stop) break;
    if (!stop.seen || !stop.outline) problems.push(`the focus cannot be seen on ${stop.html}`);
  }
  return problems;
}
