"""Draining a topic into its tables: many small batches, until caught up or out of time.

What a batch is belongs in `session`; a process that never ends, in `resident`.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.streams.health.notice import notice_run
from dataeng_assets.streams.ingest import StalePlan
from dataeng_assets.streams.pace import Bounds, Measured, Pace
from dataeng_assets.streams.plan import Plan
from dataeng_assets.streams.session import BatchReport, Session
from dataeng_assets.streams.stream import Stream


@dataclass(frozen=True)
class DrainReport:
    """What a drain did.

    Attributes:
        batches: in order.
        caught_up: whether everything was read that the topic held when the drain started.
        superseded: whether it stopped because another drain got ahead of it; nothing is lost by that.
        new_partitions: partitions that were added to the topic since the stream began.
        lag: offsets between the table and the topic's end when the drain started.
        progress: next offset per partition.
        version: of the main table when the drain ended.
    """

    batches: tuple[BatchReport, ...]
    caught_up: bool
    superseded: bool
    new_partitions: tuple[int, ...]
    lag: int
    progress: Mapping[int, int]
    version: int
    seconds: float

    @property
    def blocked_on_write(self) -> float:
        """Share of the batches' time that went into their commits."""
        total = sum(batch.seconds for batch in self.batches)
        return sum(batch.write_seconds for batch in self.batches) / total if total else 0.0

    @property
    def main(self) -> int:
        """Events committed to the main table."""
        return sum(batch.main for batch in self.batches)

    @property
    def late(self) -> int:
        """Late events set aside."""
        return sum(batch.late for batch in self.batches)

    @property
    def dead_letters(self) -> int:
        """Broken records set aside."""
        return sum(batch.dead_letters for batch in self.batches)


def drain(
    stream: Stream,
    cluster: Cluster,
    *,
    run_id: str,
    budget: timedelta,
    batch_records: int = 100_000,
    records_per_second: float | None = None,
    on_batch: Callable[[BatchReport], None] = lambda _: None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> DrainReport:
    """Read what the topic holds now and commit it.

    Args:
        stream: what to fill.
        cluster: where its topic is.
        run_id: written into every row.
        budget: no batch is started after it; one is always made.
        batch_records: most offsets in a batch; large records and slow commits make it smaller.
        records_per_second: at most so many on average; None for as many as can be.
        on_batch: told after every commit.
        clock: gives `_ingested_at`.

    Raises:
        StreamStopped: a person must decide; see `streams.errors`.
        TooManyBroken: more records of a batch break rules than the contract allows.
        KafkaProblem: with `retryable`.
    """
    started = time.monotonic()
    with Session(stream, cluster, run_id=run_id, clock=clock) as session:
        until = session.topic.ends
        batches: list[BatchReport] = []
        superseded = False
        pace = Pace.first(Bounds(records=batch_records, records_per_second=records_per_second))
        plan = first = session.plan(pace.most, until)
        if not plan.is_empty:
            notice_run(stream, until, told_by=run_id)
        while not plan.is_empty and (not batches or _may_start(pace, started + budget.total_seconds())):
            begun = time.monotonic()
            try:
                batches.append(session.run(plan))
            except StalePlan:
                superseded = True
                break
            on_batch(batches[-1])
            pace = pace.after(Measured(batches[-1].offsets, batches[-1].bytes, begun, batches[-1].seconds))
            plan = session.plan(pace.most, until)
        return _report(session, until, first, batches, superseded=superseded, started=started)


def _may_start(pace: Pace, deadline: float) -> bool:
    """Whether another batch may start in time; waits until it may."""
    if max(time.monotonic(), pace.not_before) >= deadline:
        return False
    time.sleep(max(0.0, pace.not_before - time.monotonic()))
    return True


def _report(
    session: Session,
    until: Mapping[int, int],
    first: Plan,
    batches: Sequence[BatchReport],
    *,
    superseded: bool,
    started: float,
) -> DrainReport:
    committed, version = session.committed()
    before, earliest = first.committed.next_offsets, session.topic.earliest
    return DrainReport(
        tuple(batches),
        caught_up=all(committed.next_offsets.get(p, -1) >= end for p, end in until.items()),
        superseded=superseded,
        new_partitions=first.taken_up if first.committed.commits is not None else (),
        lag=sum(end - before.get(p, earliest[p]) for p, end in until.items()),
        progress=committed.next_offsets,
        version=version,
        seconds=time.monotonic() - started,
    )
