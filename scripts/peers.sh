#!/usr/bin/env bash
# The cluster beside other systems that distribute tasks: `make bench-peers`. Installs by apt what is
# missing of them; those of PyPI come into an environment of their own (bench/requirements-peers.txt).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Servers lie there on Debian, which an ordinary user's path does not name.
PATH=$PATH:/usr/sbin:/sbin
packages=()
need() { # COMMAND PACKAGE
    command -v "$1" >/dev/null 2>&1 || packages+=("$2")
}
need gearmand gearman-job-server
need redis-server redis-server
# The client library is loaded by its name, without headers.
ldconfig -p | grep -q 'libgearman\.so\.8' || packages+=(libgearman8)

if [ ${#packages[@]} -gt 0 ] && command -v apt-get >/dev/null 2>&1; then
    as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        as_root=(sudo)
    fi
    echo "peers: installing ${packages[*]}"
    "${as_root[@]}" apt-get update -qq
    # Without one of them the others are measured all the same; compare.py says what did not run.
    # They are started by the benchmark, with a port and a folder of their own, and by nobody else.
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 \
        apt-get install -y -qq --no-install-recommends "${packages[@]}" ||
        echo "peers: they could not be installed" >&2
fi

exec env PYTHONDONTWRITEBYTECODE=1 python3 bench/peers/compare.py "$@"
