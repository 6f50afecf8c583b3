"""Rows that were read one by one, gathered into columns. How a record is read belongs to each format."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from dataeng_assets.contracts.model import Column
from dataeng_assets.streams.decode.decoder import DETAIL, REASON, RESCUED
from dataeng_assets.streams.decode.document import Unreadable
from dataeng_assets.streams.decode.values import Value, rescued, typed

_NULL = Value("null", None)


class Source(NamedTuple):
    """Where a column comes from.

    Attributes:
        field: of the record; None where the writer's schema has none.
        default: taken where there is no field.
    """

    column: Column
    field: str | None
    default: Value = _NULL


def decode_each(columns: Sequence[Column], values: Iterable[Any], read: Callable[[Any], Mapping[str, Any]]) -> pa.Table:
    """Read records one by one.

    Args:
        columns: of the result.
        values: the records.
        read: gives a record's columns, as `values.typed` makes them, and `_rescued`; raises `Unreadable`.

    Returns:
        As `Decoder.decode`.
    """
    out: dict[str, list[Any]] = {name: [] for name in (*(column.name for column in columns), RESCUED, REASON, DETAIL)}
    for value in values:
        try:
            row = read(value)
        except Unreadable as error:
            row = {REASON: error.reason, DETAIL: error.detail}
        for name, column in out.items():
            column.append(row.get(name))
    return table(columns, {column.name: array_of(column, out[column.name]) for column in columns}, out)


def typed_row(sources: Sequence[Source], fields: Mapping[str, Value]) -> dict[str, Any]:
    """The columns of one record, and what it holds beside them.

    Raises:
        Unreadable: a value is missing or does not fit; the first in the order of the columns gives the reason.
    """
    row: dict[str, Any] = {}
    for column, field, default in sources:
        row[column.name] = typed(column, default if field is None else fields[field])
    known = {source.field for source in sources}
    row[RESCUED] = rescued({name: value for name, value in fields.items() if name not in known})
    return row


def array_of(column: Column, values: Sequence[Any]) -> "pa.Array[Any]":
    """What `values.typed` gave, in the column's type."""
    kind = column.type.arrow
    carried = {"timestamp": pa.int64(), "date": pa.int32()}.get(column.physical, kind)
    made: pa.Array[Any] = pa.array(values, carried)
    return made if carried == kind else made.cast(kind)


def is_null(column: Column) -> Any:
    """The value of a column that is empty.

    Raises:
        Unreadable: the column is required.
    """
    return typed(column, _NULL)


def table(columns: Sequence[Column], arrays: Mapping[str, Any], said: Mapping[str, Any]) -> pa.Table:
    """Columns, and the texts of `_rescued`, `reason` and `detail`."""
    texts = {name: pa.array(said[name], pa.string()) for name in (RESCUED, REASON, DETAIL)}
    return pa.table({**{column.name: arrays[column.name] for column in columns}, **texts})


def in_order(parts: Sequence[tuple[Sequence[int], pa.Table]], schema: pa.Schema) -> pa.Table:
    """Parts that were decoded apart, as one table.

    Args:
        parts: each with the places of its rows; together every place once.
        schema: of the whole.
    """
    whole = pa.concat_tables([part.cast(schema) for _, part in parts] or [schema.empty_table()])
    places = pa.array([place for rows, _ in parts for place in rows], pa.int64())
    if len(parts) <= 1:
        return whole
    order = pc.sort_indices(places)
    return whole.take(order)


def schema_of(columns: Sequence[Column]) -> pa.Schema:
    """What `Decoder.decode` gives for these columns."""
    texts = [pa.field(name, pa.string()) for name in (RESCUED, REASON, DETAIL)]
    return pa.schema([*(pa.field(column.name, column.type.arrow) for column in columns), *texts])
