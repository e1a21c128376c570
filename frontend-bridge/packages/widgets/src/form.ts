// Sends the host's forms in place: the same fields as without a script, so that there is one way to read them.
import { copyButton } from './actions';
import { get } from './unclobbered';
import type { Detach, Surface } from './modules';

const FORMS = '/api/widgets/v1/forms/';

export function enhance(form: HTMLFormElement, surface: Surface): Detach {
  secrets(surface);
  const path = pathOf(form, surface);
  if (!path) return () => {};
  let sending = false;
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (sending) return;
    sending = true;
    void send(form, path, event.submitter, surface).finally(() => (sending = false));
  };
  form.addEventListener('submit', submit);
  surface.root.addEventListener('click', toField);
  return () => {
    form.removeEventListener('submit', submit);
    surface.root.removeEventListener('click', toField);
  };
}

/** Where a form is sent, below the host; undefined for forms that are none of the host's. */
function pathOf(form: Element, surface: Surface): string | undefined {
  const { root } = surface.session.access;
  const action = get(form, 'action') ?? '';
  const path = action.startsWith(root + '/') ? action.slice(root.length) : action;
  return path.startsWith(FORMS) && !path.includes('..') ? path : undefined;
}

/** A form's fields may hide its own properties, so they are read without it. */
function fieldsOf(form: HTMLFormElement, submitter: HTMLElement | null, lang: string): URLSearchParams {
  const fields = new URLSearchParams();
  for (const [name, value] of new FormData(form, submitter)) if (typeof value === 'string') fields.append(name, value);
  if (!fields.has('lang')) fields.set('lang', lang);
  if (!fields.has('tz')) fields.set('tz', Intl.DateTimeFormat().resolvedOptions().timeZone);
  return fields;
}

async function send(form: HTMLFormElement, path: string, submitter: HTMLElement | null, surface: Surface) {
  submitter?.setAttribute('aria-disabled', 'true');
  const id = surface.host.getAttribute('name') ?? path.slice(FORMS.length).split('?')[0]!;
  try {
    const answer = await surface.session.send(path, {
      method: 'POST',
      headers: { 'Content-Type': 'application/x-www-form-urlencoded', Accept: 'text/html, application/json;q=0.5' },
      body: fieldsOf(form, submitter, surface.language).toString(),
    });
    const html = answer.headers.get('Content-Type')?.startsWith('text/html');
    const message = html ? replace(form, await answer.text(), surface) : problem(form, await messageOf(answer));
    surface.tell('submit', { id, status: answer.status, message });
  } catch (failure) {
    surface.tell('submit', { id, status: 0, message: problem(form, surface.say('offline')) });
    surface.fail('network', failure);
  } finally {
    submitter?.removeAttribute('aria-disabled');
  }
}

/** Puts the host's answer where the form was: it is the form again with what is wrong, or what became of it. */
function replace(form: HTMLFormElement, html: string, surface: Surface): string {
  const figure = form.closest('figure') ?? form;
  const nodes = surface.nodes(html);
  const first = nodes.firstElementChild;
  figure.replaceWith(nodes);
  for (const next of first?.querySelectorAll('form') ?? []) enhance(next, surface);
  secrets(surface);
  const told = first?.querySelector<HTMLElement>('[role=alert],[role=status]') ?? (first as HTMLElement | null);
  if (!told) return '';
  told.tabIndex = -1;
  told.focus();
  return told.textContent?.trim() ?? '';
}

/** Tells above the form what is wrong with the whole of it. */
function problem(form: HTMLFormElement, message: string): string {
  const before = form.previousElementSibling;
  const said = before instanceof HTMLElement && before.dataset.cbProblem !== undefined ? before : document.createElement('p');
  said.dataset.cbProblem = '';
  said.setAttribute('role', 'alert');
  said.tabIndex = -1;
  said.textContent = message;
  form.before(said);
  said.focus();
  return message;
}

async function messageOf(answer: Response): Promise<string> {
  try {
    const said = (await answer.json())?.error?.message;
    if (typeof said === 'string') return said;
  } catch {
    // what is not JSON is not for people
  }
  return `${answer.status} ${answer.statusText}`.trim();
}

/** A link of the error summary leads to the field that is wrong. */
function toField(event: Event) {
  const link = event.composedPath().find(at => at instanceof HTMLAnchorElement) as HTMLAnchorElement | undefined;
  const id = link?.getAttribute('href');
  if (!link || !id?.startsWith('#')) return;
  const root = link.getRootNode();
  const field = root instanceof ShadowRoot ? root.getElementById(decodeURIComponent(id.slice(1))) : null;
  if (!field) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  field.focus();
}

/** What is shown once can be copied at once. */
function secrets({ body, language }: Surface) {
  for (const secret of body.querySelectorAll<HTMLElement>('.cb-secret')) {
    if (secret.nextElementSibling?.matches('[data-cb-copy]')) continue;
    const button = copyButton(secret, language);
    button.className = 'cb-button';
    secret.after(button);
  }
}
