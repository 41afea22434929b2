#!/usr/bin/env bash
# Says what to do where cargo is absent or too old for this workspace.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
if ! command -v cargo >/dev/null 2>&1; then
    cat >&2 <<END
Rust is needed, version $wanted or newer, and cargo was not found. Install it from https://rustup.rs:
    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh
then open a new shell and run the same command again.
END
    exit 1
fi
found=$(cargo --version | cut -d' ' -f2)
if [ "$(printf '%s\n%s\n' "$wanted" "$found" | sort -V | head -n1)" != "$wanted" ]; then
    echo "Rust $wanted or newer is needed, this is $found: run \`rustup update\`" >&2
    exit 1
fi
