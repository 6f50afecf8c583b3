"""What the catalog says about a table."""

import psycopg
import pytest

from dataeng_assets.postgres.catalog import table_facts
from dataeng_assets.postgres.connect import connect
from dataeng_assets.postgres.errors import SourceRefused

pytestmark = pytest.mark.server


@pytest.fixture
def admin(database):
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA shop")
        yield connection


@pytest.fixture
def facts(database, admin):
    def look_up(name: str):
        with connect(database, "test") as connection:
            return table_facts(connection, "shop", name)

    return look_up


def test_types_are_printed_as_a_contract_writes_them(admin, facts):
    admin.execute("CREATE TYPE shop.status AS ENUM ('a', 'b')")
    admin.execute("CREATE DOMAIN shop.word AS text CHECK (value <> '')")
    admin.execute("CREATE DOMAIN shop.short_word AS shop.word NOT NULL")
    admin.execute("CREATE EXTENSION citext")
    admin.execute(
        "CREATE TABLE shop.t (a bigint, b numeric(12,2), c timestamptz, gone text, d text[], e shop.status,"
        ' f shop.short_word, g public.citext, h varchar(20), i shop.status[], j public.citext[], "k K" uuid NOT NULL)'
    )
    admin.execute("ALTER TABLE shop.t DROP COLUMN gone")
    found = facts("t")
    assert [(column.name, column.type) for column in found.columns] == [
        ("a", "bigint"),
        ("b", "numeric(12,2)"),
        ("c", "timestamp with time zone"),
        ("d", "text[]"),
        ("e", "shop.status"),
        ("f", "text"),
        ("g", "citext"),
        ("h", "character varying(20)"),
        ("i", "shop.status[]"),
        ("j", "citext[]"),
        ("k K", "uuid"),
    ]
    assert [column.name for column in found.columns if not column.nullable] == ["f", "k K"]


def test_only_what_always_holds_counts_as_unique(admin, facts):
    admin.execute(
        "CREATE TABLE shop.t (a int, b int, c int, d int, e int, f int UNIQUE DEFERRABLE, PRIMARY KEY (a, b))"
    )
    admin.execute("CREATE UNIQUE INDEX ON shop.t (c) INCLUDE (e)")
    admin.execute("CREATE UNIQUE INDEX ON shop.t (d) WHERE d > 0")
    admin.execute("CREATE UNIQUE INDEX ON shop.t ((e + 1))")
    admin.execute("CREATE INDEX ON shop.t (e)")
    assert set(facts("t").unique) >= {frozenset({"a", "b"})}
    assert not set(facts("t").unique) & {frozenset("d"), frozenset("e"), frozenset("f")}


def test_a_view_has_no_transaction_numbers_and_a_partitioned_table_has(admin, facts):
    admin.execute("CREATE TABLE shop.p (a int PRIMARY KEY) PARTITION BY HASH (a)")
    admin.execute("CREATE VIEW shop.v AS SELECT * FROM shop.p")
    assert (facts("p").kind, facts("p").has_row_xmin, facts("p").unique) == (
        "partitioned table",
        True,
        (frozenset("a"),),
    )
    assert (facts("v").kind, facts("v").has_row_xmin, facts("v").unique) == ("view", False, ())


@pytest.mark.parametrize("statement", ["SELECT 1", "CREATE SEQUENCE shop.t", "CREATE TABLE public.t (a int)"])
def test_what_is_no_table_of_the_schema_is_missing(admin, facts, statement):
    admin.execute(statement)
    with pytest.raises(SourceRefused, match=r"no table shop\.t"):
        facts("t")
