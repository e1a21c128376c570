import type { WidgetInfo } from './api.js';
/** Which widgets an extension shows: patterns of ids, `cost/*` or `*\/latency`. */
export interface Selection {
    /** All, unless named. */
    include?: string[];
    exclude?: string[];
}
/** The widgets of a selection, in the order of the patterns that include them, then in that of the host. */
export declare function select(widgets: WidgetInfo[], { include, exclude }: Selection): WidgetInfo[];
/** Those that are one number or state, and those that need room; forms are in neither. */
export declare function bySize(widgets: WidgetInfo[]): {
    small: WidgetInfo[];
    large: WidgetInfo[];
};
