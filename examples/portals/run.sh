#!/usr/bin/env bash
# Runs Callboard with sample data, and three portals of other teams that show its widgets: plain HTML, React and Vue. Each
# has a server and an origin of its own. Stops with ctrl-c. Needs `make build` and Node 20 or newer.
#
#   CALLBOARD_PORT, PORTAL_HTML_PORT, PORTAL_REACT_PORT, PORTAL_VUE_PORT   other ports than those of app-config.yaml
set -euo pipefail
kit=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$kit/../.."

for need in bin/callboard bin/fakes bin/plugins/app-config.yaml; do
  [ -e $need ] || { echo "$need is missing; next: make build" >&2; exit 1; }
done
"$kit/build.sh"

url=http://localhost:${CALLBOARD_PORT:-7007}
bin/fakes -port 0 -- bin/callboard serve --config examples/catalog/app-config.yaml --config bin/plugins/app-config.yaml \
  --config plugins/fakes/app-config.yaml --config "$kit/app-config.yaml" &
host=$!
trap 'kill $host 2>/dev/null; wait $host' EXIT

until curl -sf "$url/.backstage/health/v1/readiness" >/dev/null; do
  kill -0 $host 2>/dev/null || { echo "Callboard did not start" >&2; exit 1; }
  sleep 0.2
done
echo "Callboard      $url"
node "$kit/server/main.mjs"
