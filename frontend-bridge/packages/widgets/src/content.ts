// What a surface shows: a skeleton, the fallback of the page, a fragment of the host, or a word of its own.
import type { Detach, Surface } from './modules';
import { load } from './modules';
import { remember, remembered } from './places';

/** What a person did to a fragment, which the next one gets too. */
interface Kept {
  open: boolean[];
  focus: number | null;
  name: string | undefined;
}

export class Content {
  #html: string | undefined;
  #detach: Detach[] = [];
  #generation = 0;
  readonly #slot = document.createElement('slot');
  readonly #skeleton = document.createElement('div');

  constructor(private readonly surface: Surface) {
    this.#skeleton.className = 'cb-skeleton';
  }

  get shown(): boolean {
    return this.#html !== undefined;
  }

  /** Keeps the place of what is under way: with the page's own fallback in it where there is one. */
  wait() {
    const { body, host } = this.surface;
    body.setAttribute('aria-busy', 'true');
    if (this.shown) return;
    const fallback = host.childNodes.length > 0 && host.textContent?.trim() !== '' || host.firstElementChild;
    const said = document.createElement('span');
    said.className = 'cb-hidden';
    said.textContent = this.surface.say('loading');
    body.replaceChildren(...(fallback ? [this.#slot] : [this.#skeleton, said]));
  }

  /** Shows a fragment. One that is as the last one changes nothing, so that what a person does in it stays. */
  show(html: string): Element | null {
    const { body } = this.surface;
    body.removeAttribute('aria-busy');
    if (html === this.#html) return body.firstElementChild;
    const nodes = this.surface.nodes(html);
    const kept = this.#remember();
    this.clear();
    this.#html = html;
    body.replaceChildren(nodes);
    this.#restore(kept);
    this.#enhance();
    return body.firstElementChild;
  }

  /**
   * Says in the browser's own words that there is nothing to show, with a way to try again. What is shown already stays,
   * unless who looked at it may not any longer.
   */
  fail(message: string, ended = false) {
    const { body } = this.surface;
    body.removeAttribute('aria-busy');
    if (this.shown && !ended) return;
    this.clear();
    const text = document.createElement('p');
    text.setAttribute('role', 'alert');
    text.textContent = message;
    const retry = document.createElement('button');
    retry.type = 'button';
    retry.dataset.cbAction = 'retry';
    retry.textContent = this.surface.say('retry');
    const local = document.createElement('div');
    local.className = 'cb-local';
    local.append(text, retry);
    body.replaceChildren(local);
  }

  /** Forgets what is shown, and takes away what was added to it. */
  clear() {
    this.#generation++;
    for (const detach of this.#detach.splice(0)) detach();
    this.#html = undefined;
  }

  /** Whether it is a form, or what became of one: nothing that is shown anew by itself. */
  get asks(): boolean {
    return this.surface.body.querySelector('form,.cb-outcome') !== null;
  }

  /** Whether a new fragment would lose what a person has filled in, or what is shown once. */
  get touched(): boolean {
    const { body } = this.surface;
    const fields = [...body.querySelectorAll<HTMLInputElement>('input,textarea')];
    const options = [...body.querySelectorAll('option')];
    return (
      body.querySelector('.cb-outcome') !== null ||
      fields.some(f => f.value !== f.defaultValue || f.checked !== f.defaultChecked) ||
      options.some(o => o.selected !== o.defaultSelected && options.some(d => d.defaultSelected))
    );
  }

  #remember(): Kept {
    const active = this.surface.root.activeElement;
    return {
      open: [...this.surface.body.querySelectorAll('details')].map(d => d.open),
      focus: active && [...this.surface.body.querySelectorAll(active.localName)].indexOf(active),
      name: active?.localName,
    };
  }

  #restore({ open, focus, name }: Kept) {
    const details = [...this.surface.body.querySelectorAll('details')];
    if (details.length === open.length) details.forEach((d, i) => (d.open = open[i]!));
    if (!name || focus === null) return;
    const again = this.surface.body.querySelectorAll<HTMLElement>(name)[focus];
    if (again?.localName === 'svg') again.setAttribute('tabindex', '0');
    again?.focus?.({ preventScroll: true });
  }

  #enhance() {
    const { body } = this.surface;
    for (const svg of body.querySelectorAll<SVGSVGElement>('svg[data-xs]')) this.#add(load('chart'), m => m.enhance(svg, this.surface));
    for (const form of body.querySelectorAll('form')) this.#add(load('form'), m => m.enhance(form, this.surface));
  }

  /** Adds a part when it has arrived. Without it, the fragment works as the host wrote it. */
  #add<M>(loading: Promise<M>, enhance: (module: M) => Detach) {
    const generation = this.#generation;
    loading.then(
      module => {
        if (generation === this.#generation) this.#detach.push(enhance(module));
      },
      (problem: unknown) => this.surface.fail('module', problem),
    );
  }
}

/** Keeps the height of a widget free before it is there, as it was when the page was last seen. */
export function reserve(body: HTMLElement, fixed: number | undefined, key: string) {
  body.classList.toggle('cb-scroll', fixed !== undefined);
  body.style.height = fixed === undefined ? '' : fixed + 'px';
  body.style.minHeight = fixed === undefined ? remembered(key) + 'px' : '';
}

/** Remembers how high the widget is, now that it is there. What was kept free beyond that stays: the page must not move. */
export function settle(body: HTMLElement, fixed: number | undefined, key: string) {
  if (fixed !== undefined) {
    const scrolls = body.scrollHeight > body.clientHeight + 1 || body.scrollWidth > body.clientWidth + 1;
    if (scrolls) body.tabIndex = 0;
    else body.removeAttribute('tabindex');
    return;
  }
  const height = [...body.children].reduce((sum, child) => sum + child.getBoundingClientRect().height, 0);
  if (height > 0) remember(key, Math.ceil(height));
}
