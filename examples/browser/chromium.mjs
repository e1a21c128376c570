// How the walks and tests of the examples start Chromium.

export const flags = [
  // Chromium refuses its sandbox to root, and containers often have no other user; only our own pages are opened.
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
];

// With it nothing but this machine can be reached: a page that needs the internet fails.
export const thisMachineAlone = '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost';
