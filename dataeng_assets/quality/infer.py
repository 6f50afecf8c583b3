"""Profiling what an address or a name means. Measuring belongs in `profile`, opening in `inputs`."""

import re
from pathlib import Path

import duckdb

from dataeng_assets.contracts.checks.rule import Suite
from dataeng_assets.quality.inputs.open import explain_failure, open_input
from dataeng_assets.quality.inputs.opened import Input, InputUnreadable
from dataeng_assets.quality.platform import current_rows, platform_key, platform_suite
from dataeng_assets.quality.profile import Profile, profile


def profile_of(connection: duckdb.DuckDBPyConnection, where: str, *, table: bool = False, name: str = "") -> Profile:
    """Profile a file, folder, glob, Delta table, table of a database, or table of this platform.

    Args:
        connection: from `quality.connection.connect`.
        where: as `inputs.open.open_input` takes it.
        table: whether it is the name of a table of this platform.
        name: what the table is called in a contract; derived from where it is when empty.

    Raises:
        InputUnreadable: it cannot be read, or not without altering it.
    """
    with open_input(where, connection, table=table) as opened:
        looked_at = _present(opened) if table else opened
        try:
            return profile(connection, looked_at, name or table_name(where))
        except duckdb.Error as error:
            raise explain_failure(error, opened) from error


def table_name(where: str) -> str:
    """What a table is probably called that lies here: the file's name without its endings, the folder's for a glob."""
    _, _, table = where.rpartition("#") if "#" in where else ("", "", "")
    if table:
        return table.rpartition(".")[2]
    parts = [part for part in Path(where).parts if "*" not in part and "?" not in part and "[" not in part]
    last = parts[-1].partition(".")[0] if parts else ""
    return re.sub(r"[^A-Za-z0-9_]+", "_", last).strip("_") or "table"


def _present(opened: Input) -> Input:
    """The rows of a table of this platform that are there now, without the columns that the platform adds."""
    key = platform_key(opened)
    try:
        suite = platform_suite(key)
    except InputUnreadable:
        suite = Suite(key[-1])  # nothing demands anything of it yet: that is why a contract is wanted
    return current_rows(opened, key, suite)
