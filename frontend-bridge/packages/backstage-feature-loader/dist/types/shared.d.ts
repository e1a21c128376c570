import type { createInstance } from '@module-federation/runtime';
type Shared = NonNullable<Parameters<typeof createInstance>[0]['shared']>;
/**
 * The modules that the app shares. Each is loaded when a remote first asks for it, so that an app whose remotes do
 * without, say, Material UI does not fetch it.
 */
export declare function sharedModules(scope: Record<string, unknown>): Shared;
export {};
