import { type Selection } from '../select.js';
export interface EntityWidgetsCardProps extends Selection {
    topic?: 'summary' | 'usage' | 'cost' | 'errors' | 'quality';
    /** Most widgets that need room, until the viewer asks for all (default: 4). */
    limit?: number;
}
/** The widgets that the host has for the entity of the page. There is no card when there are none. */
export declare function EntityWidgetsCard({ topic, limit, ...selection }: EntityWidgetsCardProps): import("react").JSX.Element | null;
