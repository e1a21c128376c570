interface DiscoveredModule {
    name: string;
    export?: string;
    default: unknown;
}
/**
 * Adds a module to those that the app finds, whether the build has named its own already or does so later. An app that
 * has the package of that name itself keeps its own.
 */
export declare function announce(scope: Record<string, unknown>, module: DiscoveredModule): void;
export {};
