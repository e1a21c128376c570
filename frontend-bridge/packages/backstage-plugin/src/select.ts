import type { WidgetInfo } from './api.js';

/** Which widgets an extension shows: patterns of ids, `cost/*` or `*\/latency`. */
export interface Selection {
  /** All, unless named. */
  include?: string[];
  /** What the app has tabs and cards of its own for, unless named. */
  exclude?: string[];
}

// Widgets of the host itself, which tell portals without Backstage what Backstage's own cards and this plugin's tabs do.
const ofTheApp = ['catalog/*', 'api-docs/*', 'techdocs/*'];

/** The widgets of a selection, in the order of the patterns that include them, then in that of the host. */
export function select(widgets: WidgetInfo[], { include = ['*'], exclude = ofTheApp }: Selection): WidgetInfo[] {
  const unwanted = exclude.map(pattern);
  const left = widgets.filter(({ id }) => !unwanted.some(matches => matches(id)));
  return [...new Set(include.map(pattern).flatMap(matches => left.filter(({ id }) => matches(id))))];
}

function pattern(text: string): (id: string) => boolean {
  const parts = text.split('*').map(part => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const expression = new RegExp(`^${parts.join('.*')}$`);
  return id => expression.test(id);
}

const small = new Set(['stat', 'gauge', 'sparkline']);

/** Those that are one number, and those that need room; forms are in neither. */
export function bySize(widgets: WidgetInfo[]): { small: WidgetInfo[]; large: WidgetInfo[] } {
  return {
    small: widgets.filter(({ view }) => small.has(view)),
    large: widgets.filter(({ view }) => !small.has(view) && view !== 'form'),
  };
}

/** Widgets about the life of an API key: the viewer's keys, requests for more. They have a page of their own. */
export const isAccess = ({ id }: WidgetInfo) => id.startsWith('gateway/');
