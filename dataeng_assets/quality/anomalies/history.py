"""The history of all metrics of all tables, one Delta table of the platform, and what people have said of it.

Each run adds its measurements of a table once: a retry finds them and adds nothing. Of one day that was measured again
the newest measurement counts. What is measured is said in `measure`, what it means in `detect`.
"""

import contextlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import cast

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError

from dataeng_assets.lake.append import Superseded, append, progress
from dataeng_assets.lake.compact import compact
from dataeng_assets.lake.location import Lake, TableMissing
from dataeng_assets.quality.anomalies.detect import Point
from dataeng_assets.quality.anomalies.measure import Measurement

KEY = ("quality", "metrics")
ACKNOWLEDGED = ("quality", "acknowledged")
_SERIES: dict[str, pa.DataType] = {"table_key": pa.string(), "column": pa.string(), "metric": pa.string()}
SCHEMA = pa.schema(
    {
        **_SERIES,
        "value": pa.float64(),
        "text": pa.string(),
        "partition": pa.date32(),
        "measured_at": pa.timestamp("us", tz="UTC"),
        "table_version": pa.int64(),
        "contract_version": pa.string(),
        "run_id": pa.string(),
    }
)
ACKNOWLEDGED_SCHEMA = pa.schema(
    {
        **_SERIES,
        "at": pa.timestamp("us", tz="UTC"),
        "is_anomaly": pa.bool_(),
        "by": pa.string(),
        "reason": pa.string(),
        "recorded_at": pa.timestamp("us", tz="UTC"),
    }
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ATTEMPTS = 20
_FILES = 6
"""So many files of one table are made one: each run adds one, and whoever reads opens them all, at 3 ms each."""

Name = tuple[str, str | None]
"""A series of a table: its metric and column."""


class NoSuchSeries(LookupError):
    """A table, metric or point that was never measured."""


@dataclass(frozen=True)
class Taken:
    """What one run has measured of one table.

    Attributes:
        table_key: dotted, such as `bronze.shop.orders`.
        at: when.
        table_version: of the Delta table that was measured.
        contract_version: that the table was made by; None where there is no contract.
    """

    table_key: str
    measurements: Sequence[Measurement]
    at: datetime
    table_version: int | None = None
    contract_version: str | None = None


@dataclass(frozen=True)
class _Said:
    at: datetime
    is_anomaly: bool


@dataclass(frozen=True)
class Series:
    """One metric over time.

    Attributes:
        points: by time; those that a person has called anomalies say so.
        changes: the moments of acknowledged changes; the baseline begins with the newest.
    """

    points: tuple[Point, ...] = ()
    changes: tuple[datetime, ...] = ()


def record(lake: Lake, taken: Taken, *, run_id: str, since: datetime | None = None) -> pa.Table:
    """Keep what a run has measured of a table, once: when this run has done so before, nothing is added.

    Args:
        lake: where it is kept.
        taken: what was measured.
        run_id: of the run.
        since: of the measurements given back; those of this run are never older.

    Returns:
        The measurements of the table, with those of this run, as `read` gives them.

    Raises:
        Superseded: others were quicker again and again; nothing was written.
    """
    mine = _rows(taken, run_id)
    for attempt in range(_ATTEMPTS):
        table = _open(lake)
        files = _of_table(table, taken.table_key)
        before = _measured(files, since)
        if _is_recorded(before, run_id):
            return before
        app = f"metrics:{taken.table_key}"
        transactions = {app: (progress(table, app) or 0) + 1}
        try:
            append(table, mine, transactions=transactions, metadata={"run_id": run_id})
        except Superseded:
            if attempt == _ATTEMPTS - 1:
                raise
        except Exception:  # the commit may have happened all the same
            rows = read(lake, taken.table_key, since=since)
            if not _is_recorded(rows, run_id):
                raise
            return rows
        else:
            if len(files.files) >= _FILES:
                _compact(table, taken.table_key)
            return _ordered(pa.concat_tables([before, mine]))
    raise AssertionError("the last attempt returns or raises")


def read(lake: Lake, table_key: str, *, since: datetime | None = None) -> pa.Table:
    """The measurements of a table, oldest first; none where nothing was ever measured.

    Args:
        lake: where they lie.
        table_key: dotted.
        since: what was measured before is left out.
    """
    try:
        table = lake.open(KEY)
    except TableMissing:
        return SCHEMA.empty_table()
    return _measured(_of_table(table, table_key), since)


def series(
    lake: Lake, table_key: str, *, since: datetime | None = None, rows: pa.Table | None = None
) -> dict[Name, Series]:
    """Every series of a table, as it is judged.

    Args:
        lake: where they lie.
        table_key: dotted.
        since: of what is older nothing is told.
        rows: the measurements since then, when they have been read already.
    """
    # a day is measured after it has ended
    rows = read(lake, table_key, since=since) if rows is None else rows
    at = pc.coalesce(
        rows["partition"].cast(pa.timestamp("us")).cast(SCHEMA.field("measured_at").type), rows["measured_at"]
    )
    rows = rows.append_column("at", at)
    if since is not None:
        rows = rows.filter(pc.field("at") >= pa.scalar(since))
    found: dict[Name, dict[datetime, tuple[float | None, str | None]]] = defaultdict(dict)
    # few moments in many rows, and Arrow is slow to make them Python's
    microseconds = rows["at"].cast(pa.int64()).to_pylist()
    moments = {us: _EPOCH + timedelta(microseconds=us or 0) for us in set(microseconds)}
    wanted = (rows[name].to_pylist() for name in ("metric", "column", "value", "text"))
    for metric, column, value, text, us in zip(*wanted, microseconds, strict=True):
        found[metric, column][moments[us]] = value, text
    said = _said(lake, table_key)
    return {name: _series(values, said[name]) for name, values in found.items()}


def _series(values: Mapping[datetime, tuple[float | None, str | None]], said: Sequence[_Said]) -> Series:
    anomalies = {one.at for one in said if one.is_anomaly}
    return Series(
        tuple(Point(at, *values[at], at in anomalies) for at in sorted(values)),
        tuple(sorted(one.at for one in said if not one.is_anomaly)),
    )


def acknowledge(
    lake: Lake,
    table_key: str,
    column: str | None,
    metric: str,
    at: datetime,
    by: str,
    reason: str,
    *,
    is_anomaly: bool = False,
) -> None:
    """Keep what a person says of a point: that things have changed for good, or that it was an anomaly.

    After a change the baseline begins anew, with the point of that moment. What was an anomaly is never an example of
    what is usual; the baseline stays.

    Args:
        lake: where it is kept.
        table_key: dotted.
        column: what the metric is of; None for the table.
        metric: such as `row_count`.
        at: of the point, as in the series.
        by: who says so.
        reason: why.
        is_anomaly: that it was an anomaly, and nothing has changed.

    Raises:
        NoSuchSeries: the metric was never measured; names those that were.
    """
    pick(series(lake, table_key), table_key, metric, column)
    row = {
        "table_key": table_key,
        "column": column,
        "metric": metric,
        "at": at,
        "is_anomaly": is_anomaly,
        "by": by,
        "reason": reason,
        "recorded_at": datetime.now(UTC),
    }
    table = lake.create(ACKNOWLEDGED, ACKNOWLEDGED_SCHEMA, description="What people have said of the metrics.")
    append(table, pa.Table.from_pylist([row], schema=ACKNOWLEDGED_SCHEMA), transactions={})


def find_table(lake: Lake, name: str) -> str:
    """The dotted key of a measured table, given that, its last part, or its name in `dataeng sql`.

    Raises:
        NoSuchSeries: no table, or more than one, goes by that name; says which there are.
    """
    try:
        files = pa.table(lake.open(KEY).get_add_actions(flatten=True))
        tables = sorted({str(table) for table in files["partition.table_key"].to_pylist()})
    except TableMissing:
        tables = []
    found = [table for table in tables if name in {table, table.rpartition(".")[2], _view(table)}]
    if name in tables or len(found) == 1:
        return name if name in tables else found[0]
    there = f"There are {', '.join(found or tables)}." if tables else "Nothing was measured yet: materialize a table."
    raise NoSuchSeries(f"{'More than one' if found else 'No'} measured table goes by the name {name}. {there}")


def find_point(series: Series, day: date | None) -> Point:
    """The newest point of a series, or the newest of a day.

    Raises:
        NoSuchSeries: nothing was measured of that day.
    """
    for point in reversed(series.points):
        if day is None or point.at.date() == day:
            return point
    raise NoSuchSeries(f"Nothing was measured of {day}; the newest measurement is of {series.points[-1].at:%Y-%m-%d}.")


def pick(found: Mapping[Name, Series], table_key: str, metric: str, column: str | None) -> Series:
    """One series of a table.

    Raises:
        NoSuchSeries: the metric was never measured; names those that were.
    """
    if (metric, column) in found:
        return found[metric, column]
    there = ", ".join(sorted(f"{name} of {of}" if of else name for name, of in found)) or "none"
    raise NoSuchSeries(
        f"{table_key} has no metric {f'{metric} of {column}' if column else metric}; it has {there}. Nothing was "
        "changed. Name one of these."
    )


def of_metric(found: Mapping[Name, Series], table_key: str, metric: str) -> dict[Name, Series]:
    """The series of one metric, of the table and its columns, in order; all of them when it is empty.

    Raises:
        NoSuchSeries: the metric was never measured; names those that were.
    """
    wanted = sorted((name for name in found if metric in {"", name[0]}), key=lambda name: (name[1] or "", name[0]))
    if not wanted:
        pick(found, table_key, metric, None)
    return {name: found[name] for name in wanted}


def _view(table_key: str) -> str:
    schema, _, name = table_key.rpartition(".")
    return f"{schema.replace('.', '_')}.{name}"


def moment(day: date) -> datetime:
    """When a day begins, which is the time of its measurements."""
    return datetime.combine(day, time.min, UTC)


def _open(lake: Lake) -> DeltaTable:
    try:
        return lake.open(KEY)
    except TableMissing:
        return lake.create(KEY, SCHEMA, partition_by=["table_key"], description="Metrics of all tables over time.")


def _said(lake: Lake, table_key: str) -> Mapping[Name, list[_Said]]:
    found: dict[Name, list[_Said]] = defaultdict(list)
    if lake.exists(ACKNOWLEDGED):
        rows = lake.open(ACKNOWLEDGED).to_pyarrow_dataset().to_table(filter=pc.field("table_key") == table_key)
        for row in rows.to_pylist():
            found[row["metric"], row["column"]].append(_Said(row["at"], row["is_anomaly"]))
    return found


def _is_recorded(measurements: pa.Table, run_id: str) -> bool:
    return measurements.filter(pc.field("run_id") == run_id).num_rows > 0


def _measured(files: ds.FileSystemDataset, since: datetime | None) -> pa.Table:
    newer = None if since is None else pc.field("measured_at") >= pa.scalar(since)
    return _ordered(files.to_table(filter=newer).select(SCHEMA.names))


def _ordered(rows: pa.Table) -> pa.Table:
    return rows.sort_by([("measured_at", "ascending"), ("partition", "ascending")])


def _of_table(table: DeltaTable, table_key: str) -> ds.FileSystemDataset:
    # by its partition, so that nothing is made of the files of other tables
    return cast("ds.FileSystemDataset", table.to_pyarrow_dataset(partitions=[("table_key", "=", table_key)]))


def _rows(taken: Taken, run_id: str) -> pa.Table:
    common = {
        "table_key": taken.table_key,
        "measured_at": taken.at,
        "table_version": taken.table_version,
        "contract_version": taken.contract_version,
        "run_id": run_id,
    }
    rows = [
        common
        | {"column": one.column, "metric": one.metric, "value": one.value, "text": one.text, "partition": one.day}
        for one in taken.measurements
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _compact(table: DeltaTable, table_key: str) -> None:
    # another writer's compaction in between has done the work
    with contextlib.suppress(CommitFailedError):
        compact(table, partition=[("table_key", "=", table_key)])
