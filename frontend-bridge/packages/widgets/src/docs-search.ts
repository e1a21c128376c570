// Search in a document as one types, in an index of all that it holds.
import { refusal, type DocsOptions, type Place } from './docs';
import type { Surface } from './modules';

/** A row of search.json: what it shares with the row before is a number of characters. */
type Row = [sharedId: number, restId: string, verb: string, sharedPath: number, restPath: string, title: string, group: number];

export interface Entry {
  place: Place;
  verb: string;
  path: string;
  title: string;
  group: string;
  text: string;
}

/** What search needs of the document it is in. */
interface Of {
  readonly surface: Surface;
  readonly what: DocsOptions;
  open(place: Place, from?: Element): Promise<void>;
  say(text: string): void;
  address(place: Place): string;
}

const MOST = 50;

/** Reads search.json. Rows of another shape end the reading: those after build on them. */
export function read(index: unknown): Entry[] {
  const { groups, operations } = (index ?? {}) as { groups?: unknown[]; operations?: unknown[] };
  const entries: Entry[] = [];
  let id = '';
  let path = '';
  for (const row of Array.isArray(operations) ? operations : []) {
    if (!Array.isArray(row) || row.length < 7) break;
    const [sharedId, restId, verb, sharedPath, restPath, title, group] = row as Row;
    id = id.slice(0, sharedId) + restId;
    path = path.slice(0, sharedPath) + restPath;
    entries.push({
      place: { kind: verb === 'type' ? 'schema' : 'operation', id },
      verb,
      path,
      title,
      group: String(groups?.[group] ?? ''),
      text: `${verb} ${path} ${title} ${id}`.toLowerCase(),
    });
  }
  return entries;
}

/** Entries that hold every word. Those whose path or title begins with what was typed come first. */
export function find(entries: Entry[], typed: string): Entry[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  const first = words.join(' ');
  const begins = (e: Entry) => (e.path.toLowerCase().startsWith(first) || e.title.toLowerCase().startsWith(first) ? 0 : 1);
  return entries
    .filter(e => words.every(w => e.text.includes(w)))
    .map((entry, at) => ({ entry, at, rank: begins(entry) }))
    .sort((a, b) => a.rank - b.rank || a.at - b.at)
    .map(({ entry }) => entry);
}

export class Search {
  readonly #results = document.createElement('ul');
  readonly #hidden: HTMLElement[];
  #entries: Promise<Entry[]> | undefined;
  #leave: (() => void)[] = [];

  constructor(
    private readonly form: HTMLFormElement,
    within: Element,
    private readonly of: Of,
  ) {
    this.#results.className = 'cb-docs-list';
    this.#results.hidden = true;
    form.after(this.#results);
    this.#hidden = [...within.querySelectorAll<HTMLElement>('.cb-docs-group')];
    const input = form.querySelector('input');
    if (!input) return;
    const typed = () => void this.#typed(input.value);
    const submitted = (event: Event) => {
      event.preventDefault();
      this.#results.querySelector('a')?.click();
    };
    input.addEventListener('input', typed);
    form.addEventListener('submit', submitted);
    this.#leave.push(
      () => input.removeEventListener('input', typed),
      () => form.removeEventListener('submit', submitted),
    );
  }

  readonly detach = () => {
    for (const leave of this.#leave.splice(0)) leave();
    this.#results.remove();
  };

  async #typed(text: string) {
    const searching = text.trim() !== '';
    for (const group of this.#hidden) group.hidden = searching;
    this.#results.hidden = !searching;
    if (!searching) return this.of.say('');
    try {
      const entries = await (this.#entries ??= this.#load());
      if (text !== this.form.querySelector('input')?.value) return;
      this.#show(find(entries, text));
    } catch (problem) {
      this.#entries = undefined;
      for (const group of this.#hidden) group.hidden = false;
      this.of.say(String(problem));
    }
  }

  async #load(): Promise<Entry[]> {
    const answer = await this.of.surface.session.send(this.of.what.start + '/search.json');
    if (!answer.ok) throw await refusal(answer);
    return read(await answer.json());
  }

  #show(found: Entry[]) {
    const root = this.of.surface.session.access.root;
    this.#results.replaceChildren(...found.slice(0, MOST).map(entry => this.#item(entry, root)));
    this.of.say(found.length > MOST ? `${MOST}+` : String(found.length));
  }

  #item(entry: Entry, root: string): HTMLElement {
    const item = document.createElement('li');
    const link = document.createElement('a');
    link.href = root + this.of.address(entry.place).split('?')[0];
    const verb = document.createElement('span');
    verb.className = 'cb-docs-verb cb-docs-' + entry.verb.toLowerCase().replace(/[^a-z]/g, '');
    verb.textContent = entry.verb;
    const path = document.createElement('code');
    path.textContent = entry.path;
    link.append(verb, ' ', path);
    link.addEventListener('click', event => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
      event.preventDefault();
      event.stopPropagation();
      void this.of.open(entry.place, link);
    });
    const title = document.createElement('span');
    title.className = 'cb-docs-title';
    title.textContent = entry.title;
    item.append(link, ' ', title);
    return item;
  }
}
