// What a host says about the remotes that it serves: the contract of Backstage's dynamic features.

/** A module federation remote, with the modules of it that hold features. */
export interface Remote {
  packageName: string;
  remoteInfo: { name: string; entry: string; type?: string; shareScope?: string; entryGlobalName?: string };
  exposedModules: string[];
}

/** Where the list is, below the base URL of a backend. It is asked for without credentials. */
export const remotesPath = '/.backstage/dynamic-features/remotes';

/** Asks a backend for its remotes; entries that are none are left out and told to `refused`. */
export async function fetchRemotes(backendUrl: string, options: { fetch: typeof fetch; timeout: number; refused: (reason: string) => void }): Promise<Remote[]> {
  const url = backendUrl.replace(/\/+$/, '') + remotesPath;
  const response = await options.fetch(url, { credentials: 'omit', signal: AbortSignal.timeout(options.timeout) });
  if (!response.ok) throw new Error(`GET ${url} was answered with ${response.status}`);
  const list: unknown = await response.json();
  if (!Array.isArray(list)) throw new Error(`GET ${url} was not answered with a list`);
  return list.flatMap((entry, i) => {
    const read = readRemote(entry, url);
    if (typeof read !== 'string') return [read];
    options.refused(`entry ${i} of ${url}: ${read}`);
    return [];
  });
}

// The remote, or what is wrong with it. Relative entries are relative to the list.
function readRemote(value: unknown, base: string): Remote | string {
  const { packageName, remoteInfo, exposedModules } = (value ?? {}) as Partial<Remote>;
  if (typeof packageName !== 'string' || packageName === '') return 'packageName must be a text';
  if (typeof remoteInfo?.name !== 'string' || remoteInfo.name === '') return `remoteInfo.name of ${packageName} must be a text`;
  if (typeof remoteInfo.entry !== 'string' || !URL.canParse(remoteInfo.entry, base)) return `remoteInfo.entry of ${packageName} must be a URL`;
  const entry = new URL(remoteInfo.entry, base);
  if (entry.protocol !== 'https:' && entry.protocol !== 'http:') return `remoteInfo.entry of ${packageName} must be an http or https URL`;
  if (!Array.isArray(exposedModules) || exposedModules.some(module => typeof module !== 'string')) return `exposedModules of ${packageName} must be a list of texts`;
  return { packageName, remoteInfo: { ...remoteInfo, entry: entry.href }, exposedModules };
}
