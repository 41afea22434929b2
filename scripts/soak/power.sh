#!/usr/bin/env bash
# 200 losses of power in the middle of a run (WINDLASS_POWER_IMAGES). Needs root, loop devices and
# FUSE.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

export WINDLASS_POWER_IMAGES=${WINDLASS_POWER_IMAGES:-200}
# As `make test` builds it: for one package alone cargo would compile the dependencies anew.
cargo test --workspace --test e2e --profile ci --locked -- --nocapture power::
