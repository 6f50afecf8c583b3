"""Run by the tests as a process of its own: a resident worker that ends in good order on SIGTERM.

Arguments: bootstrap, topic, lake, client that reads, seconds of a lease, records per second (0: no limit), seconds
between two rounds of merging. Prints a line for each batch, for each change of its partitions, and before it merges.
"""

import signal
import sys
import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

from deltalake import DeltaTable
from stream_kit import Topic, stream

from dataeng_assets.kafka.errors import KafkaProblem
from dataeng_assets.lake import compact as compaction
from dataeng_assets.lake.location import Lake
from dataeng_assets.streams import merge
from dataeng_assets.streams.lease import Lease
from dataeng_assets.streams.pace import Bounds
from dataeng_assets.streams.resident import Told, reside

bootstrap, topic, lake, reader, lease_seconds, rate, merge_seconds = sys.argv[1:]
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
of = stream(Lake(lake), topic)


def tell(told: Told) -> None:
    done = f"batch {told.batch.offsets}" if told.batch else f"partitions {len(told.partitions)}"
    print(done, flush=True)


def trouble(error: KafkaProblem | str, _: float = 0) -> None:
    print(f"trouble {error}", flush=True)


def announced(table: DeltaTable, **how: Any) -> int:
    print("merging", flush=True)
    return compaction.compact(table, **how)


merge.compact = announced  # type: ignore[assignment]  # the same, said aloud
compaction.WATCHED = timedelta(seconds=2)
lasts = timedelta(seconds=float(lease_seconds))
with (
    Lease(of, length=lasts, renewed_every=lasts / 5) as lease,
    merge.Merging(of, lease, trouble, timedelta(seconds=float(merge_seconds))),
):
    reside(
        of,
        replace(Topic(bootstrap, topic).cluster, reader=reader),
        run_id=lease.name,
        lease=lease,
        bounds=Bounds(records=50, records_per_second=float(rate) or None),
        interval=0.05,
        stop=stop,
        tell=tell,
        trouble=trouble,
    )
print("ended", flush=True)
