"""Tables and views of a DuckDB file, attached read-only.

A view is SQL that somebody else wrote; in a file that is not the platform's own it may read the file's tables only.
"""

import secrets
from contextlib import ExitStack
from pathlib import Path

import duckdb
import pyarrow as pa

from dataeng_assets.contracts.checks.sql import literal, quoted
from dataeng_assets.contracts.errors import did_you_mean
from dataeng_assets.quality.inputs.address import split_address
from dataeng_assets.quality.inputs.files import changed
from dataeng_assets.quality.inputs.opened import (
    SAFE,
    Held,
    Input,
    InputColumn,
    InputUnreadable,
    check_names,
    folded,
    free_names,
)

SCHEME = "duckdb:"
_EXAMPLE = "duckdb:shop.duckdb#main.orders"

Place = tuple[str, str, bool]
"""Schema, name, and whether it is a view."""


def open_duckdb(where: str, connection: duckdb.DuckDBPyConnection) -> Input:
    """Open `duckdb:FILE#schema.table`; the schema is `main` where none is named.

    Raises:
        InputUnreadable: the file or the table is not there, is in use, or is a view that reads other files.
    """
    database, schema, table = split_address(where.removeprefix(SCHEME), _EXAMPLE)
    path = Path(database)
    with ExitStack() as resources:
        catalog = attach(path, connection, resources)
        places = tables_of(catalog, connection)
        place = _find(where, places, schema or "main", table)
        if place[2]:
            resources.close()
            _check_view(where, path, place)
            catalog = attach(path, connection, resources)
        return open_place(where, path, catalog, place, connection, resources)


def attach(path: Path, connection: duckdb.DuckDBPyConnection, resources: ExitStack) -> str:
    """Attach a file until the resources are closed; gives the name of its catalog.

    Raises:
        InputUnreadable: it cannot be.
    """
    catalog = f"input_{secrets.token_hex(4)}"
    if not path.is_file():
        raise InputUnreadable(f"{path} is not there. {SAFE} Name the DuckDB file, as in `{_EXAMPLE}`.")
    try:
        connection.execute(f"attach {literal(str(path.absolute()))} as {quoted(catalog)} (read_only)")
    except duckdb.Error as error:
        busy = "lock" in str(error) or "already attached" in str(error)
        problem = "is in use by somebody who writes" if busy else f"is no database of DuckDB {duckdb.__version__}"
        way_on = "Wait, or copy the file." if busy else "See whether it was copied whole, and which version wrote it."
        raise InputUnreadable(f"{path} {problem} ({type(error).__name__}). {SAFE} {way_on}") from None
    resources.callback(connection.execute, f"detach database if exists {quoted(catalog)}")
    return catalog


def tables_of(catalog: str, connection: duckdb.DuckDBPyConnection) -> list[Place]:
    """Everything in an attached file that has rows, in order."""
    found = connection.execute(
        "select schema_name, table_name, false from duckdb_tables() where database_name = $1 union all"
        " select schema_name, view_name, true from duckdb_views() where database_name = $1 and not internal"
        " order by all",
        [catalog],
    )
    return [(schema, name, is_view) for schema, name, is_view in found.fetchall()]


def open_place(
    where: str, path: Path, catalog: str, place: Place, connection: duckdb.DuckDBPyConnection, resources: ExitStack
) -> Input:
    """Open a table or view of an attached file; the input takes the resources over."""
    schema, name, is_view = place
    table = ".".join(map(quoted, (catalog, schema, name)))
    try:
        delivered = connection.sql(f"select * from {table} limit 0")
        kinds = dict(zip(delivered.columns, map(str, delivered.types), strict=True))
        arrow: pa.Schema = delivered.to_arrow_table().schema
    except duckdb.Error as error:
        raise InputUnreadable(
            f"{where} cannot be read ({type(error).__name__}): a view over what is no longer there, or a damaged file. "
            f"{SAFE} Name a table, or make the view anew."
        ) from None
    required = _required(catalog, place, connection)
    check_names(where, list(kinds))
    columns = tuple(
        InputColumn(column, kind, Held.TYPED, arrow.field(at).with_nullable(column not in required), kind)
        for at, (column, kind) in enumerate(kinds.items())
    )
    names = ", ".join(map(quoted, kinds))
    relation, position, rows = f"(select {names} from {table})", free_names(kinds, "_row"), None
    if is_view or "rowid" in map(folded, kinds):
        position = ()
    else:
        relation = f"(select {names}, rowid as {quoted(position[0])} from {table})"
        rows = int(connection.execute(f"select count(*) from {table}").fetchall()[0][0])
    return Input(where, relation, columns, position, rows, None, changed([path]), resources.pop_all())


def _find(where: str, places: list[Place], schema: str, table: str) -> Place:
    exact = [place for place in places if place[:2] == (schema, table)]
    alike = [place for place in places if tuple(map(folded, place[:2])) == (folded(schema), folded(table))]
    if not exact and not alike:
        guess = did_you_mean(table, [name for _, name, _ in places])
        listed = ", ".join(f"{schema}.{name}" for schema, name, _ in places) or "none"
        raise InputUnreadable(f"{where}: there is no such table{guess}. {SAFE} Its tables: {listed}.")
    return (exact or alike)[0]


def _required(catalog: str, place: Place, connection: duckdb.DuckDBPyConnection) -> set[str]:
    found = connection.execute(
        "select column_name from duckdb_columns() where not is_nullable"
        " and database_name = $1 and schema_name = $2 and table_name = $3",
        [catalog, *place[:2]],
    )
    return {name for (name,) in found.fetchall()}


def _check_view(where: str, path: Path, place: Place) -> None:
    """Prepare the view where nothing but its own file can be reached."""
    with duckdb.connect() as closed, ExitStack() as resources:
        file = str(path.absolute())
        closed.execute(f"set allowed_paths = [{literal(file)}, {literal(file + '.wal')}]")
        closed.execute("set enable_external_access = false")
        catalog = attach(path, closed, resources)
        try:
            closed.execute(f"select * from {'.'.join(map(quoted, (catalog, *place[:2])))} limit 0")
        except duckdb.PermissionException:
            raise InputUnreadable(
                f"{where} is a view that reads other files than its own. {SAFE} Name what it reads, or a table."
            ) from None
        except duckdb.Error:
            return
