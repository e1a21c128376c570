#!/usr/bin/env bash
# Opens everything that Callboard shows in headless Chromium, with texts in it that run where something forgets to escape
# them: catalog, descriptions of APIs, documentation, two hostile plugins, addresses, elements of a foreign page. Prints what
# was opened by sink, and fails when anything ran, left the machine or was stopped by a policy.
#   BINARY=…          a callboard that is built already, with the browser files
#   CHROMIUM=…        the browser (default: /usr/bin/chromium)
#   hostile.mjs --only NAME,…   sinks whose name begins so
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
root=$(cd ../.. && pwd)
[ -n "${CHROMIUM:-}" ] || ../backstage/debian.sh chromium
[ -d node_modules/playwright-core ] || npm ci --ignore-scripts --silent
[ -d ../hello-node/node_modules ] || (cd ../hello-node && npm ci --ignore-scripts --silent)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

if [ -z "${BINARY:-}" ]; then
  ../../frontend-bridge/build.sh
  (cd "$root" && go build -tags sqlite_fts5 -o "$work/callboard" ./server/cmd/callboard)
  BINARY=$work/callboard
fi
(cd "$root" && go run ./server/internal/xsstest/export >"$work/corpus.json" && CGO_ENABLED=0 go build -ldflags=-s -o "$work/forms/" ./examples/hostile/forms)
mkdir "$work/frames"
cp -Rl ../hello-node/{callboard.mjs,proto,node_modules,package.json} "$work/frames" 2>/dev/null || cp -R ../hello-node/{callboard.mjs,proto,node_modules,package.json} "$work/frames"
cp frames/* "$work/frames"
node hostile.mjs --work "$work" --bin "$BINARY" "$@"
