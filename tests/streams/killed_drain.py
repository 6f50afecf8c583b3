"""Run by the crash tests as a process of its own: drains, and kills itself at a chosen commit.

Arguments: bootstrap, topic, lake, batch size, number of the commit (0: none), `before` or `after`.
"""

import os
import signal
import sys
from datetime import timedelta
from typing import Any

from stream_kit import Topic, stream

from dataeng_assets.lake.location import Lake
from dataeng_assets.streams import ingest
from dataeng_assets.streams.drain import drain

bootstrap, topic, lake, batch_records, at, when = sys.argv[1:]
calls = 0
real = ingest.append


def append(*arguments: Any, **named: Any) -> int:
    global calls  # noqa: PLW0603
    calls += 1
    if calls == int(at) and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    version = real(*arguments, **named)
    if calls == int(at):
        os.kill(os.getpid(), signal.SIGKILL)
    return version


ingest.append = append
print("ready", flush=True)
drain(
    stream(Lake(lake), topic),
    Topic(bootstrap, topic).cluster,
    run_id=str(os.getpid()),
    budget=timedelta(minutes=1),
    batch_records=int(batch_records),
)
