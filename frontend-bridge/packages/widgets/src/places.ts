// The heights that widgets had when the page was last seen, so that it does not move when they come.

/** The height that is kept free for a widget of which nothing is known. */
const UNKNOWN = 240;
const MOST = 10_000;
const PREFIX = 'callboard-height:';

/** The height of a place, by the name of the place. */
export function remembered(key: string): number {
  try {
    const height = Number(sessionStorage.getItem(PREFIX + key));
    return height > 0 && height < MOST ? height : UNKNOWN;
  } catch {
    return UNKNOWN; // storage is closed to this page
  }
}

export function remember(key: string, height: number) {
  try {
    sessionStorage.setItem(PREFIX + key, String(height));
  } catch {
    // as above
  }
}
