"""A cluster for a benchmark: the real master and workers, each a process of its own, durable."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

import harness

START_SECONDS_MAX = 30


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(is_so, what):
    until = time.monotonic() + START_SECONDS_MAX
    while not is_so():
        if time.monotonic() > until:
            sys.exit(f"waited {START_SECONDS_MAX} s in vain for {what}")
        time.sleep(0.01)


class Cluster:
    """A master and workers of one slot, who join it by gRPC on loopback; for `with`.

    `folder` holds the state and what the processes print. `workers` are their processes by name.
    `hidden`: a folder that the workers do not see, as if they ran on another machine (root only);
    commands then send and fetch as from another machine too.
    """

    def __init__(self, folder, worker_count=2, in_process=False, hidden=None):
        self.windlass = harness.release_folder() / "windlass"
        self.folder = pathlib.Path(tempfile.mkdtemp(dir=folder))
        self.address = f"127.0.0.1:{free_port()}"
        self.worker_count, self.in_process, self.hidden = worker_count, in_process, hidden
        self.workers, self.processes = {}, []

    def __enter__(self):
        serve = ["master"]
        if self.in_process:
            serve = ["up", "--workers", str(self.worker_count)]
        self.master = self._start(
            [*serve, "--listen", self.address, "--state", self.folder / "state"], "master")
        if not self.in_process:
            for number in range(1, self.worker_count + 1):
                self.start_worker(f"w{number}")
        wait_until(lambda: self.connected_count() == self.worker_count, "the workers to join")
        return self

    def __exit__(self, *_):
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)
            process.wait()

    def start_worker(self, name):
        before = []
        if self.hidden:
            script = f"mount -t tmpfs none '{self.hidden}' && exec \"$@\""
            before = ["unshare", "-m", "sh", "-c", script, "sh"]
        self.workers[name] = self._start(
            ["worker", "--join", self.address, "--name", name, "--slots", "1", "--scratch",
             self.folder], name, before)

    def connected_count(self):
        """How many workers are connected; 0 while nobody listens."""
        command = [self.windlass, "worker", "list", "--json", "--master", self.address]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        if done.returncode != 0:
            return 0
        return sum(worker["connected"] for worker in json.loads(done.stdout)["workers"])

    def run(self, *arguments, out):
        """`windlass run` on this cluster, to its end; its seconds on the wall."""
        access = ["--master", self.address]
        if self.hidden:
            # What this address leads to is not taken for this machine.
            access = ["--master", self.address.replace("127.0.0.1", "0.0.0.0"), "--insecure"]
        command = [self.windlass, "run", *arguments, *access, "--out", out]
        start = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True)
        took = time.perf_counter() - start
        if done.returncode != 0:
            sys.exit(f"windlass run ended with {done.returncode}:\n{done.stderr}")
        return took

    def loop(self, *arguments):
        """The answer of `cluster-loop`, which keeps its connections open."""
        return harness.last_json([harness.release_folder() / "cluster-loop", "--master",
                                  self.address, *map(str, arguments)])

    def _start(self, arguments, name, before=()):
        with open(self.folder / f"{name}.log", "ab") as log:
            process = subprocess.Popen([*before, self.windlass, *map(str, arguments)],
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.processes.append(process)
        return process


def load():
    """How busy the machine is with other things: processes that want to run, mean of a minute."""
    return os.getloadavg()[0]
