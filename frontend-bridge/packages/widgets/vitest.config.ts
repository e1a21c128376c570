import { defineConfig, mergeConfig } from 'vitest/config';
import base, { sources } from '../../vitest.base.js';

export default mergeConfig(mergeConfig(base, sources), defineConfig({ test: { environment: 'jsdom', restoreMocks: true, unstubGlobals: true } }));
