import type { createInstance } from '@module-federation/runtime';

type Shared = NonNullable<Parameters<typeof createInstance>[0]['shared']>;

// Backstage's build writes the modules that an app shares with remotes (React, its router, styling) into this global.
const sharedGlobal = '__@backstage/module_federation_shared_dependencies__';

interface SharedItem {
  name: string;
  version: string;
  lib(): Promise<unknown>;
  shareConfig: { singleton?: boolean; requiredVersion: string | false; eager?: boolean };
}

/**
 * The modules that the app shares. Each is loaded when a remote first asks for it, so that an app whose remotes do
 * without, say, Material UI does not fetch it.
 */
export function sharedModules(scope: Record<string, unknown>): Shared {
  const { items = [], version } = (scope[sharedGlobal] ?? {}) as { items?: SharedItem[]; version?: string };
  if (version !== 'v1') throw new Error(`the app was built by tools that share no modules with remotes, or share them in a way that is not known (version ${version ?? 'none'})`);
  const shared: Shared = {};
  for (const { name, version, lib, shareConfig } of items) {
    shared[name] = { version, shareConfig, get: async () => lib().then(module => () => module) };
  }
  return shared;
}
