"""How long a person waits: for the help, for the definitions, and for the UI after `dagster dev`.

    .venv/bin/python benchmarks/startup.py

Whole processes, from outside; the median of three (one for the UI). The first row of definitions is the floor: what
importing Dagster and its dbt component costs before anything of ours is loaded.
"""

import contextlib
import os
import signal
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
PORT = 3999
CASES = {
    "dataeng --help": [str(BIN / "dataeng"), "--help"],
    "import dagster and dagster_dbt": [sys.executable, "-c", "import dagster, dagster_dbt"],
    "load the definitions": [sys.executable, "-c", "from dataeng_assets.definitions import defs; defs()"],
}


def seconds_of(command: list[str]) -> float:
    started = time.monotonic()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.monotonic() - started


def seconds_until_the_ui_answers() -> float:
    started = time.monotonic()
    command = [str(BIN / "dagster"), "dev", "--port", str(PORT)]
    server = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        while time.monotonic() - started < 180:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/server_info", timeout=2):
                    return time.monotonic() - started
            except (urllib.error.URLError, OSError):
                time.sleep(0.25)
        return float("nan")
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        time.sleep(5)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)


def main() -> None:
    table = Table("what", "seconds", title="Start-up, whole processes")
    for name, command in CASES.items():
        table.add_row(name, f"{statistics.median(seconds_of(command) for _ in range(3)):.1f}")
    table.add_row("dagster dev until the UI answers", f"{seconds_until_the_ui_answers():.1f}")
    Console().print(table)


if __name__ == "__main__":
    main()
