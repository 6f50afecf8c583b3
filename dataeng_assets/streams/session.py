"""A stream that is being read: its connections, kept open, and one batch after another.

The one way from a topic into the tables: `drain` calls it until it has caught up, `resident` for as long as it lives.
What a batch reads is decided in `plan`, where its records go in `routing`, and how it is committed in `ingest`. Memory
follows the size of a batch.
"""

import time
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

import pyarrow as pa

from dataeng_assets.kafka.admin import Admin, TopicState
from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.kafka.errors import OffsetsGone
from dataeng_assets.kafka.reader import open_reader
from dataeng_assets.lake.kept import KeptTables
from dataeng_assets.streams.errors import GO_ON, OffsetsLost, TopicRecreated
from dataeng_assets.streams.health.notice import notice_contract, notice_schemas
from dataeng_assets.streams.ingest import commit_batch, make_tables, refuse_new_columns_between_tables
from dataeng_assets.streams.plan import Committed, Plan, plan_batch, read_committed
from dataeng_assets.streams.removed import refuse_removed
from dataeng_assets.streams.rewind import finish
from dataeng_assets.streams.routing import route
from dataeng_assets.streams.savepoints import take_before_new_rules
from dataeng_assets.streams.stream import Stream
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
        bytes: of the records as they were read, in memory.
        read_seconds: until the records were there.
        write_seconds: of the commits.
        seconds: from its plan to its commit.
    """

    version: int
    offsets: int
    main: int
    late: int
    dead_letters: int
    taken_up: tuple[int, ...]
    bytes: int
    read_seconds: float
    write_seconds: float
    seconds: float


class Session:
    """Connections to a stream's topic, and what its tables hold. Use it as a context.

    Args:
        stream: what to fill.
        cluster: where its topic is.
        run_id: written into every row.
        clock: gives `_ingested_at`.

    Raises:
        TopicMissing: there is no such topic.
        RowsRemoved: somebody removed rows from the stream's tables.
        KafkaProblem: with `retryable`.
    """

    def __init__(
        self,
        stream: Stream,
        cluster: Cluster,
        *,
        run_id: str,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._stream, self._run_id, self._clock = stream, run_id, clock
        self._tables = KeptTables(stream.lake)
        with ExitStack() as opened:
            self._admin = opened.enter_context(Admin(cluster))
            self._reader = opened.enter_context(open_reader(cluster, stream.topic))
            self._validator = opened.enter_context(Validator(stream.contract, stream.schemas()))
            self._topic = self._admin.describe(stream.topic)
            finish(stream, self._topic.ends)
            take_before_new_rules(stream, self._topic, taken_by=run_id)
            refuse_new_columns_between_tables(stream, self._topic)
            make_tables(stream)
            refuse_removed(stream, self._topic.ends)
            notice_contract(stream, self._topic, told_by=run_id)
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    @property
    def topic(self) -> TopicState:
        """The topic as it was when it was last asked."""
        return self._topic

    def look(self) -> TopicState:
        """Ask the topic for its ends as they are now."""
        self._topic = self._admin.describe(self._stream.topic)
        return self._topic

    def committed(self) -> tuple[Committed, int]:
        """What the main table says, and its version."""
        table = self._tables.open(self._stream.main)
        return read_committed(table, self._stream, self._topic), int(table.version())

    def plan(self, most: int, until: Mapping[int, int], only: Collection[int] | None = None) -> Plan:
        """Decide what the next batch reads.

        Args:
            most: offsets in it.
            until: no partition is read beyond this; one that is not in it is read to its end.
            only: partitions that are read; all when None.

        Raises:
            StreamStopped: a person must decide; see `streams.errors`.
        """
        committed, _ = self.committed()
        names = committed.names(self._stream, self._topic)
        return plan_batch(committed, self._topic, names, budget=most, until=until, only=only)

    def run(self, plan: Plan) -> BatchReport:
        """Read what was planned and commit it.

        Raises:
            StalePlan: another drain was quicker; nothing is lost by that, plan anew.
            StreamStopped: a person must decide; see `streams.errors`.
            TooManyBroken: more records of the batch break rules than the contract allows.
            KafkaProblem: with `retryable`.
        """
        stream = self._stream
        started = time.monotonic()
        records = self._read(plan)
        read = time.monotonic()
        validated = self._validator.validate(records)
        refuse_batch(stream.contract, stream.name, validated)
        if found := self._validator.new_schemas:
            notice_schemas(stream, records, found, told_by=self._run_id)
        before = plan.committed.max_event_times
        batch = route(
            stream,
            records,
            validated,
            before,
            ingested_at=self._clock(),
            run_id=self._run_id,
            generation=plan.names.generation,
        )
        routed = time.monotonic()
        committed = commit_batch(stream, plan, batch, self._tables, run_id=self._run_id)
        ended = time.monotonic()
        return BatchReport(
            committed.version,
            plan.offsets,
            committed.main,
            committed.late,
            committed.dead_letters,
            taken_up=plan.taken_up,
            bytes=records.nbytes,
            read_seconds=read - started,
            write_seconds=ended - routed,
            seconds=ended - started,
        )

    def _read(self, plan: Plan) -> pa.Table:
        topic = self._stream.topic
        try:
            records = self._reader.read(plan.ranges)
        except OffsetsGone as error:
            raise OffsetsLost(
                f"{error}. It was there when the batch was planned, so the topic's retention passed it, or the topic "
                "was deleted, in between. Nothing of this batch was committed. Run again: the next plan says what is "
                f"lost, and `dataeng stream accept-gap {self._stream.name} --dry-run` shows it."
            ) from error
        found = self._admin.topic_id(topic)
        if found != plan.names.topic_id:
            raise TopicRecreated(
                f"Topic {topic} was deleted and made again while a batch was read (id {plan.names.topic_id}, now "
                f"{found}). Nothing of this batch was committed. {GO_ON.format(self._stream.name)}"
            )
        return records
