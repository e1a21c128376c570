// One observer each for all elements of a page: what is far from view asks nothing, what changes its width may be drawn anew.

type Seen = (visible: boolean) => void;
type Measured = (width: number) => void;

/** How far from view an element begins to load. */
const MARGIN = '200px';

const seen = new Map<Element, Seen>();
const measured = new Map<Element, Measured>();
let intersections: IntersectionObserver | undefined;
let sizes: ResizeObserver | undefined;

/** Tells when an element comes near to view and when it leaves. Where that is not known, everything is near. */
export function whenSeen(element: Element, tell: Seen): () => void {
  if (typeof IntersectionObserver !== 'function') {
    tell(true);
    return () => {};
  }
  intersections ??= new IntersectionObserver(
    entries => {
      for (const entry of entries) seen.get(entry.target)?.(entry.isIntersecting);
    },
    { rootMargin: MARGIN },
  );
  seen.set(element, tell);
  intersections.observe(element);
  return () => {
    seen.delete(element);
    intersections?.unobserve(element);
  };
}

/** Tells the width of an element in pixels of the page, now and when it changes. */
export function whenResized(element: Element, tell: Measured): () => void {
  if (typeof ResizeObserver !== 'function') return () => {};
  sizes ??= new ResizeObserver(entries => {
    for (const entry of entries) measured.get(entry.target)?.(entry.contentRect.width);
  });
  measured.set(element, tell);
  sizes.observe(element);
  return () => {
    measured.delete(element);
    sizes?.unobserve(element);
  };
}

const STEP = 80;
const LEAST = 160;
const MOST = 1600;

/**
 * The width to draw for: steps, so that a page that is resized asks seldom, with room to both sides of a step, so that
 * a scroll bar that comes and goes with the drawing does not make it change for ever.
 */
export function stepped(width: number, drawn: number | undefined): number {
  const bounded = Math.min(MOST, Math.max(LEAST, width));
  if (drawn !== undefined && Math.abs(bounded - drawn) < STEP) return drawn;
  return Math.max(LEAST, Math.floor(bounded / 20) * 20);
}
