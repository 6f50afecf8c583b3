"""Columns of formats that have types: whether several files agree on them, and which of them arrive unaltered.

How each format is read belongs in the module of its name.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import duckdb
import pyarrow as pa

from dataeng_assets.contracts.checks.sql import quoted
from dataeng_assets.lake.strict import logical
from dataeng_assets.quality.inputs.files import changed, size
from dataeng_assets.quality.inputs.opened import SAFE, Held, Input, InputColumn, InputUnreadable, check_names, shown
from dataeng_assets.quality.inputs.spill import Spill

MOST_DIGITS = 38
_NONE: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Rows:
    """What a file of typed rows holds.

    Attributes:
        schema: as it is delivered.
        batches: with the schema's columns; read once.
        held: of columns that are not delivered in a type of the format's own, by name.
        natives: how the format itself calls the types, by name.
    """

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]
    held: Mapping[str, Held] = field(default_factory=dict)
    natives: Mapping[str, str] = field(default_factory=dict)


def open_rows(
    where: str,
    paths: Sequence[Path],
    connection: duckdb.DuckDBPyConnection,
    read: Callable[[Path], AbstractContextManager[Rows]],
) -> Input:
    """Spill files of typed rows with one schema.

    Raises:
        InputUnreadable: they differ, or a column would be altered or confused; and what `read` raises.
    """
    with ExitStack() as resources:
        spill = Spill.on(resources)
        schema: pa.Schema | None = None
        for path in paths:
            with read(path) as rows:
                check_names(str(path), rows.schema.names)
                check_types(str(path), rows.schema)
                schema = check_same(where, (paths[0], schema), (path, rows.schema)) if schema else rows.schema
                spill.write(str(path), schema, rows.batches)
                held, natives = rows.held, rows.natives
        if not schema:
            raise InputUnreadable(f"{where} has no columns. {SAFE} See whether whatever writes it is right.")
        relation, position = spill.relation(schema.names)
        columns = typed_columns(connection, relation, schema, held, natives)
        return Input(where, relation, columns, position, spill.rows, size(paths), changed(paths), resources.pop_all())


def typed_columns(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    schema: pa.Schema,
    held: Mapping[str, Held] = _NONE,
    natives: Mapping[str, str] = _NONE,
) -> tuple[InputColumn, ...]:
    """The columns of a relation that delivers a schema, with the types that DuckDB gives them."""
    names = ", ".join(quoted(name) for name in schema.names)
    described = connection.execute(f"describe select {names} from {relation}").fetchall()
    return tuple(
        InputColumn(column.name, str(kind), held.get(column.name, Held.TYPED), column, natives.get(column.name, ""))
        for column, (_, kind, *_) in zip(map(plain_field, schema), described, strict=True)
    )


def plain_field(column: "pa.Field[pa.DataType]") -> "pa.Field[pa.DataType]":
    """A field without Arrow's choice of layout."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    return pa.field(column.name, logical(kind), column.nullable)


def check_types(where: str, schema: pa.Schema) -> None:
    """Refuse what DuckDB reads as something else.

    Raises:
        InputUnreadable: names the column.
    """
    for column in schema:
        for kind in _parts(column.type):
            if pa.types.is_decimal(kind) and kind.precision > MOST_DIGITS:
                problem = f"no decimal of more than {MOST_DIGITS} digits is carried exactly"
            elif any(has(kind) for has in (pa.types.is_duration, pa.types.is_interval, pa.types.is_union)):
                problem = "it has no counterpart that keeps its values"
            elif pa.types.is_run_end_encoded(kind):
                problem = "its layout cannot be read"
            else:
                continue
            raise InputUnreadable(
                f"{where}: the column {shown(column.name)} is {column.type}, and {problem}. {SAFE} Write it as "
                "another type, such as a number with a unit in its name, or text."
            )


def check_same(where: str, first: tuple[Path, pa.Schema], other: tuple[Path, pa.Schema]) -> pa.Schema:
    """The schema of two files: nullable where one of them is.

    Raises:
        InputUnreadable: they differ in columns, types or order; a column that a file lacks must not look like NULLs.
    """
    problems = list(_differences(first[1], other[1]))
    if problems:
        raise InputUnreadable(
            f"{where}: {other[0]} has other columns than {first[0]}: {'; '.join(problems[:5])}. {SAFE} Validate them "
            "one by one, or write them again with one schema."
        )
    return pa.schema([a.with_nullable(a.nullable or b.nullable) for a, b in zip(first[1], other[1], strict=True)])


def _parts(kind: pa.DataType) -> Iterator[pa.DataType]:
    """A type and those inside it."""
    yield kind
    if pa.types.is_dictionary(kind):
        yield from _parts(kind.value_type)
    elif pa.types.is_nested(kind) and not pa.types.is_union(kind):
        for place in range(kind.num_fields):
            yield from _parts(kind.field(place).type)


def _differences(first: pa.Schema, other: pa.Schema) -> Iterator[str]:
    before, after = ({c.name: c.type for c in map(plain_field, s)} for s in (first, other))
    for name in dict.fromkeys([*before, *after]):
        if name not in after:
            yield f"no {shown(name)}"
        elif name not in before:
            yield f"{shown(name)} as well"
        elif before[name] != after[name]:
            yield f"{shown(name)} is {after[name]} instead of {before[name]}"
    if set(before) == set(after) and list(before) != list(after):
        yield "the same in another order"
