"""Postgres tables: one read-only snapshot, asked, or copied in blocks and spilled, with the values that the table has.

The type table of contracts decides how a value travels; a type that it refuses arrives as the text that Postgres prints
for it. Connecting, the catalog and COPY belong in `postgres`.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

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


@dataclass(frozen=True)
class PostgresTable:
    """A table as it is at one moment, held open; nothing of it was read yet.

    Attributes:
        name: what people call it; no password is in it.
        source: within the transaction that sees the moment.
        types: what carries each column; None if its text does.
        position: as `Input` has it, with its SQL; none for a view.
    """

    name: str
    source: psycopg.Connection
    facts: TableFacts
    types: Mapping[str, ColumnType | None]
    position: Mapping[str, str]
    seen_at: datetime

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query in the same moment.

        Raises:
            InputUnreadable: a date or time in them is one that Python has not.
            SourceError: the server will not, or is away.
        """
        with translated(f"judging {self.facts.schema}.{self.facts.name}"):
            found = self.source.execute(query.encode())
        try:
            return found.fetchall()
        except psycopg.DataError:  # its text holds the value
            raise InputUnreadable(
                f"{self.name} holds a date or time that is infinite, before Christ or after 9999. {SAFE} Correct the "
                "value, or name a view in which the column is cast to text."
            ) from None

    def copied(
        self, connection: duckdb.DuckDBPyConnection, columns: Collection[str] | None = None, *, rows: bool = True
    ) -> Input:
        """Copy the table, or of its columns and position those that are named, but at least one; or without its rows.

        Raises:
            InputUnreadable: a value cannot be carried.
            SourceError: the server will not, or is away.
        """
        with ExitStack() as resources:
            return _copied(self, connection, _named(self, columns), resources, rows=rows)


@contextmanager
def pinned(where: str) -> Iterator[PostgresTable]:
    """Look at `postgresql://user@host/database#schema.table`; the schema is `public` where none is named.

    Raises:
        InputUnreadable: the server, the table or one of its values cannot be read. No password is shown.
    """
    url, schema, table = split_address(where, _EXAMPLE)
    schema = schema or "public"
    name = f"{address(url)}#{schema}.{table}"
    try:
        with connect(url, "dataeng validate") as source:
            facts, seen_at = _pin(source, schema, table)
            names = [column.name for column in facts.columns]
            check_names(name, names)
            if not names:
                raise InputUnreadable(f"{name} has no columns. {SAFE} Name another table.")
            types = {column.name: _carried(column) for column in facts.columns}
            yield PostgresTable(name, source, facts, types, _position(facts), seen_at)
    except TableGone:
        raise InputUnreadable(
            f"There is no table {schema}.{table} in {address(url)}. {SAFE} Correct the name after the number sign; "
            "names are as the catalog has them, mostly in lower case."
        ) from None
    except SourceError as error:
        raise InputUnreadable(f"{name} cannot be read: {error}") from None


def open_postgres(where: str, connection: duckdb.DuckDBPyConnection) -> Input:
    """Copy a whole table; see `pinned`."""
    with pinned(where) as table:
        return table.copied(connection)


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


def _position(facts: TableFacts) -> Mapping[str, str]:
    if not facts.has_row_xmin:
        return {}
    (name,) = free_names((column.name for column in facts.columns), "_row")
    partition = "tableoid::regclass::text || ' ' || " if facts.kind == "partitioned table" else ""
    return {name: f"{partition}ctid::text"}


def _named(table: PostgresTable, columns: Collection[str] | None) -> tuple[TableColumn, ...]:
    """The columns to copy, and the position as the last of them."""
    position = tuple(TableColumn(name, "text", nullable=False) for name in table.position)
    everything = (*table.facts.columns, *position)
    if columns is None:
        return everything
    return tuple(column for column in everything if column.name in columns) or everything[:1]


def _copied(
    table: PostgresTable,
    connection: duckdb.DuckDBPyConnection,
    columns: Sequence[TableColumn],
    resources: ExitStack,
    *,
    rows: bool,
) -> Input:
    names = [column.name for column in columns]
    kinds = [table.types.get(name) or _TEXT for name in names]
    query = _query(table, names, rows=rows)
    shown = f"{table.facts.schema}.{table.facts.name}"
    copied = Copied(table.source, shown, query, list(zip(names, kinds, strict=True)))
    spill = Spill.on(resources)
    spill.write(table.name, pa.schema([(column, kind.csv_arrow) for column, kind in copied.columns]), copied)
    if copied.delivered != spill.rows:
        raise InputUnreadable(
            f"{table.name}: the server sent {copied.delivered} rows and {spill.rows} arrived. {SAFE} Repeat it."
        )
    values = [kind.load_sql(quoted(number(place))) for place, kind in enumerate(kinds)]
    relation, _ = spill.relation(names, expressions=values, positioned=False)
    own = [column for column in columns if column.name in table.types]
    return Input(
        table.name,
        relation,
        _columns(connection, relation, own, table.types),
        tuple(name for name in names if name in table.position),
        spill.rows,
        copied.text_bytes,
        table.seen_at.astimezone(UTC).isoformat(),
        resources.pop_all(),
    )


def _carried(column: TableColumn) -> ColumnType | None:
    """The type that carries the column; None if its text does."""
    try:
        return postgres_type(column.type)
    except TypeRefused:
        return None


def _query(table: PostgresTable, names: Sequence[str], *, rows: bool) -> sql.Composable:
    # identifiers are quoted by psycopg; the expressions around them come from the type table
    values = []
    for name in names:
        identifier = sql.Identifier(name).as_string()
        kind = table.types.get(name)
        values.append(
            sql.SQL(table.position.get(name) or (kind.copy_sql(identifier) if kind else f"{identifier}::text"))
        )
    place = sql.Identifier(table.facts.schema, table.facts.name)
    only = sql.SQL("" if rows else " WHERE false")
    return sql.SQL("SELECT {} FROM {}{}").format(sql.SQL(", ").join(values), place, only)


def _columns(
    connection: duckdb.DuckDBPyConnection,
    relation: str,
    columns: Sequence[TableColumn],
    types: Mapping[str, ColumnType | None],
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
        for column, (_, delivered, *_) in zip(columns, described, strict=False)
        for kind in [types[column.name]]
    )
