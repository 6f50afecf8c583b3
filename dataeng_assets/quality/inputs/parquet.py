"""Parquet files: scanned by DuckDB where they lie, after their footers have been compared.

DuckDB reads several files by the schema of the first; files that differ are refused here instead, because a column
that one of them lacks must not look like a column of NULLs.
"""

import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from dataeng_assets.lake.strict import logical
from dataeng_assets.lake.views import file_text
from dataeng_assets.quality.inputs.files import CHUNK_BYTES, changed, compression, size, uncompressed
from dataeng_assets.quality.inputs.opened import (
    SAFE,
    Held,
    Input,
    InputColumn,
    InputUnreadable,
    check_names,
    free_names,
    quoted,
    shown,
)
from dataeng_assets.quality.inputs.spill import Spill

MOST_DIGITS = 38
# DuckDB's own columns of a scan; a file that has one of them hides it
VIRTUAL = {"filename", "file_row_number"}


def open_parquet(where: str, paths: Sequence[Path], connection: duckdb.DuckDBPyConnection) -> Input:
    """Open Parquet files of one schema.

    Raises:
        InputUnreadable: a footer cannot be read, the files differ, or DuckDB would alter or confuse columns.
    """
    with ExitStack() as resources:
        packed = any(compression(path) for path in paths)
        spill = Spill.on(resources) if packed else None
        lying = [_unpacked(path, spill) if spill else path for path in paths]
        schema, rows = _footers(where, paths, lying)
        check_names(where, schema.names)
        check_types(where, schema)
        if VIRTUAL & {name.lower() for name in schema.names}:
            relation, position = _numbered_rows(paths, lying, schema, resources)
        elif spill:
            relation, position = spill.relation(schema.names, expressions=[quoted(name) for name in schema.names])
        else:
            relation, position = _scan(paths, schema)
        columns = typed_columns(connection, relation, schema)
        return Input(where, relation, columns, position, rows, size(paths), changed(paths), resources.pop_all())


def typed_columns(
    connection: duckdb.DuckDBPyConnection, relation: str, schema: pa.Schema, natives: Sequence[str] = ()
) -> tuple[InputColumn, ...]:
    """The columns of a relation that delivers a schema, with the types that DuckDB gives them."""
    names = ", ".join(quoted(name) for name in schema.names)
    described = connection.execute(f"describe select {names} from {relation}").fetchall()
    return tuple(
        InputColumn(column.name, str(kind), Held.TYPED, column, native)
        for column, (_, kind, *_), native in zip(
            map(plain_field, schema), described, natives or [""] * len(schema), strict=True
        )
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
        if pa.types.is_decimal(column.type) and column.type.precision > MOST_DIGITS:
            raise InputUnreadable(
                f"{where}: the column {shown(column.name)} is {column.type}, and no decimal of more than {MOST_DIGITS} "
                f"digits is carried exactly. {SAFE} Write it with fewer digits, or as text."
            )


def _scan(paths: Sequence[Path], schema: pa.Schema) -> tuple[str, tuple[str, ...]]:
    position = free_names(schema.names, "_file", "_row")
    file, row = map(quoted, position)
    names = ", ".join(quoted(name) for name in schema.names)
    # DuckDB would take a tilde at the start for somebody's home
    texts = (file_text(path.absolute() if str(path).startswith("~") else path) for path in paths)
    files = f"read_parquet([{', '.join(texts)}], hive_partitioning = false)"
    return f"(select {names}, filename as {file}, file_row_number + 1 as {row} from {files})", position


def _unpacked(path: Path, spill: Spill) -> Path:
    target = spill.adopt(str(path))
    with uncompressed(path) as packed, target.open("wb") as plain:
        shutil.copyfileobj(packed, plain, CHUNK_BYTES)
    return target


def _numbered_rows(
    paths: Sequence[Path], lying: Sequence[Path], schema: pa.Schema, resources: ExitStack
) -> tuple[str, tuple[str, ...]]:
    spill = Spill.on(resources)
    for path, place in zip(paths, lying, strict=True):
        with pq.ParquetFile(place) as file:
            spill.write(str(path), schema, file.iter_batches())
    return spill.relation(schema.names)


def _footers(where: str, paths: Sequence[Path], lying: Sequence[Path]) -> tuple[pa.Schema, int]:
    """The schema of all files, nullable where one of them is, and their rows."""
    first, rows = _footer(paths[0], lying[0])
    for path, place in zip(paths[1:], lying[1:], strict=True):
        schema, count = _footer(path, place)
        rows += count
        problems = list(_differences(first, schema))
        if problems:
            raise InputUnreadable(
                f"{where}: {path} has other columns than {paths[0]}: {'; '.join(problems[:5])}. {SAFE} Validate them "
                "one by one, or write them again with one schema."
            )
        first = pa.schema([a.with_nullable(a.nullable or b.nullable) for a, b in zip(first, schema, strict=True)])
    return first, rows


def _footer(path: Path, place: Path) -> tuple[pa.Schema, int]:
    try:
        with pq.ParquetFile(place) as file:
            return file.schema_arrow, file.metadata.num_rows
    except (pa.ArrowException, OSError) as error:
        raise InputUnreadable(
            f"{path} begins as Parquet and its footer cannot be read ({type(error).__name__}): it is cut or damaged. "
            f"{SAFE} Copy it again, or see whether whatever writes it has finished."
        ) from None


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
