#!/usr/bin/env python3
"""The heart alone: tasks that do nothing, from submission to the last outcome, two workers.

    python3 bench/heart.py [--tasks N] [--runs N]

Rates are on the wall, medians of N runs in turn with the peer, a pool of two Python processes that
is handed one task at a time and keeps nothing. `durable` syncs its journal before an outcome
counts, `sync off` keeps the journal in memory. Memory is what the process grew by. Ends with 1
where a bar is missed.
"""

import argparse
import statistics
import tempfile

import harness

POOL = """
import multiprocessing, time
count = int(files[0])
def nothing(number):
    return number
def once():
    start = time.perf_counter()
    with multiprocessing.get_context("fork").Pool(2) as pool:
        for _ in pool.imap_unordered(nothing, range(count), chunksize=1):
            pass
    return count / (time.perf_counter() - start)
"""


def heart(*arguments):
    return harness.last_json([harness.release_folder() / "heart", *map(str, arguments)])


def tasks(count, engine):
    with tempfile.TemporaryDirectory() as state:
        return heart("tasks", "--count", count, "--engine", engine, "--state", state)


def million():
    """A million tasks, and what opening their state again costs."""
    with tempfile.TemporaryDirectory() as state:
        return heart("tasks", "--count", 1_000_000, "--state", state), \
            heart("reopen", "--state", state)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    answers = harness.interleaved(options.runs, {
        "durable": lambda: tasks(options.tasks, "file")["tasks_per_s"],
        "sync off": lambda: tasks(options.tasks, "memory")["tasks_per_s"],
        "pool": lambda: harness.peer(POOL, [str(options.tasks)])["answer"],
    })
    rates = {name: statistics.median(rates) for name, rates in answers.items()}
    whole, reopened = million()

    table = harness.Table()
    table.row("no-op tasks, durable", rates["durable"], ">=", 50_000, "/s")
    table.row("no-op tasks, sync off", rates["sync off"], ">=", 100_000, "/s")
    table.row("Python pool of two, nothing kept", rates["pool"], unit="/s")
    table.row("durable beside the pool", rates["durable"] / rates["pool"], unit="x")
    table.row("a million tasks, memory a task", whole["resident_bytes_per_task"], "<=", 150, "B")
    table.row("a million tasks, state opened again", reopened["wall_s"], "<=", 3, "s")
    table.finish()


if __name__ == "__main__":
    main()
