#!/usr/bin/env python3
"""9,000 connections that begin a request and never end it, at each port that programs of the older
systems use, while others are served.

    python3 bench/half_open.py [--connections N]

Connections stay open until the server closes them; meanwhile a good client asks for
`/check_status` (of the look-ups: `getbyname` of what is no name), each time over a connection of
its own, and its times are measured. Where this process may not open so many at once (`ulimit -Hn`),
fewer are opened, which is said. Ends with 1 where one is not closed or a bar is missed.
"""

import argparse
import http.client
import pathlib
import resource
import selectors
import socket
import tempfile
import threading
import time

import harness
from older import place_in, started, windlass

# Descriptors for everything else.
OTHERS = 100
LOOK_UP = ("<methodCall><methodName>getbyname</methodName><params><param><value><int>7</int></value>"
           "</param></params></methodCall>")
PORTS = {
    "HTTP": (b"POST /assign_task HTTP/1.1\r\nHost: localhost\r\nX-", ("GET", "/check_status", None)),
    "XML-RPC": (b"POST /RPC2 HTTP/1.1\r\nHost: localhost\r\n", ("POST", "/RPC2", LOOK_UP)),
}


def allowed(wanted):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = wanted + OTHERS if hard == resource.RLIM_INFINITY else min(wanted + OTHERS, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    count = limit - OTHERS
    if count < wanted:
        print(f"half-open connections: {count}, of {wanted} wanted (ulimit -Hn is {hard})")
    return count


def ask(place, request, took, ends):
    host, port = place.split(":")
    method, path, body = request
    while not ends.is_set():
        begun = time.perf_counter()
        connection = http.client.HTTPConnection(host, int(port), timeout=30)
        connection.request(method, path, body)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        assert answer.status == 200, answer.status
        took.append(time.perf_counter() - begun)
        # A client that looks now and then: all of one core would be the bench itself.
        time.sleep(0.002)


def open_half(place, count, said):
    """Opens so many, and answers how long it took until all were closed by the other side."""
    host, port = place.split(":")
    waiting = selectors.DefaultSelector()
    begun = time.perf_counter()
    open_count = 0
    for _ in range(count):
        connection = socket.create_connection((host, int(port)))
        try:
            connection.sendall(said)
        except OSError:
            pass
        connection.setblocking(False)
        waiting.register(connection, selectors.EVENT_READ)
        open_count += 1
    opened = time.perf_counter()
    while open_count and time.perf_counter() - opened < 60:
        for key, _ in waiting.select(timeout=1):
            try:
                if key.fileobj.recv(1024):
                    continue
            except BlockingIOError:
                continue
            except OSError:
                pass
            waiting.unregister(key.fileobj)
            key.fileobj.close()
            open_count -= 1
    return open_count, opened - begun, time.perf_counter() - opened


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--connections", type=int, default=9_000)
    options = parser.parse_args()
    count = allowed(options.connections)
    table = harness.Table()
    with tempfile.TemporaryDirectory() as folder:
        up = windlass("up", "--state", pathlib.Path(folder) / "state", "--listen", "127.0.0.1:0",
                      "--workers", 1, "--xmlrpc", "127.0.0.1:0", "--log-level", "warn")
        with started(up, folder) as lines:
            places = {"HTTP": place_in(lines), "XML-RPC": place_in(lines, "look-up service on ")}
            for name, (said, request) in PORTS.items():
                took, ends = [], threading.Event()
                asking = threading.Thread(target=ask, args=(places[name], request, took, ends))
                asking.start()
                left, open_s, close_s = open_half(places[name], count, said)
                ends.set()
                asking.join()
                took.sort()
                table.row(f"{name}: connections opened", count)
                table.row(f"{name}: opened within", open_s, unit="s")
                table.row(f"{name}: all closed after", close_s, "<=", 10, "s")
                table.row(f"{name}: left open", left, "<=", 0)
                table.row(f"{name}: good requests meanwhile", len(took))
                table.row(f"{name}: their p99", took[len(took) * 99 // 100] * 1e3, "<=", 50, "ms")
    table.finish()


if __name__ == "__main__":
    main()
