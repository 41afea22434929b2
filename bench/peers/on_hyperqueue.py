"""HyperQueue: one job of many tasks. Its tasks are programs; the smallest is `/bin/true`, whose
output goes nowhere, as its page on performance has it."""

import contextlib
import io
import tempfile

import peer
from hyperqueue import Job, LocalCluster
from hyperqueue.cluster import WorkerConfig


def batch(client, count):
    job = Job()
    for _ in range(count):
        job.program(["/bin/true"], stdout=None, stderr=None)
    # Its progress bar goes nowhere.
    with contextlib.redirect_stderr(io.StringIO()):
        assert client.wait_for_jobs([client.submit(job)])


with tempfile.TemporaryDirectory() as folder:
    with LocalCluster(folder) as cluster:
        for _ in range(peer.WORKER_COUNT):
            cluster.start_worker(WorkerConfig(cores=1))
        client = cluster.client()
        peer.measure(lambda count: batch(client, count))
