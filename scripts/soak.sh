#!/usr/bin/env bash
# What takes too long for every change: each script of scripts/soak/, one after another.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

for script in scripts/soak/*.sh; do
    echo "== $script"
    "$script"
done
