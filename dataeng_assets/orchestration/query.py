"""Every layer in one DuckDB connection, for people: the lake at its newest, the warehouse from a copy."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import duckdb

from dataeng_assets.lake.location import Lake
from dataeng_assets.lake.views import create_views
from dataeng_assets.orchestration.warehouse import changed_at, readable_copy
from dataeng_assets.settings import Settings

_RELATIONS = """
select schema_name, table_name from duckdb_tables() where database_name = 'warehouse'
union all
select schema_name, view_name from duckdb_views() where database_name = 'warehouse' and not internal
"""


@contextmanager
def open_layers(notice: Callable[[str], None]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection with a view for each table of the lake and each model of the warehouse.

    Tables of the lake stand under their key: `bronze_shop.orders`, `gold.fct_orders`; models under their layer.

    Args:
        notice: is told when the warehouse is being written, and from when the copy is.
    """
    settings = Settings.load()
    with duckdb.connect() as connection:
        connection.execute("set TimeZone = 'UTC'")
        create_views(connection, Lake.current())
        found = readable_copy(settings.warehouse_file)
        if found:
            path, at = found
            if at < changed_at(settings.warehouse_file):
                notice(f"The warehouse is being written; staging and marts are shown as of {at:%Y-%m-%d %H:%M:%S} UTC.")
            _attach(connection, str(path))
        yield connection


def _attach(connection: duckdb.DuckDBPyConnection, path: str) -> None:
    connection.execute(f"attach '{path.replace(chr(39), chr(39) * 2)}' as warehouse (read_only)")
    own = {schema for (schema,) in connection.execute(
        "select distinct schema_name from duckdb_views() where database_name = 'memory' and not internal"
    ).fetchall()}  # fmt: skip
    for schema, name in connection.execute(_RELATIONS).fetchall():
        if schema not in own:
            connection.execute(f'create schema if not exists "{schema}"')
            connection.execute(f'create view "{schema}"."{name}" as from warehouse."{schema}"."{name}"')
