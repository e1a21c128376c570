// What a form for trying an operation asks for: parameters, a text, or the fields of a form with its files.
export interface Try {
  server: string;
  credential?: string;
  params: Record<'path' | 'query' | 'header' | 'cookie', Record<string, string | string[]>>;
  contentType?: string;
  body?: string;
  parts?: Part[];
  confirm?: string;
}

interface Part {
  name: string;
  text?: string;
  base64?: string;
  filename?: string;
  contentType?: string;
}

type Control = HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement;

/** What the host takes of one request, with all of its files. */
export const MOST = 1 << 20;

/** A request that is more than the host takes. */
export class TooLarge extends Error {}

/** Fields are found by what they are for: their names are those of the API's parameters, and could hide a form's own. */
export const field = <E extends Element>(form: Element, selector: string) => form.querySelector<E>(selector);

const value = (form: Element, name: string) => field<HTMLInputElement>(form, `[name=${name}]`)?.value ?? '';

/** The fields of the chosen type of content; undefined where that is a text. */
const chosen = (form: Element) =>
  [...form.querySelectorAll<HTMLFieldSetElement>('[data-cb-form]')].find(fields => fields.dataset.cbForm === value(form, 'contentType'));

/** Makes controls for files, which fragments do not hold themselves. */
export function files(form: Element) {
  for (const input of form.querySelectorAll<HTMLInputElement>('input[data-cb-file]')) {
    input.type = 'file';
    input.multiple = input.dataset.cbEach !== undefined;
    input.accept = input.dataset.cbType ?? '';
  }
}

/** Shows what the chosen type of content is entered with. */
export function choose(form: Element) {
  const shown = chosen(form);
  for (const fields of form.querySelectorAll<HTMLFieldSetElement>('[data-cb-form]')) fields.hidden = fields.disabled = fields !== shown;
  const raw = field<HTMLElement>(form, '[data-cb-raw]');
  if (raw) raw.hidden = shown !== undefined;
}

/** The request that a form describes. What is empty and may be is left out. */
export async function requestOf(form: Element): Promise<Try> {
  const params: Try['params'] = { path: {}, query: {}, header: {}, cookie: {} };
  for (const input of form.querySelectorAll<HTMLInputElement | HTMLSelectElement>('[data-cb-in]')) {
    const place = params[input.dataset.cbIn as keyof Try['params']];
    const name = input.dataset.cbName ?? '';
    if (!place || (input.value === '' && !input.required)) continue;
    const all = input instanceof HTMLSelectElement && input.multiple ? [...input.selectedOptions].map(o => o.value) : input.value;
    Object.defineProperty(place, name, { value: all, enumerable: true });
  }
  const request: Try = { server: value(form, 'server'), params };
  if (value(form, 'credential')) request.credential = value(form, 'credential');
  const fields = chosen(form);
  if (fields) {
    const parts = await partsOf(fields);
    if (parts.length) Object.assign(request, { parts, contentType: value(form, 'contentType') });
  } else if (value(form, 'body') !== '') {
    request.body = value(form, 'body');
    if (value(form, 'contentType')) request.contentType = value(form, 'contentType');
  }
  return request;
}

async function partsOf(fields: Element): Promise<Part[]> {
  const parts: Part[] = [];
  let size = 0;
  for (const input of fields.querySelectorAll<Control>('[data-cb-part]')) {
    const { cbPart: name = '', cbEach, cbType } = input.dataset;
    if (input instanceof HTMLInputElement && input.type === 'file') {
      for (const file of input.files ?? []) {
        if ((size += file.size) > MOST) throw new TooLarge();
        parts.push({ name, filename: file.name, contentType: file.type || undefined, base64: await base64(file) });
      }
    } else if (input.value !== '' || input.required) {
      const texts = cbEach === undefined ? [input.value] : input.value.split(/\r?\n/).filter(Boolean);
      for (const text of texts) parts.push({ name, text, contentType: cbType || undefined });
    }
  }
  return parts;
}

function base64(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result).replace(/^[^,]*,?/, ''));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}
