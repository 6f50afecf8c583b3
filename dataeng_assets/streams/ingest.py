"""Committing one batch: dead letters and late events first, the main table last.

The main table's commit is what makes a batch done. A crash before it leaves side tables ahead; the next attempt skips
what they have. Each commit goes through the handle on which its table's progress was read, so that of two writers of a
partition one is refused; writers of other partitions are not in each other's way. What an exception during a commit
means is never guessed: the table is opened again and asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from dataeng_assets.kafka.admin import TopicState
from dataeng_assets.lake.append import ProgressGoesBack, Superseded, append, progress
from dataeng_assets.lake.kept import KeptTables
from dataeng_assets.lake.strict import table_schema
from dataeng_assets.streams.errors import GO_ON, OffsetsLost, ProgressGap, RoutingChanged
from dataeng_assets.streams.plan import Plan, is_routed_by, names_in
from dataeng_assets.streams.removed import refuse_removed_from
from dataeng_assets.streams.routing import Routed
from dataeng_assets.streams.stream import DEAD_LETTERS_SCHEMA, EVENT_DATE, Progress, Stream

_ATTEMPTS = 5


class StalePlan(Exception):
    """Another drain has committed since the plan was made; what it committed is safe, and so is stopping here."""


@dataclass(frozen=True)
class _Target:
    key: tuple[str, ...]
    rows: pa.Table
    is_main: bool


def make_tables(stream: Stream) -> None:
    """Make the stream's tables where they are missing, and add the contract's new columns where they are not."""
    events = stream.events_schema()
    title = stream.contract.description
    create = stream.lake.create
    create(stream.dead_letters, DEAD_LETTERS_SCHEMA, change_feed=True, description=f"Broken records: {title}")
    create(stream.late, events, partition_by=[EVENT_DATE], change_feed=True, description=f"Late events: {title}")
    make_main(stream)


def refuse_new_columns_between_tables(stream: Stream, topic: TopicState) -> None:
    """Look, before tables get columns of a new contract, that the one of before is not still needed to end a batch.

    With the columns there it could no longer be put back.

    Raises:
        RoutingChanged: a side table is ahead of the main one by other rules.
    """
    if not all(stream.lake.exists(key) for key in (stream.main, stream.late, stream.dead_letters)):
        return
    main = stream.lake.open(stream.main)
    if set(stream.main_schema().names) <= set(table_schema(main).names):
        return
    names = names_in(main, stream, topic)
    for key in (stream.dead_letters, stream.late):
        table = stream.lake.open(key)
        begun = {p: progress(main, names.next_offset(p)) for p in topic.ends}
        begun = {p: progress(table, names.first_offset(p)) if at is None else at for p, at in begun.items()}
        ahead = [p for p, at in begun.items() if (progress(table, names.next_offset(p)) or 0) > (at or 0)]
        _refuse_other_routing(stream, names, table, key, ahead)


def make_main(stream: Stream) -> DeltaTable:
    """The table of events, made or given its contract's new columns."""
    title = stream.contract.description
    schema = stream.main_schema()
    return stream.lake.create(stream.main, schema, partition_by=[EVENT_DATE], change_feed=True, description=title)


@dataclass(frozen=True)
class Committed:
    """What a batch added: less than it holds where an attempt before it was interrupted.

    Attributes:
        version: of the main table.
    """

    version: int
    main: int
    late: int
    dead_letters: int


def commit_batch(stream: Stream, plan: Plan, batch: Routed, tables: KeptTables, *, run_id: str) -> Committed:
    """Commit a batch to the three tables, through handles that are kept for the next.

    Raises:
        StalePlan: another drain moved the main table.
        ProgressGap: a side table lacks what the main table has passed.
        RoutingChanged: a side table is ahead by other rules.
    """
    dead = _Target(stream.dead_letters, batch.dead_letters, is_main=False)
    late = _Target(stream.late, batch.late, is_main=False)
    main = _Target(stream.main, batch.main, is_main=True)
    _, dead_rows = _commit(stream, plan, dead, batch, tables, run_id)
    _, late_rows = _commit(stream, plan, late, batch, tables, run_id)
    version, rows = _commit(stream, plan, main, batch, tables, run_id)
    return Committed(version, rows, late_rows, dead_rows)


def _commit(
    stream: Stream, plan: Plan, target: _Target, batch: Routed, tables: KeptTables, run_id: str
) -> tuple[int, int]:
    """The version that has the rows, and how many this commit added."""
    for attempt in range(_ATTEMPTS):
        table = tables.open(target.key)
        decide = _decide_main if target.is_main else _decide_side
        starts = decide(stream, plan, table, target.key)
        if not starts:
            return int(table.version()), 0
        refuse_removed_from(stream, target.key, table, [*plan.committed.next_offsets, *plan.ranges])
        rows = _with_columns_of(table, _from(target.rows, starts, plan))
        transactions = _transactions(stream, plan, table, starts)
        if target.is_main:
            transactions |= _main_transactions(plan, batch)
        try:
            return append(table, rows, transactions=transactions, metadata={"run_id": run_id}), len(rows)
        except (Superseded, ProgressGoesBack):
            tables.forget(target.key)
            if attempt == _ATTEMPTS - 1:
                raise
        except Exception:  # it may be committed all the same: a lost answer, a checkpoint that failed after it
            tables.forget(target.key)
            if decide(stream, plan, tables.open(target.key), target.key):
                raise
            return int(tables.open(target.key).version()), len(rows)
    raise AssertionError("the last attempt returns or raises")


def _decide_main(stream: Stream, plan: Plan, table: DeltaTable, key: tuple[str, ...]) -> dict[int, int]:
    """From which offset on each partition is to be committed; nothing when the plan is already there."""
    done = {partition: progress(table, plan.names.next_offset(partition)) for partition in plan.ranges}
    generation = progress(table, plan.names.generations) or 0
    _refuse_rewound(stream, plan, table, key)
    planned = {p: plan.committed.next_offsets.get(p) for p in plan.ranges}
    if done == planned and generation == plan.names.generation:
        return {partition: range_.start for partition, range_ in plan.ranges.items()}
    if all(done[partition] == range_.end for partition, range_ in plan.ranges.items()):
        return {}
    raise StalePlan(
        f"Another drain has committed to {'.'.join(key)} since this batch was planned. Its rows are safe and nothing "
        "of this batch was committed there. The next run goes on from there."
    )


def _decide_side(stream: Stream, plan: Plan, table: DeltaTable, key: tuple[str, ...]) -> dict[int, int]:
    _refuse_rewound(stream, plan, table, key)
    starts, ahead = {}, []
    for partition, range_ in plan.ranges.items():
        done = progress(table, plan.names.next_offset(partition))
        known = partition in plan.committed.next_offsets
        if done is None:
            # a side table may be younger than its stream only when the rules changed since
            if known and plan.committed.routing:
                raise _gap(stream, key, partition, "nothing", range_.start)
            starts[partition] = range_.start
            continue
        first = progress(table, plan.names.first_offset(partition))
        if not known and first is not None and first < range_.start:
            raise OffsetsLost(
                f"{'.'.join(stream.main)} has nothing of partition {partition}, while {'.'.join(key)} began at offset "
                f"{first}, and the topic no longer has what lies before {range_.start}: the main table was deleted. "
                f"Nothing was committed. {GO_ON.format(stream.name)}"
            )
        if known and done < range_.start:
            raise _gap(stream, key, partition, f"offsets up to {done}", range_.start)
        if done > range_.start:
            ahead.append(partition)
        if done < range_.end:
            starts[partition] = max(done, range_.start)
    _refuse_other_routing(stream, plan.names, table, key, ahead)
    return starts


def _refuse_rewound(stream: Stream, plan: Plan, table: DeltaTable, key: tuple[str, ...]) -> None:
    if (progress(table, stream.rewound) or 0) > plan.committed.rewound:
        raise StalePlan(
            f"{'.'.join(key)} was taken back to an earlier state since this batch was planned. Nothing of this batch "
            "was committed there. The next run goes on from that state."
        )


def _refuse_other_routing(
    stream: Stream, names: Progress, table: DeltaTable, key: tuple[str, ...], ahead: Sequence[int]
) -> None:
    if not all(is_routed_by(table, names, partition, stream.routing) for partition in ahead):
        raise RoutingChanged(
            f"{'.'.join(key)} holds records of partitions {ahead} that {'.'.join(stream.main)} does not: a run ended "
            "between the two, and since then the contract or the bounds changed. Nothing was committed. Put the "
            "contract of before back until one run has succeeded, then change it again."
        )


def _gap(stream: Stream, key: tuple[str, ...], partition: int, found: str, start: int) -> ProgressGap:
    return ProgressGap(
        f"{'.'.join(key)} has {found} of partition {partition}, but the main table has passed offset {start}: the "
        "table was deleted or restored to an older version. Nothing was committed, and the main table is safe. "
        f"Restore the table to its newest version if it still has it. {GO_ON.format(stream.name)}"
    )


def _from(rows: pa.Table, starts: Mapping[int, int], plan: Plan) -> pa.Table:
    if all(starts.get(partition) == range_.start for partition, range_ in plan.ranges.items()):
        return rows
    kept = pc.scalar(value=False)
    for partition, start in starts.items():
        here = pc.field("_kafka_partition") == partition
        kept = kept | (here & (pc.field("_kafka_offset") >= start))
    return rows.filter(kept)


def _with_columns_of(table: DeltaTable, rows: pa.Table) -> pa.Table:
    """The rows, empty in columns that a newer contract has added to the table since this batch was begun."""
    for column in table_schema(table):
        if column.nullable and column.name not in rows.schema.names:
            rows = rows.append_column(column, pa.nulls(len(rows), column.type))
    return rows


def _transactions(stream: Stream, plan: Plan, table: DeltaTable, starts: Mapping[int, int]) -> dict[str, int]:
    names = plan.names
    moved = {names.next_offset(partition): plan.ranges[partition].end for partition in starts}
    for partition in starts:
        if progress(table, names.routings(partition)) is None or not is_routed_by(
            table, names, partition, stream.routing
        ):
            change = (progress(table, names.routings(partition)) or 0) + 1
            moved |= {names.routings(partition): change, names.routed(partition, stream.routing): change}
        moved[stream.checked(partition)] = int(table.version())
    # a partition that is taken up begins here; when the main table is made again, the others tell where it began
    moved |= {name: start for name, start in _first_offsets(plan).items() if progress(table, name) is None}
    begun = progress(table, names.commits)
    if begun is None or progress(table, names.topic) != begun:
        moved |= {names.commits: (begun or 0) + 1, names.topic: (begun or 0) + 1}
    return moved


def _first_offsets(plan: Plan) -> dict[str, int]:
    return {plan.names.first_offset(partition): plan.ranges[partition].start for partition in plan.taken_up}


def _main_transactions(plan: Plan, batch: Routed) -> dict[str, int]:
    times = batch.max_event_times.items()
    return _first_offsets(plan) | {plan.names.max_event_time(p): moment for p, moment in times if p in plan.ranges}
