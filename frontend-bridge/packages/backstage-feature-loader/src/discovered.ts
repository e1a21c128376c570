// Backstage's build assigns the features that it found in the app's packages to this global, when its scripts start; the
// app reads it after that, and takes from each module what is a feature.
const discoveredGlobal = '__@backstage/discovered__';

interface DiscoveredModule {
  name: string;
  export?: string;
  default: unknown;
}

/**
 * Adds a module to those that the app finds, whether the build has named its own already or does so later. An app that
 * has the package of that name itself keeps its own.
 */
export function announce(scope: Record<string, unknown>, module: DiscoveredModule): void {
  const added = (value: unknown) => {
    const { modules } = (value ?? {}) as { modules?: DiscoveredModule[] };
    if (!Array.isArray(modules)) return { modules: [module] };
    return modules.some(({ name }) => name === module.name) ? value : { ...(value as object), modules: [...modules, module] };
  };
  let discovered = added(scope[discoveredGlobal]);
  Object.defineProperty(scope, discoveredGlobal, {
    configurable: true,
    enumerable: true,
    get: () => discovered,
    set: value => {
      discovered = added(value);
    },
  });
}
