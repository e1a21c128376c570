import { createFrontendFeatureLoader } from "@backstage/frontend-plugin-api";
import { createInstance } from "@module-federation/runtime";
const remotesPath = "/.backstage/dynamic-features/remotes";
async function fetchRemotes(backendUrl, options) {
  const url = backendUrl.replace(/\/+$/, "") + remotesPath;
  const response = await options.fetch(url, { credentials: "omit", signal: AbortSignal.timeout(options.timeout) });
  if (!response.ok) throw new Error(`GET ${url} was answered with ${response.status}`);
  const list = await response.json();
  if (!Array.isArray(list)) throw new Error(`GET ${url} was not answered with a list`);
  return list.flatMap((entry, i) => {
    const read = readRemote(entry, url);
    if (typeof read !== "string") return [read];
    options.refused(`entry ${i} of ${url}: ${read}`);
    return [];
  });
}
function readRemote(value, base) {
  const { packageName, remoteInfo, exposedModules } = value ?? {};
  if (typeof packageName !== "string" || packageName === "") return "packageName must be a text";
  if (typeof remoteInfo?.name !== "string" || remoteInfo.name === "") return `remoteInfo.name of ${packageName} must be a text`;
  if (typeof remoteInfo.entry !== "string" || !URL.canParse(remoteInfo.entry, base)) return `remoteInfo.entry of ${packageName} must be a URL`;
  const entry = new URL(remoteInfo.entry, base);
  if (entry.protocol !== "https:" && entry.protocol !== "http:") return `remoteInfo.entry of ${packageName} must be an http or https URL`;
  if (!Array.isArray(exposedModules) || exposedModules.some((module) => typeof module !== "string")) return `exposedModules of ${packageName} must be a list of texts`;
  return { packageName, remoteInfo: { ...remoteInfo, entry: entry.href }, exposedModules };
}
const sharedGlobal = "__@backstage/module_federation_shared_dependencies__";
function sharedModules(scope) {
  const { items = [], version } = scope[sharedGlobal] ?? {};
  if (version !== "v1") throw new Error(`the app was built by tools that share no modules with remotes, or share them in a way that is not known (version ${version ?? "none"})`);
  const shared = {};
  for (const { name, version: version2, lib, shareConfig } of items) {
    shared[name] = { version: version2, shareConfig, get: async () => lib().then((module) => () => module) };
  }
  return shared;
}
const featureTypes = /* @__PURE__ */ new Set(["@backstage/FrontendPlugin", "@backstage/FrontendModule", "@backstage/FrontendFeatureLoader"]);
async function loadFeatures(options) {
  const fail = reporter(options.onFailure ?? warn);
  try {
    const remotes = await fetchRemotes(options.backendUrl, {
      fetch: options.fetch ?? ((input, init) => fetch(input, init)),
      timeout: options.listTimeout ?? 3e3,
      refused: (reason) => fail({ error: new Error(reason) })
    });
    if (remotes.length === 0) return [];
    const federation = (options.federation ?? moduleFederation)(remotes);
    const modules = remotes.flatMap((remote) => remote.exposedModules.map((exposed) => ({ remote, exposed })));
    const loaded = await Promise.all(
      modules.map(async ({ remote, exposed }) => {
        try {
          return featureOf(await inTime(federation.load(remote, exposed), options.remoteTimeout ?? 5e3), exposed);
        } catch (error) {
          fail({ remote: remote.packageName, error: asError(error) });
          return void 0;
        }
      })
    );
    return loaded.filter((feature) => feature !== void 0);
  } catch (error) {
    fail({ error: asError(error) });
    return [];
  }
}
function featureOf(module, exposed) {
  const feature = module?.default;
  if (feature !== null && typeof feature === "object" && featureTypes.has(feature.$$type)) return feature;
  console.debug(`callboard: the module ${exposed} of a remote has no feature as its default export`);
  return void 0;
}
function inTime(work, limit) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it was not loaded within ${limit} ms`)), limit);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}
function moduleFederation(remotes) {
  const host = createInstance({
    name: "callboard__backstage_feature_loader",
    remotes: remotes.map(({ remoteInfo }) => ({ ...remoteInfo, alias: remoteInfo.name })),
    shareStrategy: "loaded-first",
    // the app's own modules, without a look at what remotes bring
    shared: sharedModules(globalThis)
  });
  return {
    load: ({ remoteInfo }, exposed) => host.loadRemote(exposed === "." ? remoteInfo.name : `${remoteInfo.name}/${exposed.replace(/^\.\//, "")}`)
  };
}
function reporter(report) {
  return (failure) => {
    try {
      report(failure);
    } catch (error) {
      console.error("callboard: reporting a remote that failed has failed itself", error);
    }
  };
}
function warn({ remote, error }) {
  console.warn(remote ? `callboard: the remote ${remote} was not loaded: ${error.message}` : `callboard: remotes were not loaded: ${error.message}`);
}
const asError = (error) => error instanceof Error ? error : new Error(String(error));
function createCallboardFeatureLoader(options = {}) {
  return createFrontendFeatureLoader({
    loader: async ({ config }) => loadFeatures({ ...options, backendUrl: options.backendUrl ?? config.getString("backend.baseUrl") })
  });
}
const index = createCallboardFeatureLoader();
export {
  createCallboardFeatureLoader,
  index as default,
  fetchRemotes,
  loadFeatures,
  remotesPath
};
