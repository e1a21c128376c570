// Widgets that come into view together are one request, whose answers are shown as they arrive.
import type { Session } from './session';

/** One question, as POST /batch takes it. */
export interface Question {
  id: string;
  entityRef?: string | undefined;
  from?: string | undefined;
  to?: string | undefined;
  range?: string | undefined;
  maxPoints?: number | undefined;
  args?: unknown;
  lang?: string | undefined;
  tz?: string | undefined;
  w?: number | undefined;
  h?: number | undefined;
  /** Of the heading, 2 to 6. */
  level?: number | undefined;
  theme?: string | undefined;
}

/** A fragment and how long it is good for. */
export interface Answer {
  status: number;
  html: string;
  maxAge: number;
}

/** The host did not answer with a fragment. */
export class AnswerError extends Error {
  override readonly name = 'AnswerError';
  constructor(
    readonly status: number,
    message: string,
    /** Seconds after which the host wants to be asked again. */
    readonly retryAfter = 0,
  ) {
    super(message);
  }
}

const GATHER = 20; // ms
const MOST = 50;
const API = '/api/widgets/v1';

interface Waiting {
  question: Question;
  resolve(answer: Answer): void;
  reject(problem: unknown): void;
}

export class Batch {
  #waiting: Waiting[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly session: Session) {}

  /** Asks with whatever else is asked within the next moment. */
  ask(question: Question): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ question, resolve, reject });
      if (this.#waiting.length >= MOST) this.#flush();
      else this.#timer ??= setTimeout(() => this.#flush(), GATHER);
    });
  }

  #flush() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const all = this.#waiting;
    this.#waiting = [];
    void this.#send(all);
  }

  /** Sends a batch. What it leaves unanswered is asked for alone, so that one broken answer is the trouble of one widget. */
  async #send(all: Waiting[]) {
    const open = new Map(all.entries());
    try {
      if (all.length > 1) await this.#stream(all, open);
    } catch (problem) {
      if (!(problem instanceof AnswerError) || !alone.includes(problem.status)) {
        for (const w of open.values()) w.reject(problem);
        return;
      }
    }
    for (const w of open.values()) this.#single(w.question).then(w.resolve, w.reject);
  }

  async #stream(all: Waiting[], open: Map<number, Waiting>) {
    const answer = await this.session.send(API + '/batch', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Accept: 'application/x-ndjson' },
      body: JSON.stringify({ requests: all.map(w => ({ ...w.question, format: 'html' })) }),
    });
    if (!answer.ok || !answer.body) throw await failure(answer);
    for await (const line of lines(answer.body)) {
      const said = read(line);
      const index = said?.index as number;
      const asker = open.get(index);
      if (!asker || typeof said?.html !== 'string') continue;
      open.delete(index);
      asker.resolve({ status: Number(said.status) || 200, html: said.html, maxAge: Number(said.maxAge) || 0 });
    }
  }

  async #single(q: Question): Promise<Answer> {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(q)) {
      if (name !== 'id' && value !== undefined) query.set(name, typeof value === 'object' ? JSON.stringify(value) : String(value));
    }
    const answer = await this.session.send(`${API}/render/${widgetPath(q.id)}.html?${query}`, { headers: { Accept: 'text/html' } });
    if (!answer.headers.get('Content-Type')?.startsWith('text/html')) throw await failure(answer);
    return { status: answer.status, html: await answer.text(), maxAge: ageOf(answer.headers.get('Cache-Control')) };
  }
}

/** plugin/widget as a path. */
export function widgetPath(id: string): string {
  return id.split('/').map(encodeURIComponent).join('/');
}

/** What a failed batch has to answer for its questions to have a chance alone: not that the host knows the caller or is busy. */
const alone = [400, 404, 405, 413, 501, 502];

async function failure(answer: Response): Promise<AnswerError> {
  let message = `the host answers ${answer.status}`;
  try {
    const told = (await answer.json())?.error?.message;
    if (typeof told === 'string') message = told;
  } catch {
    // what is not JSON is not for people
  }
  return new AnswerError(answer.status, message, Number(answer.headers.get('Retry-After')) || 0);
}

function ageOf(header: string | null): number {
  return Number(/max-age=(\d+)/.exec(header ?? '')?.[1] ?? 0);
}

interface Line {
  index?: unknown;
  status?: unknown;
  html?: unknown;
  maxAge?: unknown;
}

function read(line: string): Line | null {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

/** The lines of a stream as they arrive. */
async function* lines(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      rest += decoder.decode(value, { stream: !done });
      const whole = rest.split('\n');
      rest = done ? '' : (whole.pop() ?? '');
      for (const line of whole) if (line.trim()) yield line;
      if (done) return;
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}
