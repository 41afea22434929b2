#!/usr/bin/env bash
# Hostile bytes for longer: every decoder for WINDLASS_FUZZ_SECONDS (default 120), then ten times as
# many mutated files as in `make test`. The seed is the day, unless WINDLASS_MUTANT_SEED is given.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

export WINDLASS_MUTANT_SEED=${WINDLASS_MUTANT_SEED:-$(date +%Y%m%d)}
export WINDLASS_MUTANTS=${WINDLASS_MUTANTS:-10}
echo "seed $WINDLASS_MUTANT_SEED"
# As `make test` builds them: for one package alone cargo would compile the dependencies anew.
cargo build --workspace --bins --tests --profile ci --locked
"${CARGO_TARGET_DIR:-target}/ci/fuzz" \
    --seconds "${WINDLASS_FUZZ_SECONDS:-120}" --seed "$WINDLASS_MUTANT_SEED"
cargo test --workspace --test e2e --profile ci --locked -- mutants::
