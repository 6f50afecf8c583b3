"""Publishing an interval join: how far both streams are, and which rows an event of either can change.

What is done with such rows belongs in `derived`.
"""

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import pyarrow as pa
from deltalake import DeltaTable

from dataeng_assets.kafka.admin import Admin, TopicState
from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.lake.attempts import until_committed
from dataeng_assets.streams.derived import pieces
from dataeng_assets.streams.derived import publish as derived
from dataeng_assets.streams.derived.events import Events
from dataeng_assets.streams.derived.interval_join.compute import rows_of
from dataeng_assets.streams.derived.interval_join.definition import LEFT_TIME, IntervalJoin, check, schema
from dataeng_assets.streams.derived.main_input import MainInput
from dataeng_assets.streams.derived.spans import Span, moment, of_days
from dataeng_assets.streams.derived.watermark import watermark
from dataeng_assets.streams.plan import read_committed
from dataeng_assets.streams.stream import EVENT_DATE, Stream


@dataclass(frozen=True)
class JoinReport:
    """What a publication did.

    Attributes:
        key: of the table.
        version: of that table.
        covered: version of each main table, `left` and `right`, up to which every event is counted in published rows.
        published_to: time on the left up to which rows have appeared; None while none has.
        held_back_by: by stream, partitions that have unread records and its smallest watermark.
        replaced: spans of the time on the left that were computed anew.
        rows: that stand in these ranges now.
        most_events: of both streams, that were read at once.
    """

    key: tuple[str, ...]
    version: int
    covered: Mapping[str, int]
    published_to: datetime | None
    held_back_by: Mapping[str, tuple[int, ...]]
    replaced: tuple[Span, ...]
    rows: int
    most_events: int
    seconds: float


@dataclass(frozen=True)
class _Derivation:
    """Joined events as rows that follow from events."""

    join: IntervalJoin
    left: Events
    right: Events

    @property
    def most_events(self) -> int:
        return self.left.most + self.right.most

    @property
    def progress(self) -> str:
        return f"v1/joins/{self.join.name}"

    @property
    def fingerprint(self) -> str:
        return self.join.fingerprint(self.left.stream, self.right.stream)

    @property
    def column(self) -> str:
        return LEFT_TIME

    @property
    def inputs(self) -> Sequence[MainInput]:
        right = MainInput(self.right, self.join.after, self.join.before, "right")
        return MainInput(self.left, name="left"), right

    def closed(self, mark: int) -> int:
        return mark - self.join.after

    def until(self, closed: int) -> int:
        return closed

    def first(self) -> int | None:
        return self.left.first()

    def following(self, span: Span) -> Span:
        return span[0] - self.join.after, span[1] + self.join.before

    def divided(self, span: Span) -> Iterable[Span]:
        return pieces.divided(span, Counter(self.left.sizes) + Counter(self.right.sizes))

    def rows(self, span: Span) -> pa.RecordBatchReader:
        return rows_of(self.join, self.left, self.right, span)


def publish_join(
    key: tuple[str, ...],
    join: IntervalJoin,
    left: tuple[Stream, Cluster],
    right: tuple[Stream, Cluster],
    *,
    run_id: str,
) -> JoinReport:
    """Publish rows that are closed, and compute published ones anew that events of either stream have met since.

    Args:
        key: of the table, on the lake of the stream on the left.
        join: what belongs together.
        left: the stream whose events the rows are about, and where its topic is, whose ends prove it idle.
        right: the stream that is joined to it, likewise.
        run_id: told in the table's history.

    Raises:
        JoinRefused: it cannot be computed over the contracts' events.
        KafkaProblem: with `retryable`.
        TableMissing: one of the streams was never drained.
        Superseded: other publications were quicker, several times.
    """
    check(join, left[0].contract, right[0].contract)
    topics = _described(*left), _described(*right)
    return until_committed(lambda _: publish(key, join, (left[0], right[0]), topics, run_id))


def _described(stream: Stream, cluster: Cluster) -> TopicState:
    with Admin(cluster) as admin:
        return admin.describe(stream.topic)


def publish(
    key: tuple[str, ...],
    join: IntervalJoin,
    streams: tuple[Stream, Stream],
    topics: tuple[TopicState, TopicState],
    run_id: str,
) -> JoinReport:
    """Publish by what the brokers have said of the topics; arguments, result and errors as in `publish_join`."""
    started = time.monotonic()
    target, derivation = _opened(key, join, streams)
    events = derivation.left, derivation.right
    marks = [
        watermark(of.stream, read_committed(of.main, of.stream, topic), topic)
        for of, topic in zip(events, topics, strict=True)
    ]
    report = derived.publish(target, derivation, together(marks), run_id)
    held_back_by = {of.stream.name: behind for of, (_, behind) in zip(events, marks, strict=True) if behind}
    return _told(key, report, held_back_by, derivation.most_events, started)


def publish_join_again(
    key: tuple[str, ...],
    join: IntervalJoin,
    streams: tuple[Stream, Stream],
    days: tuple[date, date],
    *,
    run_id: str,
) -> JoinReport:
    """Compute published rows anew that events of whole days, of either stream, belong to, whatever stands there now.

    Asks no broker, and lets no row appear. Safe while both streams are drained and their join is published.

    Args:
        key: of the table.
        join: what belongs together.
        streams: the left and the right one.
        days: first and last of them, UTC.
        run_id: told in the table's history.

    Raises:
        JoinRefused, TableMissing, Superseded: as in `publish_join`; what was computed until then is right.
    """
    started = time.monotonic()
    check(join, streams[0].contract, streams[1].contract)
    read: list[_Derivation] = []

    def opened() -> tuple[DeltaTable, _Derivation]:
        target, derivation = _opened(key, join, streams)
        read.append(derivation)
        return target, derivation

    report = derived.publish_again(opened, of_days(*days), run_id)
    return _told(key, report, {}, max(one.most_events for one in read), started)


def _opened(key: tuple[str, ...], join: IntervalJoin, streams: tuple[Stream, Stream]) -> tuple[DeltaTable, _Derivation]:
    """The table, and what is to stand in it by the events that are committed after it was opened."""
    left, right = streams
    columns = schema(join, left.contract, right.contract)
    description = f"Events of {left.name} with those of {right.name} that belong to them"
    target = left.lake.create(key, columns, partition_by=[EVENT_DATE], description=description)
    return target, _Derivation(join, *(Events(stream, stream.lake.open(stream.main)) for stream in streams))


def _told(
    key: tuple[str, ...],
    report: derived.Report,
    held_back_by: Mapping[str, tuple[int, ...]],
    most_events: int,
    started: float,
) -> JoinReport:
    return JoinReport(
        key=key,
        version=report.version,
        covered=report.covered,
        published_to=None if report.published_to is None else moment(report.published_to),
        held_back_by=held_back_by,
        replaced=report.replaced,
        rows=report.rows,
        most_events=most_events,
        seconds=time.monotonic() - started,
    )


def together(marks: Sequence[tuple[int | None, tuple[int, ...]]]) -> int | None:
    """The watermark of several streams, as if their partitions were those of one.

    A stream from which everything was read holds nothing back; when that is so for all, it is the largest of theirs.

    Args:
        marks: of each stream, and the partitions with unread records that decided it.
    """
    holding = [mark for mark, behind in marks if behind]
    if not holding:
        return max((mark for mark, _ in marks if mark is not None), default=None)
    return None if None in holding else min(mark for mark in holding if mark is not None)
