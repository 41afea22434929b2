#!/usr/bin/env python3
"""A million records beside Python and SQLite: loaded from JSON, lines of JSON and CSV, looked up.

    python3 bench/records.py [--rows N] [--lookups N] [--runs N] [--dir DIR]

Ours reads a file into a shard in the blob store, checked and synced, then opens it with its
indexes. Python reads the file into dictionaries by name and by (location, year); SQLite gets
Python's rows into a database in memory with the same two indexes. All are asked the same things,
in one process each. CPU time is compared. Ends with 1 where a bar is missed.
"""

import argparse
import csv
import json
import pathlib
import random
import statistics
import subprocess
import tempfile

import harness

FIRST = "ada ben cleo dara emil flora gus hedda ivo juno kai lena mats nell odo petra rosa".split()
# Runs in a process of its own: what is loaded stays in memory until the end.
PEER = """
import csv, json, resource, sqlite3, sys, time
kind, file, queries = sys.argv[1:]
def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
def number(text):
    try:
        return int(text)
    except ValueError:
        return text
def rows():
    with open(file, encoding="utf-8") as lines:
        if file.endswith(".json"):
            yield from json.load(lines)
        elif file.endswith(".ndjson"):
            yield from map(json.loads, lines)
        else:
            for row in csv.DictReader(lines):
                row["id"], row["year"] = number(row["id"]), number(row["year"])
                yield row
start = cpu()
if kind == "dict":
    by_name, by_pair = {}, {}
    for row in rows():
        by_name.setdefault(row["name"], []).append(row)
        by_pair.setdefault((row["location"], row["year"]), []).append(row)
else:
    base = sqlite3.connect(":memory:")
    base.execute("CREATE TABLE people (id, name, location, year)")
    values = ((row["id"], row["name"], row["location"], row["year"]) for row in rows())
    base.executemany("INSERT INTO people VALUES (?, ?, ?, ?)", values)
    base.execute("CREATE INDEX by_name ON people (name)")
    base.execute("CREATE INDEX by_pair ON people (location, year)")
load_s = cpu() - start
asked = json.load(open(queries, encoding="utf-8"))
names, pairs = asked["names"], [tuple(pair) for pair in asked["pairs"]]
def measure(items, find):
    best = float("inf")
    for _ in range(3 if kind == "dict" else 1):
        start, count = cpu(), 0
        for item in items:
            count += find(item)
        best = min(best, (cpu() - start) * 1e9 / len(items))
    return {"ns": best, "rows": count}
if kind == "dict":
    none = []
    answers = [measure(names, lambda name: len(by_name.get(name, none))),
               measure(pairs, lambda pair: len(by_pair.get(pair, none)))]
else:
    one = "SELECT * FROM people WHERE name = ?"
    two = "SELECT * FROM people WHERE location = ? AND year = ?"
    answers = [measure(names, lambda name: len(base.execute(one, (name,)).fetchall())),
               measure(pairs, lambda pair: len(base.execute(two, pair).fetchall()))]
print(json.dumps({"load_cpu_s": load_s, "names": answers[0], "pairs": answers[1]}))
"""


def make(folder, row_count, lookup_count):
    """Writes the same rows in three forms, and what is asked of them."""
    draw = random.Random(4)
    places = [f"{draw.choice(FIRST)}ville {number}".title() for number in range(5_000)]
    # As many names as rows, of which a third are met twice or more, and a third never.
    def name():
        return f"{draw.choice(FIRST)} {draw.randrange(row_count // len(FIRST))}"
    rows = [{"id": number, "name": name(), "location": draw.choice(places),
             "year": draw.randrange(1950, 2020)} for number in range(row_count)]
    with open(folder / "people.json", "w", encoding="utf-8") as out:
        json.dump(rows, out)
    with open(folder / "people.ndjson", "w", encoding="utf-8") as out:
        out.writelines(json.dumps(row) + "\n" for row in rows)
    with open(folder / "people.csv", "w", encoding="utf-8", newline="") as out:
        table = csv.DictWriter(out, rows[0].keys())
        table.writeheader()
        table.writerows(rows)
    asked = draw.choices(rows, k=lookup_count)
    queries = {"names": [row["name"] for row in asked],
               "pairs": [[row["location"], row["year"]] for row in asked]}
    (folder / "queries.json").write_text(json.dumps(queries), encoding="utf-8")


def ours(folder, form):
    program = harness.release_folder() / "records-loop"
    with tempfile.TemporaryDirectory(dir=folder) as state:
        return harness.last_json([program, "--dir", state, "--queries", folder / "queries.json",
                                  folder / f"people.{form}"])


def peer(folder, form, kind):
    command = [harness.sys.executable, "-c", PEER, kind, folder / f"people.{form}",
               folder / "queries.json"]
    return harness.last_json(command)


def median(answers, *path):
    def value(answer):
        for name in path:
            answer = answer[name]
        return answer
    return statistics.median(map(value, answers))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--lookups", type=int, default=200_000)
    parser.add_argument("--runs", type=int, default=3, help="runs of each; medians are compared")
    parser.add_argument("--dir", help="where the files are written [default: a temporary folder]")
    arguments = parser.parse_args()
    table = harness.Table()
    with tempfile.TemporaryDirectory(dir=arguments.dir) as folder:
        folder = pathlib.Path(folder)
        make(folder, arguments.rows, arguments.lookups)
        for form in ("json", "ndjson", "csv"):
            answers = harness.interleaved(arguments.runs, {
                "ours": lambda: ours(folder, form),
                "dict": lambda: peer(folder, form, "dict"),
                "sqlite": lambda: peer(folder, form, "sqlite"),
            })
            own = answers["ours"]
            load_s, open_s = median(own, "load_cpu_s"), median(own, "open_cpu_s")
            table.row(f"{form}: loaded", arguments.rows / load_s / 1e6, unit="M/s")
            for name in ("dict", "sqlite"):
                ratio = median(answers[name], "load_cpu_s") / (load_s + open_s)
                table.row(f"{form}: {name} / ours, load and open, CPU", ratio, ">=", 1, "x")
            assert own[0]["rows"] == arguments.rows, own[0]
    for name in ("names", "pairs"):
        found = {side: answers[side][0][name]["rows"] for side in answers}
        assert len(set(found.values())) == 1, found
    table.row("shard opened", arguments.rows / open_s / 1e6, unit="M/s")
    table.row("memory a record", own[0]["memory_bytes"] / arguments.rows, unit="B")
    table.row("  of it the record", own[0]["shard_bytes"] / arguments.rows, unit="B")
    for name, shown, bar in (("names", "by key", 400), ("pairs", "by (location, year)", None)):
        own_ns = median(own, name, "ns")
        table.row(f"look-up {shown}", own_ns, "<=" if bar else None, bar, "ns")
        for side, side_bar in (("dict", None), ("sqlite", 1)):
            ratio = median(answers[side], name, "ns") / own_ns
            sign = ">=" if side_bar else None
            table.row(f"look-up {shown}: {side} / ours, CPU", ratio, sign, side_bar, "x")
    table.finish()


if __name__ == "__main__":
    main()
