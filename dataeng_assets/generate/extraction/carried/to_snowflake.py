"""Loading into Snowflake: the staged file is put on a stage of the session and copied from there."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import snowflake.connector

from .config import Table
from .destination import SqlDestination
from .staging import local_file


class SnowflakeDestination(SqlDestination):
    """A Snowflake database.

    Args:
        connection: of the connector, in autocommit, with UTC as its time zone.
    """

    ESCAPES = True

    def __init__(self, connection: Any, project: Path, schema: str) -> None:
        super().__init__(project, schema)
        self._connection = connection

    def execute(self, statement: str) -> Sequence[Sequence[Any]]:
        """Run one statement; gives its rows."""
        cursor = self._connection.cursor()
        try:
            return list(cursor.execute(statement).fetchall())
        finally:
            cursor.close()

    def fill(self, table: Table, file: str, statements: Mapping[str, str]) -> None:  # noqa: ARG002  # other systems need it
        """Put the file on the session's stage, and copy it from there."""
        with tempfile.TemporaryDirectory() as folder:
            path = local_file(file, Path(folder))
            self.execute(self.filled(statements["put"], file=f"file://{path}"))
            self.execute(statements["load"])

    def close(self) -> None:
        """Let go of the session; a transaction that is open is undone."""
        self._connection.close()


def open_destination(address: str, project: Path, schema: str) -> SnowflakeDestination:
    """Open a session.

    Args:
        address: `snowflake://user:password@account/database?warehouse=…&role=…`; instead of a password,
            `private_key_file=…` among the parameters names a key.
        project: the folder of the project.
        schema: the schema that is loaded.
    """
    parts = urlsplit(address)
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if parts.password:
        options["password"] = unquote(parts.password)
    return SnowflakeDestination(
        snowflake.connector.connect(
            user=unquote(parts.username or ""),
            account=parts.hostname,
            database=parts.path.strip("/").split("/")[0],
            autocommit=True,
            session_parameters={"TIMEZONE": "UTC"},
            **options,
        ),
        project,
        schema,
    )
