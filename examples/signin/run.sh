#!/usr/bin/env bash
# Signs people in, in headless Chromium: walk.mjs with the browser, the packages, the provider and the frontend that it needs.
# Options are passed on. Needs `make build`.
set -euo pipefail
kit=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ -n "${CHROMIUM:-}" ] || "$kit/../backstage/debian.sh" chromium
for folder in "$kit" "$kit/../console"; do
  [ -d "$folder/node_modules/axe-core" ] || (cd "$folder" && npm ci --ignore-scripts --silent)
done
(cd "$kit/../.." && go build -o "$kit/.cache/idp" ./server/internal/auth/idptest/idp)
(cd "$kit" && node_modules/.bin/esbuild frontend/main.js --bundle --format=esm --outfile=.cache/frontend.js --log-level=error \
  --define:process.env.NODE_ENV='"production"')
exec node "$kit/walk.mjs" "$@"
