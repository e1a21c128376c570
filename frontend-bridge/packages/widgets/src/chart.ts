// A cursor for the host's charts, by pointer and by keyboard. It reads the table that is beside each picture: what it
// says is what the table says, in the words and numbers of the viewer's language.
import type { Detach, Surface } from './modules';

const SVG = 'http://www.w3.org/2000/svg';
/** How far a pointer moves before it selects a range instead of looking. */
const DRAG = 8;
const PAGE = 10;

/** One place of a chart, and the row of the table that is there. */
interface Place {
  x: number;
  row: HTMLTableRowElement;
}

interface Plot {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export function enhance(svg: SVGSVGElement, surface: Surface): Detach {
  const table = tableOf(svg);
  const plot = plotOf(svg);
  if (!table || !plot) return () => {};
  const places = placesOf(svg, table);
  if (places.length === 0) return () => {};
  return new Cursor(svg, surface, table, plot, places).detach;
}

function tableOf(svg: SVGSVGElement): HTMLTableElement | null {
  return svg.closest('figure')?.querySelector('table') ?? null;
}

function plotOf(svg: SVGSVGElement): Plot | undefined {
  const [left = NaN, top = NaN, right = NaN, bottom = NaN] = (svg.dataset.plot ?? '').split(' ').map(Number);
  return [left, top, right, bottom].every(Number.isFinite) ? { left, top, right, bottom } : undefined;
}

function placesOf(svg: SVGSVGElement, table: HTMLTableElement): Place[] {
  const rows = table.tBodies[0]?.rows;
  const places: Place[] = [];
  (svg.dataset.xs ?? '').split(' ').forEach((text, i) => {
    const x = Number(text);
    const row = rows?.[i];
    if (text !== '' && Number.isFinite(x) && row) places.push({ x, row });
  });
  return places.sort((a, b) => a.x - b.x);
}

class Cursor {
  readonly #line = document.createElementNS(SVG, 'line');
  readonly #brush = document.createElementNS(SVG, 'rect');
  readonly #tip = document.createElement('div');
  readonly #live = document.createElement('div');
  readonly #heads: string[];
  readonly #timed: boolean;
  #at: number | undefined;
  #from: number | undefined;
  #pressed: number | undefined;
  #undo: (() => void)[] = [];

  constructor(
    private readonly svg: SVGSVGElement,
    private readonly surface: Surface,
    table: HTMLTableElement,
    private readonly plot: Plot,
    private readonly places: Place[],
  ) {
    this.#heads = [...(table.tHead?.rows[0]?.cells ?? [])].map(c => c.textContent?.trim() ?? '');
    this.#timed = this.places.every(p => timeOf(p) !== undefined);
    this.#draw();
    this.#listen();
  }

  #draw() {
    const { svg, plot } = this;
    for (const [name, value] of Object.entries({ y1: plot.top, y2: plot.bottom, stroke: 'currentColor', 'stroke-dasharray': '3 3', visibility: 'hidden' })) {
      this.#line.setAttribute(name, String(value));
    }
    for (const [name, value] of Object.entries({ y: plot.top, height: plot.bottom - plot.top, fill: 'currentColor', 'fill-opacity': 0.14, visibility: 'hidden' })) {
      this.#brush.setAttribute(name, String(value));
    }
    for (const mark of [this.#brush, this.#line]) {
      mark.setAttribute('pointer-events', 'none');
      mark.setAttribute('aria-hidden', 'true');
    }
    svg.append(this.#brush, this.#line);
    this.#tip.setAttribute('aria-hidden', 'true');
    Object.assign(this.#tip.style, tipStyle);
    this.#live.className = 'cb-hidden';
    this.#live.setAttribute('aria-live', 'polite');
    svg.after(this.#tip, this.#live);
    const { style } = svg.parentElement!;
    const before = style.position;
    style.position = 'relative';
    this.#undo.push(() => (style.position = before));
    const attributes: Record<string, string> = { tabindex: '0', 'aria-keyshortcuts': 'ArrowLeft ArrowRight Home End PageUp PageDown Escape' + (this.#timed ? ' Shift+ArrowLeft Shift+ArrowRight Enter' : '') };
    for (const [name, value] of Object.entries(attributes)) svg.setAttribute(name, value);
    svg.style.touchAction = 'pan-y';
  }

  #listen() {
    const on = <K extends keyof SVGElementEventMap>(name: K, handle: (event: SVGElementEventMap[K]) => void) => {
      this.svg.addEventListener(name, handle);
      this.#undo.push(() => this.svg.removeEventListener(name, handle));
    };
    on('pointermove', event => this.#moved(event));
    on('pointerdown', event => this.#pressedAt(event));
    on('pointerup', event => this.#released(event));
    on('pointercancel', () => this.#clear());
    on('pointerleave', () => this.#pressed === undefined && this.#clear());
    on('keydown', event => this.#key(event));
    on('blur', () => this.#clear());
    on('dblclick', () => this.#timed && this.surface.tell('range', {}));
  }

  readonly detach = () => {
    for (const undo of this.#undo.splice(0)) undo();
    for (const node of [this.#line, this.#brush, this.#tip, this.#live]) node.remove();
  };

  /** Where a pointer is, in the units of the picture. */
  #x(event: PointerEvent): number {
    const box = this.svg.getBoundingClientRect();
    const width = this.svg.viewBox.baseVal?.width || box.width;
    return ((event.clientX - box.left) / (box.width || 1)) * width;
  }

  #nearest(x: number): number {
    let best = 0;
    this.places.forEach((place, i) => {
      if (Math.abs(place.x - x) < Math.abs(this.places[best]!.x - x)) best = i;
    });
    return best;
  }

  #moved(event: PointerEvent) {
    const x = this.#x(event);
    if (this.#pressed === undefined && (x < this.plot.left - 4 || x > this.plot.right + 4)) return this.#clear();
    this.#go(this.#nearest(x));
    if (this.#pressed === undefined || Math.abs(x - this.#pressed) < DRAG) return;
    this.#from ??= this.#nearest(this.#pressed);
    this.#select();
  }

  #pressedAt(event: PointerEvent) {
    if (!this.#timed || event.button !== 0 || !event.isPrimary) return;
    this.#pressed = this.#x(event);
    this.#from = undefined;
    if (event.pointerType !== 'touch') this.svg.setPointerCapture?.(event.pointerId);
  }

  #released(event: PointerEvent) {
    const dragged = this.#pressed !== undefined && this.#from !== undefined;
    this.#pressed = undefined;
    if (!dragged) return;
    this.#go(this.#nearest(this.#x(event)));
    this.#choose();
  }

  #key(event: KeyboardEvent) {
    const last = this.places.length - 1;
    const at = this.#at;
    const to: Record<string, number> = {
      ArrowLeft: at === undefined ? last : at - 1,
      ArrowRight: at === undefined ? 0 : at + 1,
      PageUp: (at ?? last) - PAGE,
      PageDown: (at ?? 0) + PAGE,
      Home: 0,
      End: last,
    };
    const target = to[event.key];
    if (target !== undefined) {
      if (this.#timed && event.shiftKey) this.#from ??= at;
      else this.#from = undefined;
      this.#go(Math.min(last, Math.max(0, target)));
      this.#select();
      this.#live.textContent = this.#words().join(', ');
    } else if (event.key === 'Enter' && this.#from !== undefined) this.#choose();
    else if (event.key === 'Escape' && at !== undefined) this.#clear();
    else if (event.key === 'Escape' && this.#timed) this.surface.tell('range', {});
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #go(at: number) {
    this.#at = at;
    const { x } = this.places[at]!;
    this.#line.setAttribute('x1', String(x));
    this.#line.setAttribute('x2', String(x));
    this.#line.setAttribute('visibility', 'visible');
    const words = this.#words();
    this.#tip.replaceChildren(
      ...words.map((text, i) => {
        const line = document.createElement(i === 0 ? 'strong' : 'div');
        line.textContent = text;
        return line;
      }),
    );
    this.#tip.style.display = 'block';
    this.#put(x);
  }

  /** Puts the tip beside the line, on the side where there is room. */
  #put(x: number) {
    const box = this.svg.getBoundingClientRect();
    const around = this.svg.parentElement!.getBoundingClientRect();
    const scale = box.width / (this.svg.viewBox.baseVal?.width || box.width || 1) || 1;
    const left = box.left - around.left + x * scale;
    const room = around.width - left;
    const width = this.#tip.offsetWidth;
    this.#tip.style.left = Math.max(0, room > width + 16 ? left + 10 : left - width - 10) + 'px';
    this.#tip.style.top = box.top - around.top + this.plot.top * scale + 'px';
  }

  /** What the table says at the cursor: of the first column its value, of the others their names too. */
  #words(): string[] {
    const cells = [...this.places[this.#at ?? 0]!.row.cells];
    return cells.map((cell, i) => (i === 0 ? '' : (this.#heads[i] ?? '') + ': ') + (cell.textContent?.trim() ?? ''));
  }

  #select() {
    const [from, to] = [this.#from, this.#at];
    if (from === undefined || to === undefined || from === to) return void this.#brush.setAttribute('visibility', 'hidden');
    const [a, b] = [this.places[from]!.x, this.places[to]!.x].sort((x, y) => x - y) as [number, number];
    this.#brush.setAttribute('x', String(a));
    this.#brush.setAttribute('width', String(b - a));
    this.#brush.setAttribute('visibility', 'visible');
  }

  #choose() {
    const chosen = [this.#from, this.#at];
    this.#clear();
    if (chosen[0] === undefined || chosen[1] === undefined || chosen[0] === chosen[1]) return;
    const [from, to] = chosen.map(i => timeOf(this.places[i!]!)!).sort((a, b) => Date.parse(a) - Date.parse(b));
    this.surface.tell('range', { from, to });
  }

  #clear() {
    this.#at = this.#from = this.#pressed = undefined;
    this.#tip.style.display = 'none';
    this.#live.textContent = '';
    for (const mark of [this.#line, this.#brush]) mark.setAttribute('visibility', 'hidden');
  }
}

function timeOf(place: Place): string | undefined {
  const told = place.row.cells[0]?.querySelector('time')?.getAttribute('datetime');
  return told && Number.isFinite(Date.parse(told)) ? told : undefined;
}

const tipStyle: Partial<CSSStyleDeclaration> = {
  display: 'none',
  position: 'absolute',
  zIndex: '1',
  pointerEvents: 'none',
  padding: '6px 8px',
  maxWidth: '60%',
  fontSize: '12px',
  fontVariantNumeric: 'tabular-nums',
  color: 'var(--callboard-text,light-dark(#1c2128,#e6e9ee))',
  background: 'var(--callboard-surface,light-dark(#fff,#1e242c))',
  border: '1px solid var(--callboard-border,light-dark(#d8dde3,#39414b))',
  borderRadius: 'var(--callboard-radius,6px)',
};
