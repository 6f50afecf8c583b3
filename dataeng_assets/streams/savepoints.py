"""States that a stream can go back to: one version of each of its three tables, written down beside them.

A savepoint copies nothing. The versions' progress stands in their own logs; a checkpoint of each keeps it readable, and
upkeep keeps their files, for `KEPT` or until it is dropped. It may be taken at any time: main is looked at first, so a
side table is level with it or ahead, a state from which a drain goes on as after a run that was interrupted. Going back
belongs in `rewind` and `restore`.
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from deltalake import DeltaTable

from dataeng_assets.kafka.admin import TopicState
from dataeng_assets.lake.append import append, progress
from dataeng_assets.lake.attempts import until_committed
from dataeng_assets.lake.location import TableMissing
from dataeng_assets.streams.errors import RewindRefused
from dataeng_assets.streams.plan import Committed, committed_under, names_in, read_committed
from dataeng_assets.streams.stream import Stream

KEPT = timedelta(days=28)
"""How long a savepoint can be gone back to: less than the 30 days for which a table's log is kept."""
_FIELDS: "list[pa.Field[Any]]" = [
    pa.field("savepoint_id", pa.string(), nullable=False),
    pa.field("topic_id", pa.string(), nullable=False),
    pa.field("generation", pa.int32(), nullable=False),
    pa.field("versions", pa.map_(pa.string(), pa.int64()), nullable=False),
    pa.field("table_ids", pa.map_(pa.string(), pa.string()), nullable=False),
    pa.field("next_offsets", pa.map_(pa.int32(), pa.int64()), nullable=False),
    pa.field("before_routing", pa.string()),
    pa.field("reason", pa.string(), nullable=False),
    pa.field("taken_by", pa.string(), nullable=False),
    pa.field("taken_at", pa.timestamp("us", tz="UTC"), nullable=False),
    pa.field("dropped_by", pa.string()),
    pa.field("dropped_at", pa.timestamp("us", tz="UTC")),
]
SAVEPOINTS_SCHEMA = pa.schema(_FIELDS)


@dataclass(frozen=True)
class Savepoint:
    """One state of a stream.

    Attributes:
        topic_id: of the topic that its offsets belong to.
        generation: of these offsets.
        versions: by table, its key with dots.
        table_ids: by table; one that was made again has another.
        next_offsets: of the main table, per partition.
        before_routing: the routing version before whose first batch it was taken; None when a person asked for it.
        dropped_by: who gave it up; None as long as nobody has.
    """

    savepoint_id: str
    topic_id: str
    generation: int
    versions: Mapping[str, int]
    table_ids: Mapping[str, str]
    next_offsets: Mapping[int, int]
    before_routing: str | None
    reason: str
    taken_by: str
    taken_at: datetime
    dropped_by: str | None = None
    dropped_at: datetime | None = None

    @property
    def kept_until(self) -> datetime:
        """From then on its files may be removed."""
        until = self.taken_at + KEPT
        return min(self.dropped_at, until) if self.dropped_at else until


def savepoints(stream: Stream) -> list[Savepoint]:
    """Every savepoint that was ever taken, oldest first, as it stands now."""
    found: dict[str, Savepoint] = {}
    for one in savepoint_log(stream):
        if one.dropped_at or one.savepoint_id not in found:
            found[one.savepoint_id] = one
    return sorted(found.values(), key=lambda one: one.taken_at)


def kept_savepoints(stream: Stream, now: datetime | None = None) -> list[Savepoint]:
    """The savepoints that can be gone back to, oldest first."""
    moment = now or datetime.now(UTC)
    return [one for one in savepoints(stream) if moment < one.kept_until]


def savepoint_log(stream: Stream) -> list[Savepoint]:
    """What was written down, in that order: each savepoint when it was taken, and again when it was dropped."""
    return _rows(stream.lake.open(stream.savepoints)) if stream.lake.exists(stream.savepoints) else []


def savepoint_named(stream: Stream, savepoint_id: str) -> Savepoint:
    """One that was taken, perhaps long ago or dropped since.

    Raises:
        RewindRefused: there is none of this name; names those that are kept.
    """
    found = next((one for one in savepoints(stream) if one.savepoint_id == savepoint_id), None)
    if found is None:
        there = ", ".join(one.savepoint_id for one in kept_savepoints(stream)) or "none"
        raise RewindRefused(
            f"Stream {stream.name} has no savepoint {savepoint_id}. Those that it keeps are: {there}. Nothing was "
            f"written. `dataeng stream savepoints {stream.name}` says what they are."
        )
    return found


def tables_of(stream: Stream) -> tuple[tuple[str, ...], ...]:
    """Keys of the tables that go back together, in the order of their commits: main last."""
    return stream.dead_letters, stream.late, stream.main


def take(stream: Stream, topic: TopicState, *, reason: str, taken_by: str) -> Savepoint:
    """Write down the state that the stream is in. Safe beside drains, which it does not hold up.

    Args:
        stream: that was drained before.
        topic: as its cluster describes it.
        reason: what for; kept.
        taken_by: who asks; kept.

    Raises:
        TableMissing: the stream was never drained.
        TopicRecreated: the tables were filled from another topic of that name.
        Superseded: others took savepoints at the same moment, several times.
    """

    def attempt(_: object) -> Savepoint:
        main = stream.lake.open(stream.main)
        committed = read_committed(main, stream, topic)
        if committed.commits is None:
            raise TableMissing(
                f"Table {'.'.join(stream.main)} holds nothing of topic {stream.topic} yet, so there is no state to "
                "keep. Nothing was written. Materialize it first."
            )
        return _record(stream, topic, main, committed, reason=reason, taken_by=taken_by)

    return until_committed(attempt)


def take_before_new_rules(stream: Stream, topic: TopicState, *, taken_by: str) -> Savepoint | None:
    """Take a savepoint if the stream was last routed by other rules than those in force, once for each change.

    Raises:
        Superseded: others took savepoints at the same moment, several times.
    """
    if not all(stream.lake.exists(key) for key in tables_of(stream)):
        return None

    def attempt(_: Path) -> Savepoint | None:
        main = stream.lake.open(stream.main)
        names = names_in(main, stream, topic)
        committed = committed_under(names, main, stream, topic)
        begun = committed.commits is not None and progress(main, names.topic) == committed.commits
        if not begun or not committed.next_offsets or committed.routing:
            return None
        before = [one.before_routing for one in savepoints(stream) if one.before_routing]
        if before and before[-1] == stream.routing:
            return None
        contract = stream.contract
        reason = f"before the first batch under other rules: {contract.id} {contract.version}"
        return _record(stream, topic, main, committed, reason=reason, taken_by=taken_by, before_routing=stream.routing)

    return until_committed(attempt)


def drop(stream: Stream, savepoint_id: str, *, dropped_by: str) -> Savepoint:
    """Give a savepoint up, so that upkeep may remove the files that only it needs. Dropping it again changes nothing.

    Raises:
        RewindRefused: there is none of this name; names those that are kept.
        Superseded: others took savepoints at the same moment, several times.
    """

    def attempt(_: object) -> Savepoint:
        found = savepoint_named(stream, savepoint_id)
        if found.dropped_at:
            return found
        dropped = replace(found, dropped_by=dropped_by, dropped_at=datetime.now(UTC))
        _append(stream, _table(stream), dropped)
        return dropped

    return until_committed(attempt)


def _record(
    stream: Stream,
    topic: TopicState,
    main: DeltaTable,
    committed: Committed,
    *,
    reason: str,
    taken_by: str,
    before_routing: str | None = None,
) -> Savepoint:
    table = _table(stream)
    handles = {key: main if key == stream.main else stream.lake.open(key) for key in tables_of(stream)}
    for handle in handles.values():
        handle.create_checkpoint()  # young, so it outlives the commits before it, which may be cleaned up tomorrow
    found = Savepoint(
        savepoint_id=f"sp-{uuid.uuid4().hex[:8]}",
        topic_id=topic.id,
        generation=committed.generation,
        versions={".".join(key): int(handle.version()) for key, handle in handles.items()},
        table_ids={".".join(key): str(handle.metadata().id) for key, handle in handles.items()},
        next_offsets=committed.next_offsets,
        before_routing=before_routing,
        reason=reason,
        taken_by=taken_by,
        taken_at=datetime.now(UTC),
    )
    _append(stream, table, found)
    return found


def _table(stream: Stream) -> DeltaTable:
    description = f"States that stream {stream.name} can go back to"
    return stream.lake.create(stream.savepoints, SAVEPOINTS_SCHEMA, description=description)


def _append(stream: Stream, table: DeltaTable, savepoint: Savepoint) -> None:
    count = f"{stream.progress}savepoints"
    row = {name: getattr(savepoint, name) for name in SAVEPOINTS_SCHEMA.names}
    rows = pa.Table.from_pylist([row], SAVEPOINTS_SCHEMA)
    append(table, rows, transactions={count: (progress(table, count) or 0) + 1})


def _rows(table: DeltaTable) -> list[Savepoint]:
    rows: list[Any] = table.to_pyarrow_dataset().to_table().to_pylist()
    maps = ("versions", "table_ids", "next_offsets")
    found = [Savepoint(**{**row, **{name: dict(row[name]) for name in maps}}) for row in rows]
    return sorted(found, key=lambda one: one.dropped_at or one.taken_at)
