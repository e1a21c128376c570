// What a step can say about the page. Every question waits for its answer; when it does not come, the error tells what
// was expected and what stands on the screen instead.
const PATIENCE = 10_000;

export class StepError extends Error {
  constructor(expected, seen) {
    super(`expected ${expected}`);
    this.expected = expected;
    this.seen = seen;
  }
}

export class Screen {
  constructor(page, watch, base) {
    this.page = page;
    this.watch = watch;
    this.base = base;
    this.main = page.locator('body');
  }

  // Loads a page afresh, as a person does who follows a link from a chat.
  async open(path) {
    await this.page.goto(this.base + path, { waitUntil: 'domcontentloaded' });
  }

  role(role, name, options = {}) {
    return this.page.getByRole(role, { name, ...options });
  }

  heading(name, options = {}) {
    return this.role('heading', name, options).first();
  }

  // The card with this heading on an entity page.
  card(title) {
    return this.page.getByRole('article').filter({ has: this.page.getByRole('heading', { name: title, exact: true, level: 3 }) }).first();
  }

  dialog() {
    return this.page.getByRole('dialog').last();
  }

  // Waits until the target (text, regular expression or locator) can be seen.
  async see(target, within = this.main) {
    const locator = typeof target === 'string' || target instanceof RegExp ? within.getByText(target).first() : target.first();
    await this.#until(() => locator.waitFor({ state: 'visible', timeout: PATIENCE }), `to see ${describe(target)}`, within);
  }

  async gone(locator, what) {
    await this.#until(() => locator.first().waitFor({ state: 'hidden', timeout: PATIENCE }), `${what} to be gone`);
  }

  async click(locator, what = describe(locator)) {
    await this.#until(() => locator.first().click({ timeout: PATIENCE }), `to click ${what}`);
  }

  async fill(locator, text) {
    await this.#until(() => locator.first().fill(text, { timeout: PATIENCE }), `to type into ${describe(locator)}`);
  }

  // Waits until `read` gives what `accept` takes; `expected` says it in words.
  async eventually(expected, read, accept) {
    const until = Date.now() + PATIENCE;
    let last;
    for (;;) {
      last = await read();
      if (accept(last)) return last;
      if (Date.now() > until) throw new StepError(expected, typeof last === 'string' ? last : JSON.stringify(last));
      await this.page.waitForTimeout(100);
    }
  }

  // Texts of all links in a card, table or list.
  async links(within) {
    return (await within.getByRole('link').allInnerTexts()).map(text => text.replace(/\s*, Opens in a new window$/, '').trim()).filter(Boolean);
  }

  async seeLinks(within, names, what) {
    await this.eventually(`${what} to link to ${names.join(', ')}`, () => this.links(within), links => names.every(name => links.includes(name)));
  }

  // The names in a relation graph (an SVG), which must contain all of `names`.
  async seeGraph(within, names) {
    const nodes = within.locator('svg text');
    await this.eventually(`a graph with ${names.join(', ')}`, () => nodes.allTextContents(), texts => names.every(name => texts.some(text => text.trim() === name)));
  }

  async #until(action, expected, within = this.main) {
    try {
      await action();
    } catch (error) {
      if (!/Timeout|intercepts|strict mode|detached/i.test(String(error))) throw error;
      throw new StepError(expected, await this.excerpt(within));
    }
  }

  async excerpt(within = this.main) {
    const text = await within.innerText({ timeout: 1_000 }).catch(() => this.main.innerText({ timeout: 1_000 }).catch(() => '(nothing)'));
    return text.replace(/\s+/g, ' ').trim().slice(0, 500);
  }
}

function describe(target) {
  return typeof target === 'string' ? `“${target}”` : target instanceof RegExp ? String(target) : String(target).replace(/^locator\('body'\)\./, '');
}
