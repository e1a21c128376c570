// The loader as a script that a page loads before the scripts of a built app, which then needs nothing of this package in
// its package.json. It stays small: the only thing of Backstage in it is the shape of a feature loader.
import { announce } from './discovered.js';
import { loadFeatures } from './load.js';

const name = '@callboard/backstage-feature-loader';

announce(globalThis as unknown as Record<string, unknown>, {
  name,
  default: {
    $$type: '@backstage/FrontendFeatureLoader',
    version: 'v1',
    description: name,
    toString: () => `FeatureLoader{description=${name}}`,
    loader: async ({ config }: { config: { getOptionalString(key: string): string | undefined } }) =>
      loadFeatures({ backendUrl: config.getOptionalString('backend.baseUrl') ?? location.origin }),
  },
});
