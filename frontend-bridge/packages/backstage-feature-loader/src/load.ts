import type { FrontendFeature, FrontendFeatureLoader } from '@backstage/frontend-plugin-api';
import { createInstance } from '@module-federation/runtime';
import { fetchRemotes, type Remote } from './remotes.js';
import { sharedModules } from './shared.js';

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
  load(remote: Remote, exposed: string): Promise<{ default?: unknown } | null>;
}

const featureTypes = new Set(['@backstage/FrontendPlugin', '@backstage/FrontendModule', '@backstage/FrontendFeatureLoader']);

/**
 * The features of all remotes, in the order of the list. It never rejects: an app whose host is down, or one of whose
 * remotes is broken or slow, starts without them.
 */
export async function loadFeatures(options: LoadOptions): Promise<Array<FrontendFeature | FrontendFeatureLoader>> {
  const fail = reporter(options.onFailure ?? warn);
  try {
    const remotes = await fetchRemotes(options.backendUrl, {
      fetch: options.fetch ?? ((input, init) => fetch(input, init)),
      timeout: options.listTimeout ?? 3_000,
      refused: reason => fail({ error: new Error(reason) }),
    });
    if (remotes.length === 0) return [];
    const federation = (options.federation ?? moduleFederation)(remotes);
    const modules = remotes.flatMap(remote => remote.exposedModules.map(exposed => ({ remote, exposed })));
    const loaded = await Promise.all(
      modules.map(async ({ remote, exposed }) => {
        try {
          return featureOf(await inTime(federation.load(remote, exposed), options.remoteTimeout ?? 5_000), exposed);
        } catch (error) {
          fail({ remote: remote.packageName, error: asError(error) });
          return undefined;
        }
      }),
    );
    return loaded.filter(feature => feature !== undefined);
  } catch (error) {
    fail({ error: asError(error) });
    return [];
  }
}

// A module without a feature is nothing wrong: packages expose other things as well.
function featureOf(module: { default?: unknown } | null, exposed: string) {
  const feature = module?.default as FrontendFeature | FrontendFeatureLoader | undefined;
  if (feature !== null && typeof feature === 'object' && featureTypes.has(feature.$$type)) return feature;
  console.debug(`callboard: the module ${exposed} of a remote has no feature as its default export`);
  return undefined;
}

// A remote that comes too late is loaded for nothing; there is no way to stop a script that is on its way.
function inTime<T>(work: Promise<T>, limit: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout>;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it was not loaded within ${limit} ms`)), limit);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

function moduleFederation(remotes: Remote[]): Federation {
  const host = createInstance({
    name: 'callboard__backstage_feature_loader',
    remotes: remotes.map(({ remoteInfo }) => ({ ...remoteInfo, alias: remoteInfo.name })),
    shareStrategy: 'loaded-first', // the app's own modules, without a look at what remotes bring
    shared: sharedModules(globalThis as unknown as Record<string, unknown>),
  });
  return {
    load: ({ remoteInfo }, exposed) => host.loadRemote(exposed === '.' ? remoteInfo.name : `${remoteInfo.name}/${exposed.replace(/^\.\//, '')}`),
  };
}

function reporter(report: (failure: Failure) => void) {
  return (failure: Failure) => {
    try {
      report(failure);
    } catch (error) {
      console.error('callboard: reporting a remote that failed has failed itself', error);
    }
  };
}

function warn({ remote, error }: Failure) {
  console.warn(remote ? `callboard: the remote ${remote} was not loaded: ${error.message}` : `callboard: remotes were not loaded: ${error.message}`);
}

const asError = (error: unknown) => (error instanceof Error ? error : new Error(String(error)));
