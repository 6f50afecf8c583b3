"""Publishing the windows of a stream.

A window's row is a pure function of the events in the main table. What is done with such rows belongs in `derived`.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

import pyarrow as pa
from deltalake import DeltaTable

from dataeng_assets.kafka.admin import Admin, TopicState
from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.lake.attempts import until_committed
from dataeng_assets.streams.derived import pieces
from dataeng_assets.streams.derived import publish as derived
from dataeng_assets.streams.derived.events import Events
from dataeng_assets.streams.derived.spans import Span, moment, of_days, ranges
from dataeng_assets.streams.derived.watermark import watermark
from dataeng_assets.streams.plan import read_committed
from dataeng_assets.streams.stream import Stream
from dataeng_assets.streams.windows.compute import rows_of
from dataeng_assets.streams.windows.definition import Windows, check, default_windows, schema
from dataeng_assets.streams.windows.kinds import Kind


@dataclass(frozen=True)
class WindowReport:
    """What a publication did.

    Attributes:
        key: of the table of windows.
        version: of that table.
        covered: version of the main table up to which every event is counted where its window is published.
        published_to: end of the last closed window; None while none has closed.
        held_back_by: partitions that have unread records and the smallest watermark.
        column: by which rows are told apart and replaced.
        replaced: ranges of that column that were computed anew.
        rows: that stand in these ranges now.
        most_events: that were read at once.
    """

    key: tuple[str, ...]
    version: int
    covered: int
    published_to: datetime | None
    held_back_by: tuple[int, ...]
    column: Literal["window_start", "window_end"]
    replaced: tuple[tuple[datetime, datetime], ...]
    rows: int
    most_events: int
    seconds: float


@dataclass(frozen=True)
class _Main:
    """The main table as an input of windows."""

    events: Events
    kind: Kind
    name: str = "main"

    @property
    def version(self) -> int:
        return self.events.version

    def touched(self, covered: int, before: int) -> Iterator[Span]:
        cells: set[int] = set()
        for moments in self.events.touched(covered):
            cells.update(self.kind.cells(moments[moments < before]))
        yield from map(self.kind.touched, sorted(cells))


@dataclass(frozen=True)
class _Derivation:
    """Windows as rows that follow from events."""

    windows: Windows
    events: Events
    published: DeltaTable

    @property
    def progress(self) -> str:
        return f"v1/windows/{self.events.stream.name}"

    @property
    def fingerprint(self) -> str:
        return self.windows.fingerprint(self.events.stream.contract)

    @property
    def column(self) -> str:
        return self.windows.kind.column

    @property
    def inputs(self) -> Sequence[_Main]:
        return (_Main(self.events, self.windows.kind),)

    def closed(self, mark: int) -> int:
        return self.windows.kind.closed(mark)

    def until(self, closed: int) -> int:
        return self.windows.kind.until(closed)

    def first(self) -> int | None:
        first = self.events.first()
        return None if first is None else self.windows.kind.touched(first)[0]

    def following(self, span: Span) -> Span:
        return self.windows.kind.touched(span[0])[0], self.windows.kind.touched(span[1] - 1)[1]

    def divided(self, span: Span) -> Iterable[Span]:
        return pieces.divided(span, self.events.sizes, self.windows.kind.align)

    def rows(self, span: Span) -> pa.Table:
        return rows_of(self.windows, self.events, self.published, span)


def publish_windows(stream: Stream, cluster: Cluster, *, run_id: str, windows: Windows | None = None) -> WindowReport:
    """Publish windows that have closed, and compute published ones anew that events have met since.

    Args:
        stream: whose main table is read.
        cluster: asked for the topic's ends, which prove that a partition is idle.
        run_id: told in the table's history.
        windows: which of the stream's; by event type, in the stream's length, when none is given.

    Raises:
        WindowsRefused: they cannot be computed over the contract's events.
        KafkaProblem: with `retryable`.
        TableMissing: the stream was never drained.
        Superseded: other publications were quicker, several times.
    """
    chosen = _chosen(stream, windows)
    with Admin(cluster) as admin:
        topic = admin.describe(stream.topic)
    return until_committed(lambda _: publish(stream, chosen, topic, run_id))


def publish(stream: Stream, windows: Windows, topic: TopicState, run_id: str) -> WindowReport:
    """Publish by what the broker has said of the topic; arguments, result and errors as in `publish_windows`."""
    started = time.monotonic()
    target, derivation = _opened(stream, windows)
    events = derivation.events
    mark, held_back_by = watermark(stream, read_committed(events.main, stream, topic), topic)
    report = derived.publish(target, derivation, mark, run_id)
    return _told(windows, stream, report, held_back_by, events.most, started)


def publish_windows_again(
    stream: Stream, days: tuple[date, date], *, run_id: str, windows: Windows | None = None
) -> WindowReport:
    """Compute published windows anew that events of whole days can be in, whatever stands there now.

    Asks no broker, and lets no window appear. Safe while the stream is drained and its windows are published.

    Args:
        stream: whose main table is read.
        days: first and last of them, UTC.
        run_id: told in the table's history.
        windows: which of the stream's; by event type, in the stream's length, when none is given.

    Raises:
        WindowsRefused, TableMissing, Superseded: as in `publish_windows`; what was computed until then is right.
    """
    started, chosen = time.monotonic(), _chosen(stream, windows)
    read: list[Events] = []

    def opened() -> tuple[DeltaTable, _Derivation]:
        target, derivation = _opened(stream, chosen)
        read.append(derivation.events)
        return target, derivation

    report = derived.publish_again(opened, of_days(*days), run_id)
    return _told(chosen, stream, report, (), max(events.most for events in read), started)


def _chosen(stream: Stream, windows: Windows | None) -> Windows:
    chosen = windows or default_windows(stream.contract, stream.window_minutes)
    check(chosen, stream.contract)
    return chosen


def _opened(stream: Stream, windows: Windows) -> tuple[DeltaTable, _Derivation]:
    """The table of windows, and what is to stand in it by the events that are committed after it was opened."""
    key, columns = stream.window_table(windows.name), schema(windows, stream.contract)
    description = f"Windows {windows.name} of {stream.name}"
    target = stream.lake.create(key, columns, partition_by=["window_date"], description=description)
    return target, _Derivation(windows, Events(stream, stream.lake.open(stream.main)), target)


def _told(
    windows: Windows, stream: Stream, report: derived.Report, held_back_by: tuple[int, ...], most: int, started: float
) -> WindowReport:
    return WindowReport(
        key=stream.window_table(windows.name),
        version=report.version,
        covered=report.covered["main"],
        published_to=None if report.published_to is None else moment(report.published_to),
        held_back_by=held_back_by,
        column=windows.kind.column,
        replaced=ranges(report.replaced),
        rows=report.rows,
        most_events=most,
        seconds=time.monotonic() - started,
    )
