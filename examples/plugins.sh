#!/usr/bin/env bash
# plugins.sh OUT: builds the example plugins into OUT/<id>/ and writes OUT/app-config.yaml, which has a host run them.
# Plugins whose language is not installed are left out; `make languages` installs it.
set -euo pipefail
out=$(mkdir -p "$1" && cd "$1" && pwd)
cd "$(dirname "$0")"
config=$out/app-config.yaml
printf '# Written by examples/plugins.sh: the example plugins, trusted as they are.\ncallboard:\n  plugins:\n' >"$config"

# add ID: names a plugin in the configuration.
add() { printf '    %s: { source: "%s", development: true }\n' "$1" "$out/$1" >>"$config"; }

# place ID FILE...: copies the plugin's files, new ones in the place of old ones at once.
place() {
  local id=$1 next
  shift
  next=$(mktemp -d "$out/.next-XXXXXX")
  (cd "$id" && cp -R --parents "$@" "$next")
  chmod 755 "$next"
  rm -rf "${out:?}/$id"
  mv "$next" "$out/$id"
  add "$id"
}

(cd hello-go && go build -trimpath -o "$out/.hello-go" .)
place hello-go plugin.yaml openapi.yaml settings.schema.json
mv "$out/.hello-go" "$out/hello-go/hello-go"

if /usr/bin/python3 -c 'import grpc, google.protobuf' 2>/dev/null; then
  place hello-python plugin.yaml openapi.yaml settings.schema.json plugin.py callboard.py callboard_pb.py
else
  echo "hello-python is left out: Debian's python3-grpcio is not installed (make languages)" >&2
fi
if command -v node >/dev/null && [ -d hello-node/node_modules ]; then
  place hello-node plugin.yaml openapi.yaml settings.schema.json package.json plugin.mjs callboard.mjs proto node_modules
else
  echo "hello-node is left out: its packages are not installed (make languages)" >&2
fi
