"""Run an extract that is killed at one of its commits: `killed_quarantine.py MOMENT URL LAKE`."""

import os
import signal
import sys
from typing import Any

from made_source import LOWER, SHORT, contract, quarantining, source_table

from dataeng_assets.extract import commit, run
from dataeng_assets.extract.plan import Window
from dataeng_assets.lake import append
from dataeng_assets.lake.location import Lake

MOMENTS = {"before the quarantine": 0, "between the commits": 1, "after the commits": 2}


def main() -> None:
    moment, url, uri = sys.argv[1:]
    done = 0

    def counted(*given: Any, **named: Any) -> int:
        nonlocal done
        if done == MOMENTS[moment]:
            os.kill(os.getpid(), signal.SIGKILL)
        version = append.append(*given, **named)
        done += 1
        if done == MOMENTS[moment] == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return version

    commit.append = counted
    table = source_table(quarantining(contract("items"), SHORT, LOWER))
    run.extract(url, [table], Lake(uri), Window(None, None), run_id="killed")


if __name__ == "__main__":
    main()
