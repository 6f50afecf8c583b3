"""Loading into Redshift: COPY from the staging folder on S3, then merge, proof and progress in one transaction."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import redshift_connector

from .config import Table
from .destination import SqlDestination
from .errors import Refused


class RedshiftDestination(SqlDestination):
    """A database of Redshift.

    Args:
        connection: of the connector, in autocommit.
    """

    REPLACES = False
    ESCAPES = True

    def __init__(self, connection: Any, project: Path, schema: str) -> None:
        super().__init__(project, schema)
        self._connection = connection

    def execute(self, statement: str) -> Sequence[Sequence[Any]]:
        """Run one statement; gives its rows."""
        with self._connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

    def fill(self, table: Table, file: str, statements: Mapping[str, str]) -> None:
        """Copy the file with the cluster's own role, so that no key stands in a statement."""
        if not file.startswith("s3://"):
            raise Refused(
                f"Redshift copies {table.name} from S3, and it was staged at {file}. Stage at an s3:// address."
            )
        self.execute(self.filled(statements["load"], file=file))

    def close(self) -> None:
        """Let go of the connection; a transaction that is open is undone."""
        self._connection.close()


def open_destination(address: str, project: Path, schema: str) -> RedshiftDestination:
    """Open a connection.

    Args:
        address: `redshift://user:password@host:5439/database`.
        project: the folder of the project.
        schema: the schema that is loaded.
    """
    parts = urlsplit(address)
    connection = redshift_connector.connect(
        host=parts.hostname,
        port=parts.port or 5439,
        database=parts.path.strip("/"),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
    )
    connection.autocommit = True
    return RedshiftDestination(connection, project, schema)
