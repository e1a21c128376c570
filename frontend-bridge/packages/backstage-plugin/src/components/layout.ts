import type { CSSProperties } from 'react';

const gap = 16;

/** Things below each other, none wider than their place. */
export const below: CSSProperties = { display: 'grid', gap, gridTemplateColumns: 'minmax(0, 1fr)' };

/** Things side by side, as many as have `width` pixels each. */
export const beside = (width: number): CSSProperties => ({ alignItems: 'start', display: 'grid', gap, gridTemplateColumns: `repeat(auto-fit, minmax(min(100%, ${width}px), 1fr))` });
