"""Run an extract in a process of its own that is killed at a chosen moment: `killed_run.py MOMENT MODE URL LAKE`."""

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from made_source import contract, source_table, whole_table

from dataeng_assets.extract import commit, run
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
    before = set(folder.glob("*.parquet"))

    def watch() -> None:
        while not before < set(folder.glob("*.parquet")):
            pass
        die()

    threading.Thread(target=watch, daemon=True).start()


def main() -> None:
    moment, mode, url, uri = sys.argv[1:]
    lake = Lake(uri)
    if moment == "once a file is written":
        once_a_file_is_written(lake)
    elif moment == "after the commit":
        commit.append = after_commit
    elif moment == "once everything is staged":
        commit.append = die
    described = contract("items")
    table = whole_table(described, max_vanished=0.5) if mode == "full" else source_table(described)
    run.extract(url, [table], lake, Window(None, None), run_id="killed")


if __name__ == "__main__":
    main()
