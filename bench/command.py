#!/usr/bin/env python3
"""Short commands: `/bin/true` again and again on two slots; and how soon an executor is ready.

    python3 bench/command.py [--count N] [--runs N] [--executors N]

Commands: rates on the wall from start to exit, medians of N runs in turn with the peers, which keep
nothing. Ours is a whole `windlass run`: each command is confined, in a scratch folder of its own,
and its result is durable and written out; the state lies in the folder for temporary files
(`TMPDIR`). Executors: from the start of the process until all layers hold, as this user and, where
that is root, as an ordinary one. Ends with 1 where a bar is missed.
"""

import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import harness

COMMAND = "/bin/true"
POOL = f"""
import concurrent.futures, subprocess, sys
def one(number):
    return subprocess.run(["{COMMAND}"], check=True).returncode
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    assert sum(pool.map(one, range(int(sys.argv[1])))) == 0
"""
# An ordinary user's number that need not have an account.
ORDINARY_USER = 65_534


def rate(count, command, **options):
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   **options)
    return count / (time.perf_counter() - start)


def ours(count, folder):
    """One run with a fresh state. It stays until the end: some file systems make new files more
    slowly for a while after many were deleted."""
    fresh = tempfile.mkdtemp(dir=folder)
    return rate(count, [harness.release_folder() / "windlass", "run", "--op", "command",
                        "--param", f"cmd={COMMAND}", "--param", f"count={count}", "--workers", "2",
                        "--out", f"{fresh}/out", "--state", f"{fresh}/state"])


def peers(count):
    numbers = "\n".join(map(str, range(count))) + "\n"
    sides = {
        "xargs -P2": lambda: rate(count, ["xargs", "-P2", "-n1", COMMAND], input=numbers,
                                  text=True),
        "Python pool of two": lambda: rate(count, [sys.executable, "-c", POOL, str(count)]),
    }
    if shutil.which("parallel"):
        # Slower by far: fewer are enough.
        part = max(1, count // 10)
        some = "\n".join(map(str, range(part))) + "\n"
        sides["GNU parallel -j2"] = lambda: rate(
            part, ["parallel", "-j2", "-n1", COMMAND], input=some, text=True)
    else:
        print("not run: GNU parallel (its command `parallel` is not installed)")
    return sides


def ready(count, user=None):
    """How long executors take, in ms; another user gets programs that he may read."""
    programs = [harness.release_folder() / name for name in ("executor-ready", "windlass")]
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        measure, program = (shutil.copy2(path, folder) for path in programs)
        command = [measure, "--count", str(count), program]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, user=user)
    return json.loads(done.stdout)


def ready_rows(table, name, answer):
    took = sorted(answer["ready_ms"])
    if not answer["is_whole"]:
        print(f"{name}: not all layers hold here: {answer['layers']}")
    table.row(f"{name}, median", statistics.median(took), "<=", 3, "ms")
    table.row(f"{name}, 99 of 100", took[min(len(took) - 1, len(took) * 99 // 100)], unit="ms")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=3_000, help="commands of a run")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--executors", type=int, default=200)
    options = parser.parse_args()
    harness.release_folder()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        rates = harness.interleaved(
            options.runs,
            {"windlass": lambda: ours(options.count, folder), **peers(options.count)})
    rates = {name: statistics.median(found) for name, found in rates.items()}
    own = rates.pop("windlass")

    table = harness.Table()
    table.row(f"{COMMAND} by windlass, durable", own, ">=", 1_200, "/s")
    for name, peer in rates.items():
        table.row(name, peer, unit="/s")
        table.row(f"windlass beside {name}", own / peer, unit="x")
    ready_rows(table, "executor ready", ready(options.executors))
    if os.geteuid() == 0:
        ready_rows(table, "executor ready, ordinary user", ready(options.executors, ORDINARY_USER))
    table.finish()


if __name__ == "__main__":
    main()
