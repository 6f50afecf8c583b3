"""Runs a command and says what it and every process that it started took: `python measure.py FIGURES COMMAND ...`.

CPU time is what the kernel counted for the whole tree: processes that outlive their parent are adopted here (Linux) and
waited for. Peak memory is the largest sum over the tree, looked at ten times a second, so that pages which processes
share count once for each.
"""

import ctypes
import json
import os
import resource
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil

_SET_CHILD_SUBREAPER = 36


class _Peak(threading.Thread):
    """Watches the memory of this process's descendants."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.megabytes = 0.0

    def run(self) -> None:
        here = psutil.Process()
        while True:
            total = 0
            for process in here.children(recursive=True):
                try:
                    total += process.memory_info().rss
                except psutil.Error:
                    continue
            self.megabytes = max(self.megabytes, total / 2**20)
            time.sleep(0.1)


def main() -> None:
    figures, *command = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    peak = _Peak()
    peak.start()
    started = time.monotonic()
    code = subprocess.run(command, check=False).returncode
    wall = time.monotonic() - started
    while True:
        try:
            os.wait()
        except ChildProcessError:
            break
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = {"wall_s": wall, "cpu_s": used.ru_utime + used.ru_stime, "peak_mb": peak.megabytes}
    Path(figures).write_text(json.dumps(found), encoding="utf-8")
    sys.exit(code)


if __name__ == "__main__":
    main()
