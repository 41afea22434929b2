"""Dask distributed: `Client.map` instead of single submissions, results gathered together, without
its dashboard, as its pages on efficiency have it."""

import peer
from distributed import Client, LocalCluster


def nothing(_number):
    return None


def main():
    with LocalCluster(n_workers=peer.WORKER_COUNT, threads_per_worker=1, processes=True,
                      dashboard_address=None) as cluster, Client(cluster) as client:
        # `pure=False`: otherwise equal calls are one task.
        peer.measure(lambda count: client.gather(client.map(nothing, range(count), pure=False)))


if __name__ == "__main__":
    main()
