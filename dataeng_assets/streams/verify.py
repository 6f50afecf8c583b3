"""Proving that main + dead letters + late + accepted gaps is what the topic holds, offset by offset.

Reads the topic's offsets again and compares them with the offsets in the three tables, in pieces of bounded size. What
the broker no longer retains can only be compared with itself. Nothing is written.
"""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from dataeng_assets.kafka.admin import Admin, TopicState
from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.kafka.reader import open_reader
from dataeng_assets.kafka.records import Range, Reader
from dataeng_assets.lake.location import TableMissing
from dataeng_assets.streams.gaps import AcceptedGap, accepted_gaps
from dataeng_assets.streams.plan import Committed, read_committed
from dataeng_assets.streams.stored import Run, places
from dataeng_assets.streams.stream import RELEASED_BY, Stream

_OFFSETS_AT_ONCE = 200_000


@dataclass(frozen=True)
class PartitionProof:
    """One partition: what was read, `[first, progress)`, against what stands in the tables.

    Attributes:
        earliest: first offset that the broker retains.
        end: the broker's last stable offset.
        held: records that the broker holds of what was read.
        main: rows in the main table, without those released from the dead letters, as `late` and `dead_letters` in
            theirs. A side table may be ahead of the main one where a run was interrupted; what it holds beyond the main
            table's progress does not count yet.
        released: rows in the main table that were released from the dead letters.
        doubled: rows beyond the first of their offset, over the three tables, and so among the released ones.
        gaps: offsets that stand in no table and that a person accepted as lost.
        missing: records of the broker that were passed and stand in no table, nor in an accepted gap.
        unexpected: rows whose offset holds no record at the broker, or lies outside of what was read; released ones
            that stand in no dead letter.
        unproved: offsets that stand in no table and are no longer retained: they may have held a record or not.
            Rows whose record the broker has compacted away are taken as right.
    """

    partition: int
    first: int
    progress: int
    earliest: int
    end: int
    held: int
    main: int
    late: int
    dead_letters: int
    released: int
    doubled: int
    gaps: int
    missing: int
    unexpected: int
    unproved: int

    @property
    def difference(self) -> int:
        """Offsets and rows that should not be as they are."""
        return self.doubled + self.missing + self.unexpected


@dataclass(frozen=True)
class Reconciliation:
    """The proof for all partitions.

    Attributes:
        accepted: everything that was ever accepted as lost, of former topics under the name, too.
    """

    partitions: Sequence[PartitionProof]
    accepted: Sequence[AcceptedGap] = ()

    @property
    def holds(self) -> bool:
        """Whether no offset is missing, doubled or unexpected."""
        return not any(proof.difference for proof in self.partitions)

    @property
    def decided(self) -> bool:
        """Whether every offset could be compared; a difference that was found is decided, too."""
        return not self.holds or (bool(self.partitions) and not any(proof.unproved for proof in self.partitions))


def verify(stream: Stream, cluster: Cluster) -> Reconciliation:
    """Compare the tables with the topic.

    Raises:
        TableMissing: the stream was never drained.
        TopicRecreated: the table was filled from another topic of that name.
        KafkaProblem: with `retryable`.
    """
    with Admin(cluster) as admin:
        topic, compacts = admin.describe(stream.topic), admin.compacts(stream.topic)
    # the side tables are read after it: they may be ahead of what it says, never behind
    main = stream.lake.open(stream.main)
    committed = read_committed(main, stream, topic)
    if not committed.next_offsets:
        raise TableMissing(
            f"Table {'.'.join(stream.main)} holds nothing of topic {stream.topic} yet, so there is nothing to compare. "
            "Materialize it first."
        )
    with (
        tempfile.TemporaryDirectory(prefix="dataeng-verify-") as folder,
        duckdb.connect(config={"threads": 2, "temp_directory": folder}) as connection,
        open_reader(cluster, stream.topic) as reader,
    ):
        connection.execute("CREATE TABLE stored (place VARCHAR, p INTEGER, o BIGINT)")
        connection.execute("CREATE TABLE gaps (p INTEGER, lo BIGINT, hi BIGINT)")
        sides = {"late": stream.late, "dead_letters": stream.dead_letters}
        tables = {"main": main, **{place: stream.lake.open(key) for place, key in sides.items()}}
        for place, table in tables.items():
            connection.register("rows", places(table))
            connection.execute(_STORE, [place, committed.generation])
            connection.unregister("rows")
        connection.execute("CREATE TABLE held (p INTEGER, o BIGINT)")
        for records in _retained(reader, topic, committed):
            connection.register("records", records.select(["partition", "offset"]))
            connection.execute('INSERT INTO held SELECT partition, "offset" FROM records')
        accepted = accepted_gaps(stream)
        runs = [one.gap.run for one in accepted if one.gap.run]
        return Reconciliation(_compare(connection, topic, committed, runs, compacts=compacts), accepted)


def _retained(reader: Reader, topic: TopicState, committed: Committed) -> Iterator[pa.Table]:
    """What the broker still holds of the offsets that were passed, in pieces."""
    left = {
        p: Range(max(committed.first_offsets[p], topic.earliest[p]), min(end, topic.ends[p]))
        for p, end in committed.next_offsets.items()
    }
    share = max(1, _OFFSETS_AT_ONCE // max(1, len(left)))
    while left := {p: range_ for p, range_ in left.items() if range_.start < range_.end}:
        piece = {p: Range(range_.start, min(range_.end, range_.start + share)) for p, range_ in left.items()}
        yield reader.read(piece)
        left = {p: Range(piece[p].end, range_.end) for p, range_ in left.items()}


_STORE = f"""
    INSERT INTO stored SELECT CASE WHEN {RELEASED_BY} IS NOT NULL THEN 'released' ELSE ? END, _kafka_partition,
        _kafka_offset FROM rows WHERE coalesce(_kafka_generation, 0) = ?
"""
# `offsets` has one row per partition and offset that stands in a table or at the broker.
_COMPARISON = """
    WITH places AS (
        SELECT p, o, place FROM stored JOIN ranges USING (p) WHERE place = 'main' OR o < next
        UNION ALL SELECT p, o, 'held' FROM held
    ), offsets AS (
        SELECT p, o,
            count(*) FILTER (place = 'main') AS main,
            count(*) FILTER (place = 'late') AS late,
            count(*) FILTER (place = 'dead_letters') AS dead,
            count(*) FILTER (place = 'released') AS released,
            count(*) FILTER (place NOT IN ('held', 'released')) AS stored,
            count(*) FILTER (place = 'held') > 0 AS held
        FROM places GROUP BY p, o
    ), judged AS (
        SELECT offsets.*, coalesce(o < gaps.hi, false) AS accepted
        FROM offsets ASOF LEFT JOIN gaps ON offsets.p = gaps.p AND offsets.o >= gaps.lo
    )
    SELECT p, count(*) FILTER (held), coalesce(sum(main), 0), coalesce(sum(late), 0), coalesce(sum(dead), 0),
        coalesce(sum(released), 0),
        coalesce(sum(greatest(stored - 1, 0) + greatest(released - 1, 0)), 0),
        count(*) FILTER (held AND stored = 0 AND NOT accepted),
        count(*) FILTER (
            released > dead
            OR (stored > 0 AND (o < first OR o >= next OR (NOT held AND o >= earliest AND NOT $compacts)))
        ),
        count(*) FILTER (stored > 0 AND o >= first AND o < least(earliest, next) AND NOT accepted),
        count(*) FILTER (stored > 0 AND accepted)
    FROM ranges LEFT JOIN judged USING (p) GROUP BY p ORDER BY p
"""


def _compare(
    connection: duckdb.DuckDBPyConnection,
    topic: TopicState,
    committed: Committed,
    runs: Sequence[Run],
    *,
    compacts: bool,
) -> tuple[PartitionProof, ...]:
    bounds = {p: (committed.first_offsets[p], end, topic.earliest[p]) for p, end in committed.next_offsets.items()}
    connection.execute("CREATE TABLE ranges (p INTEGER, first BIGINT, next BIGINT, earliest BIGINT)")
    connection.executemany("INSERT INTO ranges VALUES (?, ?, ?, ?)", [(p, *bound) for p, bound in bounds.items()])
    accepted = [run for run in runs if run.generation == committed.generation and run.partition in bounds]
    if accepted:
        connection.executemany("INSERT INTO gaps VALUES (?, ?, ?)", [run[1:] for run in accepted])
    found = connection.execute(_COMPARISON, {"compacts": compacts}).fetchall()
    proofs = []
    for p, held, main, late, dead, released, doubled, missing, unexpected, kept, in_gaps in found:
        first, next_, earliest = bounds[p]
        gaps = [Range(run.start, run.end) for run in accepted if run.partition == p]
        no_longer_held = Range(first, min(earliest, next_))
        proofs.append(
            PartitionProof(
                partition=p,
                first=first,
                progress=next_,
                earliest=earliest,
                end=topic.ends[p],
                held=held,
                main=main,
                late=late,
                dead_letters=dead,
                released=released,
                doubled=doubled,
                missing=missing,
                unexpected=unexpected,
                gaps=_length(gaps, Range(first, next_)) - in_gaps,
                unproved=max(0, no_longer_held.end - first) - kept - _length(gaps, no_longer_held),
            )
        )
    return tuple(proofs)


def _length(gaps: Sequence[Range], within: Range) -> int:
    """Offsets that lie in gaps, which do not overlap, and in a range."""
    return sum(max(0, min(gap.end, within.end) - max(gap.start, within.start)) for gap in gaps)
