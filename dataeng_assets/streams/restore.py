"""Deciding what a stream goes back to: a savepoint, or the state before anything that was produced since a moment.

Both say first what would go and what is read again. Going back loses nothing that the broker still has; where it has
not, that is refused unless a person accepts it. How the tables go back belongs in `rewind`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pafs
from deltalake import DeltaTable
from deltalake.fs import DeltaStorageHandler

from dataeng_assets.kafka.admin import Admin, TopicState
from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.kafka.records import Range
from dataeng_assets.lake.location import TableMissing
from dataeng_assets.lake.strict import table_schema
from dataeng_assets.streams.errors import OffsetsLost, RewindRefused
from dataeng_assets.streams.gaps import State, accepted_gaps
from dataeng_assets.streams.lease import holders
from dataeng_assets.streams.plan import Committed, read_committed, retention_passed
from dataeng_assets.streams.rewind import Kind, Rewind, begin, finish, rewinds, unfinished
from dataeng_assets.streams.savepoints import Savepoint, savepoint_named, tables_of
from dataeng_assets.streams.stored import places
from dataeng_assets.streams.stream import RELEASED_BY, Stream

Decide = Callable[[Stream, Admin], "Outlook"]


@dataclass(frozen=True)
class TableOutlook:
    """What going back does to one table; counts are of rows."""

    key: tuple[str, ...]
    version: int
    before: int
    after: int


@dataclass(frozen=True)
class Outlook:
    """What going back would do.

    Attributes:
        rewind: as it would be written down.
        tables: main last.
        again: offsets that are read again, per partition that has any.
        lost: of these, what the broker no longer has.
    """

    rewind: Rewind
    tables: Sequence[TableOutlook]
    again: Mapping[int, Range]
    lost: Mapping[int, Range]

    @property
    def changes_nothing(self) -> bool:
        """Whether the stream stands there already."""
        return not self.again and all(table.before == table.after for table in self.tables)


def to_savepoint(savepoint_id: str) -> Decide:
    """Decide to go back to a savepoint.

    Raises, when it is called:
        RewindRefused: there is no such savepoint, or it can no longer be gone back to; says why.
    """

    def decide(stream: Stream, admin: Admin) -> Outlook:
        topic = admin.describe(stream.topic)
        tables, committed = _look(stream, topic)
        found = _savepoint(stream, savepoint_id, committed, topic)
        begins = {p: found.next_offsets.get(p, committed.first_offsets[p]) for p in committed.next_offsets}
        after = {key: _rows(_version_of(stream, found, key, table)) for key, table in tables.items()}
        rewind = _rewind(stream, Kind.RESTORE, committed, topic, begins)
        rewind = replace(rewind, savepoint_id=savepoint_id, versions=found.versions)
        return _outlook(rewind, tables, after, committed, topic)

    return decide


def to_moment(since: datetime) -> Decide:
    """Decide to go back to where each partition's first record lies that was produced at a moment or later.

    What of that the broker no longer has stays in the tables: it could not be read again.
    """

    def decide(stream: Stream, admin: Admin) -> Outlook:
        topic = admin.describe(stream.topic)
        first = admin.first_since(topic, since)
        tables, committed = _look(stream, topic)
        ends = committed.next_offsets.items()
        begins = {p: max(committed.first_offsets[p], min(first[p], end)) for p, end in ends}
        cut = {p: begins[p] for p, end in ends if begins[p] < end}
        after = {key: _rows(table) - _count_from(table, begins, committed.generation) for key, table in tables.items()}
        rewind = _rewind(stream, Kind.RESET, committed, topic, begins)
        times = _max_event_times(stream, [tables[stream.main], tables[stream.late]], cut, committed.generation)
        rewind = replace(rewind, since=since, max_event_times=times)
        return _outlook(rewind, tables, after, committed, topic)

    return decide


def look_back(stream: Stream, cluster: Cluster, decide: Decide) -> Outlook:
    """What going back would do. Writes nothing.

    Raises:
        RewindRefused: it cannot be done, or not now.
        TopicRecreated: the tables were filled from another topic of that name.
        TableMissing: a table of the stream is not there.
        KafkaProblem: with `retryable`.
    """
    if at_work := [worker.name for worker in holders(stream)]:
        raise RewindRefused(
            f"Resident workers drain {stream.name}: {', '.join(at_work)}. Nothing was written. End them first (SIGTERM "
            "ends one in good order); the lease of one that was killed runs out by itself within a minute."
        )
    if left := unfinished(stream):
        raise RewindRefused(
            f"A {left.kind} of {stream.name} that {left.asked_by} began at {left.asked_at:%Y-%m-%d %H:%M} UTC was "
            "interrupted, and its tables do not belong together until it is finished. Nothing was written by this "
            f"look. The next run of the stream finishes it, and so does `dataeng stream {left.kind}` without --dry-run."
        )
    with Admin(cluster) as admin:
        return decide(stream, admin)


def go_back(
    stream: Stream, cluster: Cluster, decide: Decide, *, reason: str, asked_by: str, accept_loss: bool = False
) -> Outlook:
    """Go back; a rewind that was interrupted is finished first. Drains that are under way give up their batch.

    Args:
        stream: that goes back.
        cluster: where its topic is.
        decide: to what.
        reason: what for; kept.
        asked_by: who says so; kept.
        accept_loss: go back although the broker no longer has all that would be read again. The next drain then stops
            until that is accepted as a gap.

    Returns:
        What was done.

    Raises:
        RewindRefused: it cannot be done, or not now.
        OffsetsLost: the broker no longer has what would be read again.
        Superseded: writers were quicker, several times; what was begun is finished by whoever comes next.
        TopicRecreated, TableMissing, KafkaProblem: as of `look_back`.
    """
    complete(stream, cluster)
    found = look_back(stream, cluster, decide)
    if found.lost and not accept_loss:
        gone = "; ".join(f"partition {p}: offsets {lost.start} to {lost.end - 1}" for p, lost in found.lost.items())
        raise OffsetsLost(
            f"Going back would remove records of {stream.name} that topic {stream.topic} no longer has, so that they "
            f"could not be read again: {gone}. Nothing was written. Go back to a later state, or give them up with "
            f"--accept-loss; the stream then stops until `dataeng stream accept-gap {stream.name}` says so once more."
        )
    if not found.changes_nothing:
        begin(stream, replace(found.rewind, reason=reason, asked_by=asked_by, asked_at=datetime.now(UTC)))
        finish(stream, found.rewind.next_offsets)
    return found


def complete(stream: Stream, cluster: Cluster) -> Rewind | None:
    """Finish the rewind that was interrupted, if there is one.

    Raises:
        Superseded: writers were quicker, several times.
        KafkaProblem: with `retryable`.
    """
    if unfinished(stream) is None:
        return None
    with Admin(cluster) as admin:
        return finish(stream, admin.describe(stream.topic).ends)


def _look(stream: Stream, topic: TopicState) -> tuple[Mapping[tuple[str, ...], DeltaTable], Committed]:
    tables = {key: stream.lake.open(key) for key in tables_of(stream)}
    committed = read_committed(tables[stream.main], stream, topic)
    if committed.commits is None:
        raise RewindRefused(
            f"Table {'.'.join(stream.main)} holds nothing of topic {topic.name} yet, so there is nothing to go back "
            "from. Nothing was written."
        )
    return tables, committed


def _savepoint(stream: Stream, savepoint_id: str, committed: Committed, topic: TopicState) -> Savepoint:
    found = savepoint_named(stream, savepoint_id)
    if found.dropped_at:
        raise RewindRefused(
            f"Savepoint {savepoint_id} of {stream.name} was dropped by {found.dropped_by} at "
            f"{found.dropped_at:%Y-%m-%d %H:%M} UTC, so its files are not kept any more. Nothing was written. Go back "
            f"to another one: `dataeng stream savepoints {stream.name}` lists them."
        )
    if datetime.now(UTC) >= found.kept_until:
        raise RewindRefused(
            f"Savepoint {savepoint_id} of {stream.name} is of {found.taken_at:%Y-%m-%d %H:%M} UTC; its files were kept "
            f"until {found.kept_until:%Y-%m-%d %H:%M} UTC. Nothing was written. Go back to a younger one, or with "
            f"`dataeng stream reset {stream.name} --to-timestamp T` as far as the topic still has its records."
        )
    if (found.topic_id, found.generation) != (topic.id, committed.generation):
        raise RewindRefused(
            f"Savepoint {savepoint_id} of {stream.name} is of a time when the topic's offsets meant other records: it "
            "was made again or truncated since, and that accepted. Nothing was written. Go back to a savepoint of "
            "after that."
        )
    return found


def _version_of(stream: Stream, savepoint: Savepoint, key: tuple[str, ...], table: DeltaTable) -> DeltaTable:
    """The table at the savepoint."""
    name = ".".join(key)

    def refused(problem: str) -> RewindRefused:
        return RewindRefused(
            f"Table {name} cannot go back to savepoint {savepoint.savepoint_id}: {problem} since. Nothing was written. "
            f"Go back with `dataeng stream reset {stream.name} --to-timestamp T` as far as the topic still has its "
            "records."
        )

    if str(table.metadata().id) != savepoint.table_ids[name]:
        raise refused("the table was deleted and made again")
    try:
        then = stream.lake.open(key, savepoint.versions[name])
    except TableMissing as error:
        raise refused(f"the log of version {savepoint.versions[name]} was removed") from error
    if missing := _missing_files(stream, table, then):
        raise refused(f"{missing} of its files were removed")
    return then


def _missing_files(stream: Stream, now: DeltaTable, then: DeltaTable) -> int:
    """How many files of a version are gone; those that the newest one has are there."""
    root = pafs.PyFileSystem(DeltaStorageHandler(now.table_uri, dict(stream.lake.options)))
    needed = sorted(_files(then) - _files(now))
    return sum(info.type == pafs.FileType.NotFound for info in root.get_file_info(needed)) if needed else 0


def _files(table: DeltaTable) -> set[str]:
    """Their paths below the table."""
    paths: list[Any] = pa.table(table.get_add_actions(flatten=True))["path"].to_pylist()
    return set(paths)


def _rows(table: DeltaTable) -> int:
    return int(pc.sum(pa.table(table.get_add_actions(flatten=True))["num_records"]).as_py() or 0)


def _count_from(table: DeltaTable, begins: Mapping[int, int], generation: int) -> int:
    """Rows of these partitions from these offsets on."""
    there = pc.scalar(value=False)
    for p, at in begins.items():
        there = there | ((pc.field("_kafka_partition") == p) & (pc.field("_kafka_offset") >= at))
    here = pc.field("_kafka_generation") == generation
    if not generation:
        here = here | pc.field("_kafka_generation").is_null()
    return sum(len(pa.Table.from_batches([batch]).filter(here)) for batch in places(table, there))


def _rewind(stream: Stream, kind: Kind, committed: Committed, topic: TopicState, begins: Mapping[int, int]) -> Rewind:
    number = max((one.number for one in rewinds(stream)), default=0) + 1
    return Rewind(
        number=number,
        kind=kind,
        savepoint_id=None,
        since=None,
        topic_id=topic.id,
        generation=committed.generation,
        versions={},
        next_offsets=begins,
        max_event_times={},
        reason="",
        asked_by="",
        asked_at=datetime.now(UTC),
    )


def _outlook(
    rewind: Rewind,
    tables: Mapping[tuple[str, ...], DeltaTable],
    after: Mapping[tuple[str, ...], int],
    committed: Committed,
    topic: TopicState,
) -> Outlook:
    told = [TableOutlook(key, int(table.version()), _rows(table), after[key]) for key, table in tables.items()]
    begins = rewind.next_offsets
    again = {p: Range(begins[p], end) for p, end in committed.next_offsets.items() if begins[p] < end}
    lost = retention_passed({p: range_.start for p, range_ in again.items()}, topic)
    lost = {p: Range(gone.start, min(gone.end, again[p].end)) for p, gone in lost.items()}
    return Outlook(rewind, told, again, lost)


def _max_event_times(
    stream: Stream, tables: Sequence[DeltaTable], cut: Mapping[int, int], generation: int
) -> dict[int, int]:
    """Running maximum of event time before these offsets, in microseconds, by the bound of the contract in force."""
    bounds = stream.event_time
    # offsets that the end of a truncated topic gave out anew: the maximum of before counts on
    cuts = {one.gap.generation for one in accepted_gaps(stream) if one.gap.state is State.TRUNCATED}
    earlier = list[int]()
    while generation - len(earlier) - 1 in cuts:
        earlier.append(generation - len(earlier) - 1)
    columns: Any = {name: pc.field(name) for name in ("_kafka_partition", "_kafka_offset", "_kafka_generation")}
    columns |= {"moment": pc.field(bounds.column).cast(pa.int64())}
    columns |= {"produced": pc.field("_kafka_timestamp").cast(pa.int64())}
    found: dict[int, int] = {}
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.execute("CREATE TABLE cuts (p INTEGER, o BIGINT)")
        if cut:
            connection.executemany("INSERT INTO cuts VALUES (?, ?)", list(cut.items()))
        for table in tables:
            released = RELEASED_BY in table_schema(table).names
            where = pc.field(RELEASED_BY).is_null() if released else None
            rows = table.to_pyarrow_dataset().scanner(columns=columns, filter=where).to_reader()
            connection.register("events", rows)
            ahead = bounds.max_ahead // timedelta(microseconds=1)
            parameters = {"generation": generation, "earlier": earlier, "ahead": ahead}
            for p, moment in connection.execute(_MAXIMUM, parameters).fetchall():
                found[p] = max(moment, found.get(p, moment))
            connection.unregister("events")
    return found


_MAXIMUM = """
    SELECT p, max(moment) FROM events JOIN cuts ON _kafka_partition = p
    WHERE moment - produced <= $ahead AND (
        (coalesce(_kafka_generation, 0) = $generation AND _kafka_offset < o)
        OR list_contains($earlier, coalesce(_kafka_generation, 0))
    )
    GROUP BY p
"""
