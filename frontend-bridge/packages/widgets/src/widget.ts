// <callboard-widget>: one widget of the host, drawn by the host.
import { AnswerError, type Answer, type Question } from './batch';
import { Content, reserve, settle } from './content';
import { CallboardElement } from './element';
import type { FrameHost } from './framed';
import { follow } from './links';
import { load } from './modules';
import { Refresh } from './refresh';
import { themeOf } from './settings';
import { TokenError } from './token';
import type { RangeDetail } from './types';
import { stepped, whenResized, whenSeen } from './visible';

/** What of a fixed height is around the picture: the caption, the way to the table. */
const AROUND = 60;

/** What attributes may say; anything else would be refused by the host for all of them. */
const ID = /^[a-z0-9][a-z0-9-]*\/[a-z0-9][a-z0-9-]*$/;

export class CallboardWidget extends CallboardElement {
  static readonly observedAttributes: readonly string[] = [
    'name', 'entity', 'range', 'from', 'to', 'args', 'mode', 'theme', 'lang', 'height', 'heading-level', 'max-points', 'base', 'app', 'token-provider',
  ];

  #args: unknown;
  #content: Content | undefined;
  #frame: FrameHost | undefined;
  #refresh: Refresh | undefined;
  #leave: (() => void)[] = [];
  #asked: string | undefined;
  #run = 0;
  #width: number | undefined;
  #drawn: number | undefined;
  #near = false;
  #framed: boolean | undefined;
  #zoom: { from?: string | undefined; to?: string | undefined } = {};

  /** Arguments of the widget, as a value or as JSON. */
  get args(): unknown {
    return this.#args ?? (this.getAttribute('args') || undefined);
  }

  set args(given: unknown) {
    this.#args = given;
    this.schedule();
  }

  /** The id of the widget, as plugin/widget. */
  get widgetId(): string {
    return this.getAttribute('name') ?? '';
  }

  get entityRef(): string | undefined {
    return this.getAttribute('entity') || undefined;
  }

  protected override about() {
    return this.widgetId;
  }

  /** Asks the host again. */
  refresh() {
    this.#asked = undefined;
    if (this.#frame) this.#frame.reload();
    else this.#ask();
  }

  protected override start() {
    if (!ID.test(this.widgetId)) {
      console.error(`callboard: <${this.localName}>: name must be plugin/widget, not "${this.widgetId}"`);
      return;
    }
    const framed = this.getAttribute('mode') === 'frame';
    if (framed !== this.#framed) this.stop();
    this.#framed = framed;
    if (framed) return this.#watchFrame();
    this.#content ??= new Content(this);
    this.#watch();
    reserve(this.body, this.#fixed(), this.#place());
    if (!this.#content.shown) this.#content.wait();
    else this.checkContrast();
    this.#ask();
  }

  protected override stop() {
    this.#run++;
    this.#asked = undefined;
    for (const leave of this.#leave.splice(0)) leave();
    this.#refresh?.stop();
    this.#refresh = undefined;
    this.#near = false;
    this.#stopFrame();
    this.#content?.clear();
  }

  #watch() {
    if (this.#leave.length > 0) return;
    const click = (event: Event) => this.#click(event);
    const range = (event: Event) => this.#chose(event as CustomEvent<RangeDetail>);
    this.root.addEventListener('click', click);
    this.addEventListener('callboard-range', range);
    this.#refresh = new Refresh(() => this.#content?.asks || this.refresh());
    this.#leave.push(
      () => this.root.removeEventListener('click', click),
      () => this.removeEventListener('callboard-range', range),
      whenResized(this, width => this.#resized(width)),
      whenSeen(this, near => {
        this.#near = near;
        this.#refresh?.near(near);
        if (near) this.#ask();
      }),
    );
  }

  #resized(width: number) {
    if (width < 1) return; // not displayed
    this.#width = width;
    const step = stepped(width, this.#drawn);
    if (this.#drawn !== undefined && step !== this.#drawn) this.#refresh?.soon();
  }

  #click(event: Event) {
    const button = event.composedPath().find(at => at instanceof HTMLElement && at.dataset.cbAction !== undefined) as HTMLElement | undefined;
    if (button?.dataset.cbAction === 'retry') this.refresh();
    else follow(event, this);
  }

  /** Shows the range that was chosen in the chart, unless the page does something else with it. */
  #chose(event: CustomEvent<RangeDetail>) {
    queueMicrotask(() => {
      if (event.defaultPrevented) return;
      this.#zoom = event.detail;
      this.#ask();
    });
  }

  #fixed(): number | undefined {
    const height = Number(this.getAttribute('height'));
    return height >= 60 && height <= 4096 ? Math.round(height) : undefined;
  }

  /** What the height of this widget is remembered by. */
  #place(): string {
    return [this.widgetId, this.entityRef, Math.round(this.clientWidth / 160)].join(' ');
  }

  question(): Question {
    const attribute = (name: string) => this.getAttribute(name) || undefined;
    const fixed = this.#fixed();
    return {
      id: this.widgetId,
      entityRef: this.entityRef,
      from: this.#zoom.from ?? attribute('from'),
      to: this.#zoom.to ?? attribute('to'),
      range: this.#zoom.from ? undefined : attribute('range'),
      maxPoints: Number(attribute('max-points')) || undefined,
      args: parsed(this.args),
      lang: this.language,
      tz: Intl.DateTimeFormat().resolvedOptions().timeZone,
      h: fixed && Math.max(60, fixed - AROUND),
      level: Number(attribute('heading-level')) || undefined,
      theme: themeOf(this.settings),
    };
  }

  /** Asks when it is worth it: near to view, and for something else than what is shown or under way. */
  #ask() {
    if (!this.#near || !this.ready) return;
    const question = this.question();
    const key = JSON.stringify([this.session.id, question]);
    if (key === this.#asked) return;
    this.#asked = key;
    this.#drawn = this.#width === undefined ? undefined : stepped(this.#width, undefined);
    void this.#answer({ ...question, w: this.#drawn });
  }

  async #answer(question: Question) {
    const run = ++this.#run;
    const began = performance.now();
    this.#content?.wait();
    const styled = this.styleFrom('/api/widgets/v1/style.css');
    try {
      const answer = await this.session.batch.ask(question);
      await styled;
      if (run === this.#run) this.#show(answer, performance.now() - began);
    } catch (problem) {
      if (run === this.#run) this.#failed(problem);
    }
  }

  #show(answer: Answer, ms: number) {
    if (this.#content?.touched) return this.#refresh?.after(answer.maxAge);
    const shown = this.#content!.show(answer.html);
    const status = shown?.getAttribute('data-status') ?? (answer.status < 400 ? 'ok' : 'error');
    this.dataset.status = status;
    settle(this.body, this.#fixed(), this.#place());
    this.checkContrast();
    if (status === 'error' || answer.status === 429 || answer.status >= 500) this.#refresh?.afterFailure(answer.maxAge);
    else this.#refresh?.after(answer.maxAge);
    if (answer.status < 400) this.tell('ready', { id: this.widgetId, status, ms: Math.round(ms) });
    else this.fail(status, shown?.textContent?.trim(), answer.status);
  }

  #failed(problem: unknown) {
    const ended = problem instanceof TokenError || (problem instanceof AnswerError && problem.status === 401);
    const said = problem instanceof AnswerError && problem.status !== 401 && problem.status < 500 ? problem.message : undefined;
    this.#content?.fail(said ?? this.say(ended ? 'signedOut' : 'offline'), ended);
    this.dataset.status = ended ? 'denied' : this.#content?.shown ? 'stale' : 'error';
    this.#asked = undefined;
    this.#refresh?.afterFailure(problem instanceof AnswerError ? problem.retryAfter : 0);
    const refused = problem instanceof AnswerError;
    this.fail(ended ? 'token' : refused ? 'answer' : 'network', problem, refused ? problem.status : 0);
  }

  /** Frames are loaded when they come near to view, as all else is. */
  #watchFrame() {
    this.#content = undefined;
    if (!this.#near) reserve(this.body, this.#fixed(), this.#place());
    if (this.#leave.length > 0) return this.#startFrame();
    this.#leave.push(
      whenSeen(this, near => {
        this.#near ||= near;
        this.#startFrame();
      }),
    );
  }

  #startFrame() {
    if (!this.#near || !this.ready) return;
    if (this.#frame) return this.#showFrame(this.#frame);
    const run = ++this.#run;
    load('framed').then(
      module => {
        if (run === this.#run) this.#showFrame((this.#frame = module.frame(this)));
      },
      (problem: unknown) => this.fail('module', problem),
    );
  }

  #showFrame(frame: FrameHost) {
    frame.show({
      id: this.widgetId,
      title: this.getAttribute('title') || this.getAttribute('aria-label') || this.widgetId,
      height: this.#fixed(),
      place: this.#place(),
      question: this.question(),
      app: this.settings.app ?? '',
      theme: this.settings.theme ?? 'auto',
    });
  }

  #stopFrame() {
    this.#frame?.stop();
    this.#frame = undefined;
  }
}

/** Arguments as a value; a text that is no JSON is handed on, for the host to say what is wrong with it. */
function parsed(args: unknown): unknown {
  if (typeof args !== 'string') return args;
  try {
    return JSON.parse(args);
  } catch {
    return args;
  }
}
