"""Parquet files: scanned by DuckDB where they lie, after their footers have been compared.

DuckDB reads several files by the schema of the first; files that differ are refused here instead, because a column
that one of them lacks must not look like a column of NULLs.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from dataeng_assets.contracts.checks.sql import quoted
from dataeng_assets.lake.views import file_text
from dataeng_assets.quality.inputs.files import changed, compression, size
from dataeng_assets.quality.inputs.opened import SAFE, Input, InputUnreadable, check_names, free_names
from dataeng_assets.quality.inputs.spill import Spill
from dataeng_assets.quality.inputs.typed import check_same, check_types, typed_columns

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
        lying = [spill.unpack(path) if spill else path for path in paths]
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


def _scan(paths: Sequence[Path], schema: pa.Schema) -> tuple[str, tuple[str, ...]]:
    position = free_names(schema.names, "_file", "_row")
    file, row = map(quoted, position)
    names = ", ".join(quoted(name) for name in schema.names)
    # DuckDB would take a tilde at the start for somebody's home
    texts = (file_text(path.absolute() if str(path).startswith("~") else path) for path in paths)
    files = f"read_parquet([{', '.join(texts)}], hive_partitioning = false)"
    return f"(select {names}, filename as {file}, file_row_number + 1 as {row} from {files})", position


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
        first = check_same(where, (paths[0], first), (path, schema))
        rows += count
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
