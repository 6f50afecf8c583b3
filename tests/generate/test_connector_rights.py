"""The rights that a generated connector asks for are enough for a publication, and for nothing beside its tables."""

from pathlib import PurePosixPath

import psycopg
import pytest
from made_pipelines import made, over_tables

from dataeng_assets.local.postgres import Postgres
from dataeng_assets.testing.servers import new_database

pytestmark = pytest.mark.server


def test_the_user_reads_its_tables_and_no_other_one(postgres_server: Postgres) -> None:
    pipeline = over_tables("kafka-connect", destination="kafka", mode="changes")
    grants = made(pipeline).files[PurePosixPath("grants.sql")]
    name, table = pipeline.request.name, pipeline.tables[0]
    with new_database(postgres_server) as url, psycopg.connect(url, autocommit=True) as connection:
        try:
            connection.execute(f'CREATE SCHEMA "{table.schema}"')
            for made_table in (table.name, "other"):
                connection.execute(f'CREATE TABLE "{table.schema}"."{made_table}" (id bigint PRIMARY KEY)')
            connection.execute(grants)
            connection.execute(grants)  # twice changes nothing
            published = connection.execute(
                "SELECT tablename FROM pg_publication_tables WHERE pubname = %s ORDER BY 1", [name]
            ).fetchall()
            assert published == sorted([("debezium_heartbeat",), (table.name,)])
            connection.execute(f'SET ROLE "{name}"')
            connection.execute(f'SELECT * FROM "{table.schema}"."{table.name}"')
            beat = f'INSERT INTO "{table.schema}"."debezium_heartbeat" (id, beat) VALUES (1, now()) ON CONFLICT (id)'
            connection.execute(f"{beat} DO UPDATE SET beat = now()")
            for refused in (
                f'SELECT * FROM "{table.schema}".other',
                f'INSERT INTO "{table.schema}"."{table.name}" VALUES (1)',
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    connection.execute(refused)
        finally:
            connection.execute("RESET ROLE")
            connection.execute(f'DROP OWNED BY "{name}"')
            connection.execute(f'DROP ROLE "{name}"')
