"""Celery with Redis as broker and keeper of results: many tasks fetched ahead (its page "Optimizing"
on short tasks), one group, results received as they come, workers without gossip and in a pool of
their own process. Redis is started as it comes, without its snapshots."""

import os
import sys
import tempfile

import celery
import peer

URL = os.environ.get("PEER_REDIS", "")
app = celery.Celery("on_celery", broker=URL, backend=URL)
app.conf.update(worker_prefetch_multiplier=128, task_acks_late=False, worker_send_task_events=False,
                broker_connection_retry_on_startup=True, result_expires=600)


@app.task(name="nothing")
def nothing():
    return None


def batch(count):
    celery.group(nothing.s() for _ in range(count)).apply_async().join_native(interval=0.001)


def worker(name):
    return [sys.executable, "-W", "ignore", "-m", "celery", "-A", "on_celery", "worker", "--pool", "solo",
            "--concurrency", "1", "--without-gossip", "--without-mingle", "--without-heartbeat",
            "--loglevel", "ERROR", "--hostname", f"{name}@localhost"]


def main():
    port = peer.free_port()
    os.environ["PEER_REDIS"] = url = f"redis://127.0.0.1:{port}/0"
    app.conf.update(broker_url=url, result_backend=url)
    os.chdir(os.path.dirname(os.path.abspath(__file__)))
    with tempfile.TemporaryDirectory() as folder:
        redis = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--dir", folder,
                 "--save", "", "--loglevel", "warning"]
        with peer.processes(redis):
            peer.wait_for_port(port)
            with peer.processes(*(worker(f"w{number}") for number in range(peer.WORKER_COUNT))):
                peer.measure(batch)


if __name__ == "__main__":
    main()
