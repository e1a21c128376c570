// What can be done without a mouse.
import { expect, settle, textOf, until } from '../say.mjs';

export const keyboard = [
  { name: 'keyboard/the cursor of a chart', walk: chartCursor },
  { name: 'keyboard/an operation in the documentation', walk: operation },
  { name: 'keyboard/asking for access', walk: requestAccess },
];

async function open(rig) {
  const page = await rig.page();
  await page.goto(rig.portals['portal-html'].origin);
  await settle(page);
  return page;
}

/** Presses Tab until what has the focus is what is looked for. Shadow roots are looked into. */
async function tabTo(page, holds, what) {
  for (let pressed = 1; pressed <= 120; pressed++) {
    await page.keyboard.press('Tab');
    const focus = await page.evaluate(() => {
      let at = document.activeElement;
      const hosts = [];
      while (at?.shadowRoot?.activeElement) {
        hosts.push(at.getAttribute('name') ?? at.localName);
        at = at.shadowRoot.activeElement;
      }
      return { hosts, tag: at?.localName, label: at?.getAttribute('aria-label') ?? '', role: at?.getAttribute('role') ?? '', name: at?.getAttribute('name') ?? '', operation: at?.dataset?.cbOperation ?? '', text: at?.textContent?.trim().slice(0, 60) ?? '' };
    });
    if (holds(focus)) return { ...focus, pressed };
  }
  throw new Error(`${what} was not reached by Tab`);
}

async function chartCursor(rig) {
  const page = await open(rig);
  const name = 'cost/cost-over-time';
  await tabTo(page, ({ hosts, tag, role }) => hosts.includes(name) && (tag === 'svg' || tag === 'g' || role === 'slider' || role === 'application' || tag === 'div'), 'the chart');
  const live = () => page.locator(`callboard-widget[name="${name}"]`).evaluate(element => [...element.shadowRoot.querySelectorAll('[aria-live], [role=status]')].map(at => at.textContent).join(' ').trim());
  await page.keyboard.press('ArrowRight');
  const first = await until(live, 'the values of a day to be said', { holds: text => /\d/.test(text) });
  await page.keyboard.press('ArrowRight');
  const second = await until(live, 'the values of the next day', { holds: text => text !== first && /\d/.test(text) });
  return JSON.stringify(second.slice(0, 60));
}

async function operation(rig) {
  const page = await open(rig);
  const focus = await tabTo(page, ({ operation }) => operation !== '', 'an operation');
  await page.keyboard.press('Enter');
  const shown = await until(() => page.locator('callboard-api-docs').evaluate(element => element.shadowRoot.querySelector('[data-cb-docs=operation]')?.textContent.trim().slice(0, 400) ?? ''), 'the operation');
  const inside = await page.evaluate(() => {
    let at = document.activeElement;
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
    return at !== document.body && at.getRootNode() instanceof ShadowRoot;
  });
  expect(inside, 'the focus to stay in the documentation', 'it is on the page');
  return `${focus.operation}, ${focus.pressed} tabs, ${shown.length} characters`;
}

async function requestAccess(rig) {
  const page = await open(rig);
  const form = page.locator('callboard-access-request form');
  await form.waitFor();
  await tabTo(page, ({ hosts, tag }) => hosts.includes('callboard-access-request') && ['input', 'select', 'textarea'].includes(tag), 'a field of the form');
  for (const select of await form.locator('select').all()) await select.evaluate(element => element.value || (element.selectedIndex = [...element.options].findIndex(option => option.value)));
  for (const input of await form.locator('input[type=text]:visible, textarea:visible').all()) if (!(await input.inputValue())) await input.fill('For the walk');
  await tabTo(page, ({ hosts, tag, text }) => hosts.includes('callboard-access-request') && tag === 'button' && text !== '', 'the button');
  const answered = page.evaluate(() => new Promise(resolve => addEventListener('callboard-submit', event => resolve(event.detail), { once: true })));
  await page.keyboard.press('Enter');
  const { status, message } = await answered;
  expect(status < 400, 'the request to be taken', { status, message, form: (await textOf(page, 'callboard-access-request')).slice(0, 400) });
  return `${status} ${JSON.stringify(message.slice(0, 60))}`;
}
