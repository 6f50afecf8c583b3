"""Where each record goes: main, late or dead letters. A pure function of the records and what came before them.

Late is judged per topic partition in offset order: an event is late when it lies more than the contract's `lateAfter`
behind the largest event time before it in its partition (exactly `lateAfter` is not late), and goes to the late table
when it lies more than that and the contract's `allowedLateness` behind. An event time that lies more than `maxAhead`
ahead of its record's own timestamp goes to main but does not count in that maximum, nor does one whose record has no
timestamp. So the verdict depends on nothing but the partition's records up to this one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from dataeng_assets.streams.decode.decoder import DETAIL, REASON
from dataeng_assets.streams.stream import DEAD_LETTERS_SCHEMA, EVENT_DATE, RELEASED_BY, Stream


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
    generation: int = 0,
) -> Routed:
    """Divide a batch.

    Args:
        stream: whose rules decide.
        records: in the schema of `kafka.records.RECORDS`, sorted by partition and offset.
        decoded: the same rows, decoded.
        max_event_times: running maximum before the batch, in microseconds, per partition that has one.
        run_id: written into every row.
        generation: of the topic's offsets; the first is left out of the rows.
        ingested_at: the only thing in the result that is not a function of the records.
    """
    count = len(records)
    origin = {
        "_kafka_partition": records["partition"],
        "_kafka_offset": records["offset"],
        "_kafka_timestamp": records["timestamp"],
        "_ingested_at": pa.repeat(pa.scalar(ingested_at, pa.timestamp("us", tz="UTC")), count),
        "_run_id": pa.repeat(pa.scalar(run_id), count),
        "_kafka_generation": pa.repeat(pa.scalar(generation or None, pa.int32()), count),
    }
    fate, after = _fate(stream, records, decoded, max_event_times)
    events: dict[str, Any] = {name: decoded[name] for name in decoded.column_names}
    events |= origin | {EVENT_DATE: event_day(stream, decoded), RELEASED_BY: pa.nulls(count, pa.string())}
    raw: dict[str, Any] = {name: records[name] for name in ("key", "value", "headers")}
    raw |= origin | {REASON: decoded[REASON], DETAIL: decoded[DETAIL]}
    return Routed(
        main=_rows(events, stream.main_schema(), fate["main"]),
        late=_rows(events, stream.events_schema(), fate["late"]),
        dead_letters=_rows(raw, DEAD_LETTERS_SCHEMA, fate["dead"]),
        max_event_times=after,
    )


def event_day(stream: Stream, decoded: pa.Table) -> "pa.ChunkedArray[Any]":
    """UTC day of each event."""
    return decoded[stream.event_time.column].cast(pa.timestamp("us")).cast(pa.date32(), safe=False)


def _rows(columns: Mapping[str, Any], schema: pa.Schema, chosen: "pa.ChunkedArray[Any]") -> pa.Table:
    """The chosen rows; copied only where there are some, as most batches have nothing that is late."""
    if not pc.any(chosen).as_py():
        return schema.empty_table()
    return pa.table({name: columns[name] for name in schema.names}).filter(chosen).cast(schema)


def _fate(
    stream: Stream, records: pa.Table, decoded: pa.Table, before: Mapping[int, int]
) -> "tuple[pa.Table, dict[int, int]]":
    """For each record which of main, late and dead it is, and the running maximum after the last."""
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
    late = moment < earlier - _microseconds(bounds.late_after) - _microseconds(bounds.allowed_lateness)
    sound, late = pl.col("sound"), late.fill_null(value=False)
    fate = frame.select(main=sound & ~late, late=sound & late, dead=~sound).to_arrow()
    ends = frame.group_by("partition").agg(pl.col("now").last()).drop_nulls()
    after = {**before, **dict(ends.iter_rows())}
    return fate, after


def _microseconds(span: timedelta) -> int:
    return span // timedelta(microseconds=1)
