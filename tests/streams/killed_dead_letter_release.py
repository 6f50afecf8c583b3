"""Run a replay that is killed at its commit: `killed_dead_letter_release.py before|after TOPIC LAKE`."""

import os
import signal
import sys
from typing import Any

from stream_kit import stream

from dataeng_assets.lake import append
from dataeng_assets.lake.location import Lake
from dataeng_assets.streams import release

when, topic, uri = sys.argv[1:]


def killed(*given: Any, **named: Any) -> int:
    if when == "after":
        append.append(*given, **named)
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("it was killed")


release.append = killed
release.release(stream(Lake(uri), topic), release_id="killed")
