"""One way in for everything that can be validated.

What an address means is decided here; how each kind is read belongs in the module of its name.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import duckdb

from dataeng_assets.lake.location import Lake
from dataeng_assets.quality.inputs.arrow_ipc import open_arrow
from dataeng_assets.quality.inputs.avro import open_avro
from dataeng_assets.quality.inputs.delimited import open_delimited
from dataeng_assets.quality.inputs.delta import is_delta, open_delta, refuse_parts
from dataeng_assets.quality.inputs.duckdb_table import SCHEME, open_duckdb
from dataeng_assets.quality.inputs.files import find_files
from dataeng_assets.quality.inputs.formats import Format, common_format
from dataeng_assets.quality.inputs.json_rows import open_json
from dataeng_assets.quality.inputs.opened import SAFE, Input, InputUnreadable
from dataeng_assets.quality.inputs.parquet import open_parquet
from dataeng_assets.quality.inputs.partitions import with_partitions
from dataeng_assets.quality.inputs.platform_table import open_platform_table
from dataeng_assets.quality.inputs.postgres_table import SCHEMES, open_postgres
from dataeng_assets.settings import Settings

Opener = Callable[[str, Sequence[Path], duckdb.DuckDBPyConnection], Input]

_OPENERS: Mapping[Format, Opener] = MappingProxyType(
    {
        Format.PARQUET: open_parquet,
        Format.CSV: open_delimited,
        Format.JSON: open_json,
        Format.ARROW_FILE: open_arrow,
        Format.ARROW_STREAM: open_arrow,
        Format.AVRO: open_avro,
    }
)


def open_input(where: str, connection: duckdb.DuckDBPyConnection, *, table: bool = False) -> Input:
    """Open an input on a connection; close it before the connection is closed.

    Args:
        where: a file, a glob, a folder of files of one format, a Delta table's folder or URI,
            `duckdb:FILE#schema.table`, `postgresql://user@host/database#schema.table`; with
            `table` the name of a table of this platform.
        connection: from `quality.connection.connect`.
        table: whether `where` is such a name.

    Raises:
        InputUnreadable: what is there cannot be read, or not without altering it.
    """
    if table:
        return open_platform_table(where, connection, Lake.current(), Settings.load().warehouse_file)
    if where.startswith(SCHEME):
        return open_duckdb(where, connection)
    if where.startswith(SCHEMES):
        return open_postgres(where, connection)
    if "://" in where or is_delta(Path(where)):
        options = Lake.current().options if "://" in where else None
        return open_delta(where, where, connection, options)
    paths = find_files(where)
    if paths != (Path(where),):
        refuse_parts(where, paths)
    opened = _OPENERS[common_format(where, paths)](where, paths, connection)
    return with_partitions(opened, Path(where), paths) if Path(where).is_dir() else opened


def explain_failure(error: duckdb.Error, opened: Input) -> InputUnreadable:
    """What an error of DuckDB means that came up while the input was scanned.

    The text of the error is left out: it may hold values of the data.
    """
    if isinstance(error, duckdb.OutOfMemoryException):
        problem, way_on = "needed more memory than DuckDB was given", "Give it more."
    elif isinstance(error, duckdb.IOException):
        problem = "lost one of its files, or the disk that is spilled to is full"
        way_on = "See whether it was changed meanwhile and whether TMPDIR has room, and repeat."
    else:
        problem = f"had a damaged part, or a value that its type cannot hold ({type(error).__name__})"
        way_on = "Copy or write it again, and see whether it is whole."
    return InputUnreadable(f"{opened.name} could be opened, but when it was read it {problem}. {SAFE} {way_on}")
