"""Whether what a publication has put in place accounts for every event, told by counting and not by computing again."""

from dataclasses import dataclass

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from dataeng_assets.contracts.checks.sql import listed, quoted
from dataeng_assets.streams.derived.deduplicate import Deduplicated
from dataeng_assets.streams.derived.events import Events
from dataeng_assets.streams.derived.spans import MOMENT, Span, moment
from dataeng_assets.streams.derived.tables import Definition, TableReport
from dataeng_assets.streams.derived.whole import GENERATION, OFFSET, PARTITION
from dataeng_assets.streams.stream import EVENT_DATE, Stream


@dataclass(frozen=True)
class Account:
    """Counts over the ranges that a publication has computed.

    Attributes:
        events: in the main table.
        rows: in the table.
        repeated: rows that should not stand beside another one: of the same event, or, where repeats are left out, of
            the same key within the horizon.
    """

    events: int = 0
    rows: int = 0
    repeated: int = 0


def account(stream: Stream, definition: Definition, report: TableReport) -> Account:
    """Count what a publication has put in place, a range at a time, at the versions that it tells."""
    stored = stream.lake.open(report.key, report.version)
    events = Events(stream, stream.lake.open(stream.main, report.covered["main"]))
    parts = [_counted(definition, stored, events, span) for span in report.replaced]
    return Account(*(sum(counts) for counts in zip(*parts, strict=True))) if parts else Account()


def _counted(definition: Definition, stored: DeltaTable, events: Events, span: Span) -> tuple[int, int, int]:
    column = events.column
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.register("events", events.read([column], span))
        [[there]] = connection.execute("SELECT count(*) FROM events").fetchall()
        if isinstance(definition, Deduplicated):
            before, by, near = definition.horizon, definition.key, definition.horizon
            known = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in by)
        else:
            before, by, near, known = 0, (PARTITION, OFFSET, GENERATION), 1, "true"
        names = [column, *by]
        connection.register("stored", _rows(stored, column, names, (span[0] - before, span[1])))
        rows, repeated = connection.execute(f"""
            SELECT count(*), count(*) FILTER (known AND moment - last < {near}) FROM (
                SELECT epoch_us({quoted(column)}) AS moment, {known} AS known,
                    lag(epoch_us({quoted(column)})) OVER (
                        PARTITION BY {listed(map(quoted, by))} ORDER BY {quoted(column)}
                    ) AS last
                FROM stored
            ) WHERE moment >= {span[0]}
            """).fetchall()[0]
    return there, rows, repeated


def _rows(stored: DeltaTable, column: str, names: list[str], span: Span) -> pa.RecordBatchReader:
    lo, hi = moment(span[0]), moment(span[1])
    within = (pc.field(column) >= pa.scalar(lo, MOMENT)) & (pc.field(column) < pa.scalar(hi, MOMENT))
    within &= (pc.field(EVENT_DATE) >= lo.date()) & (pc.field(EVENT_DATE) <= hi.date())
    return stored.to_pyarrow_dataset().scanner(columns=list(dict.fromkeys(names)), filter=within).to_reader()
