"""The dbt-duckdb plugin that lets models read the lake.

Once per dbt invocation, on its first cursor and under a lock, it makes one view per bronze and silver table, at the
versions that `DATAENG_PINS` names, else at the newest. dbt-duckdb configures a connection only once per process, so a
process that runs dbt again would read old versions for ever: hence the cursor, and the invocation's id.
What a view is belongs in `views`.
"""

import threading
from typing import Any

import duckdb
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt_common.exceptions import DbtRuntimeError
from dbt_common.invocation import get_invocation_id

from dataeng_assets.lake.location import Lake, TableMissing
from dataeng_assets.lake.views import Reading, UnreadableTable, make_views, read_lake, register_datasets
from dataeng_assets.settings import Settings

# dbt reads what came before it; gold and the ledger are made from its models
_LAYERS = ("bronze", "silver")


class Plugin(BasePlugin):
    """Makes the lake's views before the first model of an invocation runs."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:  # noqa: ARG002  # dbt gives it
        """Start with no view made."""
        self._lock = threading.Lock()
        self._invocation: str | None = None
        self._readings: tuple[Reading, ...] = ()

    def configure_cursor(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Make the views on the invocation's first cursor; make an object store's tables known to every cursor."""
        with self._lock:
            first = self._invocation != get_invocation_id()
            if first:
                self._readings = _current_readings()
            register_datasets(cursor, self._readings)
            if first and not _is_read_only(cursor):
                make_views(cursor, self._readings)
                self._invocation = get_invocation_id()


def _is_read_only(cursor: duckdb.DuckDBPyConnection) -> bool:
    """Whether dagster-dbt has opened the file to count rows; the views of the invocation before it are still there."""
    found = cursor.execute("select readonly from duckdb_databases() where database_name = current_database()")
    return bool((found.fetchone() or (False,))[0])


def _current_readings() -> tuple[Reading, ...]:
    try:
        return read_lake(Lake.current(), Settings.load().pins, layers=_LAYERS)
    except (TableMissing, UnreadableTable) as error:
        raise DbtRuntimeError(str(error)) from error
