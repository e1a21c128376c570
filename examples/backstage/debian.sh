#!/usr/bin/env bash
# debian.sh COMMAND[=PACKAGE]...: makes sure that commands exist. Missing ones are installed when this runs as root on
# Debian or Ubuntu; else it says what to install.
# debian.sh -f PACKAGE...: the same for packages without commands, which the caller found missing.
set -euo pipefail
missing=()
if [ "${1:-}" = -f ]; then
  shift
  missing=("$@")
else
  for need in "$@"; do
    command -v "${need%%=*}" >/dev/null || missing+=("${need##*=}")
  done
fi
[ ${#missing[@]} -gt 0 ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "missing: ${missing[*]}" >&2
  echo "  next: install them (Debian: sudo apt-get install ${missing[*]}), then run this again" >&2
  exit 1
fi
echo "Installing ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
