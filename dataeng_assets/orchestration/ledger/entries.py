"""The ledger's table: what was touched, what was handled, what is held back, and what therefore waits.

Which days a change touches belongs in `cover`, what to run for them in `plan`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum

import duckdb
import pyarrow as pa
from deltalake import DeltaTable

from dataeng_assets.lake.append import append
from dataeng_assets.lake.location import Lake
from dataeng_assets.orchestration.ledger.targets import Targets
from dataeng_assets.orchestration.partitions import calendar

KEY = ("ledger", "changes")
_COLUMNS: dict[str, pa.DataType] = {
    "target": pa.string(),
    "day": pa.date32(),
    "source": pa.string(),
    "mapping": pa.string(),
    "version": pa.int64(),
    "state": pa.string(),
    "at": pa.timestamp("us", tz="UTC"),
    "run_id": pa.string(),
}
SCHEMA = pa.schema(_COLUMNS)

_NEWEST = """
select
    target, day, source, mapping,
    coalesce(max(version) filter (state = 'touched'), -1) as touched,
    coalesce(max(version) filter (state = 'handled'), -1) as handled,
    coalesce(max(version) filter (state = 'held'), -1) as held
from entries
group by all
order by all
"""


class State(StrEnum):
    """What an entry says of a day: a source has touched it, a run has handled it, or a failed check holds it back."""

    TOUCHED = "touched"
    HANDLED = "handled"
    HELD = "held"


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


@dataclass(frozen=True)
class Waiting:
    """What was touched and not handled since.

    Attributes:
        pending: what a run should handle.
        held: what is held back, because a check failed on that day: asked for again when a source touches it again, or
            by a person.
    """

    pending: tuple[Touch, ...]
    held: tuple[Touch, ...]


def waiting(lake: Lake) -> Waiting:
    """What waits, by the newest version of each entry."""
    with duckdb.connect() as connection:
        connection.register("entries", open_ledger(lake).to_pyarrow_dataset())
        rows = connection.execute(_NEWEST).fetchall()
    pending, held_back = list[Touch](), list[Touch]()
    for target, day, source, mapping, touched, handled, held in rows:
        if touched > max(handled, held):
            pending.append(Touch(target, day, source, mapping, touched))
        elif held > handled:
            held_back.append(Touch(target, day, source, mapping, held))
    return Waiting(tuple(pending), tuple(held_back))


def write(
    table: DeltaTable,
    touches: Iterable[Touch],
    state: State,
    *,
    run_id: str,
    covered: Mapping[str, int] | None = None,
) -> None:
    """Append entries, with what is covered by them.

    Args:
        table: the handle that coverage was read from, so that of two who cover the same versions one is refused.
        touches: the entries.
        state: what they say.
        run_id: who says so.
        covered: application id -> version covered.

    Raises:
        Superseded: somebody else has covered one of these in between.
    """
    at = datetime.now(UTC)
    rows = [
        {**vars(touch), "state": state, "at": at, "run_id": run_id}
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
    found = waiting(lake)
    rebuilt = set(names)
    first, last = calendar()

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
            and (other.day is None or (first <= other.day <= last if touch.day is None else other.day == touch.day))
            for other in found.pending
        )

    done = [touch for touch in (*found.pending, *found.held) if is_handled(touch)]
    if done:
        write(open_ledger(lake), done, State.HANDLED, run_id=run_id)
    return len(done)
