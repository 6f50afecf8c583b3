"""Draining a topic into its tables: many small batches, until caught up or out of time.

What a batch reads is decided in `plan`, where its records go in `routing`, and how it is committed in `ingest`. Memory
follows the size of a batch.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from dataeng_assets.kafka.admin import Admin, TopicState
from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.kafka.errors import OffsetsGone
from dataeng_assets.kafka.reader import open_reader
from dataeng_assets.kafka.records import Reader
from dataeng_assets.streams.errors import OffsetsLost, TopicRecreated
from dataeng_assets.streams.ingest import StalePlan, commit_batch, make_tables
from dataeng_assets.streams.plan import Plan, plan_batch, read_committed
from dataeng_assets.streams.routing import route
from dataeng_assets.streams.stream import Progress, Stream
from dataeng_assets.streams.validate import Validator, refuse_batch


@dataclass(frozen=True)
class BatchReport:
    """One committed batch.

    Attributes:
        version: of the main table.
        offsets: that the batch passed; those that hold no record count.
        main: rows that this batch added; less than it read where an attempt before it was interrupted, as with `late`
            and `dead_letters`.
        taken_up: partitions that the stream did not know before.
        seconds: from its plan to its commit.
    """

    version: int
    offsets: int
    main: int
    late: int
    dead_letters: int
    taken_up: tuple[int, ...]
    seconds: float


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
    on_batch: Callable[[BatchReport], None] = lambda _: None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> DrainReport:
    """Read what the topic holds now and commit it.

    Args:
        stream: what to fill.
        cluster: where its topic is.
        run_id: written into every row.
        budget: no batch is started after it; one is always made.
        batch_records: most offsets in a batch.
        on_batch: told after every commit.
        clock: gives `_ingested_at`.

    Raises:
        StreamStopped: a person must decide; see `streams.errors`.
        TooManyBroken: more records of a batch break rules than the contract allows.
        KafkaProblem: with `retryable`.
    """
    started = time.monotonic()
    with (
        Admin(cluster) as admin,
        open_reader(cluster, stream.topic) as reader,
        Validator(stream.contract) as validator,
    ):
        topic = admin.describe(stream.topic)
        until = topic.ends
        make_tables(stream)
        batches: list[BatchReport] = []
        superseded = False
        plan = first = _plan(stream, topic, until, batch_records)
        while not plan.is_empty and (not batches or time.monotonic() - started < budget.total_seconds()):
            try:
                report, topic = _batch(stream, admin, reader, validator, plan, run_id, clock)
            except StalePlan:
                superseded = True
                break
            batches.append(report)
            on_batch(report)
            plan = _plan(stream, topic, until, batch_records)
        return _report(stream, topic, until, first, batches, superseded=superseded, started=started)


def _report(
    stream: Stream,
    topic: TopicState,
    until: Mapping[int, int],
    first: Plan,
    batches: Sequence[BatchReport],
    *,
    superseded: bool,
    started: float,
) -> DrainReport:
    table = stream.lake.open(stream.main)
    committed = read_committed(table, stream, topic)
    return DrainReport(
        tuple(batches),
        caught_up=all(committed.next_offsets.get(p, -1) >= end for p, end in until.items()),
        superseded=superseded,
        new_partitions=first.taken_up if first.committed.commits is not None else (),
        lag=sum(end - first.committed.next_offsets.get(p, topic.earliest[p]) for p, end in until.items()),
        progress=committed.next_offsets,
        version=int(table.version()),
        seconds=time.monotonic() - started,
    )


def _plan(stream: Stream, topic: TopicState, until: Mapping[int, int], batch_records: int) -> Plan:
    committed = read_committed(stream.lake.open(stream.main), stream, topic)
    return plan_batch(committed, topic, Progress(stream.name, topic.id), budget=batch_records, until=until)


def _batch(
    stream: Stream,
    admin: Admin,
    reader: Reader,
    validator: Validator,
    plan: Plan,
    run_id: str,
    clock: Callable[[], datetime],
) -> tuple[BatchReport, TopicState]:
    started = time.monotonic()
    try:
        records = reader.read(plan.ranges)
    except OffsetsGone as error:
        raise OffsetsLost(
            f"{error}. It was there when the batch was planned, so the topic's retention passed it, or the topic was "
            "deleted, in between. Nothing of this batch was committed. Run again: the next plan says what is lost."
        ) from error
    topic = admin.describe(stream.topic)
    if topic.id != plan.names.topic_id:
        raise TopicRecreated(
            f"Topic {stream.topic} was deleted and made again while a batch was read (id {plan.names.topic_id}, now "
            f"{topic.id}). Nothing of this batch was committed; what was committed before is safe."
        )
    validated = validator.validate(records["value"])
    refuse_batch(stream.contract, stream.name, validated)
    batch = route(stream, records, validated, plan.committed.max_event_times, ingested_at=clock(), run_id=run_id)
    committed = commit_batch(stream, plan, batch, run_id=run_id)
    report = BatchReport(
        committed.version,
        plan.offsets,
        committed.main,
        committed.late,
        committed.dead_letters,
        taken_up=plan.taken_up,
        seconds=time.monotonic() - started,
    )
    return report, topic
