"""Committed events of a stream whose main table a test fills as it likes, without a broker."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from stream_kit import column, contract

from dataeng_assets.kafka.admin import TopicState
from dataeng_assets.lake.append import append
from dataeng_assets.lake.location import Lake
from dataeng_assets.streams.ingest import make_main
from dataeng_assets.streams.stream import Progress, Stream

SECOND, MINUTE = 1_000_000, 60_000_000
LATE_AFTER = 3 * MINUTE
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
COLUMNS = (
    column("event_id", "string"),
    column("who", "string", nullable=True),
    column("n", "bigint", nullable=True),
    column("x", "double", nullable=True),
    column("timestamp", "timestamp"),
)


def stream_of(name: str, lake: Lake) -> Stream:
    return Stream(name, name, "events", contract(COLUMNS, late_after=timedelta(microseconds=LATE_AFTER)), lake)


@dataclass(frozen=True)
class Event:
    """One record of the topic."""

    partition: int
    moment: int
    who: str | None = "a"
    n: int | None = 1
    x: float | None = 0.5
    offset: int = -1

    @property
    def place(self) -> tuple[int, int, int]:
        return self.moment, self.partition, self.offset


@dataclass
class Committed:
    """A stream whose main table the test fills; late events take an offset and no row."""

    stream: Stream
    allowed: int = 0
    main: list[Event] = field(default_factory=list)
    log: dict[int, list[Event]] = field(default_factory=dict)
    newest: dict[int, int] = field(default_factory=dict)
    commits: int = 0

    def drain(self, events: Iterable[Event]) -> None:
        """One commit of events, each at the end of its partition."""
        taken: list[Event] = []
        for event in events:
            of = self.log.setdefault(event.partition, [])
            event = replace(event, offset=len(of))
            of.append(event)
            newest = self.newest.get(event.partition)
            if newest is None or event.moment >= newest - LATE_AFTER - self.allowed:
                taken.append(event)
            self.newest[event.partition] = max(event.moment, newest if newest is not None else event.moment)
        self.main += taken
        self._commit(taken)

    def _commit(self, events: Sequence[Event]) -> None:
        table, names = make_main(self.stream), Progress(self.stream.name, "id")
        schema = self.stream.main_schema()
        self.commits += 1
        progress = {names.commits: self.commits, names.topic: self.commits, names.routing(self.stream.routing): 1}
        for partition, of in self.log.items():
            progress |= {names.next_offset(partition): len(of), names.first_offset(partition): 0}
            progress |= {names.max_event_time(partition): self.newest[partition]}
        rows = pa.Table.from_pylist(
            [_row(event) for event in events], schema=pa.schema([one.with_nullable(True) for one in schema])
        )
        append(table, rows, transactions=progress)

    def topic(self, behind: Iterable[int] = ()) -> TopicState:
        """The topic, with unread records in some partitions."""
        ends = {partition: len(of) + (partition in behind) for partition, of in self.log.items()}
        return TopicState(self.stream.topic, "id", dict.fromkeys(ends, 0), ends)


def _row(event: Event) -> dict[str, Any]:
    when = EPOCH + timedelta(microseconds=event.moment)
    return {
        "event_id": f"{event.partition}/{event.offset}",
        **{name: getattr(event, name) for name in ("who", "n", "x")},
        "timestamp": when,
        "_kafka_partition": event.partition,
        "_kafka_offset": event.offset,
        "_kafka_timestamp": when,
        "_ingested_at": when,
        "_run_id": "run",
        "event_date": when.date(),
    }
