"""How long the platform takes over the sample: the first demo, a second, one batch from source to gold, a sensor tick.

    .venv/bin/python benchmarks/sample_platform.py

Whole processes, from outside, in a state folder of their own with servers of their own; the packages are installed. The
tick of the stream's sensor is the median of five in a process that has loaded the definitions, as the daemon's has.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent
DATAENG = str(Path(sys.executable).with_name("dataeng"))
STEPS = {
    "the first demo": ["demo"],
    "a second demo": ["demo"],
    "a tick of the shop": ["sample", "tick"],
    "one batch, source to gold": ["demo"],
}
SENSOR = """
import statistics, time
import dagster as dg
from dataeng_assets.definitions import defs

topic = next(found for found in defs().sensors if found.name == "user_events_lag")
took = []
with dg.DagsterInstance.ephemeral() as instance:
    for _ in range(5):
        started = time.monotonic()
        topic(dg.build_sensor_context(instance=instance, sensor_name=topic.name))
        took.append(time.monotonic() - started)
print(statistics.median(took))
"""


def run(*command: str, state: Path) -> str:
    env = {**os.environ, "DATAENG_STATE": str(state), "DAGSTER_HOME": str(ROOT)}
    return subprocess.run(command, cwd=ROOT, env=env, check=True, capture_output=True, text=True).stdout


def main() -> None:
    table = Table("what", "seconds", title="The platform over the sample")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # Postgres runs as another user when we are root
        state = Path(folder) / ".dataeng"
        try:
            for name, command in STEPS.items():
                started = time.monotonic()
                run(DATAENG, *command, state=state)
                table.add_row(name, f"{time.monotonic() - started:.1f}")
            seconds = float(run(sys.executable, "-c", SENSOR, state=state).splitlines()[-1])
            table.add_row("a tick of the stream's sensor", f"{seconds:.2f}")
        finally:
            run(DATAENG, "down", state=state)
    Console().print(table)


if __name__ == "__main__":
    main()
