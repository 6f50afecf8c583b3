"""Replacing the rows of one range, and no others, or of the whole table. Appending belongs in `append`."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import partial

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable

from dataeng_assets.contracts.checks.sql import quoted
from dataeng_assets.lake.append import RowsRefused, write
from dataeng_assets.lake.strict import table_schema

Bound = int | date | datetime


def replace_range(
    table: DeltaTable,
    rows: pa.Table | pa.RecordBatchReader,
    column: str,
    lo: Bound,
    hi: Bound,
    *,
    transactions: Mapping[str, int] | None = None,
    metadata: Mapping[str, str] | None = None,
) -> int:
    """Put rows in the place of all rows whose column lies in `[lo, hi)`.

    No rows empty the range. No file of another range is touched when the table is partitioned by the column; else the
    rows outside of the range are copied from the files that hold both.

    Args:
        table: the handle on which the decision rests; another writer's change in the range since then is a conflict.
        rows: columns as in the table, in any order.
        column: of type integer, date or timestamp.
        lo: first value of the range, of the column's type; a time with its zone.
        hi: first value after it.
        transactions: new progress by app id, as in `append`.
        metadata: told in the table's history, nowhere else.

    Returns:
        The version that the rows are in.

    Raises:
        ValueError: the bounds do not fit the column, or the range is empty.
        RowsRefused: a row lies outside of the range or has no value in the column.
        SchemaDiffers, Superseded, ProgressGoesBack: as in `append`.
    """
    kind = table_schema(table).field(column).type
    lower, upper = _literal(column, kind, lo), _literal(column, kind, hi)
    if not pc.less(pa.scalar(lo, kind), pa.scalar(hi, kind)).as_py():
        raise ValueError(
            f"The range of {column} from {lo} to {hi} is empty; its end, which is not in it, must be later."
        )
    name = quoted(column)
    return write(
        table,
        rows,
        transactions=transactions or {},
        metadata=metadata or {},
        predicate=f"{name} >= {lower} and {name} < {upper}",
        check=partial(_refuse_outside, column=column, kind=kind, lo=lo, hi=hi),
    )


def _refuse_outside(batch: pa.RecordBatch, column: str, kind: pa.DataType, lo: Bound, hi: Bound) -> None:
    values = batch.column(column)
    inside = pc.and_(pc.greater_equal(values, pa.scalar(lo, kind)), pc.less(values, pa.scalar(hi, kind)))
    outside = batch.num_rows - batch.filter(inside).num_rows
    if outside:
        raise RowsRefused(
            f"{outside} of {batch.num_rows} rows lie outside of {column} from {lo} to before {hi}. Nothing was "
            "written; the table is as before. Widen the range, or filter the rows by it."
        )


def replace_all(
    table: DeltaTable, rows: pa.Table | pa.RecordBatchReader, *, metadata: Mapping[str, str] | None = None
) -> int:
    """Put rows in the place of all rows of the table; arguments, result and errors as in `replace_range`."""
    return write(table, rows, transactions={}, metadata=metadata or {}, predicate="true")


def _literal(column: str, kind: pa.DataType, bound: Bound) -> str:
    is_time = isinstance(bound, datetime)
    if pa.types.is_integer(kind) and isinstance(bound, int) and not isinstance(bound, bool):
        return str(bound)
    if pa.types.is_date(kind) and isinstance(bound, date) and not is_time:
        return f"'{bound.isoformat()}'"
    if pa.types.is_timestamp(kind) and kind.tz and isinstance(bound, datetime) and bound.tzinfo:
        return f"'{bound.astimezone(UTC).isoformat(timespec='microseconds')}'"
    raise ValueError(f"The bound {bound!r} does not fit {column}, which is {kind}; times need their zone.")
