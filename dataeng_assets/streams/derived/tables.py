"""Publishing the tables of a stream that hold its events: deduplicated ones and enriched ones."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from deltalake import DeltaTable

from dataeng_assets.kafka.admin import Admin, TopicState
from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.lake.attempts import until_committed
from dataeng_assets.streams.derived import publish as derived
from dataeng_assets.streams.derived.deduplicate import Deduplicated, Deduplication
from dataeng_assets.streams.derived.dimension import Versions
from dataeng_assets.streams.derived.enrich import Enriched, Enrichment
from dataeng_assets.streams.derived.events import Events
from dataeng_assets.streams.derived.spans import Span, moment, of_days
from dataeng_assets.streams.derived.watermark import watermark
from dataeng_assets.streams.plan import read_committed
from dataeng_assets.streams.stream import EVENT_DATE, Stream

Definition = Deduplicated | Enriched


@dataclass(frozen=True)
class TableReport:
    """What a publication did.

    Attributes:
        key: of the table.
        version: of that table.
        covered: version of each table that its rows follow from, by what it is to them: `main`, `versions`.
        published_to: event time up to which rows have appeared; None while none has.
        held_back_by: partitions that have unread records and the smallest watermark.
        replaced: spans of event time that were computed anew.
        rows: that stand in these ranges now.
        repeats: events in these ranges that were left out as repeats.
    """

    key: tuple[str, ...]
    version: int
    covered: Mapping[str, int]
    published_to: datetime | None
    held_back_by: tuple[int, ...]
    replaced: tuple[Span, ...]
    rows: int
    repeats: int
    seconds: float


def publish_table(stream: Stream, cluster: Cluster, definition: Definition, *, run_id: str) -> TableReport:
    """Publish events that the watermark has passed, and compute published ones anew that something has met since.

    Args:
        stream: whose main table is read.
        cluster: asked for the topic's ends, which prove that a partition is idle.
        definition: of the table.
        run_id: told in the table's history.

    Raises:
        DerivedRefused: the table cannot be computed over the contract's events.
        KafkaProblem: with `retryable`.
        TableMissing: the stream was never drained.
        Superseded: other publications were quicker, several times.
    """
    definition.check(stream)
    with Admin(cluster) as admin:
        topic = admin.describe(stream.topic)
    return until_committed(lambda _: publish(stream, definition, topic, run_id))


def publish(stream: Stream, definition: Definition, topic: TopicState, run_id: str) -> TableReport:
    """Publish by what the broker has said of the topic; arguments, result and errors as in `publish_table`."""
    started = time.monotonic()
    target, table = _opened(stream, definition)
    mark, held_back_by = watermark(stream, read_committed(table.events.main, stream, topic), topic)
    report = derived.publish(target, table, mark, run_id)
    return _told(definition, table, report, held_back_by, started)


def publish_table_again(
    stream: Stream, definition: Definition, days: tuple[date, date], *, run_id: str
) -> list[TableReport]:
    """Compute published events of whole days anew, and what they make repeats of, whatever stands there now.

    Asks no broker, and lets no event appear. Safe while the stream is drained and its tables are published.

    Args:
        stream: whose main table is read.
        definition: of the table.
        days: first and last of them, UTC.
        run_id: told in the table's history.

    Returns:
        A report of each piece that was committed, in order: what it counts holds at its own versions.

    Raises:
        DerivedRefused, TableMissing, Superseded: as in `publish_table`; what was computed until then is right.
    """
    definition.check(stream)

    def anew(piece: Span) -> TableReport:
        started = time.monotonic()
        target, table = _opened(stream, definition)
        return _told(definition, table, derived.publish(target, table, None, run_id, again=[piece]), (), started)

    _, table = _opened(stream, definition)
    return derived.piece_by_piece(table, of_days(*days), anew)


def _opened(stream: Stream, definition: Definition) -> tuple[DeltaTable, Deduplication | Enrichment]:
    """The table, and what is to stand in it by what is committed after it was opened."""
    key, schema = stream.window_table(definition.name), definition.schema(stream)
    description = f"{stream.name}, {definition.name}"
    target = stream.lake.create(key, schema, partition_by=[EVENT_DATE], description=description)
    events = Events(stream, stream.lake.open(stream.main))
    match definition:
        case Deduplicated():
            return target, Deduplication(events, definition)
        case Enriched():
            return target, Enrichment(events, definition, Versions.opened(definition.dimension, stream.lake))


def _told(
    definition: Definition,
    table: Deduplication | Enrichment,
    report: derived.Report,
    held_back_by: tuple[int, ...],
    started: float,
) -> TableReport:
    return TableReport(
        key=table.events.stream.window_table(definition.name),
        version=report.version,
        covered=report.covered,
        published_to=None if report.published_to is None else moment(report.published_to),
        held_back_by=held_back_by,
        replaced=report.replaced,
        rows=report.rows,
        repeats=table.repeats if isinstance(table, Deduplication) else 0,
        seconds=time.monotonic() - started,
    )
