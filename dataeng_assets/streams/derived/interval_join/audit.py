"""Whether what a publication has put in place is what it should be, told by counting and not by joining again."""

from dataclasses import dataclass

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from dataeng_assets.streams.derived.events import Events
from dataeng_assets.streams.derived.interval_join.definition import LEFT_TIME, PLACE, IntervalJoin, place_column
from dataeng_assets.streams.derived.interval_join.publish import JoinReport
from dataeng_assets.streams.derived.spans import MOMENT, Span, moment
from dataeng_assets.streams.stream import EVENT_DATE, Stream

_LEFT = tuple(place_column("left", name) for name in PLACE)
_RIGHT = tuple(place_column("right", name) for name in PLACE)


@dataclass(frozen=True)
class Audit:
    """Counts over the ranges that a publication has computed.

    Attributes:
        rows: that stand there.
        repeated: rows that another row with the same two events stands beside.
        events: on the left that take part.
        shown: of these, that have a row.
    """

    rows: int = 0
    repeated: int = 0
    events: int = 0
    shown: int = 0


def audit(join: IntervalJoin, left: Stream, report: JoinReport) -> Audit:
    """Count what a publication has put in place, a range at a time, at the versions that it tells.

    Args:
        join: that was published.
        left: the stream on the left.
        report: what the publication says it did.
    """
    stored = left.lake.open(report.key, report.version)
    events = Events(left, left.lake.open(left.main, report.covered["left"]))
    parts = [_counted(join, stored, events, span) for span in report.replaced]
    return Audit(*(sum(counts) for counts in zip(*parts, strict=True))) if parts else Audit()


def _counted(join: IntervalJoin, stored: DeltaTable, events: Events, span: Span) -> tuple[int, int, int, int]:
    lo, hi = moment(span[0]), moment(span[1])
    within = (pc.field(LEFT_TIME) >= pa.scalar(lo, MOMENT)) & (pc.field(LEFT_TIME) < pa.scalar(hi, MOMENT))
    within &= (pc.field(EVENT_DATE) >= lo.date()) & (pc.field(EVENT_DATE) <= hi.date())
    rows = stored.to_pyarrow_dataset().scanner(columns=[*_LEFT, *_RIGHT], filter=within).to_reader()
    where = f"WHERE ({join.left.where}\n)" if join.left.where else ""
    with duckdb.connect(config={"threads": 2}) as connection:
        connection.register("stored", rows)
        connection.register("events", events.read([*join.left.reads(), *PLACE], span))
        told = connection.execute(
            f"SELECT count(*), count(*) - count(DISTINCT ({', '.join([*_LEFT, *_RIGHT])})), "
            f"(SELECT count(*) FROM events {where}), count(DISTINCT ({', '.join(_LEFT)})) FROM stored"
        ).fetchone()
    assert told is not None  # noqa: S101  # an aggregate without groups has one row
    return told[0], told[1], told[2], told[3]
