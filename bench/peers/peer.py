"""What the programs of the peers share: their arguments, their processes, what they print.

Each is called with a number of tasks, starts its system with two workers of its own, warms it up,
and prints how many tasks a second it did, from the first one's submission to the last one's result,
and how long one alone took, by median. None of them keeps anything durable.
"""

import contextlib
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time

WORKER_COUNT = 2
WARMING_COUNT = 200
# One after another, so many or so long.
SINGLE_COUNT_MAX = 200
SINGLE_SECONDS_MAX = 3


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port):
    until = time.monotonic() + 30
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > until:
                sys.exit(f"nobody listens on port {port} after 30 s")
            time.sleep(0.05)


@contextlib.contextmanager
def processes(*commands):
    """Starts them, in process groups of their own, and ends them all."""
    started = [subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                stderr=sys.stderr, start_new_session=True)
               for command in commands]
    try:
        yield
    finally:
        for process in started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def measure(batch):
    """`batch(count)` does so many tasks that do nothing; it returns when all results are known."""
    count = int(sys.argv[1])
    batch(WARMING_COUNT)
    start = time.perf_counter()
    batch(count)
    took = time.perf_counter() - start
    singles = []
    until = time.perf_counter() + SINGLE_SECONDS_MAX
    while len(singles) < SINGLE_COUNT_MAX and time.perf_counter() < until:
        start = time.perf_counter()
        batch(1)
        singles.append(time.perf_counter() - start)
    print(json.dumps({"tasks_per_s": count / took,
                      "single_p50_ms": statistics.median(singles) * 1e3}))
