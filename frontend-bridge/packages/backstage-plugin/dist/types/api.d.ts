import { type DiscoveryApi, type FetchApi } from '@backstage/frontend-plugin-api';
/** What the host says of a widget. */
export interface WidgetInfo {
    /** `<plugin>/<widget>`, which elements take as `name`. */
    id: string;
    title: string;
    description?: string;
    /** stat, line, table, form, … */
    view: string;
    /** The filter of entities that it is for; empty for one that is about no entity. */
    appliesTo: string;
}
/** A Callboard host, as this plugin needs it. */
export interface CallboardApi {
    /** What stands in front of the host's `/api`. */
    getBaseUrl(): Promise<string>;
    /** Asks the host in the name of who is signed in. */
    fetch: typeof fetch;
    /** The widgets that are for an entity and that the viewer may see; none for an entity that they may not read. */
    widgetsOf(entityRef: string): Promise<WidgetInfo[]>;
    /** Every widget that is installed. */
    widgets(): Promise<WidgetInfo[]>;
}
export declare const callboardApiRef: import("@backstage/frontend-plugin-api").ApiRef<CallboardApi, "plugin.callboard.client"> & {
    readonly $$type: "@backstage/ApiRef";
};
export declare class CallboardClient implements CallboardApi {
    #private;
    readonly fetch: typeof fetch;
    constructor(options: {
        discoveryApi: DiscoveryApi;
        fetchApi: FetchApi;
    });
    getBaseUrl(): Promise<string>;
    widgetsOf(entityRef: string): Promise<WidgetInfo[]>;
    widgets(): Promise<WidgetInfo[]>;
}
