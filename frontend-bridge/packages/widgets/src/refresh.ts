// When a widget is asked for again: as often as its answer says, while somebody may look at it.

const LEAST = 5_000;
const RETRY = 5_000;
const LONGEST = 300_000;
const SETTLED = 250;

export class Refresh {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #due: number | undefined;
  #near = true;
  #failures = 0;

  constructor(private readonly again: () => unknown) {
    document.addEventListener('visibilitychange', this.#look);
  }

  stop() {
    document.removeEventListener('visibilitychange', this.#look);
    clearTimeout(this.#timer);
  }

  near(near: boolean) {
    this.#near = near;
    this.#look();
  }

  /** Asks again after some seconds; 0 = the answer stays. */
  after(seconds: number) {
    this.#failures = 0;
    this.#set(seconds > 0 ? Math.max(LEAST, seconds * 1000) : undefined);
  }

  /** Asks again after a failure: later each time, and not before the host wants it. */
  afterFailure(seconds: number) {
    this.#set(Math.max(seconds * 1000, Math.min(LONGEST, RETRY * 2 ** this.#failures++)));
  }

  /** Asks again when whatever is changing has settled. */
  soon() {
    this.#set(SETTLED);
  }

  #set(wait: number | undefined) {
    this.#due = wait === undefined ? undefined : Date.now() + wait;
    this.#look();
  }

  readonly #look = () => {
    clearTimeout(this.#timer);
    if (this.#due === undefined || !this.#near || document.visibilityState === 'hidden') return;
    this.#timer = setTimeout(() => {
      this.#due = undefined;
      this.again();
    }, Math.max(0, this.#due - Date.now()));
  };
}
