"""Run by a test as a process of its own: publishes both tables, and kills itself at a chosen commit.

Arguments: bootstrap, topic, lake, number of the commit, `before` or `after`.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))  # the kits of the streams' tests

from shop_of_users import definitions
from stream_kit import Topic, stream

from dataeng_assets.lake.location import Lake
from dataeng_assets.streams.derived import publish
from dataeng_assets.streams.derived.tables import publish_table

bootstrap, topic, lake, at, when = sys.argv[1:]
calls = 0


def killing(real: Any) -> Any:
    def commit(*arguments: Any, **named: Any) -> int:
        global calls  # noqa: PLW0603  # counts over both functions
        calls += 1
        if calls == int(at) and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        version: int = real(*arguments, **named)
        if calls == int(at):
            os.kill(os.getpid(), signal.SIGKILL)
        return version

    return commit


publish.append = killing(publish.append)
publish.replace_range = killing(publish.replace_range)
for definition in definitions():
    publish_table(stream(Lake(lake), topic), Topic(bootstrap, topic).cluster, definition, run_id=str(os.getpid()))
