import { type CSSProperties } from 'react';
import { type CallboardApi } from '../api.js';
/** What an element takes over from the app around it. */
export interface Surroundings {
    /** Empty until it is known. */
    base: string;
    fetcher: CallboardApi['fetch'];
    theme: 'light' | 'dark';
    lang: string;
    /** Leads to an address in the app by its router; false when the address is not the app's. */
    navigate(href: string): boolean;
}
export declare function useSurroundings(): Surroundings;
/** The app's design tokens under the elements' names. What an app has no token for keeps the elements' own value. */
export declare const tokens: CSSProperties;
