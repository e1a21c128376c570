import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['callboard-source'] },
  test: { environment: 'jsdom', include: ['test/**/*.test.ts'], restoreMocks: true, unstubGlobals: true, testTimeout: 20_000 },
});
