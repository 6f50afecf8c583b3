"""Run an extract in a process of its own that is killed at a chosen moment: `killed_run.py MOMENT URL LAKE`."""

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from made_source import contract, source_table

from dataeng_assets.extract import run
from dataeng_assets.extract.plan import Window
from dataeng_assets.lake import append
from dataeng_assets.lake.location import Lake


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def after_commit(*given: Any, **named: Any) -> None:
    append.append(*given, **named)
    die()


def once_a_file_is_written(lake: Lake) -> None:
    """Die while further files of the same commit are still to come."""
    append.TARGET_FILE_BYTES = 20_000
    folder = Path(lake.at(("bronze", "shop", "items")))

    def watch() -> None:
        while not any(folder.glob("*.parquet")):
            pass
        die()

    threading.Thread(target=watch, daemon=True).start()


def main() -> None:
    moment, url, uri = sys.argv[1:]
    lake = Lake(uri)
    if moment == "once a file is written":
        once_a_file_is_written(lake)
    elif moment == "after the commit":
        run.append = after_commit
    elif moment == "once everything is staged":
        run.append = die
    run.extract(url, [source_table(contract("items"))], lake, Window(None, None), run_id="killed")


if __name__ == "__main__":
    main()
