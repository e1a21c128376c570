#!/usr/bin/env bash
# Builds the browser files that the binary embeds: dist/widgets, dist/remote and dist/viewers. A second run without a change
# of the sources does nothing. Needs Node 20 or newer with npm, and the registry once.
set -euo pipefail
cd "$(dirname "$0")"

if ! command -v npm >/dev/null; then
  echo "frontend-bridge: npm is missing; install Node 20 or newer to build the browser files" >&2
  exit 1
fi

state=.cache
mkdir -p $state
if command -v flock >/dev/null; then exec 9>$state/lock; flock 9; fi

# The dependencies are those of the lock file, so they are installed again when it changes and at no other time.
if ! cmp -s package-lock.json $state/installed.json || [ ! -d node_modules ]; then
  echo "frontend-bridge: installing what package-lock.json names (about 80 s, 660 MB) …"
  rm -f $state/installed.json
  npm ci --ignore-scripts --no-audit --no-fund --silent
  cp package-lock.json $state/installed.json
fi

digest() { # one for all sources, by name and content
  find packages package.json package-lock.json tsconfig.base.json build.sh \
    \( -name node_modules -o -name dist -o -name test \) -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 cat -- | cksum
  find packages \( -name node_modules -o -name dist -o -name test \) -prune -o -type f -print | LC_ALL=C sort | cksum
}

sources=$(digest)
if [ "$sources" = "$(cat $state/built 2>/dev/null)" ] && [ -d dist/widgets ]; then exit 0; fi
rm -f $state/built
npm run build --workspaces --if-present --silent
printf '%s\n' "$sources" >$state/built
