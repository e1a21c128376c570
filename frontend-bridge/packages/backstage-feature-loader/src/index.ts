import { createFrontendFeatureLoader, type FrontendFeatureLoader } from '@backstage/frontend-plugin-api';
import { loadFeatures, type LoadOptions } from './load.js';

export { loadFeatures, type Failure, type Federation, type LoadOptions } from './load.js';
export { fetchRemotes, remotesPath, type Remote } from './remotes.js';

/** A feature loader with other timeouts, or with a reporter of its own: `createApp({ features: [createCallboardFeatureLoader({ … })] })`. */
export function createCallboardFeatureLoader(options: Omit<LoadOptions, 'backendUrl'> & { backendUrl?: string } = {}): FrontendFeatureLoader {
  return createFrontendFeatureLoader({
    loader: async ({ config }) => loadFeatures({ ...options, backendUrl: options.backendUrl ?? config.getString('backend.baseUrl') }),
  });
}

/** The features that `backend.baseUrl` serves. Apps with `app.packages: all` find it when their package.json names this package. */
export default createCallboardFeatureLoader();
