"""Loading into a DuckDB file. One process writes at a time: the pipeline loads one table after the other."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from .config import Table
from .destination import SqlDestination


class DuckDBDestination(SqlDestination):
    """A DuckDB file.

    Args:
        address: its path.
    """

    def __init__(self, address: str, project: Path, schema: str) -> None:
        super().__init__(project, schema)
        self._connection = duckdb.connect(address)
        self._connection.execute("SET TimeZone = 'UTC'")

    def execute(self, statement: str) -> Sequence[Sequence[Any]]:
        """Run one statement; gives its rows."""
        return self._connection.execute(statement).fetchall()

    def fill(self, table: Table, file: str, statements: Mapping[str, str]) -> None:  # noqa: ARG002  # other systems need it
        """Read the staged file where it lies."""
        self.execute(self.filled(statements["load"], file=file))

    def close(self) -> None:
        """Let go of the file, so that another process may write."""
        self._connection.close()


def open_destination(address: str, project: Path, schema: str) -> DuckDBDestination:
    """Open the file; it is made where it is missing."""
    return DuckDBDestination(address, project, schema)
