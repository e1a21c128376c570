#!/usr/bin/env bash
# Bundles the template language into ../engine.js; with --check it only says whether that file is what the sources give.
set -euo pipefail
cd "$(dirname "$0")"
if [ ! -f node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  npm ci --ignore-scripts --no-audit --no-fund --silent
  touch node_modules/.package-lock.json
fi
node build.mjs "$@"
