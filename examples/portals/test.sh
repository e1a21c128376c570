#!/usr/bin/env bash
# Tests the portals in a browser: test.mjs with what it needs. Options are passed on. Needs `make build`.
set -euo pipefail
kit=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ -n "${CHROMIUM:-}" ] || "$kit/../backstage/debian.sh" chromium
"$kit/build.sh"
exec node "$kit/test.mjs" "$@"
