#!/usr/bin/env python3
"""What a run costs beside its operation: one small file, and the help page.

    python3 bench/startup.py [--runs N]

Medians of N runs (default 20) on the wall, each `windlass run` with a fresh state folder, less the
time of the operation itself in `op-loop`. Ends with 1 where a bar is missed.
"""

import argparse
import pathlib
import statistics
import subprocess
import tempfile
import time

import harness

OPERATION = "text"
SENTENCES = "A windlass lifts heavy loads. The crew is glad of it!\n"


def wall_s(command):
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def run_s(windlass, file, folder):
    """One `windlass run`, start to exit."""
    with tempfile.TemporaryDirectory(dir=folder) as fresh:
        command = [windlass, "run", file, "--op", OPERATION]
        return wall_s([*command, "--out", f"{fresh}/out", "--state", f"{fresh}/state"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=20)
    runs = parser.parse_args().runs
    windlass = harness.release_folder() / "windlass"
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "small.txt"
        file.write_text(SENTENCES, encoding="utf-8")
        operation_s = harness.op_loop(OPERATION, [str(file)], repeat=runs)["wall_s"] / runs
        # The first run of a program reads it from the disk.
        run_s(windlass, file, folder)
        whole_s = statistics.median(run_s(windlass, file, folder) for _ in range(runs))
    help_s = statistics.median(wall_s([windlass, "--help"]) for _ in range(runs))

    table = harness.Table()
    table.row("operation itself", operation_s * 1e3, unit="ms")
    table.row("run of one small file", whole_s * 1e3, unit="ms")
    table.row("run less operation", (whole_s - operation_s) * 1e3, "<=", 150, "ms")
    table.row("windlass --help", help_s * 1e3, "<=", 10, "ms")
    table.finish()


if __name__ == "__main__":
    main()
