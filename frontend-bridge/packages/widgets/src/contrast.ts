// Whether what is shown can be read where it is shown. What cannot falls back to the built-in palette on a background of its
// own: a theme that was made for another page, or a dark page that tells no browser so, should cost the look, not the content.

/** Least contrast of text, of WCAG 2.2 AA. */
const LEAST = 4.5;

/** What is read on what; "" = what is painted behind the content. */
const pairs = [
  ['text', ''],
  ['text', 'surface'],
  ['text-muted', ''],
  ['accent', ''],
] as const;

type Colour = [red: number, green: number, blue: number, alpha: number];

/** Colours that are the theme's, which fall back together: a palette of two hands is none. */
const palette = ['bg', 'surface', 'text', 'text-muted', 'border', 'accent', 'focus', 'ok', 'warn', 'danger', 'info'];

const BACKGROUND = 'light-dark(#fff,#161b22)';

const warned = new Set<string>();

/** Gives what is in a body the built-in palette when it cannot be read otherwise. */
export function check(element: Element, body: HTMLElement) {
  wear(body, false);
  const content = body.firstElementChild ?? body;
  const probe = document.createElement('span');
  content.append(probe);
  const problem = faint(element, content, probe);
  probe.remove();
  if (!problem) return;
  wear(body, true);
  if (warned.has(problem)) return;
  warned.add(problem);
  console.warn(`callboard: ${problem}; the built-in palette is used instead (4.5:1 is the least that can be read)`);
}

function wear(body: HTMLElement, builtIn: boolean) {
  for (const name of palette) {
    if (builtIn) body.style.setProperty('--callboard-' + name, 'initial');
    else body.style.removeProperty('--callboard-' + name);
  }
  body.style.background = builtIn ? BACKGROUND : '';
  body.style.boxShadow = builtIn ? `0 0 0 8px ${BACKGROUND}` : ''; // room around the text that moves nothing
}

/** The pair that is too faint, as words; undefined when all can be read. */
function faint(element: Element, content: Element, probe: HTMLElement): string | undefined {
  // The host's style sheets have the colours in force by short names, those of the page and their defaults.
  const [inForce, themed] = [getComputedStyle(content), getComputedStyle(element)];
  const told = (name: string) => (inForce.getPropertyValue('--cb-' + name) || themed.getPropertyValue('--callboard-' + name)).trim();
  const behind = background(content);
  for (const [front, back] of pairs) {
    const over = back ? told(back) : behind;
    if (!told(front) || !over) continue;
    const ratio = contrast(colourOf(told(front), probe), colourOf(over, probe));
    if (ratio !== undefined && ratio < LEAST) return `--callboard-${front} on ${back ? '--callboard-' + back : 'what is behind it'} is ${ratio.toFixed(1)}:1`;
  }
  return undefined;
}

/** The colour that an element without a background is seen on. */
function background(element: Element): string {
  for (let at: Element | null = element; at; at = parentOf(at)) {
    const colour = getComputedStyle(at).backgroundColor;
    if (colour && colour !== 'transparent' && !/^rgba\(.*,\s*0\)$/.test(colour)) return colour;
  }
  return 'Canvas';
}

function parentOf(element: Element): Element | null {
  if (element.assignedSlot) return element.assignedSlot;
  if (element.parentElement) return element.parentElement;
  const root = element.getRootNode();
  return root instanceof ShadowRoot ? root.host : null;
}

/** The ratio of two opaque colours as WCAG defines it; undefined when one is unknown or can be seen through. */
export function contrast(a: Colour | undefined, b: Colour | undefined): number | undefined {
  if (!a || !b || a[3] < 1 || b[3] < 1) return undefined;
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

function luminance([red, green, blue]: Colour): number {
  const linear = (c: number) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  return 0.2126 * linear(red / 255) + 0.7152 * linear(green / 255) + 0.0722 * linear(blue / 255);
}

/** A CSS colour as the browser computes it for the probe, whose colour scheme decides about light-dark(). */
export function colourOf(css: string, probe: HTMLElement): Colour | undefined {
  probe.style.color = '';
  probe.style.color = css;
  if (!probe.style.color) return undefined;
  const computed = getComputedStyle(probe).color;
  return plain(computed) ?? painted(computed);
}

function plain(css: string): Colour | undefined {
  const m = /^rgba?\(([\d.]+)[, ]+([\d.]+)[, ]+([\d.]+)(?:[,/ ]+([\d.]+))?\)$/.exec(css);
  return m ? [Number(m[1]), Number(m[2]), Number(m[3]), m[4] === undefined ? 1 : Number(m[4])] : undefined;
}

/** Colours of wider spaces, such as oklch(), by painting a pixel. */
function painted(css: string): Colour | undefined {
  const canvas = document.createElement('canvas').getContext?.('2d', { willReadFrequently: true });
  if (!canvas) return undefined;
  canvas.fillStyle = css;
  canvas.fillRect(0, 0, 1, 1);
  const [red = 0, green = 0, blue = 0, alpha = 0] = canvas.getImageData(0, 0, 1, 1).data;
  return [red, green, blue, alpha / 255];
}
