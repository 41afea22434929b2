#!/usr/bin/env bash
# Every benchmark beside its peers, one after another; fails if one misses a bar.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# One build, one folder of inputs and one Python with all peers for every script.
cargo build --release --locked -p windlass-bench -p windlass-cli
export WINDLASS_BENCH_IS_BUILT=1
shared() {
    PYTHONPATH=bench PYTHONDONTWRITEBYTECODE=1 python3 -c "import harness; print(harness.$1())"
}
WINDLASS_SAMPLES=$(shared samples_default)
python=$(shared python_with_peers)
export WINDLASS_SAMPLES PYTHONDONTWRITEBYTECODE=1
echo "inputs: $WINDLASS_SAMPLES"

missed=()
for script in bench/*.py; do
    name=$(basename "$script" .py)
    case $name in
    harness | clusters) continue ;;
    esac
    echo
    echo "== $name"
    "$python" "$script" || missed+=("$name")
done
echo
if [ ${#missed[@]} -gt 0 ]; then
    echo "a bar was missed or a benchmark failed: ${missed[*]}"
    exit 1
fi
echo "every bar was met"
