"""Loading into BigQuery: a load job into the staging table, then merge, proof and progress in one transaction."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from google.cloud import bigquery

from .config import Table
from .destination import SqlDestination
from .staging import open_file


class BigQueryDestination(SqlDestination):
    """A project of BigQuery, in one session, because a transaction lives in one."""

    BEGIN, COMMIT, ROLLBACK = "BEGIN TRANSACTION", "COMMIT TRANSACTION", "ROLLBACK TRANSACTION"
    ESCAPES = True

    def __init__(self, client: Any, project: Path, schema: str) -> None:
        super().__init__(project, schema)
        self._client = client
        begun = client.query("SELECT 1", job_config=bigquery.QueryJobConfig(create_session=True))
        begun.result()
        session = bigquery.ConnectionProperty("session_id", begun.session_info.session_id)
        self._how = bigquery.QueryJobConfig(connection_properties=[session])

    def execute(self, statement: str) -> Sequence[Sequence[Any]]:
        """Run one statement; gives its rows."""
        return [tuple(row.values()) for row in self._client.query(statement, job_config=self._how).result()]

    def fill(self, table: Table, file: str, statements: Mapping[str, str]) -> None:  # noqa: ARG002  # others need it
        """Load the file; a column of another type than the staging table's is refused by the job."""
        place = f"{self._client.project}.{self._schema}._staged_{table.name}"
        how = bigquery.LoadJobConfig(source_format="PARQUET", write_disposition="WRITE_APPEND")
        with open_file(file) as opened:
            self._client.load_table_from_file(opened, place, job_config=how).result()

    def close(self) -> None:
        """End the session; a transaction that is open is undone."""
        self.execute("CALL BQ.ABORT_SESSION()")
        self._client.close()


def open_destination(address: str, project: Path, schema: str) -> BigQueryDestination:
    """Open a session.

    Args:
        address: `bigquery://project`; the credentials are those of the machine.
        project: the folder of the project.
        schema: the dataset that is loaded.
    """
    return BigQueryDestination(bigquery.Client(project=urlsplit(address).hostname), project, schema)
