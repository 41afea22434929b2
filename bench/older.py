#!/usr/bin/env python3
"""Clients of the older systems: what they called, and what answers now.

    python3 bench/older.py [--samples DIR] [--clients N] [--seconds N] [--photos N] [--runs N]

Look-ups: processes with Python's own client (`ServerProxy`), several and then one alone, ask
`getbyname` of a record set, each one after another; the peer is a dictionary behind
SimpleXMLRPCServer, as that service's was. Python's client alone takes some 0.4 ms of CPU for a
look-up: where its processes share two cores with the server, no server at all would be much more
than 2.5 times the peer. What each side takes is told beside.

Files: a client (`requests`) sends photos to `/assign_task` to be made grey; the peer is a stand-in
for that service written from what it said and did: a master in Flask that shares them out over two
slaves, which work by Pillow. Ours has two workers as well, and a state without earlier results for
every run. Ends with 1 where a bar is missed.
"""

import contextlib
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import harness
import records

REQUIREMENTS = harness.ROOT / "bench" / "requirements-older.txt"
LOOK_UP_SERVER = """
import json, sys, xmlrpc.server
by_name = {}
with open(sys.argv[1], encoding="utf-8") as lines:
    for row in map(json.loads, lines):
        by_name.setdefault(row["name"], []).append(row)
def getbyname(name):
    return {"error": False, "result": by_name.get(name, [])}
server = xmlrpc.server.SimpleXMLRPCServer(("127.0.0.1", 0), logRequests=False, allow_none=True)
server.register_function(getbyname)
print("Listening on 127.0.0.1:%d" % server.server_address[1], file=sys.stderr, flush=True)
server.serve_forever()
"""

LOOK_UP_CLIENT = """
import json, sys, time, xmlrpc.client
place, queries, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
names = json.load(open(queries, encoding="utf-8"))["names"]
master, took = xmlrpc.client.ServerProxy(f"http://{place}/", allow_none=True), []
found, asked_before = 0, 200
for name in names[:asked_before]:
    master.getbyname(name)
until, used_s = time.perf_counter() + seconds, time.process_time()
while time.perf_counter() < until:
    for name in names:
        start = time.perf_counter()
        answer = master.getbyname(name)
        took.append(time.perf_counter() - start)
        found += len(answer["result"])
        if start > until:
            break
used_s = time.process_time() - used_s
took.sort()
print(json.dumps({"per_s": len(took) / sum(took), "p50_us": took[len(took) // 2] * 1e6,
                  "p99_us": took[len(took) * 99 // 100] * 1e6, "found": found,
                  "asked": len(took) + asked_before, "client_us": used_s / len(took) * 1e6}))
"""

SLAVE = """
import base64, io, logging, socket, sys
import flask, requests
from PIL import Image
app = flask.Flask(__name__)
logging.getLogger("werkzeug").setLevel(logging.ERROR)
flask.cli.show_server_banner = lambda *_: None
@app.route("/check_status")
def check_status():
    return flask.jsonify({"status": "alive"})
@app.route("/get_task", methods=["POST"])
def get_task():
    results = []
    for file in flask.request.files.getlist("images"):
        out = io.BytesIO()
        Image.open(file.stream).convert("L").save(out, format="PNG")
        data = base64.b64encode(out.getvalue()).decode()
        results.append({"filename": file.filename, "image_data": data})
    return flask.jsonify({"results": results})
with socket.create_server(("127.0.0.1", 0)) as held:
    port = held.getsockname()[1]
body = {"slave_ip": "127.0.0.1", "slave_port": port}
requests.post(sys.argv[1] + "/register", json=body).raise_for_status()
print("Listening on 127.0.0.1:%d" % port, file=sys.stderr, flush=True)
app.run(host="127.0.0.1", port=port)
"""

MASTER = """
import base64, logging, os, socket, sys
from concurrent.futures import ThreadPoolExecutor
import flask, requests
app = flask.Flask(__name__)
logging.getLogger("werkzeug").setLevel(logging.ERROR)
flask.cli.show_server_banner = lambda *_: None
slaves = []
@app.route("/register", methods=["POST"])
def register():
    data = flask.request.get_json()
    slaves.append("http://%s:%s" % (data["slave_ip"], data["slave_port"]))
    return flask.jsonify({"status": "success"})
def work(slave, files):
    answer = requests.post(slave + "/get_task", data={"task_type": "image"}, timeout=45,
                           files=[("images", file) for file in files])
    return answer.json()["results"]
@app.route("/assign_task", methods=["POST"])
def assign_task():
    files = [(it.filename, it.read()) for it in flask.request.files.getlist("images")]
    shares = [files[number::len(slaves)] for number in range(len(slaves))]
    with ThreadPoolExecutor(len(slaves)) as pool:
        results = [it for share in pool.map(work, slaves, shares) for it in share]
    os.makedirs("processed_results/image", exist_ok=True)
    saved = []
    for result in results:
        path = "processed_results/image/processed_" + result["filename"]
        with open(path, "wb") as out:
            out.write(base64.b64decode(result["image_data"]))
        saved.append(path)
    return flask.jsonify({"message": "Image processing complete", "task_type": "image",
                          "total_files_processed": len(saved), "saved_files": saved})
with socket.create_server(("127.0.0.1", 0)) as held:
    port = held.getsockname()[1]
print("Listening on 127.0.0.1:%d" % port, file=sys.stderr, flush=True)
app.run(host="127.0.0.1", port=port)
"""

FILES_CLIENT = """
import json, sys, time
import requests
url, photos = sys.argv[1], sys.argv[2:]
def once(paths):
    named = (("%03d.jpg" % number, open(path, "rb")) for number, path in enumerate(paths))
    files = [("images", it) for it in named]
    answer = requests.post(url + "/assign_task", data={"task_type": "image"}, files=files)
    answer.raise_for_status()
    return answer.json()["total_files_processed"]
# Another picture than those that are measured: whatever is loaded at first is.
once(photos[:1])
begun = time.perf_counter()
count = once(photos[1:])
assert count == len(photos) - 1, count
print(json.dumps({"per_s": count / (time.perf_counter() - begun)}))
"""


@contextlib.contextmanager
def started(command, folder):
    """A program that goes on beside; what it says is in its `stderr`."""
    command = list(map(str, command))
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def place_in(process, before="Listening on "):
    for line in process.stderr:
        found = re.search(re.escape(before) + r"(\S+)", line)
        if found:
            return found.group(1)
    sys.exit(f"it ended without saying {before}")


def await_workers(place, count):
    listing = list(map(str, windlass("worker", "list", "--json", "--master", place)))
    until = time.monotonic() + 30
    while len(json_of(listing)["workers"]) < count:
        if time.monotonic() > until:
            sys.exit("its workers did not come")


def json_of(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(done.stdout)


def python(source, *arguments):
    return [harness.python_with(REQUIREMENTS), "-u", "-c", source, *map(str, arguments)]


def windlass(*arguments):
    return [harness.release_folder() / "windlass", *arguments]


def cpu_s(process):
    """What a program has used so far, without its children."""
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def look_ups_of(server, place, folder, options):
    """What each of several clients together, and one alone, measures."""
    command = python(LOOK_UP_CLIENT, place, folder / "queries.json", options.seconds)
    used_s = cpu_s(server)
    asking = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
              for _ in range(options.clients)]
    answers = [json.loads(it.communicate()[0].splitlines()[-1]) for it in asking]
    used_s = cpu_s(server) - used_s
    alone = harness.last_json(command)
    return {"per_s": sum(it["per_s"] for it in answers), "alone_per_s": alone["per_s"],
            "server_us": used_s / sum(it["asked"] for it in answers) * 1e6,
            "client_us": statistics.median(it["client_us"] for it in answers),
            "p99_us": max(it["p99_us"] for it in answers), "alone_p50_us": alone["p50_us"]}


def own_look_ups(folder, options):
    with tempfile.TemporaryDirectory(dir=folder) as state:
        up = windlass("up", "--state", state, "--listen", "127.0.0.1:0", "--workers", 2,
                      "--xmlrpc", "127.0.0.1:0", "--log-level", "warn")
        with started(up, folder) as server:
            master = place_in(server)
            older = place_in(server, "look-up service on ")
            load = windlass("records", "load", "people", folder / "people.ndjson", "--key", "name",
                            "--shard", "am=a-m", "--shard", "nz=n-z", "--master", master)
            subprocess.run(list(map(str, load)), check=True, stderr=subprocess.DEVNULL)
            return look_ups_of(server, older, folder, options)


def peer_look_ups(folder, options):
    with started(python(LOOK_UP_SERVER, folder / "people.ndjson"), folder) as server:
        return look_ups_of(server, place_in(server), folder, options)


def own_files(folder, photos):
    with tempfile.TemporaryDirectory(dir=folder) as own:
        up = windlass("up", "--state", pathlib.Path(own) / "state", "--listen", "127.0.0.1:0",
                      "--workers", 2)
        with started(up, own) as master:
            place = place_in(master)
            await_workers(place, 2)
            return harness.last_json(python(FILES_CLIENT, f"http://{place}", *photos))


def peer_files(folder, photos):
    with tempfile.TemporaryDirectory(dir=folder) as own, contextlib.ExitStack() as stack:
        url = "http://" + place_in(stack.enter_context(started(python(MASTER), own)))
        for _ in range(2):
            # It registers before it listens, and the first request may find nobody.
            slave = place_in(stack.enter_context(started(python(SLAVE, url), own)))
            await_answer(slave)
        return harness.last_json(python(FILES_CLIENT, url, *photos))


def await_answer(place):
    asked = ["curl", "--silent", "--fail", "--retry", "50", "--retry-connrefused", "--retry-delay",
             "1", f"http://{place}/check_status"]
    subprocess.run(asked, check=True, stdout=subprocess.DEVNULL)


def photos_of(options, folder):
    """So many different photos and one more, of those that there are."""
    found = harness.files_of(harness.part(options.samples, "images", "photos"), "*.jpg", "*.jpeg")
    photos = []
    for number in range(options.photos + 1):
        # Bytes behind a photo's end change nothing but what it is told apart by.
        photo = folder / f"{number:03}.jpg"
        shutil.copyfile(found[number % len(found)], photo)
        with photo.open("ab") as file:
            file.write(b"%d" % number)
        photos.append(str(photo))
    return photos


def main():
    parser = harness.parser(__doc__)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--photos", type=int, default=50)
    parser.add_argument("--rows", type=int, default=10_000)
    options = parser.parse_args()
    table = harness.Table()
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        records.make(folder, options.rows, 10_000)
        both = harness.interleaved(options.runs, {
            "ours": lambda: own_look_ups(folder, options),
            "peer": lambda: peer_look_ups(folder, options),
        })
        def median(side, figure):
            return statistics.median(it[figure] for it in both[side])

        clients = f"{options.clients} clients"
        table.row(f"look-ups a second, {clients}", median("ours", "per_s"))
        table.row("  the longest p99", median("ours", "p99_us"), unit="us")
        table.row("SimpleXMLRPCServer", median("peer", "per_s"))
        times = median("ours", "per_s") / median("peer", "per_s")
        table.row("look-ups, times the peer", times, ">=", 2.5)
        table.row("CPU of a client for a look-up", median("ours", "client_us"), unit="us")
        table.row("CPU of the server for a look-up", median("ours", "server_us"), unit="us")
        table.row("SimpleXMLRPCServer", median("peer", "server_us"), unit="us")
        table.row("one client alone: p50", median("ours", "alone_p50_us"), unit="us")
        table.row("SimpleXMLRPCServer: p50", median("peer", "alone_p50_us"), unit="us")
        times = median("ours", "alone_per_s") / median("peer", "alone_per_s")
        table.row("one client alone, times the peer", times)
        photos = photos_of(options, folder)
        both = harness.interleaved(options.runs, {
            "ours": lambda: own_files(folder, photos),
            "peer": lambda: peer_files(folder, photos),
        })
        per_s = {side: statistics.median(it["per_s"] for it in of) for side, of in both.items()}
        table.row("photos a second by /assign_task", per_s["ours"])
        table.row("Flask master, two slaves", per_s["peer"])
        table.row("photos, times the peer", per_s["ours"] / per_s["peer"], ">=", 5)
    table.finish()


if __name__ == "__main__":
    main()
