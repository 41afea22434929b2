#!/usr/bin/env bash
# Processes the samples: a mixed folder, and one of bad inputs that must not stop the rest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

out=processed_results
cargo build --release --locked -p windlass-cli
target=${CARGO_TARGET_DIR:-target}
status=0
"$target/release/windlass" run samples/heap samples/hard --out "$out" --state target/demo-state \
    || status=$?
# samples/hard holds files that nobody can process; 3 says that they, and only they, failed.
if [ "$status" -ne 0 ] && [ "$status" -ne 3 ]; then
    exit "$status"
fi
echo
echo "Results: $out/<operation>/; what became of each file: $out/summary.csv and summary.json"
echo "Try it:  $target/release/windlass run YOUR_FILES"
