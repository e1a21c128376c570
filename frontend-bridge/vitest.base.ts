import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const conditions = ['callboard-source'];

/** Leads to the sources of the other packages, so that nothing has to be built for a test; in Node it is another setting. */
export const sources = defineConfig({ resolve: { conditions }, ssr: { resolve: { conditions: [...conditions, 'module', 'node', 'development|production'] } } });

/** What the tests of all packages have in common; a test may take longer than what it waits for. */
export default defineConfig({
  test: { include: ['test/**/*.test.{ts,tsx}'], setupFiles: [fileURLToPath(new URL('vitest.patience.ts', import.meta.url))], testTimeout: 40_000 },
});
