"""Run a replay that is killed at its commit: `killed_release.py before|after LAKE`."""

import os
import signal
import sys
from typing import Any

from made_source import contract, quarantining, source_table

from dataeng_assets.extract import release
from dataeng_assets.lake import append
from dataeng_assets.lake.location import Lake


def main() -> None:
    when, uri = sys.argv[1:]

    def killed(*given: Any, **named: Any) -> None:
        if when == "after":
            append.append(*given, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    release.append = killed
    release.release(Lake(uri), source_table(quarantining(contract("items"))), release_id="killed")


if __name__ == "__main__":
    main()
