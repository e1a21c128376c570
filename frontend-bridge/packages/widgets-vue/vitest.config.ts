import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['callboard-source'] },
  test: { environment: 'jsdom', include: ['test/**/*.test.{ts,tsx}'], restoreMocks: true },
});
