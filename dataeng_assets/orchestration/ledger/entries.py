"""The ledger's table: what was touched, what was handled, what is held back, and what therefore waits.

Which days a change touches belongs in `cover`, which rows are doubted in `doubt`, what to run for the days in `plan`.
"""

from collections.abc import Collection, Iterable, Mapping
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
_DOUBTED = """
select target, day, source, mapping, version, run_id
from entries
where
    state = 'doubted'
    and (source, entries.at) in (select (source, max(entries.at)) from entries where state = 'judged' group by source)
order by all
"""


class State(StrEnum):
    """What an entry says of a day: a source has touched it, a run has handled it, or a failed check holds it back.

    A day is held by a test of the day itself, or doubted because rows of its source break a rule. What is doubted is
    what the newest judgement of the source says; each judgement takes the place of the one before it.
    """

    TOUCHED = "touched"
    HANDLED = "handled"
    HELD = "held"
    DOUBTED = "doubted"
    JUDGED = "judged"


@dataclass(frozen=True)
class Touch:
    """A day of a target (None: the target as a whole) that a source has touched up to a version, by a mapping."""

    target: str
    day: date | None
    source: str
    mapping: str
    version: int


@dataclass(frozen=True)
class Doubt:
    """What rows make doubtful that break a rule and were not corrected since.

    Attributes:
        touch: a day (or the whole) of a target that reads them; or, with the source itself as its target, the rows.
            Its version is the one that they were first judged in.
        run_id: the run that brought the rows.
    """

    touch: Touch
    run_id: str

    @property
    def is_of_rows(self) -> bool:
        """Whether it names the rows, and no day."""
        return self.touch.target == self.touch.source


def open_ledger(lake: Lake) -> DeltaTable:
    """The ledger's table, made when it is missing."""
    return lake.create(KEY, SCHEMA, description="Which days of which model the versions of bronze have touched.")


@dataclass(frozen=True)
class Waiting:
    """What was touched and not handled since.

    Attributes:
        pending: what a run should handle.
        held: what is held back, because a check failed on that day: asked for again when a source touches it again, or
            by a person. Also the days that rows of a source make doubtful, until it is judged and they are no more.
        withheld: what would be pending, on the days that are doubted.
    """

    pending: tuple[Touch, ...]
    held: tuple[Touch, ...]
    withheld: tuple[Touch, ...] = ()


def waiting(lake: Lake) -> Waiting:
    """What waits, by the newest version of each entry."""
    with duckdb.connect() as connection:
        connection.register("entries", open_ledger(lake).to_pyarrow_dataset())
        rows = connection.execute(_NEWEST).fetchall()
        said = _doubts(connection)
    pending, held_back = list[Touch](), list[Touch]()
    built: dict[tuple[str, date | None, str, str], int] = {}
    for target, day, source, mapping, touched, handled, held in rows:
        built[target, day, source, mapping] = handled
        if touched > max(handled, held):
            pending.append(Touch(target, day, source, mapping, touched))
        elif held > handled:
            held_back.append(Touch(target, day, source, mapping, held))
    doubted = [
        touch
        for touch in (doubt.touch for doubt in said if not doubt.is_of_rows)
        if touch.version > built.get((touch.target, touch.day, touch.source, touch.mapping), -1)
    ]
    days = {(touch.target, touch.day) for touch in doubted}
    return Waiting(
        tuple(touch for touch in pending if (touch.target, touch.day) not in days),
        (*held_back, *doubted),
        tuple(touch for touch in pending if (touch.target, touch.day) in days),
    )


def doubts(lake: Lake, source: str) -> tuple[Doubt, ...]:
    """What the newest judgement of a source has found doubtful."""
    with duckdb.connect() as connection:
        connection.register("entries", open_ledger(lake).to_pyarrow_dataset())
        return tuple(doubt for doubt in _doubts(connection) if doubt.touch.source == source)


def _doubts(connection: duckdb.DuckDBPyConnection) -> list[Doubt]:
    return [Doubt(Touch(*touch), run_id) for *touch, run_id in connection.execute(_DOUBTED).fetchall()]


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
    said = {"state": state, "at": datetime.now(UTC), "run_id": run_id}
    rows = [
        {**vars(touch), **said}
        for touch in sorted(touches, key=lambda touch: (touch.target, touch.day or date.min, touch.source))
    ]
    append(table, pa.Table.from_pylist(rows, schema=SCHEMA), transactions=covered or {}, metadata={"run_id": run_id})


def write_judgement(
    table: DeltaTable, source: str, version: int, doubted: Iterable[Doubt], again: Iterable[Touch], *, run_id: str
) -> None:
    """Append the judgement of a source, in the place of the one before it.

    Args:
        table: the ledger.
        source: which bronze table was judged.
        version: at which version.
        doubted: everything that its rows make doubtful now.
        again: what is touched by it, because it was doubted before.
        run_id: who judged.
    """
    at = datetime.now(UTC)
    judged = Touch(source, None, source, "", version)
    rows = [
        {**vars(judged), "state": State.JUDGED, "at": at, "run_id": run_id},
        *({**vars(doubt.touch), "state": State.DOUBTED, "at": at, "run_id": doubt.run_id} for doubt in doubted),
        *({**vars(touch), "state": State.TOUCHED, "at": at, "run_id": run_id} for touch in again),
    ]
    append(table, pa.Table.from_pylist(rows, schema=SCHEMA), transactions={}, metadata={"run_id": run_id})


def withheld_with(touch: Touch, withheld: Iterable[Touch], ancestors: Collection[str]) -> bool:
    """Whether a touch waits because the same change is withheld from an ancestor: as a whole, or on the same day."""
    return any(
        other.target in ancestors and other.source == touch.source and other.day in (None, touch.day)
        for other in withheld
    )


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
    source: then the target was built from an ancestor that did not know the change yet. What is made of all days
    does not wait for those that are withheld.

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
        pending = (other for other in found.pending if other.target in ancestors - rebuilt)
        return not withheld_with(touch, found.withheld, ancestors - rebuilt) and not any(
            other.source == touch.source
            and (other.day is None or (first <= other.day <= last if touch.day is None else other.day == touch.day))
            for other in pending
        )

    done = [touch for touch in (*found.pending, *found.held, *found.withheld) if is_handled(touch)]
    if done:
        write(open_ledger(lake), done, State.HANDLED, run_id=run_id)
    return len(done)
