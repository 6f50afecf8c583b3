"""Postgres tables as inputs: one moment, every value, and no secret in what is said."""

from datetime import UTC, date, datetime
from decimal import Decimal

import psycopg
import pytest

from dataeng_assets.postgres import copy
from dataeng_assets.quality.connection import connect
from dataeng_assets.quality.inputs.open import open_input
from dataeng_assets.quality.inputs.opened import Held, InputUnreadable

pytestmark = pytest.mark.server


@pytest.fixture
def shop(database: str) -> str:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("create schema shop")
        connection.execute("create type shop.status as enum ('open', 'paid')")
        connection.execute(
            "create table shop.orders (id bigint primary key, amount numeric(12,2), exact numeric, price money,"
            " status shop.status, code varchar(5) not null, at timestamptz, day date, tags text[], raw bytea, id2 uuid,"
            ' doc jsonb, "a""b" real)'
        )
        connection.execute(
            "insert into shop.orders values (1, 10.50, 1.234567890123456789012345678901234567890, 3, 'paid', '',"
            " '2026-02-03 04:05:06.789+01', '2026-02-03', '{a,NULL,\"\"}', '\\xff00',"
            " '12345678-1234-1234-1234-123456789abc', '{\"x\": 1.10}', 0.1), (2, null, null, null, null, 'x', null,"
            " null, null, null, null, null, null)"
        )
    return database


def refused(where: str) -> str:
    with connect() as connection, pytest.raises(InputUnreadable) as error:
        open_input(where, connection)
    return str(error.value)


def test_every_value_arrives_as_the_table_has_it(shop):
    with connect() as connection, open_input(f"{shop}#shop.orders", connection) as opened:
        found = connection.execute(f"from {opened.relation} order by id").fetchall()
        assert found[0][:3] == (1, Decimal("10.50"), "1.234567890123456789012345678901234567890")
        assert found[0][4:-3] == (
            "paid",
            "",
            datetime(2026, 2, 3, 3, 5, 6, 789_000, UTC),
            date(2026, 2, 3),
            ["a", None, ""],
            b"\xff\x00",
            "12345678-1234-1234-1234-123456789abc",
        )
        assert found[0][-3:] == ('{"x": 1.10}', pytest.approx(0.1), "(0,1)")
        assert found[1][1:] == (None,) * 4 + ("x",) + (None,) * 7 + ("(0,2)",)
        assert (opened.rows, opened.position) == (2, ("_row",))
        columns = {column.name: column for column in opened.columns}
    assert "secret" not in opened.name
    assert opened.name.endswith("#shop.orders")
    assert {name for name, column in columns.items() if column.held is Held.TEXT} == {"exact", "price", "status"}
    assert columns["amount"].duckdb_type == "DECIMAL(12,2)"
    assert (columns["code"].native, columns["code"].physical.nullable) == ("character varying(5)", False)
    assert (columns["exact"].native, columns["exact"].physical) == ("numeric", None)


def test_what_is_read_is_one_moment_however_often_it_is_read(shop):
    with connect() as connection, open_input(f"{shop}#shop.orders", connection) as opened:
        with psycopg.connect(shop, autocommit=True) as writer:
            writer.execute("delete from shop.orders")
            writer.execute("drop table shop.orders")
        for _ in range(2):
            assert connection.execute(f"select count(*), count(amount) from {opened.relation}").fetchall() == [(2, 1)]


def test_rows_of_partitions_and_views_are_read_and_keep_what_identity_they_have(shop, monkeypatch):
    monkeypatch.setattr(copy, "BLOCK_BYTES", 64)
    with psycopg.connect(shop, autocommit=True) as writer:
        writer.execute("create table parts (n int, _row text) partition by range (n)")
        writer.execute("create table parts_1 partition of parts for values from (0) to (100)")
        writer.execute("create table parts_2 partition of parts for values from (100) to (200)")
        writer.execute("insert into parts select n, 'x' from generate_series(0, 199) n")
        writer.execute("create view few as select n from parts where n < 10")
        writer.execute("create materialized view kept as select n from parts where n < 5")
    with connect() as connection:
        with open_input(f"{shop}#parts", connection) as opened:
            assert opened.position == ("__row",)
            found = connection.execute(f"select count(distinct __row), min(__row), sum(n) from {opened.relation}")
            assert found.fetchall() == [(200, "public.parts_1 (0,1)", 19_900)]
        with open_input(f"{shop}#public.few", connection) as opened:
            assert (opened.position, opened.rows) == ((), 10)
        with open_input(f"{shop}#kept", connection) as opened:
            assert (opened.position, opened.rows) == (("_row",), 5)


def test_a_table_without_rows_has_its_columns(shop):
    with psycopg.connect(shop, autocommit=True) as writer:
        writer.execute("create table empty (a int, b text)")
    with connect() as connection, open_input(f"{shop}#empty", connection) as opened:
        assert connection.execute(f"from {opened.relation}").fetchall() == []
        assert [column.duckdb_type for column in opened.columns] == ["INTEGER", "VARCHAR"]


def test_what_cannot_be_read_is_said_without_password_and_value(shop):
    with psycopg.connect(shop, autocommit=True) as writer:
        writer.execute('create table twins (a int, "A" int)')
        writer.execute("create table endless (at timestamptz)")
        writer.execute("insert into endless values ('infinity')")
    assert "There is no table shop.order in" in refused(f"{shop}#shop.order")
    assert "case only" in refused(f"{shop}#twins")
    assert "Column at holds a value" in (message := refused(f"{shop}#endless"))
    assert "infinity'" not in message
    assert "cannot be reached" in refused("postgresql://me:hidden@127.0.0.1:1/x#a.b")
    for where in ("postgresql://me:hidden@127.0.0.1:1/x#a.b", "postgresql://me:hidden@127.0.0.1:1/x"):
        assert "hidden" not in refused(where)
