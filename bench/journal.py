#!/usr/bin/env python3
"""The journal beside SQLite: ten million events written and replayed, and a large state opened.

    python3 bench/journal.py [--events N] [--dir DIR]

SQLite gets as many events of the same size, in transactions of as many as our records hold, with
its log in front (WAL) and synced at every commit (synchronous=FULL). Then it reads all of them,
which is less than a replay does: nothing is decoded or applied. Ends with 1 where a bar is missed.
"""

import argparse
import json
import os
import pathlib
import sqlite3
import subprocess
import tempfile
import time

import harness

BATCH = 10_000


def ours(events, folder):
    loop = harness.release_folder() / "journal-loop"
    command = [loop, "--events", str(events), "--batch", str(BATCH), folder]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def sqlite(events, event_bytes, folder):
    """Seconds to write and to read all events."""
    database = sqlite3.connect(pathlib.Path(folder) / "events.db", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE events (seq INTEGER PRIMARY KEY, body BLOB NOT NULL)")
    bodies = [os.urandom(event_bytes) for _ in range(BATCH)]
    start = time.perf_counter()
    for first in range(0, events, BATCH):
        rows = enumerate(bodies[: min(BATCH, events - first)], first + 1)
        database.execute("BEGIN")
        database.executemany("INSERT INTO events VALUES (?, ?)", rows)
        database.execute("COMMIT")
    write_s = time.perf_counter() - start
    start = time.perf_counter()
    count = sum(1 for _ in database.execute("SELECT seq, body FROM events ORDER BY seq"))
    read_s = time.perf_counter() - start
    assert count == events, count
    database.close()
    return write_s, read_s


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--dir", help="where the files are written [default: a temporary folder]")
    arguments = parser.parse_args()
    events = arguments.events
    with tempfile.TemporaryDirectory(dir=arguments.dir) as folder:
        own = ours(events, folder)
        write_s, read_s = sqlite(events, own["event_bytes"], folder)

    def rate(seconds):
        return events / seconds / 1e6

    table = harness.Table()
    table.row("events written, journal", rate(own["write_s"]), unit="M/s")
    table.row("events written, SQLite", rate(write_s), unit="M/s")
    table.row("written, journal over SQLite", write_s / own["write_s"], ">=", 1, "x")
    table.row("events replayed, journal", rate(own["replay_s"]), unit="M/s")
    table.row("events read, SQLite", rate(read_s), unit="M/s")
    table.row("replayed, journal over SQLite", read_s / own["replay_s"], ">=", 1, "x")
    table.row("replay of all events", own["replay_s"], "<=", 10, "s")
    table.row("open 1,000,000 tasks, log", own["open_from_log_s"], "<=", 3, "s")
    table.row("open 1,000,000 tasks, snapshot", own["open_from_snapshot_s"], "<=", 3, "s")
    table.finish()


if __name__ == "__main__":
    main()
