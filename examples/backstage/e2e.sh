#!/usr/bin/env bash
# Walks the stock frontend on Callboard: e2e.mjs with the browser and the Node that it needs. Options are passed on.
set -euo pipefail
kit=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ -n "${CHROMIUM:-}" ] || "$kit/debian.sh" chromium
if [ ! -d "$kit/node_modules" ]; then
  echo "The tools of the walk are missing" >&2
  echo "  next: make backstage" >&2
  exit 1
fi
export PATH=$kit/node_modules/.bin:$PATH
exec node "$kit/e2e.mjs" "$@"
