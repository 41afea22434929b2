#!/usr/bin/env python3
"""A cluster by gRPC on loopback: how fast it answers, how much it carries, how soon it takes over.

    python3 bench/cluster.py [--runs N] [--part NAME]…

Real processes (`windlass master`, two `windlass worker` of one slot, `windlass up`), durable.
Rates, and how long one call or task takes, are the best of N runs, other times the medians, since
the machine may do other things meanwhile; what a sync of this disk costs is measured in the same
run. Ends with 1 where a bar is missed.

- calls: `factorial 20` by an open connection, by one caller and by many: with a request of its own
  for each call, and by streams, as `windlass call --each` makes them
- single: one durable task after another; a task is recorded when it is added and when it settles
- fresh: from the start of `windlass up` to the first durable outcome, and the first call's answer
- bytes: 1 MB in and out of a task that does nothing (`noop`) and of one that starts a program
  (`command`, `cat`), inputs read in place and, as root, by workers that do not see the files and a
  command that takes the master to be elsewhere; results end in the folder for them. The bar is for
  the first, in place, with all of it in memory; on the disk it is set beside what the disk itself
  makes durable
- takeover: a worker is killed, or stopped, while it has a task
"""

import argparse
import collections
import os
import pathlib
import shutil
import statistics
import subprocess
import tempfile
import time

import clusters
import harness

MEGABYTE = 1_000_000
# A file system without a disk.
IN_MEMORY = pathlib.Path("/dev/shm")
# Tasks that give a file back.
COPIES = {
    "noop": ["--op", "noop", "--param", "result=copy"],
    "cat": ["--op", "command", "--param", "cmd=cat"],
}


def sync_ms(folder, count=200):
    """How long this disk takes to make a small record durable, in a file that has its size."""
    took = []
    with open(pathlib.Path(folder) / "sync", "wb+", buffering=0) as file:
        file.write(bytes(count * 4096))
        os.fsync(file.fileno())
        for number in range(count):
            start = time.perf_counter()
            os.pwrite(file.fileno(), os.urandom(512), number * 4096)
            os.fdatasync(file.fileno())
            took.append((time.perf_counter() - start) * 1e3)
    return {"p50_ms": statistics.median(took), "p99_ms": sorted(took)[count * 99 // 100]}


def calls(table, options, folder):
    # Enough callers that nobody waits for one of them; more connections than cores help nobody.
    many = ["--connections", 4, "--callers", 16, "--count", options.calls]
    for name, in_process in [("workers by gRPC", False), ("up", True)]:
        with clusters.Cluster(folder, in_process=in_process) as cluster:
            ways = {"a request each": [], "by a stream": ["--streamed"]}
            idle = {way: [cluster.loop("calls", "--count", 2_000, *how)["took"]
                          for _ in range(options.runs)] for way, how in ways.items()}
            rates, streamed = ([cluster.loop("calls", *many, *how)["calls_per_s"]
                                for _ in range(options.runs)] for how in ways.values())
        for way, found in idle.items():
            for quantile, bar in [("p50", 0.3), ("p99", 1)]:
                took = min(each[f"{quantile}_ms"] for each in found)
                table.row(f"call, one caller, {way}, {name}, {quantile}", took, "<=", bar, "ms")
        table.row(f"calls, a request each, 64 callers, {name}", max(rates), unit="/s")
        table.row(f"calls, 4 streams of 16, {name}", max(streamed), ">=", 20_000, "/s")


def single(table, options, folder):
    with clusters.Cluster(folder) as cluster:
        runs, syncs = [], []
        for _ in range(options.runs):
            syncs.append(sync_ms(folder))
            runs.append(cluster.loop("single", "--count", 500)["took"])
    sync, took = (min(each["p50_ms"] for each in found) for found in (syncs, runs))
    table.row("a sync of this disk, p50", sync, unit="ms")
    table.row("a sync of this disk, p99", min(each["p99_ms"] for each in syncs), unit="ms")
    table.row("durable task, p50", took, "<=", 2 + 2 * sync, "ms")
    table.row("durable task, p99", min(each["p99_ms"] for each in runs), unit="ms")


def fresh(table, options, folder):
    def up():
        state = tempfile.mkdtemp(dir=folder)
        address = f"127.0.0.1:{clusters.free_port()}"
        command = [harness.release_folder() / "windlass", "up", "--workers", "2", "--listen",
                   address, "--state", state]
        start = time.time()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            told = harness.last_json([harness.release_folder() / "cluster-loop", "--master",
                                      address, "first"])
        finally:
            process.kill()
            process.wait()
        return (told["settled_unix_s"] - start) * 1e3
    took = [up() for _ in range(5 * options.runs)]
    table.row("fresh cluster to its first durable outcome", statistics.median(took), "<=", 200,
              "ms")
    table.row("the slowest of them", max(took), unit="ms")


def disk_rate(folder, count=100):
    """Files of 1 MB that this disk makes durable in a second, sixteen by one wait."""
    content, start = os.urandom(MEGABYTE), time.perf_counter()
    for first in range(0, count, 16):
        files = [open(pathlib.Path(folder) / f"disk-{number}", "wb", buffering=0)
                 for number in range(first, min(first + 16, count))]
        for file in files:
            file.write(content)
        for file in files:
            os.fdatasync(file.fileno())
            file.close()
    return count / (time.perf_counter() - start)


def transfer(table, options, folder):
    places = {"disk": folder}
    if IN_MEMORY.is_dir():
        places["memory"] = tempfile.mkdtemp(dir=IN_MEMORY)
    else:
        print(f"not run: 1 MB with state and results in memory ({IN_MEMORY} is not there)")
    if os.geteuid() != 0:
        print("not run: 1 MB, all by gRPC (hiding the files from a worker needs root)")
    for place, at in places.items():
        inputs = pathlib.Path(tempfile.mkdtemp(dir=at))
        for number in range(options.files):
            (inputs / f"{number}.bin").write_bytes(os.urandom(MEGABYTE))
        # What a disk cannot write nobody can make durable on it: the bar is for the rest.
        bar = (">=", 400) if place == "memory" else ()
        rates, raw = collections.defaultdict(list), []
        for _ in range(options.runs):
            raw.append(disk_rate(at))
            for way, hidden in [("in place", None), ("by gRPC", inputs)]:
                if hidden and os.geteuid() != 0:
                    continue
                for name, work in COPIES.items():
                    with clusters.Cluster(at, hidden=hidden) as cluster:
                        took = cluster.run(inputs, *work, "--fresh", out=cluster.folder / "out")
                        rates[name, way].append(options.files / took)
                    shutil.rmtree(cluster.folder)
        table.row(f"1 MB files made durable, {place} alone", max(raw), unit="/s")
        for (name, way), found in rates.items():
            judged = bar if (name, way) == ("noop", "in place") else ()
            table.row(f"1 MB in {way}, 1 MB out, {name}, {place}", max(found), *judged, unit="/s")
        shutil.rmtree(inputs)
    for at in places.values():
        if at != folder:
            shutil.rmtree(at)


def takeover(table, options, folder):
    # A stopped worker is heard at most one sign of life before it is stopped.
    for end, name, bar in [("kill", "killed", 200), ("stop", "stopped", 4_000)]:
        took = []
        for _ in range(options.runs):
            with clusters.Cluster(folder) as cluster:
                workers = [f"--worker={name}={process.pid}"
                           for name, process in cluster.workers.items()]
                told = cluster.loop("takeover", *workers, "--end", end, "--sleep-ms", 1_000)
            took.append(told["after_ms"] + (told["heard_ms_ago"] if end == "stop" else 0))
        table.row(f"task of a {name} worker begins elsewhere", statistics.median(took), "<=", bar,
                  "ms")
        table.row("the slowest of them", max(took), unit="ms")


PARTS = {"calls": calls, "single": single, "fresh": fresh, "bytes": transfer,
         "takeover": takeover}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--calls", type=int, default=60_000, help="of a run with many callers")
    parser.add_argument("--files", type=int, default=400, help="inputs of 1 MB of a run")
    parser.add_argument("--part", action="append", choices=PARTS)
    options = parser.parse_args()
    table = harness.Table()
    before = clusters.load()
    with tempfile.TemporaryDirectory() as folder:
        for part in options.part or PARTS:
            PARTS[part](table, options, folder)
    print(f"load of the machine: {before:.1f} before, {clusters.load():.1f} after")
    table.finish()


if __name__ == "__main__":
    main()
