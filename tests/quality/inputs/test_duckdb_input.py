"""Tables of a DuckDB file as inputs: as they are, read-only, and nothing beside them."""

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from dataeng_assets.quality.connection import connect
from dataeng_assets.quality.inputs.open import open_input
from dataeng_assets.quality.inputs.opened import Held, InputUnreadable


@pytest.fixture
def shop(tmp_path) -> Path:
    path = tmp_path / "shop.duckdb"
    (tmp_path / "secret.csv").write_text("a\n1\n")
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema s")
        connection.execute('create table s.orders (id int not null, amount decimal(10,2), "at" timestamptz, h hugeint)')
        connection.execute("insert into s.orders values (1, 2.5, null, 170141183460469231731687303715884105727)")
        connection.execute("insert into s.orders values (2, null, null, null), (3, null, null, null)")
        connection.execute("delete from s.orders where id = 2")
        connection.execute('create table "odd.name" ("a""b" int)')
        connection.execute("create view big as select id from s.orders where id > 1")
        connection.execute(f"create view outside as from read_csv('{tmp_path}/secret.csv')")
        connection.execute("create view over_outside as from outside")
        connection.execute("create table gone (a int); create view broken as from gone; drop table gone")
    return path


def refused(where: str) -> str:
    with connect() as connection, pytest.raises(InputUnreadable) as error:
        open_input(where, connection)
    assert "Nothing was judged" in str(error.value)
    return str(error.value)


def test_a_table_is_read_with_its_types_and_the_ids_of_its_rows(shop):
    with connect() as connection, open_input(f"duckdb:{shop}#s.orders", connection) as opened:
        found = connection.execute(f"select id, amount, h, _row from {opened.relation} order by id").fetchall()
        assert found == [(1, Decimal("2.50"), 2**127 - 1, 0), (3, None, None, 2)]
        assert (opened.rows, opened.position) == (2, ("_row",))
        assert [(column.duckdb_type, column.held, column.physical.nullable) for column in opened.columns] == [
            ("INTEGER", Held.TYPED, False),
            ("DECIMAL(10,2)", Held.TYPED, True),
            ("TIMESTAMP WITH TIME ZONE", Held.TYPED, True),
            ("HUGEINT", Held.TYPED, True),
        ]


def test_names_are_found_in_any_case_and_with_dots_in_quotes(shop):
    with connect() as connection:
        with open_input(f"duckdb:{shop}#S.ORDERS", connection) as opened:
            assert opened.rows == 2
        with open_input(f'duckdb:{shop}#"odd.name"', connection) as opened:
            assert [column.name for column in opened.columns] == ['a"b']


def test_the_file_is_let_go_when_the_input_is_closed(shop):
    with connect() as connection:
        open_input(f"duckdb:{shop}#s.orders", connection).close()
        with duckdb.connect(str(shop)) as writer:
            writer.execute("insert into s.orders values (9, 9, null, null)")
        with open_input(f"duckdb:{shop}#s.orders", connection) as opened, pytest.raises(duckdb.Error):
            connection.execute(f"insert into {opened.relation.split(' from ')[1].rstrip(')')} values (1, 1, null, 1)")


def test_a_view_of_the_file_s_own_tables_is_read_and_one_of_other_files_is_not(shop):
    with connect() as connection, open_input(f"duckdb:{shop}#big", connection) as opened:
        assert (opened.rows, opened.position) == (None, ())
        assert connection.execute(f"from {opened.relation}").fetchall() == [(3,)]
    for view in ("outside", "over_outside"):
        assert "reads other files" in refused(f"duckdb:{shop}#{view}")
    assert "a view over what is no longer there" in refused(f"duckdb:{shop}#broken")


def test_what_is_not_there_is_named_with_what_is(shop, tmp_path):
    message = refused(f"duckdb:{shop}#s.order")
    assert "did you mean 'orders'" in message
    assert "s.orders" in message
    assert "is not there" in refused(f"duckdb:{tmp_path}/other.duckdb#a")
    assert "names no table" in refused(f"duckdb:{shop}")
    (tmp_path / "text.duckdb").write_text("hello" * 5_000)
    assert "is no database of DuckDB" in refused(f"duckdb:{tmp_path}/text.duckdb#a")
    assert f"`duckdb:{shop}#schema.table`" in refused(str(shop))


def test_a_file_that_another_process_writes_is_in_use(shop):
    program = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", program, str(shop)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout.readline() == b"open\n"
        assert "is in use by somebody who writes" in refused(f"duckdb:{shop}#s.orders")
        writer.stdin.close()
