#!/usr/bin/env bash
# Walks the console in headless Chromium: walk.mjs with the browser and the packages that it needs. Options are passed on.
set -euo pipefail
kit=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ -n "${CHROMIUM:-}" ] || "$kit/../backstage/debian.sh" chromium
[ -d "$kit/node_modules/axe-core" ] || (cd "$kit" && npm ci --ignore-scripts --silent)
exec node "$kit/walk.mjs" "$@"
