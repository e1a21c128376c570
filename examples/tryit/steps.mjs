// What people do with the form below an operation, and what must not happen.
import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { secret } from './world.mjs';

const axe = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const hostileName = `quay"; filename="evil.sh.png`;

export const steps = [
  { name: 'what reads is sent at once: status, headers, body', walk: reads },
  { name: 'what changes something asks first, and is sent once', walk: changes },
  { name: 'a key is added by the host and seen nowhere', walk: keepsTheKey },
  { name: 'a question that was asked holds after a restart of the host', walk: restarts },
  { name: 'a file with a hostile name, fields, a cookie', walk: uploads },
  { name: 'a server that is not allowed is refused with words', walk: refuses },
  { name: 'with the keyboard alone', walk: keyboard },
  { name: 'open forms in both colour schemes, and on a phone', walk: looks },
];

function expect(holds, expected, seen) {
  if (!holds) throw new Error(`expected ${expected}\nseen     ${typeof seen === 'string' ? seen : JSON.stringify(seen)}`);
}

// Playwright looks into open shadow roots.
const form = page => page.locator('form[data-cb-try]');
const answer = page => page.locator('[data-cb-try-answer]');
const question = page => page.locator('[data-cb-try-confirm]');

async function open(page, operation) {
  await page.locator(`a[data-cb-operation=${operation}]`).click();
  await page.getByRole('heading', { name: 'Try it' }).waitFor();
}

const send = page => form(page).getByRole('button', { name: 'Send', exact: true }).click();

async function answered(page, status) {
  await answer(page).getByText(new RegExp(`^${status} · `)).waitFor();
  return answer(page).innerText();
}

const shot = (world, page, name) => page.screenshot({ path: path.join(world.out, `${name}.png`), fullPage: true });

function quiet(page, allowed = /^$/) {
  const problems = page.problems.filter(problem => !allowed.test(problem));
  expect(problems.length === 0, 'nothing in the console', problems);
}

/** What the browser says of an answer that is a question. */
const asked = /Failed to load resource: the server responded with a status of (400|403|409)/;

async function reads(world) {
  const page = await world.page();
  await open(page, 'getTide');
  const servers = await form(page).getByLabel('Server').locator('option').allInnerTexts();
  expect(servers.length === 2 && servers[0] === `${world.sandbox} (sandbox)`, 'the sandbox first', servers);
  await form(page).getByLabel('unit (query)').selectOption('feet');
  await send(page);
  const said = await answered(page, 200);
  for (const part of [`GET ${world.sandbox}/tides/pier-3?unit=feet`, 'content-type: application/json', 'x-request-id: r-1', '"url": "/sandbox/tides/pier-3?unit=feet"']) expect(said.includes(part), part, said);
  expect(!/set-cookie|api-session/.test(said), 'no cookie of the API', said);
  expect(world.api.got.length === 1, 'one request', world.api.got);
  await shot(world, page, 'read');
  quiet(page);
  return said.split('\n')[0];
}

async function changes(world) {
  const page = await world.page();
  await open(page, 'createHold');
  expect((await form(page).getByLabel('Server').locator('option').count()) === 1, 'only the server that takes POST', await form(page).getByLabel('Server').innerText());
  await send(page);
  await question(page).getByText('This changes something. Send it?').waitFor();
  for (const part of ['POST', `${world.sandbox}/holds`, 'application/json']) expect((await question(page).innerText()).includes(part), part, await question(page).innerText());
  expect(world.api.got.length === 0, 'nothing sent yet', world.api.got);
  await shot(world, page, 'question');
  await question(page).getByRole('button', { name: 'Cancel' }).click();
  await question(page).waitFor({ state: 'hidden' });
  await send(page);
  await form(page).getByLabel('Body').fill('{"seats": 3}');
  await question(page).waitFor({ state: 'hidden' }); // another request needs another consent
  await send(page);
  const [again] = await Promise.all([
    page.waitForRequest(request => request.url().endsWith('/try') && request.postData()?.includes('"confirm"')),
    question(page).getByRole('button', { name: 'Send it' }).click(),
  ]);
  await answered(page, 201);
  expect(world.api.got.length === 1 && world.api.got[0].body === '{"seats": 3}', 'what was agreed to, once', world.api.got);
  const { authorization } = await again.allHeaders();
  const replay = await fetch(again.url(), { method: 'POST', headers: { authorization, origin: world.portal.origin, 'content-type': 'application/json' }, body: again.postData() });
  expect(replay.status === 409 && world.api.got.length === 1, 'a question again, and nothing sent', `${replay.status} ${world.api.got.length}`);
  quiet(page, asked);
  return 'asked 3 times, sent once; the token does not hold twice';
}

/** Everything that is in a page: markup of all shadow roots, and what is in its fields. */
const everything = page =>
  page.evaluate(() => {
    const all = root => [...root.querySelectorAll('*')].flatMap(element => [element.value ?? '', ...(element.shadowRoot ? [element.shadowRoot.innerHTML, ...all(element.shadowRoot)] : [])]);
    return [document.documentElement.outerHTML, ...all(document), JSON.stringify({ ...localStorage }), JSON.stringify({ ...sessionStorage })].join('\n');
  });

async function keepsTheKey(world) {
  const page = await world.page();
  await open(page, 'getTide');
  await form(page).getByLabel('Credentials').selectOption({ label: 'Sandbox key' });
  await send(page);
  const said = await answered(page, 200);
  expect(world.api.got[0].headers.authorization === `Bearer ${secret}`, 'the key at the API', world.api.got[0].headers);
  expect(/"authorization": "\[removed\]"/.test(said) && /x-echo: \[removed\]/.test(said), 'the key removed from the answer', said);
  await shot(world, page, 'key');
  const places = { page: await everything(page) };
  quiet(page);
  await page.context().close();
  places['HAR'] = fs.readFileSync(page.har, 'utf8');
  places['log'] = world.logged();
  expect(/an operation was tried/.test(places.log) && /"credential":\s*"sandbox"|credential=sandbox/.test(places.log), 'a line that says who tried what', places.log.slice(-2000));
  expect(places.HAR.includes('/try'), 'the request in the HAR', places.HAR.slice(0, 500));
  const forms = [secret, Buffer.from(secret).toString('base64'), Buffer.from(`Bearer ${secret}`).toString('base64'), encodeURIComponent(`Bearer ${secret}`)];
  for (const [place, text] of Object.entries(places)) expect(!forms.some(form => text.includes(form)), `no key in the ${place}`, 'it is there');
  return `not in ${Object.entries(places).map(([place, text]) => `${place} (${Math.ceil(text.length / 1024)} KB)`).join(', ')}`;
}

async function restarts(world) {
  const page = await world.page();
  await open(page, 'createHold');
  await send(page);
  await question(page).getByRole('button', { name: 'Send it' }).waitFor();
  await world.restart();
  await question(page).getByRole('button', { name: 'Send it' }).click();
  await answered(page, 201);
  expect(world.api.got.length === 1, 'one request', world.api.got);
  return 'answered by another process';
}

async function uploads(world) {
  const page = await world.page();
  await open(page, 'upload');
  const control = form(page).getByLabel('manifest (file)');
  const png = Buffer.from('89504e470d0a1a0a0d0a2d2d78ff', 'hex');
  await control.setInputFiles({ name: hostileName, mimeType: 'image/png', buffer: png });
  await form(page).getByLabel('note').first().fill('a\r\n--b');
  await form(page).getByLabel('tags (a value on each line)').fill('x\ny');
  await form(page).getByLabel('crew (JSON)').fill('{"master":"Ann"}');
  await send(page);
  await question(page).getByText(/image\/png 14/).waitFor();
  await shot(world, page, 'upload');
  await question(page).getByRole('button', { name: 'Send it' }).click();
  await answered(page, 201);
  const { body, headers } = world.api.got[0];
  const boundary = /boundary=(\S+)/.exec(headers['content-type'])[1];
  const parts = body.split(`--${boundary}`).slice(1, -1);
  const heads = parts.map(part => part.slice(2, part.indexOf('\r\n\r\n')).split('\r\n'));
  expect(parts.length === 5 && heads[0].length === 2 && heads[0][0] === `Content-Disposition: form-data; name="manifest"; filename="quay%22; filename=%22evil.sh.png"`, 'five parts, and a name that is one', heads);
  expect(parts[0].endsWith(png.toString('latin1') + '\r\n') && heads[4].includes('Content-Type: application/json'), 'the file as it is, an object as JSON', parts);
  await form(page).getByLabel('Content type').selectOption('application/x-www-form-urlencoded');
  await control.waitFor({ state: 'hidden' });
  await form(page).getByLabel('note').last().fill('1&2=3');
  await send(page);
  await question(page).getByRole('button', { name: 'Send it' }).click();
  await answer(page).getByText(/manifests · .* ms · /).waitFor();
  for (let i = 0; i < 100 && world.api.got.length < 2; i++) await page.waitForTimeout(50);
  expect(world.api.got[1]?.body === 'note=1%262%3D3', 'names and values', world.api.got[1]);
  await page.keyboard.press('Escape');
  await open(page, 'getTide');
  await form(page).getByLabel('locale (cookie)').fill('de-CH');
  await send(page);
  await answered(page, 200);
  expect(world.api.got[2].headers.cookie === 'locale=de-CH', 'the cookie that was entered, and no other', world.api.got[2].headers);
  quiet(page, asked);
  return `${body.length} bytes in ${parts.length} parts`;
}

async function refuses(world) {
  const page = await world.page();
  await open(page, 'elsewhere');
  const said = await page.getByText(/It cannot be tried from here/).innerText();
  expect(said.includes(world.stranger.base) && (await form(page).count()) === 0, 'words with the server, and no form', said);
  await shot(world, page, 'refused');
  await page.keyboard.press('Escape');
  await open(page, 'getTide');
  // A page that lies about what may be reached.
  await form(page).getByLabel('Server').evaluate((select, value) => (select.options[0].value = value), world.stranger.base);
  await send(page);
  await answer(page).getByText(/server: .* is none that callboard.apiDocs.tryIt allows/).waitFor();
  await shot(world, page, 'refused-server');
  expect(world.api.got.length + world.stranger.got.length === 0, 'nothing sent', [...world.api.got, ...world.stranger.got]);
  quiet(page, asked);
  return said;
}

/** Presses Tab until what has the focus is what is looked for; what has it is seen. */
async function tabTo(page, holds, what, key = 'Tab') {
  for (let pressed = 1; pressed <= 120; pressed++) {
    await page.keyboard.press(key);
    const focus = await page.evaluate(() => {
      let at = document.activeElement;
      while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
      const { width, height } = at.getBoundingClientRect();
      const { outlineStyle, outlineWidth } = getComputedStyle(at);
      return { tag: at.localName, text: at.textContent.trim().slice(0, 40), label: at.closest('label')?.textContent.trim() ?? '', operation: at.dataset.cbOperation ?? '', seen: at === document.body || (width > 0 && height > 0), outlined: at === document.body || (outlineStyle !== 'none' && parseFloat(outlineWidth) >= 1) };
    });
    expect(focus.seen && focus.outlined, 'a focus that is seen', focus);
    if (holds(focus)) return pressed;
  }
  throw new Error(`${what} was not reached by ${key}`);
}

async function keyboard(world) {
  const page = await world.page();
  let tabs = await tabTo(page, ({ operation }) => operation === 'createHold', 'the operation');
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { name: 'Try it' }).waitFor();
  tabs += await tabTo(page, ({ tag, label }) => tag === 'textarea' && label.startsWith('Body'), 'the body');
  await page.keyboard.press('Control+a');
  await page.keyboard.type('{"seats": 1}');
  tabs += await tabTo(page, ({ tag, text }) => tag === 'button' && text === 'Send', 'the button');
  await page.keyboard.press('Enter');
  await question(page).getByRole('button', { name: 'Cancel' }).waitFor();
  await page.waitForFunction(() => {
    let at = document.activeElement;
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
    return at.textContent === 'Cancel'; // where Enter changes nothing
  });
  tabs += await tabTo(page, ({ tag, text }) => tag === 'button' && text === 'Send it', 'the consent', 'Shift+Tab');
  await page.keyboard.press('Enter');
  await answered(page, 201);
  const inside = await page.evaluate(() => {
    let at = document.activeElement;
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
    return at.hasAttribute('data-cb-try-answer');
  });
  expect(inside && world.api.got[0].body === '{"seats": 1}', 'the focus on the answer', { inside, got: world.api.got });
  quiet(page, asked);
  return `${tabs} tabs`;
}

async function looks(world) {
  let rules;
  for (const [look, settings] of Object.entries({ light: { colorScheme: 'light' }, dark: { colorScheme: 'dark' }, phone: { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true } })) {
    const page = await world.page(settings);
    for (const operation of ['createHold', 'upload', 'elsewhere']) {
      await open(page, operation);
      if (operation === 'createHold') {
        await form(page).getByLabel('Credentials').selectOption({ label: 'Sandbox key' });
        await send(page);
        await question(page).getByRole('button', { name: 'Send it' }).click();
        await answered(page, 201);
        await send(page); // an answer, and the next question
        await question(page).getByRole('button', { name: 'Send it' }).waitFor();
      }
      rules = await audit(page);
      await shot(world, page, `${operation}-${look}`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect(wide <= 1, 'nothing wider than the window', `${operation}, ${look}: ${wide} px`);
      await page.keyboard.press('Escape');
      await page.locator('a[data-cb-operation=createHold]').waitFor();
    }
    quiet(page, asked);
  }
  return `axe 0 of ${rules} rules in 9 pages`;
}

/** Runs axe where scripts of the page may not come from elsewhere: it is put in by the browser's own tools. */
async function audit(page) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
  const said = found.violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(node => `${node.target.flat().join(' ')} ${node.failureSummary}`).join('; ')}`);
  expect(said.length === 0, 'axe to find nothing', said.join('\n         '));
  return found.passes.length + found.violations.length + found.inapplicable.length;
}
