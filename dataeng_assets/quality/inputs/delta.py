"""Delta tables at one version: the files of that version, never those that merely lie in the folder.

How a table becomes SQL belongs in `lake.views`, finding a table of this platform by its name in `platform_table`.
"""

import secrets
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

import duckdb
import pyarrow as pa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from dataeng_assets.contracts.checks.sql import quoted
from dataeng_assets.lake.strict import table_schema
from dataeng_assets.lake.views import UnreadableTable, read_table
from dataeng_assets.quality.inputs.opened import SAFE, Input, InputUnreadable, check_names, free_names
from dataeng_assets.quality.inputs.parquet import VIRTUAL
from dataeng_assets.quality.inputs.typed import check_types, typed_columns

LOG = "_delta_log"


def open_delta(
    where: str, uri: str, connection: duckdb.DuckDBPyConnection, options: Mapping[str, str] | None = None
) -> Input:
    """Open a Delta table at its newest version.

    Args:
        where: what people call it.
        uri: a folder, or the URI of one.
        connection: where it is read; a table on an object store is registered on it.
        options: storage options as delta-rs names them.

    Raises:
        InputUnreadable: no table is there, or its files hold other rows than the table.
    """
    folder = _folder(uri)
    try:
        table = DeltaTable(str(folder or uri), storage_options=dict(options or {}))
        schema = table_schema(table)
        check_names(where, schema.names)
        check_types(where, schema)
        position = _position(schema) if folder else None
        files = pa.table(table.get_add_actions(flatten=True))
        _check_inside(where, files)
        reading = read_table((where,), table, folder, position=position)
    except UnreadableTable as error:
        raise InputUnreadable(f"{error} {SAFE}") from None
    except (DeltaError, OSError, ValueError) as error:
        said = str(error).strip().split("\n")[0].rstrip(".")
        raise InputUnreadable(
            f"{where} cannot be read as a Delta table ({said}). {SAFE} See whether the address is right and its "
            f"{LOG} is whole; storage options come from DATAENG_LAKE_OPTIONS."
        ) from None
    with ExitStack() as resources:
        relation = f"({reading.sql})"
        if reading.dataset is not None:
            name = f"input_{secrets.token_hex(4)}"
            connection.register(name, reading.dataset)
            resources.callback(connection.unregister, name)
            relation = quoted(name)
        columns = typed_columns(connection, relation, schema)
        rows, size = _sum(files, "num_records"), _sum(files, "size_bytes")
        version = str(table.version())
        return Input(where, relation, columns, position or (), rows, size, version, resources.pop_all())


def is_delta(path: Path) -> bool:
    """Whether a folder is a Delta table."""
    return (path / LOG).is_dir()


def refuse_parts(where: str, paths: Sequence[Path]) -> None:
    """Refuse files that belong to a Delta table: some of them are no longer, or not yet, part of it.

    Raises:
        InputUnreadable: names the table.
    """
    for folder in dict.fromkeys(parent for path in paths for parent in path.absolute().parents):
        if is_delta(folder):
            raise InputUnreadable(
                f"{where} lies in the Delta table {folder}, whose folder also holds files that are not part of it. "
                f"{SAFE} Name the table's folder."
            )


def _folder(uri: str) -> Path | None:
    if uri.startswith("file://"):
        return Path(unquote(urlsplit(uri).path))
    return None if "://" in uri else Path(uri)


def _position(schema: pa.Schema) -> tuple[str, str] | None:
    if VIRTUAL & {name.lower() for name in schema.names}:
        return None
    file, row = free_names(schema.names, "_file", "_row")
    return file, row


def _check_inside(where: str, files: pa.Table) -> None:
    for name in files.column("path").to_pylist():
        path = PurePosixPath(unquote(str(name)))
        if path.is_absolute() or ".." in path.parts or "://" in str(name):
            raise InputUnreadable(
                f"{where} has files outside of its folder, as a shallow clone does. {SAFE} Name the table that it was "
                "cloned from, or copy it whole."
            )


def _sum(files: pa.Table, column: str) -> int | None:
    """The sum of a column of the log; None when a file lacks it."""
    values = files.column(column)
    return None if values.null_count else sum(int(str(value)) for value in values.to_pylist())
