import { type Selection } from '../select.js';
/** Everything that is measured about the entity of the page, over a time that the viewer chooses, and its forms. */
export declare function EntityUsageContent(selection: Selection): import("react").JSX.Element | null;
