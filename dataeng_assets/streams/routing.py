"""Where each record goes: main, late or dead letters. A pure function of the records and what came before them.

Late is judged per topic partition in offset order: an event is late when it lies more than the contract's `lateAfter`
behind the largest event time before it in its partition (exactly `lateAfter` is not late). An event time that lies more
than `maxAhead` ahead of its record's own timestamp goes to main but does not count in that maximum, nor does one whose
record has no timestamp. So the verdict depends on nothing but the partition's records up to this one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from dataeng_assets.streams.decode import DETAIL, REASON
from dataeng_assets.streams.stream import DEAD_LETTERS_SCHEMA, EVENT_DATE, RELEASED_BY, Stream

_FATE = "fate"


@dataclass(frozen=True)
class Routed:
    """One batch, divided.

    Attributes:
        max_event_times: running maximum after the batch, in microseconds, per partition that has one.
    """

    main: pa.Table
    late: pa.Table
    dead_letters: pa.Table
    max_event_times: Mapping[int, int]


def route(
    stream: Stream,
    records: pa.Table,
    decoded: pa.Table,
    max_event_times: Mapping[int, int],
    *,
    ingested_at: datetime,
    run_id: str,
) -> Routed:
    """Divide a batch.

    Args:
        stream: whose rules decide.
        records: in the schema of `kafka.records.RECORDS`, sorted by partition and offset.
        decoded: the same rows, decoded.
        max_event_times: running maximum before the batch, in microseconds, per partition that has one.
        run_id: written into every row.
        ingested_at: the only thing in the result that is not a function of the records.
    """
    count = len(records)
    origin = {
        "_kafka_partition": records["partition"],
        "_kafka_offset": records["offset"],
        "_kafka_timestamp": records["timestamp"],
        "_ingested_at": pa.repeat(pa.scalar(ingested_at, pa.timestamp("us", tz="UTC")), count),
        "_run_id": pa.repeat(pa.scalar(run_id), count),
    }
    fate, after = _fate(stream, records, decoded, max_event_times)
    events: dict[str, Any] = {name: decoded[name] for name in decoded.column_names}
    events |= origin | {EVENT_DATE: event_day(stream, decoded), _FATE: fate, RELEASED_BY: pa.nulls(count, pa.string())}
    raw: dict[str, Any] = {name: records[name] for name in ("key", "value", "headers")}
    raw |= origin | {REASON: decoded[REASON], DETAIL: decoded[DETAIL], _FATE: fate}
    return Routed(
        main=_rows(pa.table(events), stream.main_schema(), "main"),
        late=_rows(pa.table(events), stream.events_schema(), "late"),
        dead_letters=_rows(pa.table(raw), DEAD_LETTERS_SCHEMA, "dead"),
        max_event_times=after,
    )


def event_day(stream: Stream, decoded: pa.Table) -> "pa.ChunkedArray[Any]":
    """UTC day of each event."""
    return decoded[stream.event_time.column].cast(pa.timestamp("us")).cast(pa.date32(), safe=False)


def _rows(table: pa.Table, schema: pa.Schema, fate: str) -> pa.Table:
    return table.filter(pc.field(_FATE) == fate).select(schema.names).cast(schema)


def _fate(
    stream: Stream, records: pa.Table, decoded: pa.Table, before: Mapping[int, int]
) -> "tuple[pa.ChunkedArray[Any], dict[int, int]]":
    """One of main, late and dead for each record, and the running maximum after the last."""
    bounds = stream.event_time
    moment = pl.col("moment")
    frame = pl.DataFrame(
        {
            "partition": pl.Series(records["partition"], dtype=pl.Int32),
            "moment": pl.Series(decoded[bounds.column].cast(pa.int64()), dtype=pl.Int64),
            "produced": pl.Series(records["timestamp"].cast(pa.int64()), dtype=pl.Int64),
            "sound": pl.Series(pc.is_null(decoded[REASON]), dtype=pl.Boolean),
        }
    )
    start = pl.DataFrame(
        {"partition": list(before), "start": list(before.values())}, schema={"partition": pl.Int32, "start": pl.Int64}
    )
    counts = pl.col("sound") & (moment - pl.col("produced") <= _microseconds(bounds.max_ahead))
    frame = frame.join(start, on="partition", how="left", maintain_order="left").with_columns(
        counted=pl.when(counts).then(moment)
    )
    running = pl.col("counted").cum_max().forward_fill().over("partition")
    frame = frame.with_columns(now=pl.max_horizontal(running, "start"))
    earlier = pl.max_horizontal(pl.col("now").shift(1).over("partition"), "start")
    late = moment < earlier - _microseconds(bounds.late_after)
    fate = pl.when(~pl.col("sound")).then(pl.lit("dead")).when(late).then(pl.lit("late")).otherwise(pl.lit("main"))
    ends = frame.group_by("partition").agg(pl.col("now").last()).drop_nulls()
    after = {**before, **dict(ends.iter_rows())}
    return pa.chunked_array([frame.select(fate=fate)["fate"].to_arrow().cast(pa.string())]), after


def _microseconds(span: timedelta) -> int:
    return span // timedelta(microseconds=1)
