"""The dbt-duckdb plugin of this project: DuckDB computes, and every table that outlives a run is a Delta table.

At the start of an invocation it makes a view of each Delta table of the lake, at its newest version, so that sources
and models of former runs are there. Snapshots are copied into DuckDB instead, because dbt changes them in place.
How a table is written belongs in `tables`; which model is written how stands in `macros/delta.sql`.
"""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.adapters.duckdb.utils import TargetConfig
from dbt_common.exceptions import DbtRuntimeError
from dbt_common.invocation import get_invocation_id
from deltalake import DeltaTable

from .tables import Refused, Target, quoted, registered, replace, replace_days

_SNAPSHOTS = "snapshots"


class Plugin(BasePlugin):
    """Reads and writes the folder `<address>/<schema>/<table>`."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Take the address and the schemas that lie there from the profile."""
        self._address = str(plugin_config["address"]).rstrip("/")
        self._schemas = [str(name) for name in plugin_config["schemas"]]
        self._lock = threading.Lock()
        self._invocation: str | None = None
        self._tables: dict[tuple[str, str], DeltaTable] = {}

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Keep the connection, for cursors that write."""
        self._connection = conn

    def configure_cursor(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Make the tables known to each cursor; the first one of an invocation also makes the views."""
        with self._lock:
            if self._invocation != get_invocation_id():
                self._tables = dict(self._found())
                self._make_views(cursor)
                self._invocation = get_invocation_id()
            else:
                self._register(cursor)

    def store(self, target_config: TargetConfig) -> None:
        """Write what a model selects, or the snapshot that dbt has just changed, in one commit.

        Raises:
            DbtRuntimeError: a type would have to be changed, or another writer was quicker. Nothing was written.
        """
        key = (str(target_config.relation.schema), str(target_config.relation.identifier))
        asked: Mapping[str, Any] = target_config.config
        target = Target(f"{self._address}/{key[0]}/{key[1]}", ".".join(key), self._tables.get(key))
        # a cursor of its own: what is committed is seen there, and its temporary tables end with it
        with self._connection.cursor() as cursor:
            cursor.execute("SET TimeZone = 'UTC'")
            self._register(cursor)
            try:
                if asked.get("day") and target.table is not None and not asked.get("anew"):
                    written = replace_days(cursor, target, asked["sql"], asked["day"], asked["key"], asked["watermark"])
                else:
                    written = replace(cursor, target, asked["sql"], asked.get("day"), anew=bool(asked.get("anew")))
            except Refused as error:
                raise DbtRuntimeError(str(error)) from error
            self._tables[key] = written
            if key[0] != _SNAPSHOTS:
                self._make_view(cursor, key)

    def _found(self) -> Mapping[tuple[str, str], DeltaTable]:
        keys = [(schema, name) for schema in self._schemas for name in _names(f"{self._address}/{schema}")]
        return {key: DeltaTable(f"{self._address}/{key[0]}/{key[1]}") for key in keys}

    def _register(self, cursor: duckdb.DuckDBPyConnection) -> None:
        for key, table in self._tables.items():
            cursor.register(registered(".".join(key)), table.to_pyarrow_dataset())

    def _make_views(self, cursor: duckdb.DuckDBPyConnection) -> None:
        self._register(cursor)
        for schema in self._schemas:
            # what a former invocation left in DuckDB counts for nothing: the lake does
            cursor.execute(f"DROP SCHEMA IF EXISTS {quoted(schema)} CASCADE")
            cursor.execute(f"CREATE SCHEMA {quoted(schema)}")
        for key in self._tables:
            self._make_view(cursor, key)

    def _make_view(self, cursor: duckdb.DuckDBPyConnection, key: tuple[str, str]) -> None:
        kind = "TABLE" if key[0] == _SNAPSHOTS else "VIEW"
        place, read = f"{quoted(key[0])}.{quoted(key[1])}", quoted(registered(".".join(key)))
        cursor.register(registered(".".join(key)), self._tables[key].to_pyarrow_dataset())
        cursor.execute(f"CREATE OR REPLACE {kind} {place} AS SELECT * FROM {read}")


def _names(folder: str) -> list[str]:
    """The Delta tables of a folder; none where it is not there yet."""
    if "://" not in folder:
        return sorted(path.parent.name for path in Path(folder).glob("*/_delta_log"))
    from pyarrow import fs

    files, path = fs.FileSystem.from_uri(folder)
    found = files.get_file_info(fs.FileSelector(path, allow_not_found=True))
    return sorted(one.base_name for one in found if DeltaTable.is_deltatable(f"{folder}/{one.base_name}"))
