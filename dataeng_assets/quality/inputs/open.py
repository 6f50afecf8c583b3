"""One way in for everything that can be validated.

What an address means is decided here; how each kind is read belongs in the module of its name.
"""

import tempfile
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
    problem, way_on = _meaning(error)
    return InputUnreadable(f"{opened.name} could be opened, but when it was read {problem}. {SAFE} {way_on}")


def _meaning(error: duckdb.Error) -> tuple[str, str]:
    """What went wrong, and the next step."""
    is_of_system = isinstance(error, duckdb.IOException | duckdb.OutOfMemoryException)
    text = str(error).lower() if is_of_system else ""
    if "no space left" in text or "max_temp_directory_size" in text:
        return (
            f"the disk that is spilled to became full ({tempfile.gettempdir()})",
            "Make room there, or set TMPDIR to a folder on a larger disk, and repeat.",
        )
    if isinstance(error, duckdb.OutOfMemoryException):
        return (
            "more memory was needed than DuckDB may take",
            "Judge it in parts (fewer files at once), or leave out rules that hold many values at once: --checks.",
        )
    if isinstance(error, duckdb.PermissionException) or "permission denied" in text:
        return (
            "this user was not allowed to read one of its files, or to write where it is spilled",
            f"Check who may read the input and write to {tempfile.gettempdir()} (`ls -l`), and repeat.",
        )
    if isinstance(error, duckdb.IOException):
        return (
            "it lost one of its files, or a file could no longer be read",
            "See whether it was changed meanwhile, and repeat.",
        )
    if isinstance(error, duckdb.DataError):
        return (
            f"a value did not fit the type that it is read or compared as ({type(error).__name__})",
            "Compare the types of its columns with the contract's; in SQL of your own, write try_cast.",
        )
    return f"it had a damaged part ({type(error).__name__})", "Copy or write it again, and see whether it is whole."
