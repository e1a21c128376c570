// A person with a browser, who notices what is broken.
import fs from 'node:fs';
import { createRequire } from 'node:module';

const axe = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const PATIENCE = 10_000;

export const looks = {
  light: { viewport: { width: 1400, height: 900 }, colorScheme: 'light' },
  dark: { viewport: { width: 1400, height: 900 }, colorScheme: 'dark' },
  narrow: { viewport: { width: 360, height: 740 }, colorScheme: 'light' },
};

// What is asked of other places than the host, and those in `also`, is a problem.
export async function open(browser, base, look, { also = [] } = {}) {
  const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'UTC', ...look });
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE);
  return new Visitor(base, context, page, also);
}

class Visitor {
  #problems = [];

  constructor(base, context, page, also) {
    this.base = base;
    this.context = context;
    this.page = page;
    page.on('console', message => {
      if (message.type() === 'error') this.#problems.push(`${this.#where()}: ${message.text()}`);
    });
    page.on('pageerror', error => this.#problems.push(`${this.#where()}: ${error}`));
    page.on('request', request => {
      if (![base, ...also].some(place => place && request.url().startsWith(place))) this.#problems.push(`${this.#where()} asks elsewhere: ${request.url()}`);
    });
  }

  #where() {
    return this.page.url().replace(this.base, '');
  }

  async goto(address) {
    const response = await this.page.goto(this.base + address, { waitUntil: 'load' });
    return response.status();
  }

  async signIn(address = '/console/sign-in') {
    await this.goto(address);
    await this.click('Enter as guest');
  }

  async click(button) {
    await this.page.getByRole('button', { name: button }).first().click();
  }

  // Waits until a text can be seen.
  async see(text) {
    await this.page.getByText(text).first().waitFor({ state: 'visible' }).catch(() => this.complain(`expected to see ${text}`));
  }

  at(address) {
    if (this.#where() !== address) this.complain(`expected to be at ${address}`);
  }

  complain(text) {
    this.#problems.push(`${this.#where()}: ${text}`);
  }

  // What of a page some people cannot use.
  async inspect(title) {
    const wide = await this.page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    if (wide > 1) this.complain(`${title} is ${wide} px wider than the window`);
    // Asked for in the page's own world, where its policy holds: axe is handed in, not loaded.
    const { violations } = await this.page.evaluate(`(() => { ${axe}; return axe.run(document, { runOnly: ${JSON.stringify(RULES)} }); })()`);
    for (const violation of violations) this.complain(`${title}: ${violation.id}: ${violation.nodes.map(node => node.target).join(' | ')}`);
  }

  async picture(file) {
    await this.page.screenshot({ path: file }).catch(() => {});
  }

  problems(allowed = /^$/) {
    return [...new Set(this.#problems)].filter(problem => !allowed.test(problem));
  }

  close() {
    return this.context.close();
  }
}
