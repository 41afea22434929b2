"""Ray: remote functions, one batch of them before the first `get`, as its guide has it ("call
`ray.get` as late as possible")."""

import os

# Neither a report home nor a check for other versions.
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
os.environ["RAY_DISABLE_IMPORT_WARNING"] = "1"
os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"

import logging
import tempfile

import peer
import ray


@ray.remote
def nothing():
    return None


def batch(count):
    ray.get([nothing.remote() for _ in range(count)])


with tempfile.TemporaryDirectory() as folder:
    ray.init(num_cpus=peer.WORKER_COUNT, include_dashboard=False, logging_level=logging.ERROR,
             log_to_driver=False, object_store_memory=200 << 20, _temp_dir=folder)
    peer.measure(batch)
    ray.shutdown()
