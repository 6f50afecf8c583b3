"""What a Spark job needs in Postgres: its tables, and a user who may add to them and do nothing else."""

from collections.abc import Iterator

import psycopg
import pytest
from made_pipelines import made, over_topic
from psycopg import sql

pytestmark = pytest.mark.server
USER = "stream_example"


@pytest.fixture
def owner(database: str) -> Iterator[psycopg.Connection]:
    """The owner of a database in which `tables.sql` was run twice."""
    texts = {
        path.name: text for path, text in made(over_topic("spark-streaming", destination="postgres")).files.items()
    }
    with psycopg.connect(database, autocommit=True) as connection:
        for _ in range(2):
            connection.execute(sql.SQL(texts["tables.sql"]))
        yield connection
        connection.execute("DROP OWNED BY stream_example")
        connection.execute("DROP ROLE stream_example")


def test_the_jobs_user_may_add_and_neither_read_nor_change_nor_delete(owner: psycopg.Connection) -> None:
    names = ["clicks", "clicks_dead_letters", "clicks_windows", "_progress"]
    rights = {
        name: {
            right
            for right in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")
            if owner.execute(
                "SELECT has_table_privilege(%s, %s, %s)", [USER, f"stream_example.{name}", right]
            ).fetchone()
            == (True,)
        }
        for name in names
    }
    assert [rights[name] for name in names] == [*[{"INSERT"}] * 3, {"SELECT", "INSERT", "UPDATE"}]


def test_the_jobs_user_makes_tables_in_the_staging_schema_only(owner: psycopg.Connection) -> None:
    owner.execute("SET ROLE stream_example")
    owner.execute("CREATE UNLOGGED TABLE stream_example_staging.clicks (click_id text)")
    owner.execute("DROP TABLE stream_example_staging.clicks")
    for place in ("stream_example", "public"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            owner.execute(sql.SQL("CREATE TABLE {}.clicks_again (click_id text)").format(sql.Identifier(place)))
    owner.execute("RESET ROLE")


def test_a_record_is_in_a_table_once_whatever_writes_it(owner: psycopg.Connection) -> None:
    dead = "INSERT INTO stream_example.clicks_dead_letters VALUES (0, 7, now(), 'json', NULL, 'x')"
    owner.execute(dead)
    with pytest.raises(psycopg.errors.UniqueViolation):
        owner.execute(dead)
