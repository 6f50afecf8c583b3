"""Run an extract in a process of its own in which files cannot grow: `crowded_run.py PLACE URL LAKE`.

From the chosen place on, staging or lake, no file may become larger than a few kilobytes.
"""

import resource
import sys
from typing import Any

from made_source import contract, source_table

from dataeng_assets.extract import commit, run
from dataeng_assets.extract.plan import Window
from dataeng_assets.lake import append
from dataeng_assets.lake.location import Lake
from dataeng_assets.lake.room import NoRoom

MOST_BYTES = 50_000


def crowd() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (MOST_BYTES, MOST_BYTES))


def append_when_crowded(*given: Any, **named: Any) -> int:
    crowd()
    return append.append(*given, **named)


def main() -> None:
    place, url, uri = sys.argv[1:]
    if place == "staging":
        crowd()
    else:
        commit.append = append_when_crowded
    try:
        run.extract(url, [source_table(contract("items"))], Lake(uri), Window(None, None), run_id="crowded")
    except NoRoom as error:
        print(error.retryable, error)


if __name__ == "__main__":
    main()
