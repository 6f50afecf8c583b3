"""The metrics of a stream's tables over time: measured once a day, because drains are too many and too short for it.

What is measured, and how it is judged, belongs in `quality.anomalies`.
"""

from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from dataeng_assets.lake.location import TableMissing
from dataeng_assets.orchestration.metrics import NO_ANOMALY, anomaly_of_stream, anomaly_of_table
from dataeng_assets.orchestration.outcomes import not_evaluated
from dataeng_assets.streams.stream import EVENT_DATE, Stream
from dataeng_assets.streams.windows import WINDOWS_SCHEMA


def watch_results(stream: Stream, run_id: str, wanted: Collection[tuple[str, ...]]) -> Iterator[dg.AssetCheckResult]:
    """Measure and judge tables of a stream: events and windows by day, what was set aside as a whole.

    Args:
        stream: whose tables are watched.
        run_id: of the run that measures.
        wanted: keys of the tables.
    """
    # a day has ended when what belongs to it can no longer come in time
    last = (datetime.now(UTC) - stream.event_time.late_after).date() - timedelta(days=1)
    windows = (stream.windows,) if stream.window_minutes else ()
    for key in (stream.main, stream.late, stream.dead_letters, *windows):
        if key not in wanted:
            continue
        try:
            yield _watched(stream, key, run_id, last)
        except TableMissing as missing:
            yield not_evaluated(str(missing), asset_key=dg.AssetKey(key), check_name=NO_ANOMALY)


def _watched(stream: Stream, key: tuple[str, ...], run_id: str, last: date) -> dg.AssetCheckResult:
    table, columns = stream.lake.open(key), stream.contract.columns
    version = stream.contract.version
    if key == stream.main:
        return anomaly_of_stream(
            table,
            stream.lake,
            key,
            run_id,
            partition=EVENT_DATE,
            last=last,
            fresh_by="_kafka_timestamp",
            columns=[column.name for column in columns],
            personal={column.name for column in columns if column.personal},
            contract_version=version,
        )
    if key == stream.windows:
        names = [name for name in WINDOWS_SCHEMA.names if name != "window_date"]
        return anomaly_of_stream(
            table, stream.lake, key, run_id, partition="window_date", last=last, fresh_by="window_end", columns=names
        )
    # of what is rare, only how much there is can be usual
    return anomaly_of_table(table, stream.lake, key, run_id, columns=(), contract_version=version)
