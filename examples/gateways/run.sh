#!/usr/bin/env bash
# Runs plugin gateway against real gateways and a real Prometheus, and prints what they did. Installs what is missing into
# $CALLBOARD_CACHE/gateways (default: .cache/gateways in the repository): Express Gateway from npm, nginx and Prometheus from
# Debian packages, which are unpacked there and not installed: nothing on this machine changes. Callboard and the plugin are
# built there, too.
#
#   run.sh            install and run; ends with an error when anything is not as it should be
#   run.sh --install  only install, and print the folder
#   run.sh --caddy    build Caddy first, which takes some minutes once; it takes part from then on
#
# Another Caddy is $CALLBOARD_CADDY. Without one its part is skipped.
set -euo pipefail

kit=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$kit/../.." && pwd)
cache=${CALLBOARD_CACHE:-$root/.cache}/gateways
packages=(nginx prometheus)

say() { printf '%s\n' "$*" >&2; }
fail() { say "$1"; say "  next: $2"; exit 1; }

# npm's own marker tells whether what is there is what the lock file says.
install_express() {
  if [ "$cache/node_modules/.package-lock.json" -nt "$kit/package-lock.json" ]; then return; fi
  command -v npm >/dev/null || fail "Express Gateway needs Node and npm" "install them, then run this again"
  say "Installing Express Gateway ..."
  cp "$kit/package.json" "$kit/package-lock.json" "$kit/.npmrc" "$cache/"
  (cd "$cache" && npm ci --ignore-scripts --no-audit --no-fund --silent)
  touch "$cache/node_modules/.package-lock.json"
}

install_debian() {
  if [ -x "$cache/debian/usr/sbin/nginx" ] && [ -x "$cache/debian/usr/bin/prometheus" ]; then return; fi
  command -v apt-get >/dev/null || fail "nginx and Prometheus come from Debian packages, and this is no Debian" \
    "put the programs into $cache/debian/usr/sbin/nginx and $cache/debian/usr/bin/prometheus"
  say "Unpacking ${packages[*]} ..."
  rm -rf "$cache/packages" "$cache/debian.new" "$cache/debian"
  mkdir -p "$cache/packages"
  # The lists of packages may be missing or old; only root may read them again.
  download || { [ "$(id -u)" = 0 ] && apt-get update -qq && download; } ||
    fail "the packages ${packages[*]} cannot be downloaded" "run apt-get update as root, then this again"
  for package in "$cache"/packages/*.deb; do dpkg -x "$package" "$cache/debian.new"; done
  mv "$cache/debian.new" "$cache/debian"
}

download() { (cd "$cache/packages" && apt-get download -qq "${packages[@]}" 2>/dev/null); }

# The plugin as it is handed on: its program, and the files beside it.
build_portal() {
  say "Building Callboard and the plugin ..."
  local plugin=$cache/portal/gateway
  mkdir -p "$plugin"
  (cd "$root" && go build -tags sqlite_fts5 -trimpath -o "$cache/portal/callboard" ./server/cmd/callboard)
  (cd "$root/plugins" && CGO_ENABLED=0 go build -trimpath -o "$plugin/gateway" ./gateway)
  cp "$root"/plugins/gateway/{plugin.yaml,openapi.yaml,settings.schema.json} "$plugin/"
}

build_caddy() {
  if [ -x "$cache/caddy" ]; then return; fi
  say "Building Caddy ..."
  (cd "$cache" && GOBIN=$cache go install github.com/caddyserver/caddy/v2/cmd/caddy@v2.11.9)
}

mkdir -p "$cache"
install_express
install_debian
build_portal
if [ "${1:-}" = --install ]; then echo "$cache"; exit 0; fi
if [ "${1:-}" = --caddy ]; then shift; build_caddy; fi

export CALLBOARD_GATEWAYS=$cache
cd "$root/plugins"
# Verbose only for the skipped ones: what was seen is printed as a table at the end.
exec go test -count=1 -timeout 5m -v -run '^TestReal' "$@" ./gateway/e2e
