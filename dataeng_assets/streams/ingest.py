"""Committing one batch: dead letters and late events first, the main table last.

The main table's commit is what makes a batch done. A crash before it leaves side tables ahead; the next attempt skips
what they have. Each commit goes through the handle on which its table's progress was read, so that of two writers one
is refused. What an exception during a commit means is never guessed: the table is opened again and asked.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from dataeng_assets.lake.append import ProgressGoesBack, Superseded, append, progress
from dataeng_assets.streams.errors import ProgressGap, RoutingChanged
from dataeng_assets.streams.plan import Plan
from dataeng_assets.streams.routing import Routed
from dataeng_assets.streams.stream import DEAD_LETTERS_SCHEMA, EVENT_DATE, Stream

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


def commit_batch(stream: Stream, plan: Plan, batch: Routed, *, run_id: str) -> Committed:
    """Commit a batch to the three tables.

    Raises:
        StalePlan: another drain moved the main table.
        ProgressGap: a side table lacks what the main table has passed.
        RoutingChanged: a side table is ahead by other rules.
    """
    dead = _Target(stream.dead_letters, batch.dead_letters, is_main=False)
    late = _Target(stream.late, batch.late, is_main=False)
    main = _Target(stream.main, batch.main, is_main=True)
    _, dead_rows = _commit(stream, plan, dead, batch, run_id)
    _, late_rows = _commit(stream, plan, late, batch, run_id)
    version, rows = _commit(stream, plan, main, batch, run_id)
    return Committed(version, rows, late_rows, dead_rows)


def _commit(stream: Stream, plan: Plan, target: _Target, batch: Routed, run_id: str) -> tuple[int, int]:
    """The version that has the rows, and how many this commit added."""
    for attempt in range(_ATTEMPTS):
        table = stream.lake.open(target.key)
        decide = _decide_main if target.is_main else _decide_side
        starts = decide(stream, plan, table, target.key)
        if not starts:
            return int(table.version()), 0
        rows = _from(target.rows, starts, plan)
        transactions = _transactions(stream, plan, table, starts)
        if target.is_main:
            transactions |= _main_transactions(plan, batch)
        try:
            return append(table, rows, transactions=transactions, metadata={"run_id": run_id}), len(rows)
        except (Superseded, ProgressGoesBack):
            if attempt == _ATTEMPTS - 1:
                raise
        except Exception:
            # the commit may have happened all the same: a lost answer, a checkpoint that failed after it
            if decide(stream, plan, stream.lake.open(target.key), target.key):
                raise
            return int(stream.lake.open(target.key).version()), len(rows)
    raise AssertionError("the last attempt returns or raises")


def _decide_main(_: Stream, plan: Plan, table: DeltaTable, key: tuple[str, ...]) -> dict[int, int]:
    """From which offset on each partition is to be committed; nothing when the plan is already there."""
    done = {partition: progress(table, plan.names.next_offset(partition)) for partition in plan.ranges}
    planned = {p: plan.committed.next_offsets.get(p) for p in plan.ranges}
    if done == planned:
        return {partition: range_.start for partition, range_ in plan.ranges.items()}
    if all(done[partition] == range_.end for partition, range_ in plan.ranges.items()):
        return {}
    raise StalePlan(
        f"Another drain has committed to {'.'.join(key)} since this batch was planned. Its rows are safe and nothing "
        "of this batch was committed there. The next run goes on from there."
    )


def _decide_side(stream: Stream, plan: Plan, table: DeltaTable, key: tuple[str, ...]) -> dict[int, int]:
    starts, ahead = {}, []
    for partition, range_ in plan.ranges.items():
        done = progress(table, plan.names.next_offset(partition))
        known = partition in plan.committed.next_offsets
        if done is None:
            # a side table may be younger than its stream only when the rules changed since
            if known and plan.committed.routing:
                raise _gap(key, partition, "nothing", range_.start)
            starts[partition] = range_.start
            continue
        if known and done < range_.start:
            raise _gap(key, partition, f"offsets up to {done}", range_.start)
        if done > range_.start:
            ahead.append(partition)
        if done < range_.end:
            starts[partition] = max(done, range_.start)
    commits = progress(table, plan.names.commits)
    if ahead and progress(table, plan.names.routing(stream.routing)) != commits:
        raise RoutingChanged(
            f"{'.'.join(key)} holds records of partitions {ahead} that {'.'.join(stream.main)} does not: a run ended "
            "between the two, and since then the contract or the bounds changed. Nothing was committed. Put the "
            "contract of before back until one run has succeeded, then change it again."
        )
    return starts


def _gap(key: tuple[str, ...], partition: int, found: str, start: int) -> ProgressGap:
    return ProgressGap(
        f"{'.'.join(key)} has {found} of partition {partition}, but the main table has passed offset {start}: the "
        "table was deleted or restored to an older version. Nothing was committed, and the main table is safe. "
        "Restore the table to its newest version, or give the stream a new name in its defs.yaml to load it anew."
    )


def _from(rows: pa.Table, starts: Mapping[int, int], plan: Plan) -> pa.Table:
    if all(starts.get(partition) == range_.start for partition, range_ in plan.ranges.items()):
        return rows
    kept = pc.scalar(value=False)
    for partition, start in starts.items():
        here = pc.field("_kafka_partition") == partition
        kept = kept | (here & (pc.field("_kafka_offset") >= start))
    return rows.filter(kept)


def _transactions(stream: Stream, plan: Plan, table: DeltaTable, starts: Mapping[int, int]) -> dict[str, int]:
    names = plan.names
    commit = (progress(table, names.commits) or 0) + 1
    moved = {names.next_offset(partition): plan.ranges[partition].end for partition in starts}
    return {names.commits: commit, names.topic: commit, names.routing(stream.routing): commit, **moved}


def _main_transactions(plan: Plan, batch: Routed) -> dict[str, int]:
    firsts = {plan.names.first_offset(partition): plan.ranges[partition].start for partition in plan.taken_up}
    times = batch.max_event_times.items()
    return firsts | {plan.names.max_event_time(p): moment for p, moment in times if p in plan.ranges}
