"""Writing a Delta table from a SELECT: in one commit, never with a changed type, and not at all where nothing changed.

Which tables there are, and when they are written, belongs in `plugin`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import duckdb
import pyarrow as pa
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError

_KEPT = {
    pa.bool_(), pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.float32(), pa.float64(), pa.string(), pa.binary(),
    pa.date32(), pa.timestamp("us"), pa.timestamp("us", tz="UTC"),
}  # fmt: skip
_BATCH_ROWS = 65_536


class Refused(Exception):
    """Nothing was written; the message says why, and what to do."""


@dataclass(frozen=True)
class Target:
    """A table to write.

    Attributes:
        name: schema and table, for messages.
        table: at the version that the model has read; None when it is not there yet.
    """

    address: str
    name: str
    table: DeltaTable | None


def replace(
    cursor: duckdb.DuckDBPyConnection, target: Target, select: str, day: str | None, *, anew: bool
) -> DeltaTable:
    """Put what a SELECT gives in the place of all rows.

    Args:
        cursor: what the SELECT runs on.
        target: the table to write.
        select: gives all rows.
        day: the column that the table is partitioned by, if any.
        anew: take the SELECT's columns and types, whatever the table had.

    Raises:
        Refused: a column would change its type or vanish, or has a type that Delta does not have.
    """
    cursor.execute(f"CREATE OR REPLACE TEMPORARY TABLE fresh AS {select}")
    more = _added(cursor, target, anew=anew)
    if target.table is not None and not more and not anew and not _differs(cursor, target):
        return target.table
    return _write(cursor, target, anew=anew, partition_by=[day] if day else None)


def replace_days(
    cursor: duckdb.DuckDBPyConnection, target: Target, select: str, day: str, key: Sequence[str], watermark: str | None
) -> DeltaTable:
    """Write the days anew in which a row is new or has changed, those that a row has left among them.

    A row is looked up by key and watermark and not by the largest watermark seen: one that was committed late has an
    older one, and would be missed. A row that the SELECT no longer gives stays.

    Args:
        cursor: what the SELECT runs on; it knows the table by its `registered` name.
        target: the table to write, which is there.
        select: gives all rows.
        day: the column that the table is partitioned by.
        key: the columns that identify a row.
        watermark: the column that moves whenever a row changes; None for rows that never change.

    Raises:
        Refused: as in `replace`.
    """
    known, keys = quoted(registered(target.name)), ", ".join(map(quoted, key))
    moved = [*key, *([watermark] if watermark else [])]
    cursor.execute(f"CREATE OR REPLACE TEMPORARY VIEW staged AS {select}")
    cursor.execute(
        f"CREATE OR REPLACE TEMPORARY TABLE changed AS SELECT {keys}, {quoted(day)} AS day "
        f"FROM staged ANTI JOIN {known} USING ({', '.join(map(quoted, moved))})"
    )
    cursor.execute(
        f"CREATE OR REPLACE TEMPORARY TABLE days AS SELECT day FROM changed "
        f"UNION SELECT {quoted(day)} FROM {known} SEMI JOIN changed USING ({keys})"
    )
    days = [row[0] for row in cursor.execute("SELECT day FROM days ORDER BY day").fetchall()]
    within = f"{quoted(day)} IN (SELECT day FROM days)"
    cursor.execute(
        f"CREATE OR REPLACE TEMPORARY TABLE fresh AS SELECT * FROM staged WHERE {within} "
        f"UNION ALL BY NAME SELECT * FROM {known} ANTI JOIN staged USING ({keys}) WHERE {within}"
    )
    more = _added(cursor, target, anew=False)
    if not days and not more and target.table is not None:
        return target.table
    if None in days:
        raise Refused(f"{target.name} has a row without {day}. Nothing was written. Find it with `dbt test`.")
    return _write(cursor, target, predicate=_within(day, days))


def registered(name: str) -> str:
    """The name by which a cursor knows a Delta table."""
    return f"delta {name}"


def quoted(name: str) -> str:
    """An identifier of DuckDB."""
    return '"' + name.replace('"', '""') + '"'


def _added(cursor: duckdb.DuckDBPyConnection, target: Target, *, anew: bool) -> list[str]:
    """The columns that the table does not have yet; delta-rs casts silently, so types are compared before."""
    found = {field.name: field.type for field in _schema(cursor)}
    odd = {name: kind for name, kind in found.items() if kind not in _KEPT and not pa.types.is_decimal128(kind)}
    if odd:
        listed = ", ".join(f"{name} is {kind}" for name, kind in odd.items())
        raise Refused(f"Delta has no such type: {listed}. {target.name} was not written. Cast it in the model.")
    if target.table is None or anew:
        return []
    schema = pa.schema(target.table.schema().to_arrow())  # type: ignore[arg-type]  # it takes any Arrow schema
    stored = {field.name: _logical(field.type) for field in schema}
    wrong = [
        f"{name} is {kind} in the table and {found.get(name, 'not there')} in the model"
        for name, kind in stored.items()
        if found.get(name) != kind
    ]
    if wrong:
        raise Refused(
            f"The columns of {target.name} have changed: {'; '.join(wrong)}. Nothing was written; the table is as "
            "before. Cast them back in the model, or write the table anew with `dbt build --full-refresh`."
        )
    return [name for name in found if name not in stored]


def _differs(cursor: duckdb.DuckDBPyConnection, target: Target) -> bool:
    columns = ", ".join(quoted(field.name) for field in _schema(cursor))
    fresh, known = f"SELECT {columns} FROM fresh", f"SELECT {columns} FROM {quoted(registered(target.name))}"
    both = f"(({fresh} EXCEPT ALL {known}) UNION ALL ({known} EXCEPT ALL {fresh}))"
    return bool(cursor.execute(f"SELECT EXISTS (FROM {both})").fetchall()[0][0])


def _write(
    cursor: duckdb.DuckDBPyConnection,
    target: Target,
    *,
    anew: bool = False,
    partition_by: list[str] | None = None,
    predicate: str | None = None,
) -> DeltaTable:
    schema = _schema(cursor)
    batches = cursor.sql("FROM fresh").to_arrow_reader(_BATCH_ROWS)
    rows = pa.RecordBatchReader.from_batches(schema, (batch.cast(schema) for batch in batches))
    try:
        if target.table is None:
            write_deltalake(target.address, rows, mode="error", partition_by=partition_by)
        else:
            how: Literal["overwrite", "merge"] = "overwrite" if anew else "merge"
            write_deltalake(
                target.table, rows, mode="overwrite", schema_mode=how, partition_by=partition_by, predicate=predicate
            )
    except DeltaError as error:
        if not isinstance(error, CommitFailedError) and "already exists" not in str(error):
            raise
        raise Refused(
            f"Another writer changed {target.name} at the same time. Nothing of this model was written; the other's "
            "rows are safe. Run `dbt retry`."
        ) from error
    return DeltaTable(target.address)


def _schema(cursor: duckdb.DuckDBPyConnection) -> pa.Schema:
    found = cursor.sql("FROM fresh LIMIT 0").to_arrow_table().schema
    return pa.schema([pa.field(one.name, _logical(one.type)) for one in found])


def _logical(kind: pa.DataType) -> pa.DataType:
    """A type without Arrow's choice of layout."""
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind):
        return pa.binary()
    if pa.types.is_timestamp(kind) and kind.tz in ("UTC", "Etc/UTC", "+00:00"):
        return pa.timestamp(kind.unit, tz="UTC")
    return kind


def _within(day: str, days: Iterable[date]) -> str:
    """The condition for days, as few ranges."""
    ranges: list[tuple[date, date]] = []
    for one in days:
        if ranges and one - ranges[-1][1] == timedelta(days=1):
            ranges[-1] = (ranges[-1][0], one)
        else:
            ranges.append((one, one))
    name = quoted(day)
    return " OR ".join(
        f"({name} >= cast('{first}' AS date) AND {name} <= cast('{last}' AS date))" for first, last in ranges
    )
