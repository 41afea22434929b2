#!/usr/bin/env bash
# Installs by apt what the build needs and this machine lacks; does nothing where all is there.
set -euo pipefail

packages=()
need() { # COMMAND PACKAGES…
    command -v "$1" >/dev/null 2>&1 || packages+=("${@:2}")
}
need cc gcc libc6-dev
need python3 python3
need patch patch
need git git

if [ ${#packages[@]} -eq 0 ]; then
    exit 0
fi
if ! command -v apt-get >/dev/null 2>&1; then
    echo "deps: please install: ${packages[*]} (this machine has no apt-get)" >&2
    exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    as_root=(sudo)
fi
echo "deps: installing ${packages[*]}"
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${packages[@]}"
