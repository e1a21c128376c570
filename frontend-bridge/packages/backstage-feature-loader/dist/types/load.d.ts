import type { FrontendFeature, FrontendFeatureLoader } from '@backstage/frontend-plugin-api';
import { type Remote } from './remotes.js';
/** What went wrong with one remote, or with the list of all when `remote` is missing. */
export interface Failure {
    remote?: string;
    error: Error;
}
export interface LoadOptions {
    /** Base URL of the backend that lists remotes. */
    backendUrl: string;
    /** Milliseconds until the list is given up (default: 3000). The app does not start before it is there. */
    listTimeout?: number;
    /** Milliseconds until one remote is given up (default: 5000). Remotes load side by side. */
    remoteTimeout?: number;
    /** Is told what fails (default: a warning on the console). What it throws is ignored. */
    onFailure?: (failure: Failure) => void;
    fetch?: typeof fetch;
    /** Loads modules of remotes (default: module federation with the modules that the app shares). */
    federation?: (remotes: Remote[]) => Federation;
}
export interface Federation {
    /** The exposed module, of which `default` is read. */
    load(remote: Remote, exposed: string): Promise<{
        default?: unknown;
    } | null>;
}
/**
 * The features of all remotes, in the order of the list. It never rejects: an app whose host is down, or one of whose
 * remotes is broken or slow, starts without them.
 */
export declare function loadFeatures(options: LoadOptions): Promise<Array<FrontendFeature | FrontendFeatureLoader>>;
