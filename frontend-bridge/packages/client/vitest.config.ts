import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['callboard-source'] },
  test: { environment: 'node', include: ['test/**/*.test.ts'], unstubGlobals: true },
});
