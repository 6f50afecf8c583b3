"""Reading the lake's Delta tables in DuckDB: one plain view per table, at one version, without an extension.

A local table is read by `read_parquet` over the files of that version: the quickest way, and the only one that every
cursor and process sees. A table on an object store is read through its pyarrow dataset, because DuckDB would need an
extension that it downloads; the dataset is known only to the connections that it was registered on.
What a view reads is fixed when it is made. Writing tables belongs in `append` and `replace`; when dbt makes the views
belongs in `dbt_plugin`.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
from deltalake import DeltaTable

from dataeng_assets.contracts.checks.sql import literal, quoted
from dataeng_assets.lake.location import Lake
from dataeng_assets.lake.strict import table_schema

# a column without time zone; every other reader feature changes which rows or columns the files hold
_HARMLESS_FEATURES = {"timestampNtz"}
_GLOB = re.compile(r"([*?\[])")


class UnreadableTable(Exception):
    """A Delta table that these views would read wrongly; the message names the table, the reason and the way on."""


@dataclass(frozen=True)
class Reading:
    """One table at one version: the view's schema and name, its SQL, and on an object store the dataset it reads."""

    key: tuple[str, ...]
    version: int
    sql: str
    dataset: ds.Dataset | None = None

    @property
    def dotted(self) -> str:
        """The key as pins and messages name it: `bronze.shop.orders`."""
        return ".".join(self.key)

    @property
    def schema(self) -> str:
        """The view's schema: `bronze_shop`."""
        return "_".join(self.key[:-1])

    @property
    def view(self) -> str:
        """The view's full name, quoted."""
        return f"{quoted(self.schema)}.{quoted(self.key[-1])}"

    @property
    def dataset_name(self) -> str:
        """The name under which the dataset is registered."""
        return "__".join(("lake", *self.key))


def create_views(
    connection: duckdb.DuckDBPyConnection,
    lake: Lake,
    pins: Mapping[str, int] | None = None,
    *,
    layers: Collection[str] | None = None,
) -> dict[str, int]:
    """Make a view for each table of the lake: `bronze_shop.orders` for the key `[bronze, shop, orders]`.

    Args:
        connection: where the views are made; the comment on each names the table and the version it reads.
        lake: where the tables are.
        pins: version by dotted key; a table that is not named is read at its newest version.
        layers: first parts of the keys wanted; all when None.

    Returns:
        The version read, by dotted key.

    Raises:
        TableMissing: a pinned table is not there.
        UnreadableTable: a table uses a Delta feature that changes which rows its files hold.
    """
    readings = read_lake(lake, pins, layers=layers)
    register_datasets(connection, readings)
    make_views(connection, readings)
    return {reading.dotted: reading.version for reading in readings}


def read_lake(
    lake: Lake, pins: Mapping[str, int] | None = None, *, layers: Collection[str] | None = None
) -> tuple[Reading, ...]:
    """Decide what the views read, touching the Delta logs only. Arguments and errors as in `create_views`."""
    pinned = {tuple(dotted.split(".")): version for dotted, version in (pins or {}).items()}
    keys = {*lake.tables(), *pinned}
    return tuple(
        read_table(key, lake.open(key, pinned.get(key)), lake.folder and lake.folder.joinpath(*key))
        for key in sorted(keys)
        if len(key) > 1 and (layers is None or key[0] in layers)
    )


def register_datasets(connection: duckdb.DuckDBPyConnection, readings: Collection[Reading]) -> None:
    """Make the datasets of an object store known to this connection; each cursor needs it anew."""
    for reading in readings:
        if reading.dataset is not None:
            connection.register(reading.dataset_name, reading.dataset)


def make_views(connection: duckdb.DuckDBPyConnection, readings: Collection[Reading]) -> None:
    """Create or replace the views, and drop those that an earlier call made for tables no longer there."""
    stale = connection.execute(
        "select schema_name, view_name from duckdb_views() where database_name = current_database()"
        " and not internal and comment like 'lake table %'"
    ).fetchall()
    current = {(reading.schema, reading.key[-1]) for reading in readings}
    for schema, name in set(stale) - current:
        connection.execute(f"drop view {quoted(schema)}.{quoted(name)}")
    for reading in readings:
        connection.execute(f"create schema if not exists {quoted(reading.schema)}")
        connection.execute(f"create or replace view {reading.view} as {reading.sql}")
        comment = literal(f"lake table {reading.dotted} version {reading.version}")
        connection.execute(f"comment on view {reading.view} is {comment}")


def read_table(
    key: tuple[str, ...], table: DeltaTable, folder: Path | None, *, position: tuple[str, str] | None = None
) -> Reading:
    """Decide how one table is read, touching its Delta log only.

    Args:
        key: what the reading is called.
        table: at the version wanted.
        folder: where it lies; None on an object store.
        position: names of two more columns for the file below the folder and the row in it, counted from 1. A table on
            an object store has none.

    Raises:
        UnreadableTable: it uses a Delta feature that changes which rows its files hold.
    """
    features = set(table.protocol().reader_features or ()) - _HARMLESS_FEATURES
    if features:
        raise UnreadableTable(
            f"{'.'.join(key)} uses the Delta reader feature {', '.join(sorted(features))}, with which its files hold"
            " rows or columns that are no longer part of the table. Nothing was read or changed."
            " Rewrite the table without the feature (deltalake's `optimize` does not remove it), or read it elsewhere."
        )
    if folder is None:
        dataset: ds.Dataset = table.to_pyarrow_dataset()
        reading = Reading(key, table.version(), "", dataset)
        return Reading(key, table.version(), f"select * from {quoted(reading.dataset_name)}", dataset)
    return Reading(key, table.version(), _files_sql(table, folder, position))


def file_text(path: Path) -> str:
    """A path in SQL, such that DuckDB takes it for that file whatever characters it has."""
    return literal(_GLOB.sub(r"[\1]", str(path)))


def _files_sql(table: DeltaTable, folder: Path, position: tuple[str, str] | None) -> str:
    # An empty typed branch gives the columns when there is no file, or none that has a column added later.
    types = _duckdb_types(table_schema(table))
    delivered = {**types, **dict(zip(position or (), ("VARCHAR", "BIGINT"), strict=False))}
    columns = ", ".join(quoted(name) for name in delivered)
    typed = ", ".join(f"null::{kind} as {quoted(name)}" for name, kind in delivered.items())
    empty = f"select {typed} where false"
    # paths in the log are percent-encoded once, the root never is
    names = pa.table(table.get_add_actions()).column("path").to_pylist()
    paths = [folder / unquote(str(name)) for name in names]
    if not paths:
        return empty
    partitions = table.metadata().partition_columns
    _refuse_misleading(folder, partitions)
    hive = "hive_partitioning = false"
    if partitions:
        declared = ", ".join(f"{literal(name)}: {types[name]}" for name in partitions)
        hive = f"hive_partitioning = true, hive_types = {{{declared}}}"
    # Delta writes a NULL text partition as the empty string too
    texts = [name for name in partitions if types[name] == "VARCHAR"]
    replaced = ", ".join(f"nullif({quoted(name)}, '') as {quoted(name)}" for name in texts)
    star = f"* replace ({replaced})" if texts else "*"
    if position:
        inside = f"substr(filename, {len(str(folder)) + 2})"
        star += f", {inside} as {quoted(position[0])}, file_row_number + 1 as {quoted(position[1])}"
    files = f"read_parquet([{', '.join(map(file_text, paths))}], union_by_name = true, {hive})"
    return f"select {columns} from ({empty} union all by name select {star} from {files})"


def _refuse_misleading(folder: Path, partitions: Collection[str]) -> None:
    for part in folder.parts:
        if part.partition("=")[0] in partitions and "=" in part:
            raise UnreadableTable(
                f"The folder {part!r} above the table {folder} looks like a value of its partition column, and would be"
                " read as that. Nothing was read or changed. Move the lake to a folder of another name."
            )


@cache
def _in_memory() -> duckdb.DuckDBPyConnection:
    """A database of no tables: a new one for each question would take forty times as long as its answer."""
    return duckdb.connect()


def _duckdb_types(schema: pa.Schema) -> dict[str, str]:
    with _in_memory().cursor() as connection:
        relation = connection.from_arrow(schema.empty_table())
        return {name: str(kind) for name, kind in zip(relation.columns, relation.types, strict=True)}
