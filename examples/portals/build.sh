#!/usr/bin/env bash
# Builds the portals in React and Vue into .cache, from npm packages as they are published. That in plain
# HTML needs no build. A second run without a change does nothing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
bridge=../../frontend-bridge
"$bridge/build.sh"

digest() {
  find react vue shared package-lock.json "$bridge"/packages/{widgets,widgets-react,widgets-vue}/dist \
    -name node_modules -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 cat -- | cksum
}

sources=$(digest)
if [ "$sources" = "$(cat .cache/built 2>/dev/null)" ]; then exit 0; fi
mkdir -p .cache
rm -f .cache/built
npm ci --ignore-scripts --silent
npm run build --workspaces --silent
printf '%s\n' "$sources" >.cache/built
