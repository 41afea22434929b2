#!/usr/bin/env python3
"""Tasks that do nothing, two workers on this machine: this cluster beside other systems.

    make bench-peers
    python3 bench/peers/compare.py [--tasks N] [--runs N] [--only PEER]

Every system gets the same number of tasks as one batch and is done when whoever submitted them
knows all results. Ours is a whole `windlass run` by gRPC, from its start to its exit, with two
worker processes and every outcome durable on disk; the others are warmed clients (peers/on_*.py
say which of their fast ways is taken) and keep nothing. Sides take turns; the best run of each
counts, since the machine may do other things meanwhile. Ends with 1 where a bar is missed.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

FOLDER = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

import clusters
import harness

REQUIREMENTS = FOLDER.parent / "requirements-peers.txt"
PEERS = {
    "gearmand": "on_gearmand.py",
    "Ray": "on_ray.py",
    "Celery+Redis": "on_celery.py",
    "Dask": "on_dask.py",
    "HyperQueue": "on_hyperqueue.py",
}
# The slowest does some hundred a second.
SECONDS_MAX = 600


def ours(folder, count):
    with clusters.Cluster(folder) as cluster:
        arguments = ["--op", "noop", "--param", f"count={count}"]
        return count / cluster.run(*arguments, out=cluster.folder / "out")


def single_ms(folder):
    with clusters.Cluster(folder) as cluster:
        return cluster.loop("single", "--count", 500)["took"]["p50_ms"]


def peer(script, count):
    """What a peer says, or why it says nothing."""
    command = [harness.python_with(REQUIREMENTS), FOLDER / script, str(count)]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=SECONDS_MAX)
    except subprocess.TimeoutExpired:
        return f"it was not done after {SECONDS_MAX} s"
    if done.returncode != 0:
        return (done.stderr.strip().splitlines() or ["it ended without a word"])[-1]
    return json.loads(done.stdout.splitlines()[-1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", type=int, default=10_000, help="of each side and run")
    parser.add_argument("--large", type=int, default=200_000, help="of ours alone")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--only", action="append", choices=PEERS, help="beside this one")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        sides = {"windlass": lambda: ours(folder, options.tasks),
                 "windlass, large": lambda: ours(folder, options.large)}
        for name in options.only or PEERS:
            sides[name] = lambda script=PEERS[name]: peer(script, options.tasks)
        before = clusters.load()
        answers = harness.interleaved(options.runs, sides)
        own_single = single_ms(folder)
    print(f"load of the machine: {before:.1f} before, {clusters.load():.1f} after")

    own, large = (max(answers.pop(name)) for name in ("windlass", "windlass, large"))
    table = harness.Table()
    table.row(f"windlass, {options.tasks} tasks, durable", own, ">=", 50_000, "/s")
    table.row(f"windlass, {options.large} tasks, durable", large, ">=", 50_000, "/s")
    table.row("windlass, one at a time, p50", own_single, unit="ms")
    for name, told in answers.items():
        said = [answer for answer in told if isinstance(answer, dict)]
        if not said:
            print(f"not run: {name} ({told[-1]})")
            continue
        rate = max(answer["tasks_per_s"] for answer in said)
        table.row(f"{name}, {options.tasks} tasks", rate, unit="/s")
        table.row(f"windlass beside {name}", own / rate, ">=", 1, "x")
        table.row(f"{name}, one at a time, p50", min(answer["single_p50_ms"] for answer in said),
                  unit="ms")
    table.finish()


if __name__ == "__main__":
    main()
