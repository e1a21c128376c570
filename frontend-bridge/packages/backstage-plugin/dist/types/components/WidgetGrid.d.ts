import type { WidgetInfo } from '../api.js';
interface Props {
    widgets: WidgetInfo[];
    entityRef?: string;
    /** A range that the elements know, `30d`; each widget's own unless set. */
    range?: string;
    /** Most of those that need room. */
    limit?: number;
}
/** Numbers first, side by side, then what needs room. */
export declare function WidgetGrid({ widgets, entityRef, range, limit }: Props): import("react").JSX.Element;
export {};
