"""Loading into Postgres: rows are sent by COPY, merged, proven and noted in one transaction."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from .config import Table
from .destination import SqlDestination
from .staging import read_batches, read_schema


class PostgresDestination(SqlDestination):
    """A Postgres database.

    Args:
        address: as libpq takes it.
    """

    STAGES_INSIDE = True
    REPLACES = False

    def __init__(self, address: str, project: Path, schema: str) -> None:
        super().__init__(project, schema)
        self._connection = psycopg.connect(address, autocommit=True, connect_timeout=15)
        for name, value in (("TimeZone", "UTC"), ("standard_conforming_strings", "on")):
            self._connection.execute("SELECT set_config(%s, %s, false)", (name, value))

    def execute(self, statement: str) -> Sequence[Sequence[Any]]:
        """Run one statement; gives its rows."""
        cursor = self._connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []

    def fill(self, table: Table, file: str, statements: Mapping[str, str]) -> None:  # noqa: ARG002  # other systems need it
        """Send the rows of the staged file by COPY."""
        names = read_schema(file).names
        query = sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier(f"_staged_{table.name}"), sql.SQL(", ").join(map(sql.Identifier, names))
        )
        with self._connection.cursor().copy(query) as copy:
            for batch in read_batches(file):
                for row in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    copy.write_row(row)

    def close(self) -> None:
        """Let go of the connection; a transaction that is open is undone."""
        self._connection.close()


def open_destination(address: str, project: Path, schema: str) -> PostgresDestination:
    """Open a connection."""
    return PostgresDestination(address, project, schema)
