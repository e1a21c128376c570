#!/usr/bin/env bash
# Installs the stock backend (once) and runs node-plugin.test.mjs against $CALLBOARD (default: bin/callboard). Prints TAP.
set -euo pipefail
kit=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$kit"
if [ -d ../node_modules/.bin ]; then PATH=$kit/../node_modules/.bin:$PATH; fi # the pinned Node, if it is installed
stamp=node_modules/.lock-sum
sum=$(sha256sum <package-lock.json)
if [ ! -f "$stamp" ] || [ "$(cat "$stamp")" != "$sum" ]; then
  echo "# installing the stock backend, about a minute …"
  # Install scripts are off: they compile native modules for databases, and this backend has none.
  npm ci --ignore-scripts --omit=dev >/dev/null || { echo "Bail out! npm ci failed in $kit"; exit 1; }
  printf '%s' "$sum" >"$stamp"
fi
exec node --test --test-reporter=tap --test-timeout=180000 node-plugin.test.mjs
