"""Two of ours: `python shared.py CASE BOOTSTRAP TOPIC LAKE`, resident workers that share the topic's partitions.

This process is one of them, and starts the other. Each ends when the tables have all of its partitions; what one still
holds when the other ends, it finishes. In case `window` this process then publishes the windows.
"""

import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from events import CONTRACT

from dataeng_assets.contracts.load import load_contract
from dataeng_assets.kafka.admin import Admin
from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.lake.location import Lake
from dataeng_assets.streams.lease import Lease
from dataeng_assets.streams.pace import Bounds
from dataeng_assets.streams.plan import read_committed
from dataeng_assets.streams.resident import Told, reside
from dataeng_assets.streams.stream import Stream
from dataeng_assets.streams.windows import publish_windows


def work(stream: Stream, cluster: Cluster) -> None:
    """Drain what the topic holds now, beside others."""
    with Admin(cluster) as admin:
        topic = admin.describe(stream.topic)
    stop = threading.Event()

    def committed() -> Mapping[int, int]:
        return read_committed(stream.lake.open(stream.main), stream, topic).next_offsets

    def heard(told: Told) -> None:
        if told.partitions and not told.lag:
            done = committed()
            if all(done.get(partition, 0) >= topic.ends[partition] for partition in told.partitions):
                stop.set()

    with Lease(stream) as lease:
        reside(
            stream,
            cluster,
            run_id=lease.name,
            lease=lease,
            bounds=Bounds(),
            interval=0.2,
            stop=stop,
            tell=heard,
            trouble=lambda error, _: print(error, file=sys.stderr),
        )


def main() -> None:
    case, bootstrap, topic, lake = sys.argv[1:]
    cluster = Cluster(bootstrap, allow_plaintext=True)
    stream = Stream("page_events", topic, "benchmark", load_contract(Path(CONTRACT)), Lake(lake))
    if case == "other":
        work(stream, cluster)
        return
    with subprocess.Popen([sys.executable, __file__, "other", bootstrap, topic, lake]) as other:
        work(stream, cluster)
    if other.returncode:
        sys.exit(f"The other worker ended with {other.returncode}.")
    if case == "window":
        publish_windows(stream, cluster, run_id="benchmark")


if __name__ == "__main__":
    main()
