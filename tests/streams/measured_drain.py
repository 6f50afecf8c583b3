"""Run a drain in a process of its own and print its rows and peak memory in MB.

Arguments: bootstrap, topic, lake.
"""

import re
import sys
from datetime import timedelta
from pathlib import Path

from stream_kit import Topic, stream

from dataeng_assets.lake.location import Lake
from dataeng_assets.streams.drain import drain


def main() -> None:
    bootstrap, topic, lake = sys.argv[1:]
    report = drain(
        stream(Lake(lake), topic),
        Topic(bootstrap, topic).cluster,
        run_id="measured",
        budget=timedelta(minutes=10),
        batch_records=5_000,
    )
    # not getrusage: its peak is handed down from the process that started this one
    peak = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert peak
    print(report.main, int(peak[1]) // 1024)


if __name__ == "__main__":
    main()
