"""Settings of Spark and materializations of dbt that cost, read from `spark-defaults.conf` and a dbt project.

SQL of models is judged by the rules of SQL.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from dataeng_assets.analyze.analysis import Analysis
from dataeng_assets.analyze.facts import Facts
from dataeng_assets.analyze.finding import Finding, Place, Severity
from dataeng_assets.analyze.guide import Guide, whole_file
from dataeng_assets.analyze.reading import SourceUnreadable

_UNITS = {"": 1, "b": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_GB = 1 << 30
_LARGE_ROWS = 10_000_000
_REF = re.compile(r"""(?:ref|source)\s*\(\s*['"]([^'"]+)['"](?:\s*,\s*['"]([^'"]+)['"])?""")
_MATERIALIZED = re.compile(r"""materialized\s*=\s*['"](\w+)['"]""")

MEMORY = Guide(
    "spark-executor-memory",
    "Executor memory that does not fit its cores",
    Severity.WARNING,
    "Tasks of an executor share its memory. With less than 1 GB for each they spill, and beyond 64 GB in one Java "
    "process garbage collection takes longer than the work.",
    "The tasks are known to be tiny.",
    "spark.executor.cores 8\nspark.executor.memory 2g",
    "spark.executor.cores 4\nspark.executor.memory 16g",
    "text",
)
PARTITIONS = Guide(
    "spark-shuffle-partitions",
    "Fixed number of shuffle partitions",
    Severity.WARNING,
    "Without adaptive execution every shuffle has as many partitions as this says, 200 if nothing is said: too many "
    "for a small table, too few for a large one.",
    "All shuffles are of about the same size.",
    "spark.sql.adaptive.enabled false",
    "spark.sql.adaptive.enabled true",
    "text",
)
FRACTION = Guide(
    "spark-memory-fraction",
    "Memory fraction far from its default",
    Severity.WARNING,
    "spark.memory.fraction is 0.6. A smaller one makes tasks spill, a larger one leaves too little for the objects of "
    "your own code.",
    "It was measured.",
    "spark.memory.fraction 0.2",
    "spark.memory.fraction 0.6",
    "text",
)
BROADCAST = Guide(
    "spark-broadcast-threshold",
    "Broadcast threshold that is off, or too large",
    Severity.WARNING,
    "At -1 every join shuffles both sides. Far beyond 10 MB the driver collects large tables and each executor holds "
    "one.",
    "The driver and the executors have the memory for it.",
    "spark.sql.autoBroadcastJoinThreshold -1",
    "spark.sql.autoBroadcastJoinThreshold 10m",
    "text",
)
SKEW = Guide(
    "spark-skew-join-off",
    "Skewed partitions are not split",
    Severity.WARNING,
    "Adaptive execution splits partitions that are much larger than the others; here it is told not to.",
    "The keys are known to be even.",
    "spark.sql.adaptive.skewJoin.enabled false",
    "spark.sql.adaptive.skewJoin.enabled true",
    "text",
)
INCREMENTAL = Guide(
    "dbt-table-of-large-source",
    "Large table that is built anew each time",
    Severity.WARNING,
    "A model of kind table reads all of its sources at each run. An incremental one reads what came since.",
    "Old rows change without a column that says so.",
    "{{ config(materialized='table') }}\nselect * from {{ ref('stg_shop__orders') }}",
    "{{ config(materialized='incremental', unique_key='order_id') }}\nselect * from {{ ref('stg_shop__orders') }}\n"
    "{% if is_incremental() %}\nwhere updated_at > (select max(updated_at) from {{ this }})\n{% endif %}",
    "sql",
)
FULL = Guide(
    "dbt-incremental-reads-all",
    "Incremental model without a filter",
    Severity.ERROR,
    "Nothing in the model says is_incremental(), so each run reads everything and adds it to what is there.",
    "The strategy itself bounds what is read, as microbatch does.",
    "{{ config(materialized='incremental') }}\nselect * from {{ ref('stg_shop__orders') }}",
    "{{ config(materialized='incremental', unique_key='order_id') }}\nselect * from {{ ref('stg_shop__orders') }}\n"
    "{% if is_incremental() %}\nwhere updated_at > (select max(updated_at) from {{ this }})\n{% endif %}",
    "sql",
)
KEYLESS = Guide(
    "dbt-incremental-without-key",
    "Incremental model without a unique key",
    Severity.WARNING,
    "Rows are appended. A run that is repeated, or an order that changes, stands there twice.",
    "The rows are events that never change and each is read once.",
    "{{ config(materialized='incremental') }}",
    "{{ config(materialized='incremental', unique_key='order_id') }}",
    "sql",
)
GUIDES = (MEMORY, PARTITIONS, FRACTION, BROADCAST, SKEW, INCREMENTAL, FULL, KEYLESS)


@dataclass(frozen=True)
class Setting:
    """A setting with the line it stands in."""

    value: str
    line: int


Settings = Mapping[str, Setting]


def spark_configuration(text: str, file: str) -> Analysis:
    """Judge the text of a `spark-defaults.conf`."""
    settings: dict[str, Setting] = {}
    for number, line in enumerate(text.splitlines(), 1):
        parts = re.split(r"[\s=:]+", line.strip(), maxsplit=1)
        if len(parts) == 2 and not line.strip().startswith("#"):
            settings[parts[0]] = Setting(parts[1].strip(), number)
    found = [one for check in _CHECKS for one in check(settings, file)]
    return Analysis(file, text, tuple(sorted(found, key=lambda one: one.place)))


def size(text: str) -> int | None:
    """A size as Spark writes it, in bytes; None for what is none."""
    found = re.fullmatch(r"(-?\d+)\s*([bkmgt]?)b?", text.strip().lower())
    return int(found[1]) * _UNITS[found[2]] if found else None


def _found(guide: Guide, setting: Setting, file: str, message: str) -> Finding:
    return guide.finding(Place(file, setting.line, 1, setting.line, 2), message)


def _memory(settings: Settings, file: str) -> Iterator[Finding]:
    memory = settings.get("spark.executor.memory")
    total = size(memory.value) if memory else None
    if memory is None or total is None:
        return
    cores = settings.get("spark.executor.cores")
    number = int(cores.value) if cores and cores.value.isdigit() else 1
    if total / number < _GB:
        yield _found(MEMORY, memory, file, f"{memory.value} for {number} tasks at a time is less than 1 GB for each.")
    if total > 64 * _GB:
        yield _found(MEMORY, memory, file, f"{memory.value} is too much for one Java process; take more executors.")


def _partitions(settings: Settings, file: str) -> Iterator[Finding]:
    adaptive = settings.get("spark.sql.adaptive.enabled")
    if adaptive is not None and adaptive.value.lower() == "false":
        number = settings.get("spark.sql.shuffle.partitions", Setting("200", adaptive.line))
        yield _found(PARTITIONS, adaptive, file, f"Every shuffle has {number.value} partitions, whatever its size.")


def _fraction(settings: Settings, file: str) -> Iterator[Finding]:
    said = settings.get("spark.memory.fraction")
    if said is not None and re.fullmatch(r"\d*\.?\d+", said.value) and not 0.4 <= float(said.value) <= 0.8:
        yield _found(FRACTION, said, file, f"spark.memory.fraction is {said.value}; the default is 0.6.")


def _broadcast(settings: Settings, file: str) -> Iterator[Finding]:
    said = settings.get("spark.sql.autoBroadcastJoinThreshold")
    limit = size(said.value) if said else None
    if said is None or limit is None:
        return
    if limit < 0:
        yield _found(BROADCAST, said, file, "No small table is ever broadcast.")
    elif limit > _GB:
        yield _found(BROADCAST, said, file, f"Tables up to {said.value} are sent to every executor.")


def _skew(settings: Settings, file: str) -> Iterator[Finding]:
    said = settings.get("spark.sql.adaptive.skewJoin.enabled")
    if said is not None and said.value.lower() == "false":
        yield _found(SKEW, said, file, "Partitions much larger than the others stay as they are.")


_CHECKS: tuple[Callable[[Settings, str], Iterator[Finding]], ...] = (_memory, _partitions, _fraction, _broadcast, _skew)


def dbt_models(project: Path, facts: Facts) -> list[Analysis]:
    """Judge how the models of a dbt project are materialized.

    Args:
        project: the folder with `dbt_project.yml`.
        facts: of the tables; whether a table is large is known from them alone.

    Raises:
        SourceUnreadable: the project's file is no YAML.
    """
    try:
        said = yaml.safe_load((project / "dbt_project.yml").read_text()) or {}
    except yaml.YAMLError as error:
        raise SourceUnreadable(f"{project / 'dbt_project.yml'} is no YAML: {error}") from None
    folders = [project / name for name in said.get("model-paths", ["models"])]
    files = [file for folder in folders for file in sorted(folder.rglob("*.sql"))]
    return [_model(file, _default(said, folders, file), facts) for file in files]


def _default(said: Mapping[str, object], folders: list[Path], file: Path) -> str:
    """What the project's file says of a model's folder; the deepest word stands."""
    folder = next(one for one in folders if file.is_relative_to(one))
    kind = ""
    node = (said.get("models") or {}).get(said.get("name"), {})  # type: ignore[attr-defined]  # a mapping in each project
    for part in ("", *file.relative_to(folder).parent.parts):
        node = node.get(part, {}) if part else node
        if not isinstance(node, dict):
            break
        kind = str(node.get("+materialized", node.get("materialized", kind)))
    return kind


def _model(file: Path, default: str, facts: Facts) -> Analysis:
    text = file.read_text("utf-8-sig")
    own = _MATERIALIZED.search(text)
    kind, place = own[1] if own else default, whole_file(str(file))
    found: list[Finding] = []
    if kind == "incremental":
        if "is_incremental" not in text and "microbatch" not in text:
            found.append(FULL.finding(place, f"{file.stem} is incremental and reads all rows at each run."))
        if "unique_key" not in text and "insert_overwrite" not in text and "microbatch" not in text:
            found.append(KEYLESS.finding(place, f"{file.stem} is incremental and has no unique_key."))
    elif kind == "table":
        for first, second in _REF.findall(text):
            known = facts.of(".".join(part for part in (first, second) if part))
            if known is not None and (known.rows or 0) >= _LARGE_ROWS:
                message = f"{file.stem} is built anew each time from {known.name}."
                found.append(INCREMENTAL.finding(place, message, (f"{known.name} has {known.rows:,} rows.",)))
    return Analysis(str(file), text, tuple(found))
