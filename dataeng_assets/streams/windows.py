"""Tumbling windows over committed events: which are closed, which were touched, and what stands in them.

A window's row is a pure function of the events in the main table; this table can be deleted and made again at any time.
What decides when a row first appears is the watermark: the smallest, over the topic's partitions, of the running
maximum of event time minus the contract's `lateAfter`. A partition from which everything was read holds nothing back;
when that is so for all, the watermark is the largest of theirs. An event that is not late and meets a published window
replaces its row. Events far in the future do not move the watermark; their windows appear when it has passed them.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from dataeng_assets.contracts.checks.sql import quoted
from dataeng_assets.kafka.admin import Admin, TopicState
from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.lake.append import Superseded, append, progress
from dataeng_assets.lake.changes import ChangesGone, changes
from dataeng_assets.lake.replace import replace_range
from dataeng_assets.streams.plan import Committed, read_committed
from dataeng_assets.streams.stream import EVENT_DATE, Stream

_MOMENT = pa.timestamp("us", tz="UTC")
_FIELDS: "list[pa.Field[Any]]" = [
    pa.field("window_start", _MOMENT, nullable=False),
    pa.field("window_end", _MOMENT, nullable=False),
    pa.field("event_type", pa.string()),
    pa.field("records", pa.int64(), nullable=False),
    pa.field("events", pa.int64(), nullable=False),
    pa.field("unique_users", pa.int64(), nullable=False),
    pa.field("window_date", pa.date32(), nullable=False),
]
WINDOWS_SCHEMA = pa.schema(_FIELDS)
"""`records` counts what was delivered, `events` each key of the contract once, `unique_users` distinct `user_id`."""

_ATTEMPTS = 3
_SECOND = 1_000_000
_NEAR = 3600 * _SECOND  # touched windows this close are computed together
_ROWS_AT_ONCE = 2_000_000  # bounds the memory of a computation; days are never divided
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Span = tuple[int, int]
"""Microseconds since 1970, half-open, on the borders of windows."""


@dataclass(frozen=True)
class WindowReport:
    """What a publication did.

    Attributes:
        version: of the table of windows.
        covered: version of the main table up to which every event is counted where its window is published.
        published_to: end of the last closed window; None while none has closed.
        held_back_by: partitions that have unread records and the smallest watermark.
        replaced: ranges of window starts that were computed anew.
        rows: that stand in these ranges now.
    """

    version: int
    covered: int
    published_to: datetime | None
    held_back_by: tuple[int, ...]
    replaced: tuple[tuple[datetime, datetime], ...]
    rows: int
    seconds: float


@dataclass(frozen=True)
class _Names:
    """Names of progress in the table of windows; `v1` is the version of this format."""

    stream: str

    @property
    def commits(self) -> str:
        return f"v1/windows/{self.stream}/commits"

    @property
    def covered(self) -> str:
        return f"v1/windows/{self.stream}/main_version"

    @property
    def published_to(self) -> str:
        return f"v1/windows/{self.stream}/published_to"


def publish_windows(stream: Stream, cluster: Cluster, *, run_id: str) -> WindowReport:
    """Publish windows that have closed, and compute published ones anew that events have met since.

    Args:
        stream: whose main table is read.
        cluster: asked for the topic's ends, which prove that a partition is idle.
        run_id: told in the table's history.

    Raises:
        ValueError: the contract lacks a column that windows count.
        KafkaProblem: with `retryable`.
        TableMissing: the stream was never drained.
        Superseded: other publications were quicker, several times.
    """
    _refuse_contract(stream)
    with Admin(cluster) as admin:
        topic = admin.describe(stream.topic)
    for _ in range(_ATTEMPTS - 1):
        try:
            return _publish(stream, topic, run_id)
        except Superseded:
            continue
    return _publish(stream, topic, run_id)


def _refuse_contract(stream: Stream) -> None:
    names = {column.name for column in stream.contract.columns}
    missing = [name for name in ("event_type", "user_id") if name not in names]
    if missing or not stream.contract.key:
        raise ValueError(
            f"{stream.contract.path}: windows of {stream.name} need the columns event_type and user_id and a primary "
            f"key; missing: {', '.join(missing) or 'a primary key'}. Nothing was published; the events are safe."
        )


def watermark(stream: Stream, committed: Committed, topic: TopicState) -> tuple[int | None, tuple[int, ...]]:
    """Time before which no event that is not late can still come, and which partitions hold it back.

    Returns:
        Microseconds since 1970, None when nothing can be said yet; and the partitions that decided it although they
        have unread records.
    """
    late_after = stream.event_time.late_after // timedelta(microseconds=1)
    marks = {p: moment - late_after for p, moment in committed.max_event_times.items()}
    behind = {p for p, end in topic.ends.items() if committed.next_offsets.get(p, 0) < end}
    if not behind:
        return max(marks.values(), default=None), ()
    unknown = tuple(sorted(behind - set(marks)))
    if unknown:
        return None, unknown
    slowest = min(marks[p] for p in behind)
    return slowest, tuple(sorted(p for p in behind if marks[p] == slowest))


def _publish(stream: Stream, topic: TopicState, run_id: str) -> WindowReport:
    started = time.monotonic()
    description = f"Events of {stream.name} in windows of {stream.window_minutes} minutes"
    target = stream.lake.create(stream.windows, WINDOWS_SCHEMA, partition_by=["window_date"], description=description)
    main = stream.lake.open(stream.main)
    names = _Names(stream.name)
    length = stream.window_minutes * 60 * _SECOND
    before, covered = progress(target, names.published_to), progress(target, names.covered)
    mark, held_back_by = watermark(stream, read_committed(main, stream, topic), topic)
    passed = None if mark is None else mark // length * length
    closed = max((moment for moment in (before, passed) if moment is not None), default=None)
    spans: list[Span] = []
    if closed is not None:
        spans = _spans(stream, main, covered, before, closed, length)
    rows = 0
    commit = progress(target, names.commits) or 0
    for span in spans:
        commit += 1
        found = _compute(stream, main, span, length)
        rows += len(found)
        lo, hi = _moment(span[0]), _moment(span[1])
        # the count of commits makes another publication's commit a conflict
        replace_range(
            target, found, "window_start", lo, hi, transactions={names.commits: commit}, metadata={"run_id": run_id}
        )
    if covered != main.version() or closed != before:
        done = {names.commits: commit + 1, names.covered: main.version()}
        done |= {} if closed is None else {names.published_to: closed}
        append(target, WINDOWS_SCHEMA.empty_table(), transactions=done, metadata={"run_id": run_id})
    return WindowReport(
        version=target.version(),
        covered=main.version(),
        published_to=None if closed is None else _moment(closed),
        held_back_by=held_back_by,
        replaced=tuple((_moment(lo), _moment(hi)) for lo, hi in spans),
        rows=rows,
        seconds=time.monotonic() - started,
    )


def _spans(
    stream: Stream, main: DeltaTable, covered: int | None, before: int | None, closed: int, length: int
) -> list[Span]:
    """What is to be computed: the windows that closed since, and published ones that were touched since."""
    if before is None or covered is None:
        spans = [(_first_window(stream, main, length), closed)]
    else:
        try:
            touched = _touched(stream, covered, main.version(), before, length)
        except ChangesGone:
            touched = [(_first_window(stream, main, length), before)]
        spans = [*touched, (before, closed)]
    sizes = _rows_by_day(main)
    return [part for span in spans if span[0] < span[1] for part in _divide(span, sizes, length)]


def _first_window(stream: Stream, main: DeltaTable, length: int) -> int:
    column = stream.event_time.column
    days = _rows_by_day(main)
    if not days:
        return 0
    first = min(days)
    earliest = main.to_pyarrow_dataset().to_table(columns=[column], filter=pc.field(EVENT_DATE) == first)
    moment: int | None = pc.min(earliest[column].cast(pa.int64())).as_py()
    return 0 if moment is None else moment // length * length


def _touched(stream: Stream, covered: int, version: int, before: int, length: int) -> list[Span]:
    column = stream.event_time.column
    starts: set[int] = set()
    for batch in changes(stream.lake, stream.main, covered, version):
        moments: list[Any] = pc.unique(batch.column(column).cast(pa.int64())).to_pylist()
        starts.update(moment // length * length for moment in moments)
    spans: list[Span] = []
    for start in sorted(start for start in starts if start < before):
        if spans and start - spans[-1][1] <= _NEAR:
            spans[-1] = (spans[-1][0], start + length)
        else:
            spans.append((start, start + length))
    return spans


def _rows_by_day(main: DeltaTable) -> dict[date, int]:
    sizes: dict[date, int] = {}
    actions = pa.table(main.get_add_actions(flatten=True))
    days: list[Any] = actions[f"partition.{EVENT_DATE}"].to_pylist()
    counts: list[Any] = actions["num_records"].to_pylist()
    for day, count in zip(days, counts, strict=True):
        sizes[day] = sizes.get(day, 0) + (count or 0)
    return sizes


def _divide(span: Span, sizes: Mapping[date, int], length: int) -> Iterator[Span]:
    """Cut a span between days, so that each part holds a bounded number of rows or one day."""
    start, rows = span[0], 0
    for day in sorted(sizes):
        border = _micros(day) // length * length
        if not span[0] < border + 86_400 * _SECOND or border >= span[1]:
            continue
        if rows and rows + sizes[day] > _ROWS_AT_ONCE and border > start:
            yield start, border
            start, rows = border, 0
        rows += sizes[day]
    yield start, span[1]


def _compute(stream: Stream, main: DeltaTable, span: Span, length: int) -> pa.Table:
    """The rows of the windows that start in the span, from the events in the files of its days."""
    column = stream.event_time.column
    wanted = (
        (pc.field(EVENT_DATE) >= _moment(span[0]).date())
        & (pc.field(EVENT_DATE) <= _moment(span[1] - 1).date())
        & (pc.field(column) >= pa.scalar(_moment(span[0]), _MOMENT))
        & (pc.field(column) < pa.scalar(_moment(span[1]), _MOMENT))
    )
    names = list(dict.fromkeys([column, "event_type", "user_id", *stream.contract.key]))
    events = main.to_pyarrow_dataset().scanner(columns=names, filter=wanted).to_reader()
    key = ", ".join(quoted(name) for name in stream.contract.key)
    moment = f"epoch_us({quoted(column)})"
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.register("events", events)
        found = connection.sql(
            f"SELECT {moment} - (({moment} % {length}) + {length}) % {length} AS start, event_type, "
            f"count(*) AS records, count(DISTINCT row({key})) AS events, count(DISTINCT user_id) AS unique_users "
            "FROM events GROUP BY ALL ORDER BY start, event_type"
        ).to_arrow_table()
    return _rows(found, length)


def _rows(found: pa.Table, length: int) -> pa.Table:
    start = found["start"]
    columns: dict[str, Any] = {
        "window_start": start.cast(_MOMENT),
        "window_end": pc.add(start, pa.scalar(length, pa.int64())).cast(_MOMENT),
        **{name: found[name] for name in ("event_type", "records", "events", "unique_users")},
        "window_date": start.cast(pa.timestamp("us")).cast(pa.date32(), safe=False),
    }
    return pa.table(columns).cast(WINDOWS_SCHEMA)


def _moment(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)


def _micros(day: date) -> int:
    return (day - _EPOCH.date()).days * 86_400 * _SECOND
