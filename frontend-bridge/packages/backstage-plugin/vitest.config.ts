import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { alias: { '@callboard/widgets/register': new URL('test/elements.ts', import.meta.url).pathname } },
  test: {
    environment: 'jsdom',
    include: ['test/**/*.test.{ts,tsx}'],
    testTimeout: 30_000,
    // jsdom reads less of CSS than the app's components are written in, and prints all that it cannot read.
    onConsoleLog: log => !/Could not parse CSS stylesheet/.test(log),
    // Packages of Backstage import folders, which Node does not take by itself.
    server: { deps: { inline: true } },
  },
});
