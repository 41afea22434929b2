#!/usr/bin/env bash
# Every check of the project. One profile and one target folder: clippy, tests and the binary share
# what is compiled.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

step() {
    echo
    echo "== $* (${SECONDS} s)"
}

# What this machine cannot do is named; it is an error where WINDLASS_REQUIRE lists it.
not_run() { # FEATURE WHAT
    echo "not run: $1 ($2)"
    case ",${WINDLASS_REQUIRE:-}," in
        *",$1,"*) return 1 ;;
    esac
}

step format
cargo fmt --all --check
step spelling
# shellcheck source=scripts/library.sh
. scripts/library.sh
if is_checker_there; then
    "$typos"
else
    not_run typos "the spelling checker; \`make deps\` fetches it"
fi
step clippy
cargo clippy --workspace --all-targets --profile ci --locked -- -D warnings
step tests
if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --workspace --cargo-profile ci --locked
    # nextest does not run the examples in documentation.
    cargo test --workspace --doc --profile ci --locked --quiet
else
    cargo test --workspace --profile ci --locked
fi
# With other packages or targets cargo would choose other features and compile dependencies again.
cargo build --workspace --bins --tests --profile ci --locked
built=${CARGO_TARGET_DIR:-target}/ci
step simulator
"$built/sim" --seeds 10000 --base "$("$built/xtask" seed-base)"
# The mutants prove something only where the whole code passes the same seeds.
"$built/sim" --seeds 2000
step mutants
"$built/xtask" mutants
step "all passed"
