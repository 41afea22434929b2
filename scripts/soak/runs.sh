#!/usr/bin/env bash
# Run after run over 100 files, a few of them new each time, as if the state grew old meanwhile:
# memory of a run and the disk of its state stay bounded. WINDLASS_RUNS runs (default 1000).
# Every tenth run all blobs are made to look two hours old and the state goes to its limits.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

runs=${WINDLASS_RUNS:-1000}
cargo build --workspace --bins --tests --profile ci --locked
windlass=$(pwd)/${CARGO_TARGET_DIR:-target}/ci/windlass
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
export WINDLASS_STATE=$work/state
mkdir in
for file in $(seq 100); do
    # Large enough that its text is a blob of its own.
    seq -f "file $file line %g" 3000 > "in/$file.txt"
done
# Ten runs of tasks are kept, a grace is the shortest, the memo has 5 MB.
"$windlass" state set settled_task_count_max=1000 memo_mb_max=5 blob_grace_hours=1 > /dev/null

# Runs a command and prints the most memory in kB that it, or a child of it, had resident.
measured() {
    python3 -c 'import resource, subprocess, sys
code = subprocess.call(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)' "$@"
}
kilobytes() { du -sk "$1" | cut -f 1; }
disk_early=0 memory_early=0 disk_max=0 memory_max=0
echo "run  state_kB  journal_kB  resident_kB"
for run in $(seq "$runs"); do
    for file in $(seq 10); do
        seq -f "run $run file $file line %g" 3000 > "in/$file.txt"
    done
    memory=$(measured "$windlass" run in --op document 2> log) || { cat log; exit 1; }
    if ((run % 10 == 0)); then
        find state/blobs -type f -exec touch -d '2 hours ago' {} +
        "$windlass" state compact > log || { cat log; exit 1; }
        disk=$(kilobytes state)
        echo "$run  $disk  $(kilobytes state/journal)  $memory"
        # By then ten runs are kept, and what they name: all that there will ever be.
        if ((run == 30)); then disk_early=$disk memory_early=$memory; fi
        if ((run > 30)); then
            disk_max=$((disk > disk_max ? disk : disk_max))
            memory_max=$((memory > memory_max ? memory : memory_max))
        fi
    fi
done
"$windlass" state verify > log || { cat log; exit 1; }
if ((runs > 30 && (disk_max > disk_early * 5 / 4 || memory_max > memory_early * 5 / 4))); then
    echo "after 30 runs $disk_early kB of disk and $memory_early kB of memory," \
        "later up to $disk_max and $memory_max" >&2
    exit 1
fi
