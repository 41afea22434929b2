#!/usr/bin/env python3
"""Look-ups by key over 1,000,000 records and 8 connections, beside Python's XML-RPC server.

    python3 bench/lookups.py [--rows N] [--connections N] [--depth N] [--seconds N] [--runs N]

Ours is a cluster on this machine: once with its workers in the master's process (`windlass up`), once
as a master and two `windlass worker` processes, each group served by both. `lookups` (package
`windlass-bench`) asks over gRPC, `--depth` look-ups open on each connection. The peer is what such
look-ups used to be: a dictionary behind SimpleXMLRPCServer, asked by as many processes with
ServerProxy. Latencies are those that the asker sees. Ends with 1 where a bar is missed.
"""

import argparse
import contextlib
import json
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

import harness
import records

PEER = """
import json, multiprocessing, sys, time, xmlrpc.client, xmlrpc.server
rows, queries, connections, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
by_name = {}
with open(rows, encoding="utf-8") as lines:
    for row in map(json.loads, lines):
        by_name.setdefault(row["name"], []).append(row)
class Handler(xmlrpc.server.SimpleXMLRPCRequestHandler):
    protocol_version = "HTTP/1.1"
class Server(xmlrpc.server.SimpleXMLRPCServer):
    request_queue_size = 64
def serve(port):
    import socketserver
    class Threads(socketserver.ThreadingMixIn, Server):
        daemon_threads = True
    server = Threads(("127.0.0.1", 0), Handler, logRequests=False)
    server.register_function(lambda name: by_name.get(name, []), "getbyname")
    port.put(server.server_address[1])
    server.serve_forever()
def ask(port, names, out):
    master, took = xmlrpc.client.ServerProxy(f"http://127.0.0.1:{port}/"), []
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        for name in names:
            start = time.perf_counter()
            master.getbyname(name)
            took.append(time.perf_counter() - start)
            if start > until:
                break
    out.put(took)
fork = multiprocessing.get_context("fork")
port, out = fork.Queue(), fork.Queue()
server = fork.Process(target=serve, args=(port,), daemon=True)
server.start()
at, names = port.get(), json.load(open(queries, encoding="utf-8"))["names"]
by_name.clear()
askers = [fork.Process(target=ask, args=(at, names[number::connections], out), daemon=True)
          for number in range(connections)]
for asker in askers:
    asker.start()
took = sorted(took for _ in askers for took in out.get())
print(json.dumps({"per_s": len(took) / seconds, "p50_us": took[len(took) // 2] * 1e6,
                  "p99_us": took[len(took) * 99 // 100] * 1e6}))
"""


@contextlib.contextmanager
def started(*arguments):
    """A program of ours that goes on beside; gives what it says, line by line."""
    process = subprocess.Popen([harness.release_folder() / "windlass", *map(str, arguments)],
                               stderr=subprocess.PIPE, text=True)
    try:
        yield process.stderr
    finally:
        process.terminate()
        process.wait()


def line_with(lines, wanted):
    for line in lines:
        found = re.search(wanted, line)
        if found:
            return found
    sys.exit(f"it ended without saying {wanted}")


@contextlib.contextmanager
def cluster(folder, is_apart):
    """A cluster with the records; gives its address."""
    with contextlib.ExitStack() as stack:
        state = stack.enter_context(tempfile.TemporaryDirectory(dir=folder))
        crew = ["master"] if is_apart else ["up", "--workers", 2]
        place = ["--state", state, "--listen", "127.0.0.1:0"]
        lines = stack.enter_context(started(*crew, *place))
        address = line_with(lines, r"Listening on (\S+)").group(1)
        for name in ["w1", "w2"] if is_apart else []:
            worker = ["worker", "--join", address, "--name", name, "--slots", 1]
            line_with(stack.enter_context(started(*worker)), "works for the master")
        load = ["records", "load", "people", folder / "people.ndjson", "--key", "name",
                "--shard", "am=a-m", "--shard", "nz=n-z", "--replicas", 2, "--master", address]
        begun = time.perf_counter()
        subprocess.run([harness.release_folder() / "windlass", *map(str, load)], check=True,
                       stderr=subprocess.DEVNULL)
        yield address, time.perf_counter() - begun


def ours(folder, options, is_apart):
    with cluster(folder, is_apart) as (address, load_s):
        asker = [harness.release_folder() / "lookups", "--master", address, "--set", "people",
                 "--key", "name", "--queries", folder / "queries.json", "--depth", options.depth,
                 "--connections", options.connections, "--seconds", options.seconds]
        answer = harness.last_json(list(map(str, asker)))
    assert answer["missing"] == 0 and answer["rows"] >= answer["look_ups"], answer
    return answer | {"load_s": load_s}


def peer(folder, options):
    command = [sys.executable, "-c", PEER, folder / "people.ndjson", folder / "queries.json",
               options.connections, options.seconds]
    return harness.last_json(list(map(str, command)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--depth", type=int, default=4, help="look-ups open on each connection")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--runs", type=int, default=3, help="runs of each; medians are compared")
    parser.add_argument("--dir", help="where the files are written [default: a temporary folder]")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.dir) as folder:
        folder = pathlib.Path(folder)
        records.make(folder, options.rows, 200_000)
        answers = harness.interleaved(options.runs, {
            "up": lambda: ours(folder, options, False),
            "apart": lambda: ours(folder, options, True),
            "xmlrpc": lambda: peer(folder, options),
        })

    def median(side, name):
        return statistics.median(answer[name] for answer in answers[side])

    table = harness.Table()
    table.row("up: look-ups by key", median("up", "per_s"), ">=", 40_000, "/s")
    table.row("up: p99", median("up", "p99_us") / 1e3, "<=", 2, "ms")
    table.row("up: p50", median("up", "p50_us") / 1e3, unit="ms")
    table.row("up: loaded and served after", median("up", "load_s"), unit="s")
    table.row("two worker processes: look-ups by key", median("apart", "per_s"), unit="/s")
    table.row("two worker processes: p99", median("apart", "p99_us") / 1e3, unit="ms")
    table.row("two worker processes: p50", median("apart", "p50_us") / 1e3, unit="ms")
    table.row("SimpleXMLRPCServer: look-ups by key", median("xmlrpc", "per_s"), unit="/s")
    table.row("SimpleXMLRPCServer: p99", median("xmlrpc", "p99_us") / 1e3, unit="ms")
    ratio = median("up", "per_s") / median("xmlrpc", "per_s")
    table.row("up beside SimpleXMLRPCServer", ratio, unit="x")
    table.finish()


if __name__ == "__main__":
    main()
