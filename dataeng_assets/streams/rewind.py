"""Going back with all tables of a stream: what was decided is written down first, then one commit per table, main last.

Delta has no commit over several tables. So a rewind is a row in a table of its own before it begins, and each of the
stream's tables counts the rewinds that it took part in; one that was interrupted anywhere is found by the next drain,
restore or reset, and finished. Between its commits nobody commits a batch: what was planned before a rewind is void as
soon as the first table has it. What to go back to is decided in `restore`.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable

from dataeng_assets.lake.append import Superseded, append, progress
from dataeng_assets.lake.attempts import until_committed
from dataeng_assets.lake.rewind import remove_rows, restore_version
from dataeng_assets.lake.transactions import transactions
from dataeng_assets.streams.plan import is_routed_by
from dataeng_assets.streams.savepoints import kept_savepoints, tables_of
from dataeng_assets.streams.stream import NO_EVENT_TIME, Progress, Stream

_FIELDS: "list[pa.Field[Any]]" = [
    pa.field("number", pa.int64(), nullable=False),
    pa.field("kind", pa.string(), nullable=False),
    pa.field("savepoint_id", pa.string()),
    pa.field("since", pa.timestamp("us", tz="UTC")),
    pa.field("topic_id", pa.string(), nullable=False),
    pa.field("generation", pa.int32(), nullable=False),
    pa.field("versions", pa.map_(pa.string(), pa.int64()), nullable=False),
    pa.field("next_offsets", pa.map_(pa.int32(), pa.int64()), nullable=False),
    pa.field("max_event_times", pa.map_(pa.int32(), pa.int64()), nullable=False),
    pa.field("reason", pa.string(), nullable=False),
    pa.field("asked_by", pa.string(), nullable=False),
    pa.field("asked_at", pa.timestamp("us", tz="UTC"), nullable=False),
]
REWINDS_SCHEMA = pa.schema(_FIELDS)
_MAPS = ("versions", "next_offsets", "max_event_times")


class Kind(StrEnum):
    """How a stream goes back."""

    RESTORE = "restore"
    RESET = "reset"


@dataclass(frozen=True)
class Rewind:
    """One decision to go back, with all that is needed to carry it out.

    Attributes:
        number: counts the stream's rewinds.
        savepoint_id: of a restore.
        since: of a reset: nothing that was produced from then on stays.
        topic_id: of the topic whose offsets these are.
        generation: of these offsets.
        versions: of a restore, by table.
        next_offsets: where the main table goes on, per partition that it knew.
        max_event_times: of a reset, the running maximum there, per partition that has one.
    """

    number: int
    kind: Kind
    savepoint_id: str | None
    since: datetime | None
    topic_id: str
    generation: int
    versions: Mapping[str, int]
    next_offsets: Mapping[int, int]
    max_event_times: Mapping[int, int]
    reason: str
    asked_by: str
    asked_at: datetime

    @property
    def metadata(self) -> Mapping[str, str]:
        """What is told in the history of every table that it touches."""
        return {"rewind": str(self.number), "rewind_reason": self.reason, "rewind_asked_by": self.asked_by}


def rewinds(stream: Stream) -> list[Rewind]:
    """Every rewind that was ever begun, oldest first."""
    if not stream.lake.exists(stream.rewinds):
        return []
    rows: list[Any] = stream.lake.open(stream.rewinds).to_pyarrow_dataset().to_table().to_pylist()
    found = [Rewind(**{**row, "kind": Kind(row["kind"]), **{name: dict(row[name]) for name in _MAPS}}) for row in rows]
    return sorted(found, key=lambda one: one.number)


def unfinished(stream: Stream) -> Rewind | None:
    """The rewind that was begun and has not come to the main table, if there is one."""
    begun = rewinds(stream)[-1:]
    done = (progress(stream.lake.open(stream.main), stream.rewound) or 0) if begun else 0
    return begun[0] if begun and begun[0].number > done else None


def kept_versions(stream: Stream, now: datetime | None = None) -> Mapping[tuple[str, ...], tuple[int, ...]]:
    """The versions whose files going back needs, by table: of savepoints, and of a restore that was interrupted."""
    needed = [one.versions for one in kept_savepoints(stream, now)]
    left = unfinished(stream) if stream.lake.exists(stream.main) else None
    if left is not None and left.kind is Kind.RESTORE:
        needed.append(left.versions)
    return {key: tuple({versions[".".join(key)]: None for versions in needed}) for key in tables_of(stream)}


def begin(stream: Stream, rewind: Rewind) -> None:
    """Write a rewind down; from then on it is finished by whoever comes next.

    Raises:
        Superseded: somebody else has begun one since this was decided; nothing was written.
    """
    description = f"When and why stream {stream.name} went back to an earlier state"
    table = stream.lake.create(stream.rewinds, REWINDS_SCHEMA, description=description)
    row = {one.name: getattr(rewind, one.name) for one in fields(rewind)} | {"kind": str(rewind.kind)}
    count = f"{stream.progress}rewinds"
    if (progress(table, count) or 0) != rewind.number - 1:
        raise Superseded(f"Another rewind of {stream.name} was begun since this one was decided. Nothing was written.")
    rows = pa.Table.from_pylist([row], REWINDS_SCHEMA)
    append(table, rows, transactions={count: rewind.number}, metadata=rewind.metadata)


def finish(stream: Stream, partitions: Collection[int]) -> Rewind | None:
    """Carry out what was begun, wherever it was interrupted. Safe beside drains and others who do the same.

    Args:
        stream: whose tables go back.
        partitions: of the topic.

    Returns:
        The rewind; None when there was nothing to finish.

    Raises:
        Superseded: writers were quicker, several times; it is still to be finished.
        TableMissing, deltalake.exceptions.DeltaError: what the rewind needs was removed since it was decided.
    """
    rewind = unfinished(stream)
    if rewind is not None:
        for key in tables_of(stream):
            until_committed(lambda _, key=key: _go_back(stream, rewind, key, partitions))  # type: ignore[misc]  # mypy knows no default of a lambda
    return rewind


def _go_back(stream: Stream, rewind: Rewind, key: tuple[str, ...], partitions: Collection[int]) -> None:
    table = stream.lake.open(key)
    if (progress(table, stream.rewound) or 0) >= rewind.number:
        return
    names = Progress(stream.name, rewind.topic_id, rewind.generation)
    known = {p for p in {*partitions, *rewind.next_offsets} if progress(table, names.next_offset(p)) is not None}
    moved = {stream.rewound: rewind.number} | {stream.checked(p): int(table.version()) for p in known}
    if rewind.kind is Kind.RESTORE:
        version = rewind.versions[".".join(key)]
        moved |= _progress_then(stream, names, table, stream.lake.open(key, version), rewind, known)
        restore_version(table, version, transactions=moved, metadata=rewind.metadata)
    else:
        cut = {p: at for p, at in rewind.next_offsets.items() if p in known}
        cut = {p: at for p, at in cut.items() if (progress(table, names.next_offset(p)) or 0) > at}
        moved |= {names.next_offset(p): at for p, at in cut.items()}
        if key == stream.main:
            moved |= {names.max_event_time(p): rewind.max_event_times.get(p, NO_EVENT_TIME) for p in cut}
        remove_rows(table, rows_from(cut, rewind.generation), transactions=moved, metadata=rewind.metadata)


def rows_from(cut: Mapping[int, int], generation: int) -> str:
    """A condition in SQL: rows of these partitions from an offset on."""
    places = [f"(_kafka_partition = {p} AND _kafka_offset >= {at})" for p, at in sorted(cut.items())]
    return f"coalesce(_kafka_generation, 0) = {generation} AND ({' OR '.join(places) or 'false'})"


def _progress_then(
    stream: Stream, names: Progress, table: DeltaTable, then: DeltaTable, rewind: Rewind, known: Collection[int]
) -> dict[str, int]:
    """Progress of the older version, under the names that the newer one has; a partition that it did not know begins.

    Counts go on: which routing version is in force is told by a count that only grows.
    """
    moved, versions = {}, _routing_versions(stream, table)
    for p in known:
        at, begun = progress(then, names.next_offset(p)), progress(table, names.first_offset(p))
        if at is None:
            at = begun if begun is not None else rewind.next_offsets.get(p, 0)
        moved[names.next_offset(p)] = at
        if progress(table, names.max_event_time(p)) is not None:
            before = progress(then, names.max_event_time(p))
            moved[names.max_event_time(p)] = NO_EVENT_TIME if before is None else before
        count = (progress(table, names.routings(p)) or 0) + 1
        moved[names.routings(p)] = count
        routed = [version for version in versions if is_routed_by(then, names, p, version)]
        moved |= {names.routed(p, version): count for version in routed}
    return moved


def _routing_versions(stream: Stream, table: DeltaTable) -> set[str]:
    """Every routing version that the table tells of."""
    found = {stream.routing}
    for name in transactions(table) or ():
        if name.startswith(stream.progress) and "/routing/" in name:
            found.add(name.rpartition("/")[2])
    return found
