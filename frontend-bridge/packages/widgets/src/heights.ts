// Heights of a frame: as its content says, unless the two make each other change for ever.

const LEAST = 40;
const MOST = 4096;
const SLACK = 2;
const ALTERNATIONS = 5;

export class Heights {
  #last: number[] = [];
  #stuck = false;
  #seq = -Infinity;

  /** The height to give a frame that says it is so high; undefined = leave it as it is. */
  next(said: number, seq: number): number | undefined {
    if (this.#stuck || seq <= this.#seq) return undefined;
    this.#seq = seq;
    const height = Math.min(MOST, Math.max(LEAST, Math.ceil(said)));
    const current = this.#last.at(-1);
    if (current !== undefined && Math.abs(height - current) < SLACK) return undefined;
    this.#last = [...this.#last, height].slice(-ALTERNATIONS);
    if (!this.#alternates()) return height;
    this.#stuck = true; // the taller of the two shows all
    return Math.max(...this.#last);
  }

  get stuck(): boolean {
    return this.#stuck;
  }

  #alternates(): boolean {
    const l = this.#last;
    return l.length === ALTERNATIONS && l.every((h, i) => i < 2 || Math.abs(h - l[i - 2]!) < SLACK);
  }
}
