#!/usr/bin/env bash
# Makes the stock Backstage app and builds its frontend, unchanged, into $CALLBOARD_CACHE/backstage (default: .cache/backstage
# in the repository); and beside it a copy whose package.json names the frontends of two plugins and Callboard's own; and an app
# of the frontend system before, which is installed with them and built when it is asked for. Finished steps are skipped, so it is
# cheap to run again and goes on where it failed.
#
#   setup.sh           do what is missing, then print the folder of the built stock frontend as last line
#   setup.sh --legacy  the same, and build the app of the system before, with legacy/app.patch in its code
#   setup.sh --print   only print that folder
#
# Needs npm, git and a package registry. Only the frontend is installed and built: the backend is Callboard.
set -euo pipefail

kit=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
client=$kit/../clients/node
bridge=$kit/../../frontend-bridge
cache=${CALLBOARD_CACHE:-$(cd "$kit/../.." && pwd)/.cache}/backstage
app=$cache/app
dist=$app/packages/app/dist
dist_with_plugins=$app/packages/app-with-plugins/dist
dist_legacy=$app/packages/app-legacy/dist
patch=$kit/legacy/app.patch
logs=$cache/logs
if [ "${1:-}" = --print ]; then echo "$dist"; exit 0; fi

say() { printf '%s\n' "$*" >&2; }
fail() { say "setup: $1"; say "  next: $2"; exit 1; }

# The registry may lack the newest release of these packages for this platform, or their published manifest is broken;
# the pins change nothing that the frontend shows. No Backstage package is pinned: their versions stand in yarn.lock.gz.
pins='{"@swc/core":"1.16.18","unrs-resolver":"1.12.2","got":"11.8.6","rollup":"4.67.4"}'

# What an operator adds to the package.json of the app; the app finds the plugins by itself (app.packages: all).
plugins='{"@backstage-community/plugin-sentry":"1.22.0","@backstage-community/plugin-sonarqube":"1.2.0","@callboard/backstage-plugin":"0.1.0"}'

# The same for the app of the system before, whose code names it as well.
plugins_legacy='{"@callboard/backstage-plugin":"0.1.0"}'

# Those of them that come from this repository, and what they need of it.
own='widgets backstage-plugin'

# step NAME DESCRIPTION INPUTS FUNCTION: runs FUNCTION unless it succeeded before with the same INPUTS.
step() {
  local name=$1 what=$2 inputs=$3 run=$4 stamp began status
  stamp=$cache/.done-$name
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$inputs" ]; then say "  $what: done before"; return; fi
  rm -f "$stamp"
  printf '  %s ... ' "$what" >&2
  began=$SECONDS
  set +e # bash ignores -e inside a condition, so the status is looked at afterwards
  (set -e; "$run") >"$logs/$name.log" 2>&1 </dev/null
  status=$?
  set -e
  if [ $status -ne 0 ]; then
    say "failed after $((SECONDS - began)) s"
    tail -n 25 "$logs/$name.log" | sed 's/^/    | /' >&2
    fail "$what failed; everything it said is in $logs/$name.log" "correct the cause, then run this again: finished steps are kept"
  fi
  printf '%s' "$inputs" >"$stamp"
  say "$((SECONDS - began)) s"
}

# Node, Yarn, create-app, playwright-core and the catalog client; versions and checksums stand in the package-lock.json.
install_tools() {
  cd "$kit" && npm ci --ignore-scripts
  cd "$client" && npm ci --ignore-scripts
}

# with_dependencies FOLDER JSON: gives the package the name of its folder, and further dependencies.
with_dependencies() {
  node -e 'const fs = require("fs"), file = `${process.argv[1]}/package.json`, manifest = JSON.parse(fs.readFileSync(file));
    manifest.name = require("path").basename(process.argv[1]);
    Object.assign(manifest.dependencies, JSON.parse(process.argv[2]));
    fs.writeFileSync(file, JSON.stringify(manifest, null, 2) + "\n")' "$1" "$2"
}

create_app() {
  rm -rf "$cache/new"
  mkdir -p "$cache/new"
  cd "$cache/new"
  printf 'app\n' | backstage-create-app --path app --skip-install
  printf 'app\n' | backstage-create-app --path legacy --skip-install --legacy
  cd app
  node -e 'const fs = require("fs"), manifest = JSON.parse(fs.readFileSync("package.json"));
    Object.assign(manifest.resolutions ??= {}, JSON.parse(process.argv[1]));
    fs.writeFileSync("package.json", JSON.stringify(manifest, null, 2) + "\n")' "$pins"
  cp -R packages/app packages/app-with-plugins
  with_dependencies packages/app-with-plugins "$plugins"
  mv ../legacy/packages/app packages/app-legacy
  mv ../legacy/app-config.yaml packages/app-legacy
  rm -rf ../legacy
  mv packages/app-legacy/src packages/app-legacy/template
  with_dependencies packages/app-legacy "$plugins_legacy"
  gzip -dc "$kit/yarn.lock.gz" >yarn.lock
  # Packages that are installed already are kept: Yarn only changes what differs.
  if [ -d "$app/node_modules" ]; then mv "$app/node_modules" node_modules; fi
  rm -rf "$app"
  mv "$cache/new/app" "$app"
}

# What a registry would give of our packages lies in the workspace of the app: a lock file names no checksum for it, which
# would be another one with every change.
add_packages() {
  local name tarball target
  for name in $own; do
    tarball=$(cd "$bridge/packages/$name" && npm pack --ignore-scripts --silent --pack-destination "$cache")
    target=$app/packages/callboard-$name
    rm -rf "$target"
    mkdir -p "$target"
    tar -xzf "$cache/$tarball" --strip-components 1 -C "$target"
    rm "$cache/$tarball"
    node -e 'const fs = require("fs"), file = process.argv[1], manifest = JSON.parse(fs.readFileSync(file));
      delete manifest.devDependencies; // as for whoever installs it
      delete manifest.scripts;
      fs.writeFileSync(file, JSON.stringify(manifest, null, 2) + "\n")' "$target/package.json"
  done
}

# Install scripts are switched off: they compile native modules that only a Node backend needs.
install_app() { cd "$app" && YARN_ENABLE_SCRIPTS=false YARN_ENABLE_TELEMETRY=false yarn install --immutable; }

# What a team writes into the code of such an app. A template that has changed is refused.
edit_legacy() {
  cd "$app/packages/app-legacy"
  rm -rf src
  cp -R template src
  GIT_CEILING_DIRECTORIES=$(dirname "$(pwd -P)") git apply --verbose "$patch" # in a repository, git would look from its top
}

# build PACKAGE [OPTION]...: its frontend.
build() {
  cd "$app"
  rm -rf "packages/$1/dist"
  NODE_OPTIONS="--max-old-space-size=${CALLBOARD_BUILD_MEMORY:-6144}" yarn workspace "$1" build "${@:2}"
  test -f "packages/$1/dist/index.html"
}
build_stock() { build app; }
build_with_plugins() { build app-with-plugins; }
build_legacy() { build app-legacy --config app-config.yaml; }

"$kit/debian.sh" npm git
mkdir -p "$cache" "$logs" || fail "cannot write to $cache" "set CALLBOARD_CACHE to a folder that you may write to"
"$bridge/build.sh" >&2
tools=$(cat "$kit/package-lock.json" "$client/package-lock.json" | sha256sum)
packages=$(cd "$bridge/packages" && for name in $own; do find "$name/package.json" "$name/dist" -type f; done | LC_ALL=C sort | xargs -d '\n' sha256sum | sha256sum)
manifests=$(cd "$bridge/packages" && for name in $own; do cat "$name/package.json"; done | sha256sum)
stock="$(sha256sum <"$kit/yarn.lock.gz") $(grep '"@backstage/create-app"' "$kit/package.json") $pins $plugins $plugins_legacy"
edit=$(sha256sum <"$patch")
[ -d "$kit/node_modules" ] && [ -d "$client/node_modules" ] || rm -f "$cache/.done-tools"
[ -f "$app/package.json" ] || rm -f "$cache"/.done-{app,packages,install,build,build-with-plugins,edit-legacy,build-legacy}
[ -d "$app/node_modules" ] || rm -f "$cache"/.done-{install,build,build-with-plugins,build-legacy}
[ -f "$dist/index.html" ] || rm -f "$cache/.done-build"
[ -f "$dist_with_plugins/index.html" ] || rm -f "$cache/.done-build-with-plugins"
[ -f "$dist_legacy/index.html" ] || rm -f "$cache/.done-build-legacy"

say "Stock Backstage app in $app"
step tools "install Node, Yarn, create-app and playwright-core" "$tools" install_tools
export PATH=$kit/node_modules/.bin:$PATH
case $(node -p 'process.versions.node.split(".")[0]') in
  22 | 24) ;;
  *) fail "Node $(node -v) cannot build Backstage, and there is no pinned Node for $(uname -m)" "install Node 22 or 24 and put it first in PATH" ;;
esac
step app "create the app" "$stock" create_app
step packages "put Callboard's packages beside it" "$stock $packages" add_packages
step install "install its packages (some minutes the first time)" "$stock $manifests" install_app
step build "build its frontend (some minutes the first time)" "$stock" build_stock
step build-with-plugins "build it again with the frontends of plugins" "$stock $packages" build_with_plugins
if [ "${1:-}" = --legacy ]; then
  step edit-legacy "place Callboard's cards in the app of the system before" "$stock $edit" edit_legacy
  step build-legacy "build that app" "$stock $packages $edit" build_legacy
fi
say "Backstage $(node -p 'require(process.argv[1]).version' "$app/backstage.json"), frontend of $(du -sm "$dist" | cut -f1) MB, ready after $SECONDS s"
echo "$dist"
