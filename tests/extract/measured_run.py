"""Run an extract in a process of its own and print its peak memory in MB: `measured_run.py MODE URL LAKE`.

The rows are read and then dropped: what the writer of Delta files needs belongs to the lake.
"""

import re
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
from made_source import contract, source_table, whole_table

from dataeng_assets.extract import commit, run
from dataeng_assets.extract.plan import Window
from dataeng_assets.lake.location import Lake


def drop(_: Any, rows: pa.RecordBatchReader, **__: Any) -> int:
    for _batch in rows:
        pass
    return 0


def main() -> None:
    mode, url, uri = sys.argv[1:]
    commit.append = drop
    table = whole_table(contract("items"), max_vanished=0.5) if mode == "full" else source_table(contract("items"))
    (report,) = run.extract(url, [table], Lake(uri), Window(None, None), run_id="measured")
    # not getrusage: its peak is handed down from the process that started this one
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert peak
    print(report.rows_appended, int(peak[1]) // 1024)


if __name__ == "__main__":
    main()
