"""Postgres tables: one read-only snapshot, copied in blocks and spilled, with the values that the table has.

The type table of contracts decides how a value travels; a type that it refuses arrives as the text that Postgres prints
for it. Connecting, the catalog and COPY belong in `postgres`.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime

import duckdb
import psycopg
import pyarrow as pa
from psycopg import sql

from dataeng_assets.contracts.checks.sql import quoted
from dataeng_assets.contracts.errors import TypeRefused
from dataeng_assets.contracts.types import ColumnType, postgres_type
from dataeng_assets.postgres.catalog import TableColumn, TableFacts, table_facts
from dataeng_assets.postgres.connect import address, connect
from dataeng_assets.postgres.copy import Copied
from dataeng_assets.postgres.errors import SourceError, TableGone, translated
from dataeng_assets.quality.inputs.address import split_address
from dataeng_assets.quality.inputs.opened import (
    SAFE,
    Held,
    Input,
    InputColumn,
    InputUnreadable,
    check_names,
    free_names,
)
from dataeng_assets.quality.inputs.spill import Spill, number

SCHEMES = ("postgres://", "postgresql://")
_EXAMPLE = "postgresql://user@host/database#schema.table"
_TEXT = postgres_type("text")
_LOCKABLE = ("table", "partitioned table", "view")


def open_postgres(where: str, connection: duckdb.DuckDBPyConnection) -> Input:
    """Open `postgresql://user@host/database#schema.table`; the schema is `public` where none is named.

    Raises:
        InputUnreadable: the server, the table or one of its values cannot be read. No password is shown.
    """
    url, schema, table = split_address(where, _EXAMPLE)
    schema = schema or "public"
    name = f"{address(url)}#{schema}.{table}"
    try:
        with ExitStack() as resources, connect(url, "dataeng validate") as source:
            facts, seen_at = _pin(source, schema, table)
            return _copied(name, source, facts, connection, resources, seen_at)
    except TableGone:
        raise InputUnreadable(
            f"There is no table {schema}.{table} in {address(url)}. {SAFE} Correct the name after the number sign; "
            "names are as the catalog has them, mostly in lower case."
        ) from None
    except SourceError as error:
        raise InputUnreadable(f"{name} cannot be read: {error}") from None


def _pin(source: psycopg.Connection, schema: str, table: str) -> tuple[TableFacts, datetime]:
    """Begin a transaction that sees one moment, and what the table is in it."""
    kind = table_facts(source, schema, table).kind
    with translated(f"locking {schema}.{table}"):
        source.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        # before the snapshot is taken: to an older one, a table that is rewritten meanwhile looks empty
        if kind in _LOCKABLE:
            source.execute(sql.SQL("LOCK TABLE {} IN ACCESS SHARE MODE").format(sql.Identifier(schema, table)))
        (seen_at,) = source.execute("SELECT clock_timestamp()").fetchall()[0]
    return table_facts(source, schema, table), seen_at


def _copied(
    name: str,
    source: psycopg.Connection,
    facts: TableFacts,
    connection: duckdb.DuckDBPyConnection,
    resources: ExitStack,
    seen_at: datetime,
) -> Input:
    check_names(name, [column.name for column in facts.columns])
    if not facts.columns:
        raise InputUnreadable(f"{name} has no columns. {SAFE} Name another table.")
    types = [_carried(column) for column in facts.columns]
    position = free_names((column.name for column in facts.columns), "_row") if facts.has_row_xmin else ()
    names = [*(column.name for column in facts.columns), *position]
    kinds = [*(kind or _TEXT for kind in types), *(_TEXT for _ in position)]
    table = f"{facts.schema}.{facts.name}"
    copied = Copied(source, table, _query(facts, types), list(zip(names, kinds, strict=True)))
    spill = Spill.on(resources)
    spill.write(name, pa.schema([(column, kind.csv_arrow) for column, kind in copied.columns]), copied)
    if copied.delivered != spill.rows:
        raise InputUnreadable(
            f"{name}: the server sent {copied.delivered} rows and {spill.rows} arrived. {SAFE} Repeat it."
        )
    values = [kind.load_sql(quoted(number(place))) for place, kind in enumerate(kinds)]
    relation, _ = spill.relation(names, expressions=values, positioned=False)
    columns = _columns(connection, relation, facts.columns, types)
    version = seen_at.astimezone(UTC).isoformat()
    return Input(name, relation, columns, position, spill.rows, copied.text_bytes, version, resources.pop_all())


def _carried(column: TableColumn) -> ColumnType | None:
    """The type that carries the column; None if its text does."""
    try:
        return postgres_type(column.type)
    except TypeRefused:
        return None


def _query(facts: TableFacts, types: Sequence[ColumnType | None]) -> sql.Composable:
    # identifiers are quoted by psycopg; the expressions around them come from the type table
    values = []
    for column, kind in zip(facts.columns, types, strict=True):
        identifier = sql.Identifier(column.name).as_string()
        values.append(sql.SQL(kind.copy_sql(identifier) if kind else f"{identifier}::text"))
    if facts.has_row_xmin:
        partition = "tableoid::regclass::text || ' ' || " if facts.kind == "partitioned table" else ""
        values.append(sql.SQL(f"{partition}ctid::text"))
    return sql.SQL("SELECT {} FROM {}").format(sql.SQL(", ").join(values), sql.Identifier(facts.schema, facts.name))


def _columns(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    columns: Sequence[TableColumn],
    types: Sequence[ColumnType | None],
) -> tuple[InputColumn, ...]:
    described = connection.execute(f"describe from {relation}").fetchall()
    return tuple(
        InputColumn(
            column.name,
            str(delivered),
            Held.TYPED if kind else Held.TEXT,
            pa.field(column.name, kind.arrow, column.nullable) if kind else None,
            column.type,
        )
        for column, kind, (_, delivered, *_) in zip(columns, types, described, strict=False)
    )
