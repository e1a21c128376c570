import { type FrontendFeatureLoader } from '@backstage/frontend-plugin-api';
import { type LoadOptions } from './load.js';
export { loadFeatures, type Failure, type Federation, type LoadOptions } from './load.js';
export { fetchRemotes, remotesPath, type Remote } from './remotes.js';
/** A feature loader with other timeouts, or with a reporter of its own: `createApp({ features: [createCallboardFeatureLoader({ … })] })`. */
export declare function createCallboardFeatureLoader(options?: Omit<LoadOptions, 'backendUrl'> & {
    backendUrl?: string;
}): FrontendFeatureLoader;
/** The features that `backend.baseUrl` serves. Apps with `app.packages: all` find it when their package.json names this package. */
declare const _default: FrontendFeatureLoader;
export default _default;
