#!/usr/bin/env bash
# Tries an API's operations in headless Chromium, from a portal of another origin: walk.mjs with the browser and the packages
# that it needs. Options are passed on. Needs `make build`.
set -euo pipefail
kit=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ -n "${CHROMIUM:-}" ] || "$kit/../backstage/debian.sh" chromium
[ -d "$kit/node_modules/axe-core" ] || (cd "$kit" && npm ci --ignore-scripts --silent)
exec node "$kit/walk.mjs" "$@"
