"""What is measured of a table of the lake, at a cost that does not grow with it.

Row counts, freshness and columns are read from the table's log. Shares and means are taken of the newest files, up to
`MAX_ROWS` rows and `MAX_BYTES`, and not at all when the newest file alone is larger: new trouble stands in new rows,
and would be lost among old ones. Of a table that lies by day, the log tells the days' rows and missing values.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any, cast
from urllib.parse import unquote

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
from deltalake import DeltaTable

from dataeng_assets.lake.strict import table_schema
from dataeng_assets.quality.anomalies.measure import Measurement, hours_between, measure
from dataeng_assets.quality.anomalies.schemas import schema_text

MAX_ROWS = 50_000
MAX_BYTES = 32 * 1024 * 1024


def measure_table(
    table: DeltaTable,
    columns: Sequence[str],
    *,
    personal: Collection[str] = (),
    fresh_by: str | None = None,
    where: str = "true",
    now: datetime | None = None,
) -> list[Measurement]:
    """Measure a table that is not partitioned, in the version that the handle is on.

    Args:
        table: the handle.
        columns: those whose values are measured.
        personal: of these no mean is taken.
        fresh_by: a column with times or days, for the hours since the newest.
        where: which of the newest rows are measured, in DuckDB's SQL.
        now: the moment that freshness is measured at; this one when not given.
    """
    files = _files(table)
    found = [Measurement("row_count", sum(files["num_records"])), _columns(table), *_freshness(files, fresh_by, now)]
    newest = _newest(table, files)
    if newest is None:
        return found
    with _in_memory().cursor() as connection:
        connection.register("newest", newest)
        query = f"select * from newest where {where}"
        measured = measure(connection, query, columns, personal=personal)
    return [*found, *(one for one in measured if one.column)]


def measure_days(
    table: DeltaTable,
    partition: str,
    first: date,
    last: date,
    columns: Collection[str],
    *,
    fresh_by: str | None = None,
    now: datetime | None = None,
) -> list[Measurement]:
    """Measure days of a table that is partitioned by day: rows, missing values; and the table's columns and freshness.

    No row is read. A day without files has no rows. Missing values are counted of the last day alone, which is the one
    that has just ended: what it lacks comes in later, so it is compared with what other days lacked at that age.
    Columns whose missing values the log does not count are left out.

    Args:
        table: the handle.
        partition: the column that holds the day.
        first: the first day measured.
        last: the last one.
        columns: those whose missing values are counted, none when the last day has not just ended.
        fresh_by: a column with times, for the hours since the newest; the newest day that has rows when not given.
        now: the moment that freshness is measured at; this one when not given.
    """
    files = _files(table)
    rows: dict[date, int] = defaultdict(int)
    counted = [name for name in columns if None not in files.get(f"null_count.{name}", [None])]
    nulls: dict[str, dict[date, int]] = {name: defaultdict(int) for name in counted}
    for at, day in enumerate(files[f"partition.{partition}"]):
        rows[day] += files["num_records"][at]
        for name, counts in nulls.items():
            counts[day] += files[f"null_count.{name}"][at]
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    newest = max((day for day, count in rows.items() if count), default=None)
    return [
        _columns(table),
        *(_freshness(files, fresh_by, now) if fresh_by else [Measurement("hours_old", _age(newest, now))]),
        *(Measurement("row_count", rows[day], day=day) for day in days),
        *(
            Measurement("null_share", counts[last] / rows[last] if rows[last] else None, name, day=last)
            for name, counts in nulls.items()
        ),
    ]


def days_held(table: DeltaTable, partition: str) -> list[date]:
    """The days that have rows in a table that is partitioned by day, in order."""
    files = _files(table)
    held = zip(files[f"partition.{partition}"], files["num_records"], strict=True)
    return sorted({day for day, count in held if day is not None and count})


def measure_values(
    table: DeltaTable, partition: str, day: date, columns: Sequence[str], *, personal: Collection[str] = ()
) -> list[Measurement]:
    """Measure what the log does not tell of a day: distinct values and means, in its newest rows.

    Args:
        table: the handle.
        partition: the column that holds the day.
        day: what is measured.
        columns: those whose values are measured.
        personal: of these no mean is taken.
    """
    files = _files(table)
    of_day = [at for at, other in enumerate(files[f"partition.{partition}"]) if other == day]
    newest = _newest(table, {name: [values[at] for at in of_day] for name, values in files.items()})
    if newest is None:
        return []
    with _in_memory().cursor() as connection:
        connection.register("newest", newest)
        measured = measure(connection, "select * from newest", columns, personal=personal)
    return [replace(one, day=day) for one in measured if one.metric in {"distinct_share", "mean"}]


@cache
def _in_memory() -> duckdb.DuckDBPyConnection:
    """A database of no tables, made once: that takes longer than to measure a small table."""
    return duckdb.connect()


def _files(table: DeltaTable) -> dict[str, list[Any]]:
    return pa.table(table.get_add_actions(flatten=True)).to_pydict()


def _columns(table: DeltaTable) -> Measurement:
    return Measurement("schema", text=schema_text((column.name, str(column.type)) for column in table_schema(table)))


def _freshness(files: Mapping[str, list[Any]], column: str | None, now: datetime | None) -> Iterator[Measurement]:
    if column is not None:
        newest = [value for value in files.get(f"max.{column}", ()) if value is not None]
        yield Measurement("hours_old", _age(max(newest, default=None), now))


def _age(newest: date | datetime | None, now: datetime | None) -> float | None:
    if newest is None:
        return None
    if not isinstance(newest, datetime):
        newest = datetime.combine(newest, time.min, UTC)
    return hours_between(newest if newest.tzinfo else newest.replace(tzinfo=UTC), now or datetime.now(UTC))


def _newest(table: DeltaTable, files: Mapping[str, list[Any]]) -> ds.FileSystemDataset | None:
    """The newest files, as many as stay within the bounds; None when that is none."""
    taken, rows, size = set(), 0, 0
    wanted = ("modification_time", "path", "num_records", "size_bytes")
    for _, path, count, length in sorted(zip(*(files[name] for name in wanted), strict=True), reverse=True):
        rows, size = rows + count, size + length
        if rows > MAX_ROWS or size > MAX_BYTES:
            break
        taken.add(unquote(path))
    if not taken:
        return None
    every = cast("ds.FileSystemDataset", table.to_pyarrow_dataset())
    fragments = [one for one in every.get_fragments() if unquote(one.path) in taken]
    return ds.FileSystemDataset(fragments, every.schema, every.format, every.filesystem)
