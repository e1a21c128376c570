// How long tests wait for what they expect: as long as a machine may need that does much else at the same time. What comes at
// once is seen at once, so only a test that fails is slower for it.
import { vi } from 'vitest';

export const patience = 15_000;

const { waitFor } = vi;
vi.waitFor = (callback, options) => waitFor(callback, typeof options === 'number' ? options : { timeout: patience, ...options });
