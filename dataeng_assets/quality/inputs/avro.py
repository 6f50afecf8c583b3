"""Avro files: block by block into columns.

How its types arrive is decided in `avro_types`.
"""

import lzma
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

import duckdb
import fastavro
import pyarrow as pa
from fastavro.schema import SchemaParseException

from dataeng_assets.quality.inputs.avro_types import AvroColumn, Schema, avro_column, stored
from dataeng_assets.quality.inputs.files import uncompressed
from dataeng_assets.quality.inputs.opened import SAFE, Held, Input, InputUnreadable
from dataeng_assets.quality.inputs.typed import Rows, open_rows

_BATCH_ROWS = 10_000
# what bytes that are no Avro make of a reader that trusts them
_DAMAGE = (
    EOFError, ValueError, LookupError, TypeError, AttributeError, OverflowError, MemoryError, RecursionError,
    ArithmeticError, SchemaParseException, zlib.error, lzma.LZMAError, pa.ArrowException, OSError,
)  # fmt: skip


def open_avro(where: str, paths: Sequence[Path], connection: duckdb.DuckDBPyConnection) -> Input:
    """Open Avro files of one schema.

    Raises:
        InputUnreadable: one is cut or damaged, they differ, or what they hold are no records.
    """
    return open_rows(where, paths, connection, _rows)


@contextmanager
def _rows(path: Path) -> Iterator[Rows]:
    with uncompressed(path) as stream, _damaged(path):
        blocks: Any = fastavro.block_reader(cast("IO[bytes]", stream))
        columns = _columns(path, blocks.writer_schema)
        schema = pa.schema([column.field for column in columns])
        held = {column.field.name: column.held for column in columns if column.held is not Held.TYPED}
        natives = {column.field.name: column.native for column in columns}
        yield Rows(schema, _batches(blocks, columns), held, natives)


def _columns(path: Path, schema: Schema) -> list[AvroColumn]:
    if not isinstance(schema, dict) or schema.get("type") != "record":
        raise InputUnreadable(
            f"{path} holds values that are no records, so they have no columns. {SAFE} Write records, with the value "
            "as a field."
        )
    named: dict[str, Any] = {}
    parsed: Any = fastavro.parse_schema(schema, named_schemas=named)
    return [avro_column(field["name"], field["type"], named) for field in parsed["fields"]]


def _batches(blocks: Any, columns: Sequence[AvroColumn]) -> Iterator[pa.RecordBatch]:
    schema = fastavro.parse_schema(stored(blocks.writer_schema))
    read: Any = fastavro.schemaless_reader
    records: list[dict[str, Any]] = []
    for block in blocks:
        for _ in range(block.num_records):
            records.append(read(block.bytes_, schema))
            if len(records) == _BATCH_ROWS:
                yield _arrow(records, columns)
                records = []
        if block.bytes_.read(1):
            raise ValueError("a block holds more than its records")
    if records:
        yield _arrow(records, columns)


def _arrow(records: Sequence[dict[str, Any]], columns: Sequence[AvroColumn]) -> pa.RecordBatch:
    arrays = [column.build([record[column.field.name] for record in records]) for column in columns]
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema([column.field for column in columns]))


@contextmanager
def _damaged(path: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        raise InputUnreadable(
            f"{path} begins as Avro and cannot be read to its end ({type(error).__name__}): it is cut or damaged, or "
            f"compressed with a codec that is not there. {SAFE} Copy it again, or write it with deflate or zstandard."
        ) from None
