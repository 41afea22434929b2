#!/usr/bin/env bash
# Every benchmark beside its peers, one after another; fails if one misses a bar.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# A peer that is a program of the machine. Without it the others are measured all the same.
if ! command -v pdftotext >/dev/null 2>&1 && command -v apt-get >/dev/null 2>&1; then
    as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        as_root=(sudo)
    fi
    "${as_root[@]}" apt-get install -y -qq --no-install-recommends poppler-utils ||
        echo "bench: poppler-utils could not be installed" >&2
fi

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
