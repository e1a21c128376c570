import { defineConfig, mergeConfig } from 'vitest/config';
import base from '../../vitest.base.js';

export default mergeConfig(
  base,
  defineConfig({
    resolve: { alias: { '@callboard/widgets/register': new URL('test/elements.ts', import.meta.url).pathname } },
    test: {
      environment: 'jsdom',
      // jsdom reads less of CSS than the app's components are written in, and prints all that it cannot read.
      onConsoleLog: log => !/Could not parse CSS stylesheet/.test(log),
      // Packages of Backstage import folders, which Node does not take by itself.
      server: { deps: { inline: true } },
    },
  }),
);
