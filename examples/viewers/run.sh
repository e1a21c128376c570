#!/usr/bin/env bash
# Times how long large descriptions of APIs take until somebody sees an operation: in Callboard's own pages, in Swagger UI and
# in Redoc, in one run on this machine, and looks for accessibility problems in the pages. Prints a table.
#   RUNS=3          runs of each, of which the median counts
#   PATIENCE=45     seconds after which a viewer is given up
#   BINARY=…        a callboard that is built already
set -euo pipefail
cd "$(dirname "$0")"
../backstage/debian.sh chromium
cache=${XDG_CACHE_HOME:-$HOME/.cache}/callboard-viewers
[ -d node_modules/redoc ] || npm ci --ignore-scripts --no-audit --no-fund --silent
./documents.sh "$cache"
if [ -z "${BINARY:-}" ]; then
  BINARY=$cache/callboard
  (cd ../.. && go build -tags sqlite_fts5 -o "$BINARY" ./server/cmd/callboard)
fi
node measure.mjs "$cache" "$BINARY"
