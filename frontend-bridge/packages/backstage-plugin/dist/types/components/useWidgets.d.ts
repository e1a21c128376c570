import { type CallboardApi } from '../api.js';
export type Answer<T> = {
    state: 'waiting';
} | {
    state: 'ready';
    value: T;
} | {
    state: 'failed';
    error: Error;
    retry(): void;
};
/** What the host answers. `ask` must be the same function for the same question. */
export declare function useHost<T>(ask: (api: CallboardApi) => Promise<T>): Answer<T>;
export declare function useWidgetsOf(entityRef: string): Answer<import("../api.js").WidgetInfo[]>;
export declare const useEveryWidget: () => Answer<import("../api.js").WidgetInfo[]>;
