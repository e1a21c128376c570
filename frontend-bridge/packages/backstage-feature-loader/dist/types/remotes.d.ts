/** A module federation remote, with the modules of it that hold features. */
export interface Remote {
    packageName: string;
    remoteInfo: {
        name: string;
        entry: string;
        type?: string;
        shareScope?: string;
        entryGlobalName?: string;
    };
    exposedModules: string[];
}
/** Where the list is, below the base URL of a backend. It is asked for without credentials. */
export declare const remotesPath = "/.backstage/dynamic-features/remotes";
/** Asks a backend for its remotes; entries that are none are left out and told to `refused`. */
export declare function fetchRemotes(backendUrl: string, options: {
    fetch: typeof fetch;
    timeout: number;
    refused: (reason: string) => void;
}): Promise<Remote[]>;
