#!/usr/bin/env bash
# plugins.sh OUT: builds the example plugins and the official ones into OUT/<id>/. It writes OUT/app-config.yaml, which has a
# host run the examples; plugins/fakes/app-config.yaml does that for the official ones.
# Examples whose language is not installed are left out; `make languages` installs it.
set -euo pipefail
out=$(mkdir -p "$1" && cd "$1" && pwd)
cd "$(dirname "$0")"
config=$out/app-config.yaml
printf '# Written by examples/plugins.sh: the example plugins, trusted as they are.\ncallboard:\n  plugins:\n' >"$config"

# add ID: names a plugin in the configuration.
add() { printf '    %s: { source: "%s", development: true }\n' "$1" "$out/$1" >>"$config"; }

# place FOLDER FILE...: copies files of a plugin, whose id is the folder's name, new ones in the place of old ones at once.
place() {
  local from=$1 id next
  id=$(basename "$from")
  shift
  next=$(mktemp -d "$out/.next-XXXXXX")
  (cd "$from" && cp -R --parents "$@" "$next")
  if [ -f "$out/.built/$id" ]; then cp "$out/.built/$id" "$next/"; fi
  chmod 755 "$next"
  rm -rf "${out:?}/$id"
  mv "$next" "$out/$id"
}

# Plugins in Go are built into .built, from where place takes them; what has not changed is not linked again.
mkdir -p "$out/.built"
(cd hello-go && go build -trimpath -o "$out/.built/" .)
place hello-go plugin.yaml openapi.yaml settings.schema.json
add hello-go

(cd ../plugins && CGO_ENABLED=0 go build -trimpath -o "$out/.built/" ./sentry ./sonarqube ./gateway)
(cd ../plugins && CGO_ENABLED=1 go build -trimpath -o "$out/.built/" ./cost) # SQLite is C
for id in sentry sonarqube cost gateway; do place "../plugins/$id" plugin.yaml openapi.yaml settings.schema.json; done

if /usr/bin/python3 -c 'import grpc, google.protobuf' 2>/dev/null; then
  place hello-python plugin.yaml openapi.yaml settings.schema.json plugin.py callboard.py callboard_pb.py
  add hello-python
else
  echo "hello-python is left out: Debian's python3-grpcio is not installed (make languages)" >&2
fi
if command -v node >/dev/null && [ -d hello-node/node_modules ]; then
  place hello-node plugin.yaml openapi.yaml settings.schema.json package.json plugin.mjs callboard.mjs proto node_modules
  add hello-node
else
  echo "hello-node is left out: its packages are not installed (make languages)" >&2
fi
