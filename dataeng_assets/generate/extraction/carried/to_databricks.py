"""Loading into Databricks: the staged file is put on a volume, inserted into the staging table, merged and proven.

There is no transaction over several statements: progress is stored last, and a run that ends before that merges the
same rows again, which changes nothing.
"""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from databricks import sql

from .config import Table
from .destination import SqlDestination
from .staging import local_file


class DatabricksDestination(SqlDestination):
    """A catalog of Databricks.

    Args:
        connection: of the connector.
        volume: path of a volume below `/Volumes` that takes the files.
    """

    BEGIN = COMMIT = ROLLBACK = None
    ESCAPES = True

    def __init__(self, connection: Any, volume: str, project: Path, schema: str) -> None:
        super().__init__(project, schema)
        self._connection, self._volume = connection, volume.rstrip("/")

    def execute(self, statement: str) -> Sequence[Sequence[Any]]:
        """Run one statement; gives its rows."""
        with self._connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

    def fill(self, table: Table, file: str, statements: Mapping[str, str]) -> None:
        """Put the file on the volume, and insert its rows from there."""
        place = f"{self._volume}/{table.name}.parquet"
        with tempfile.TemporaryDirectory() as folder:
            self.execute(f"PUT '{local_file(file, Path(folder))}' INTO '{place}' OVERWRITE")
        self.execute(self.filled(statements["load"], file=place))
        self.execute(f"REMOVE '{place}'")

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()


def open_destination(address: str, project: Path, schema: str) -> DatabricksDestination:
    """Open a connection.

    Args:
        address: `databricks://:token@host/catalog?http_path=…&volume=/Volumes/…`.
        project: the folder of the project.
        schema: the schema that is loaded.
    """
    parts = urlsplit(address)
    options = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    connection = sql.connect(
        server_hostname=parts.hostname,
        http_path=options["http_path"],
        access_token=unquote(parts.password or ""),
        catalog=parts.path.strip("/"),
        staging_allowed_local_path="/",
    )
    return DatabricksDestination(connection, options["volume"], project, schema)
