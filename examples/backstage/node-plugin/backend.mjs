// A Backstage backend as create-app makes one, with a single plugin from npm. Where everything else runs is configuration.
import { createBackend } from '@backstage/backend-defaults';

const backend = createBackend();
backend.add(import('@backstage-community/plugin-jenkins-backend'));
await backend.start();
