#!/usr/bin/env bash
# A million seeds of the simulator (SEEDS) that no earlier soak has tried: they begin at the second
# of its start.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

cargo build --release --locked -p windlass-sim --bin sim
"${CARGO_TARGET_DIR:-target}/release/sim" --seeds "${SEEDS:-1000000}" --base "$(date +%s)000000"
