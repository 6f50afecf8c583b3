"""The ledger's table: what was touched, what was handled, and what therefore waits.

Which days a change touches belongs in `cover`, what to run for them in `plan`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from dataeng_assets.lake.append import append
from dataeng_assets.lake.location import Lake
from dataeng_assets.orchestration.ledger.targets import Targets

KEY = ("ledger", "changes")
_COLUMNS: dict[str, pa.DataType] = {
    "target": pa.string(),
    "day": pa.date32(),
    "source": pa.string(),
    "mapping": pa.string(),
    "version": pa.int64(),
    "handled": pa.bool_(),
    "at": pa.timestamp("us", tz="UTC"),
    "run_id": pa.string(),
}
SCHEMA = pa.schema(_COLUMNS)

_PENDING = """
select target, day, source, mapping, max(version) filter (not handled) as version
from entries
group by all
having max(version) filter (not handled) > coalesce(max(version) filter (handled), -1)
order by all
"""


@dataclass(frozen=True)
class Touch:
    """A day of a target (None: the target as a whole) that a source has touched up to a version, by a mapping."""

    target: str
    day: date | None
    source: str
    mapping: str
    version: int


def open_ledger(lake: Lake) -> DeltaTable:
    """The ledger's table, made when it is missing."""
    return lake.create(KEY, SCHEMA, description="Which days of which model the versions of bronze have touched.")


def pending(lake: Lake) -> tuple[Touch, ...]:
    """What was touched and not handled since."""
    entries = open_ledger(lake).to_pyarrow_dataset()
    with duckdb.connect() as connection:
        connection.register("entries", entries)
        return tuple(Touch(*row) for row in connection.execute(_PENDING).fetchall())


def write(
    table: DeltaTable, touches: Iterable[Touch], *, handled: bool, run_id: str, covered: Mapping[str, int] | None = None
) -> None:
    """Append entries, with what is covered by them.

    Args:
        table: the handle that coverage was read from, so that of two who cover the same versions one is refused.
        touches: the entries.
        handled: whether they say handled, else touched.
        run_id: who says so.
        covered: application id -> version covered.

    Raises:
        Superseded: somebody else has covered one of these in between.
    """
    at = datetime.now(UTC)
    rows = [
        {**vars(touch), "handled": handled, "at": at, "run_id": run_id}
        for touch in sorted(touches, key=lambda touch: (touch.target, touch.day or date.min, touch.source))
    ]
    append(table, pa.Table.from_pylist(rows, schema=SCHEMA), transactions=covered or {}, metadata={"run_id": run_id})


def mark_handled(
    lake: Lake,
    targets: Targets,
    names: Iterable[str],
    days: tuple[date, date] | None,
    pins: Mapping[str, int],
    run_id: str,
) -> int:
    """Say that a run has rebuilt targets from bronze as it was pinned.

    A touch is left waiting when it is newer than the pin, or when an ancestor of the target still waits for the same
    source: then the target was built from an ancestor that did not know the change yet.

    Args:
        lake: where the ledger lies.
        targets: all targets.
        names: dotted keys of those that were rebuilt.
        days: first and last day that were rebuilt of the daily ones; None when none was.
        pins: version of each bronze table that the run has read.
        run_id: the run.

    Returns:
        How many touches were handled.
    """
    waiting = pending(lake)
    rebuilt = set(names)

    def is_handled(touch: Touch) -> bool:
        if touch.target not in rebuilt:
            return False
        target = targets.by_name[touch.target]
        if touch.source in target.touched and touch.version > pins.get(touch.source, -1):
            return False
        if touch.day is not None and not (days and days[0] <= touch.day <= days[1]):
            return False
        ancestors = {".".join(key) for key in target.ancestors}
        return not any(
            other.target in ancestors - rebuilt
            and other.source == touch.source
            and (other.day is None or other.day == touch.day)
            for other in waiting
        )

    done = [touch for touch in waiting if is_handled(touch)]
    if done:
        write(open_ledger(lake), done, handled=True, run_id=run_id)
    return len(done)
