"""How long a topic takes to become tables of Delta: by ours, and by what others use.

    .venv/bin/python benchmarks/stream.py [--records 4_000_000] [--json FILE] [--contestants ours,spark] [--latency]

It starts a broker of its own and writes seeded records: about 219 bytes of JSON, 12 partitions, zstd, 0.2 % malformed,
three days of event time. Case `ingest` makes a table of the valid events, partitioned by day, and one of the others
with their raw bytes; case `window` makes windows of five minutes with their distinct users (ours writes the events as
well, the others do not). Each contestant is a whole process with all its children, start included; the broker's CPU is
not counted. The tables must be equal, by an order-free hash over all columns that all contestants write: the events
with their partition and offset, the dead letters' partition, offset and bytes, and the windows; else this ends with 1.
Contestant `ours-2` is two resident workers that share the topic's partitions. Spark is installed into an environment of
its own (`requirements-spark.lock`); it needs a Java of at least 17.

With `--latency` it measures instead how long a record waits with a resident worker at 1,000 records a second, from
being produced to being committed.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import duckdb
from deltalake import DeltaTable
from environments import environment
from rich import box
from rich.console import Console
from rich.table import Table

from dataeng_assets.local import kafka, packages
from dataeng_assets.settings import ROOT
from dataeng_assets.testing.servers import server_folder

PARTS = Path(__file__).resolve().parent / "streaming"
OURS = "ours"
CONTESTANTS = {
    OURS: ("ours.py", "confluent-kafka"),
    "ours-2": ("shared.py",),
    "ours-kafka-python": ("ours.py", "kafka-python"),
    "kafka-python-naive": ("naive.py",),
    "spark": ("spark.py",),
}
"""Script and arguments by contestant."""
EVENTS = "event_id, user_id, event_type, epoch_us(timestamp), properties, _kafka_partition, _kafka_offset"
CASES: Mapping[str, Mapping[str, str]] = {
    "ingest": {
        "bronze/benchmark/page_events": EVENTS,
        "bronze/benchmark/page_events_dead_letters": "_kafka_partition, _kafka_offset, value",
    },
    "window": {"silver/benchmark/page_events_5m": "epoch_us(window_start), event_type, records, unique_users"},
}
"""What is compared, by case and table."""


@dataclass(frozen=True)
class Run:
    """One contestant's processes: what they took, and what they wrote: rows and hash by table."""

    case: str
    contestant: str
    records: int
    wall_s: float
    cpu_s: float
    rows_per_s: float
    peak_mb: float
    files: int
    wrote: Mapping[str, str]
    wrong: str = ""


@contextmanager
def broker() -> Iterator[str]:
    """Address of a broker that lives as long as this."""
    with server_folder() as folder:
        home = folder / "kafka"
        try:
            yield kafka.start(home, log=folder / "kafka.log").bootstrap
        finally:
            kafka.stop(home)


def command(contestant: str, case: str, bootstrap: str, topic: str, folder: Path, environments: Path) -> list[str]:
    script, *arguments = CONTESTANTS[contestant]
    python, lake = sys.executable, str(folder / "lake")
    if contestant == "spark":
        python = str(environment(ROOT / "requirements-spark.lock", environments))
        wanted = packages.pinned_packages(PARTS / "packages.toml", "spark")
        arguments = [str(folder / "state"), ",".join(map(str, packages.fetch(wanted)))]
    return [python, str(PARTS / script), case, bootstrap, topic, lake, *arguments]


def run(contestant: str, case: str, bootstrap: str, topic: str, records: int, environments: Path) -> Run:
    with tempfile.TemporaryDirectory(prefix="dataeng-benchmark-") as temporary:
        folder = Path(temporary)
        figures, told = folder / "figures.json", folder / "told.log"
        asked = command(contestant, case, bootstrap, topic, folder, environments)
        measured = [sys.executable, str(PARTS / "measure.py"), str(figures), *asked]
        with told.open("wb") as out:
            done = subprocess.run(measured, cwd=folder, stdout=out, stderr=out, check=False)
        took = json.loads(figures.read_text(encoding="utf-8"))
        wrong, wrote, files = "", dict[str, str](), 0
        if done.returncode:
            last = (told.read_text(encoding="utf-8", errors="replace").strip() or "it said nothing").splitlines()[-1]
            wrong = f"exit {done.returncode}: {last[:300]}"
        else:
            wrote, files = answers(folder / "lake", case)
    return Run(
        case, contestant, records, **took, rows_per_s=records / took["wall_s"], files=files, wrote=wrote, wrong=wrong
    )


def answers(lake: Path, case: str) -> tuple[dict[str, str], int]:
    """Rows and order-free hash by table, and how many files the whole lake has that are part of a table."""
    found, files = dict[str, str](), 0
    for log in lake.rglob("_delta_log"):
        table = DeltaTable(log.parent)
        paths = table.file_uris()
        files += len(paths)
        name = str(log.parent.relative_to(lake))
        if name in CASES[case] and paths:
            with duckdb.connect(config={"memory_limit": "1GB"}) as connection:
                connection.execute("SET TimeZone = 'UTC'")
                answer = connection.execute(
                    f"SELECT count(*), sum(hash({CASES[case][name]})) FROM read_parquet(?)", [paths]
                ).fetchone()
            assert answer is not None
            found[name] = f"{answer[0]} {int(answer[1] or 0) % 2**64:016x}"
    return found, files


def judged(runs: Sequence[Run]) -> list[Run]:
    """The runs, and whether each wrote what the first of its case did."""
    first = dict[str, Mapping[str, str]]()
    found = []
    for one in runs:
        wrong = one.wrong
        if not wrong and set(one.wrote) != set(CASES[one.case]):
            wrong = f"it wrote {', '.join(one.wrote) or 'nothing'}"
        elif not wrong and one.wrote != first.setdefault(one.case, one.wrote):
            wrong = f"{dict(one.wrote)}, not {dict(first[one.case])}"
        found.append(Run(**(asdict(one) | {"wrong": wrong})))
    return found


def shown(runs: Sequence[Run]) -> Table:
    spark = {one.case: one for one in runs if one.contestant == "spark" and not one.wrong}
    columns = ("seconds", "records/s", "us CPU/record", "peak MB", "files", "x rows/s", "x less CPU", "tables")
    title = f"{runs[0].records:,} records; x: against Spark"
    table = Table("case", "contestant", *columns, title=title, box=box.SIMPLE_HEAD)
    for column in table.columns[2:9]:
        column.justify = "right"
    for one in runs:
        peer = spark.get(one.case)
        ratios = (f"{one.rows_per_s / peer.rows_per_s:.1f}", f"{peer.cpu_s / one.cpu_s:.1f}") if peer else ("", "")
        figures = (f"{one.wall_s:.1f}", f"{one.rows_per_s:,.0f}", f"{one.cpu_s / one.records * 1e6:.2f}")
        sizes = (f"{one.peak_mb:,.0f}", str(one.files))
        table.add_row(one.case, one.contestant, *figures, *sizes, *ratios, one.wrong or "equal")
    return table


def asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="file for the results")
    parser.add_argument("--records", type=int, default=4_000_000)
    parser.add_argument("--seed", type=int, default=20260301)
    parser.add_argument("--contestants", default=",".join(CONTESTANTS), help="by commas")
    parser.add_argument("--cases", default=",".join(CASES), help="by commas")
    parser.add_argument("--latency", action="store_true", help="measure that, and nothing else")
    parser.add_argument("--seconds", type=float, default=60, help="for which latency is measured")
    temporary = Path(tempfile.gettempdir(), "dataeng-benchmark-environments")
    parser.add_argument("--environments", type=Path, default=temporary, help="where Spark is installed, and kept")
    found = parser.parse_args()
    for name, known in (("contestants", CONTESTANTS), ("cases", CASES)):
        chosen = getattr(found, name).split(",")
        setattr(found, name, chosen)
        unknown = [one for one in chosen if one not in known]
        if unknown:
            parser.error(f"no {name[:-1]} {unknown[0]!r}; there are {', '.join(known)}")
    return found


def raced(wanted: argparse.Namespace, console: Console) -> list[Run]:
    """Every contestant in every case, and whether its tables are right."""
    runs = list[Run]()
    topic = "page_events"
    with broker() as bootstrap:
        fill = [str(PARTS / "events.py"), bootstrap, topic, str(wanted.records), str(wanted.seed)]
        subprocess.run([sys.executable, *fill], check=True)
        for case in wanted.cases:
            for contestant in wanted.contestants:
                runs.append(run(contestant, case, bootstrap, topic, wanted.records, wanted.environments))
                console.print(f"{case} {contestant}: {runs[-1].wall_s:.1f} s, {runs[-1].cpu_s:.1f} s CPU", style="dim")
    return judged(runs)


def latency(seconds: float) -> dict[str, float]:
    """What `streaming/latency.py` says, in a process of its own, as a worker is."""
    with broker() as bootstrap:
        command = [sys.executable, str(PARTS / "latency.py"), bootstrap, str(seconds)]
        said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
    found: dict[str, float] = json.loads(said)
    return found


def kept(file: Path | None, figures: Mapping[str, object]) -> None:
    if file is not None:
        machine = {"cpus": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version()}
        file.write_text(json.dumps({**machine, **figures}, indent=2) + "\n", encoding="utf-8")


def main() -> None:
    wanted = asked()
    console = Console(width=150)
    if wanted.latency:
        waited = latency(wanted.seconds)
        console.print(", ".join(f"{name} {value:,}" for name, value in waited.items()))
        kept(wanted.json, {"latency": waited})
        return
    runs = raced(wanted, console)
    console.print(shown(runs))
    kept(wanted.json, {"seed": wanted.seed, "results": [asdict(one) for one in runs]})
    if any(one.wrong for one in runs):
        sys.exit("Not all tables are equal.")


if __name__ == "__main__":
    main()
