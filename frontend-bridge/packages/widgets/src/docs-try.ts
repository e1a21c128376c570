// The form that tries an operation through the host. What an API answers is shown as text and nothing else.
import { action, type Action } from './actions';
import { choose, field, files, MOST, requestOf, TooLarge, type Try } from './docs-form';
import type { Detach, Surface } from './modules';

interface Confirm {
  token: string;
  summary: Record<string, unknown>;
}

interface Tried {
  status: number;
  headers?: Record<string, string>;
  body?: string;
  encoding?: string;
  bytes?: number;
  truncated?: boolean;
  tookMs?: number;
  method?: string;
  url?: string;
  notes?: string[];
}

export function tryForms(within: Element, surface: Surface): Detach {
  const undo: Detach[] = [];
  for (const form of within.querySelectorAll<HTMLFormElement>('form[data-cb-try]')) undo.push(new TryForm(form, surface).detach);
  return () => undo.forEach(detach => detach());
}

class TryForm {
  #undo: Detach[] = [];
  #sending = false;

  constructor(
    private readonly form: HTMLFormElement,
    private readonly surface: Surface,
  ) {
    const submit = (event: Event) => {
      event.preventDefault();
      void this.#try(() => requestOf(form));
    };
    const changed = () => {
      this.#credentials();
      choose(form);
      this.#confirm.hidden = true; // another request needs another consent
    };
    form.addEventListener('submit', submit);
    form.addEventListener('input', changed);
    this.#undo.push(
      () => form.removeEventListener('submit', submit),
      () => form.removeEventListener('input', changed),
    );
    this.#credentials();
    files(form);
    choose(form);
    this.#button.disabled = false;
  }

  readonly detach = () => this.#undo.splice(0).forEach(undo => undo());

  get #button(): HTMLButtonElement {
    return field<HTMLButtonElement>(this.form, '[data-cb-try-send]') ?? document.createElement('button');
  }

  get #confirm(): HTMLElement {
    return field<HTMLElement>(this.form, '[data-cb-try-confirm]') ?? document.createElement('div');
  }

  get #answer(): HTMLElement {
    return field<HTMLElement>(this.form, '[data-cb-try-answer]') ?? document.createElement('div');
  }

  /** Credentials are for one server; the others' cannot be chosen. */
  #credentials() {
    const server = field<HTMLSelectElement>(this.form, '[name=server]')?.value;
    const select = field<HTMLSelectElement>(this.form, '[name=credential]');
    if (!select) return;
    for (const option of select.options) {
      const of = option.dataset.cbServer;
      option.hidden = option.disabled = of !== undefined && of !== server;
    }
    if (select.selectedOptions[0]?.disabled) select.value = '';
  }

  async #try(request: () => Promise<Try>) {
    if (this.#sending) return;
    this.#sending = true;
    this.#button.disabled = true;
    this.#confirm.hidden = true;
    this.#answer.setAttribute('aria-busy', 'true');
    try {
      await this.#send(await request());
    } catch (problem) {
      const large = problem instanceof TooLarge;
      this.#tell(large ? action('tooLarge', this.surface.language).replace('#', `${MOST / 1024} KB`) : this.surface.say('offline'));
    } finally {
      this.#sending = false;
      this.#button.disabled = false;
      this.#answer.removeAttribute('aria-busy');
    }
  }

  async #send(request: Try) {
    const answer = await this.surface.session.send(this.form.getAttribute('data-cb-try') ?? '', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
      body: JSON.stringify(request),
    });
    const said = await answer.json().catch(() => ({}));
    if (answer.status === 409 && said?.confirm?.token) this.#ask(request, said.confirm as Confirm);
    else if (answer.ok) this.#show(said as Tried);
    else this.#tell(said?.error?.message ?? `${answer.status}`);
  }

  /** Shows what is about to be sent; only a person sends it. */
  #ask(request: Try, confirm: Confirm) {
    const list = document.createElement('dl');
    for (const [name, value] of Object.entries(confirm.summary)) {
      if (value === '' || value === null || value === undefined) continue;
      const term = document.createElement('dt');
      term.textContent = name;
      const detail = document.createElement('dd');
      detail.textContent = inWords(value);
      list.append(term, detail);
    }
    const question = document.createElement('p');
    question.textContent = action('changes', this.surface.language);
    const send = this.#choice('sendIt', () => void this.#try(async () => ({ ...request, confirm: confirm.token })));
    const cancel = this.#choice('cancel', () => {
      this.#confirm.hidden = true;
      this.#button.focus();
    });
    const box = this.#confirm;
    this.#answer.replaceChildren(); // an earlier one is not this request's
    box.replaceChildren(question, list, send, ' ', cancel);
    box.hidden = false;
    box.setAttribute('role', 'group');
    box.setAttribute('aria-label', question.textContent);
    cancel.focus();
  }

  #choice(word: Action, act: () => void): HTMLButtonElement {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = action(word, this.surface.language);
    button.addEventListener('click', act);
    return button;
  }

  #show(tried: Tried) {
    const head = document.createElement('p');
    const size = tried.bytes === undefined ? '' : ` · ${tried.bytes} B${tried.truncated ? ' …' : ''}`;
    head.textContent = `${tried.status} · ${tried.method ?? ''} ${tried.url ?? ''} · ${tried.tookMs ?? 0} ms${size}`;
    const notes = (tried.notes ?? []).map(text => {
      const note = document.createElement('p');
      note.textContent = text;
      return note;
    });
    const headers = block(Object.entries(tried.headers ?? {}).map(([name, value]) => `${name}: ${value}`).join('\n'), 'Headers');
    const body = block(tried.encoding === 'base64' ? `base64: ${tried.body ?? ''}` : pretty(tried.body ?? ''), 'Body');
    this.#answer.replaceChildren(head, ...notes, headers, body);
    this.#answer.focus();
  }

  #tell(message: string) {
    const text = document.createElement('p');
    text.className = 'cb-docs-required';
    text.textContent = message;
    this.#answer.replaceChildren(text);
    this.#answer.focus();
  }
}

/** A value of a summary on one line: fields with their names, and each part of a form. */
function inWords(value: unknown): string {
  if (Array.isArray(value)) return value.map(part => Object.values(part as object).join(' ')).join(', ');
  if (typeof value !== 'object') return String(value);
  return Object.entries(value as object).map(([name, text]) => `${name}: ${text}`).join(', ');
}

function block(text: string, label: string): HTMLElement {
  const pre = document.createElement('pre');
  pre.tabIndex = 0;
  pre.setAttribute('role', 'group');
  pre.setAttribute('aria-label', label);
  pre.textContent = text;
  return pre;
}

/** JSON with lines, as far as it is JSON. Numbers that JavaScript cannot hold stay as they were sent. */
function pretty(text: string): string {
  try {
    const laid = JSON.stringify(JSON.parse(text), null, 2);
    return /\d{16}/.test(text) ? text : laid;
  } catch {
    return text;
  }
}
