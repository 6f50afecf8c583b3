"""What a generated dbt project carries to write Delta tables: only the days that change, and never another type."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest
from deltalake import DeltaTable
from hypothesis import given, settings
from hypothesis import strategies as st

from dataeng_assets.generate.dbt.delta_lake.tables import Refused, Target, registered, replace, replace_days

NAME = "marts.fct_orders"
SELECT = "SELECT * FROM orders"
Order = tuple[int, int, date]


@pytest.fixture
def cursor() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute("CREATE TABLE orders (order_id INTEGER, changed INTEGER, day DATE)")
        yield connection


def target(cursor: duckdb.DuckDBPyConnection, folder: Path | str) -> Target:
    table = DeltaTable(folder) if DeltaTable.is_deltatable(str(folder)) else None
    if table is not None:
        cursor.register(registered(NAME), table.to_pyarrow_dataset())
    return Target(str(folder), NAME, table)


def built(cursor: duckdb.DuckDBPyConnection, folder: Path | str) -> DeltaTable:
    """As the plugin does it."""
    into = target(cursor, folder)
    if into.table is None:
        return replace(cursor, into, SELECT, "day", anew=False)
    return replace_days(cursor, into, SELECT, "day", ["order_id"], "changed")


def rows(table: DeltaTable) -> list[Order]:
    return sorted((row["order_id"], row["changed"], row["day"]) for row in table.to_pyarrow_table().to_pylist())


def files(table: DeltaTable, day: str) -> set[str]:
    return {uri for uri in table.file_uris() if f"day={day}" in uri}


days = st.integers(0, 4).map(lambda number: date(2026, 1, 1) + timedelta(number))
batches = st.lists(st.dictionaries(st.integers(1, 4), days, max_size=4), min_size=1, max_size=4)


@settings(max_examples=15, deadline=None)
@given(batches=batches)
def test_after_each_batch_the_table_is_what_a_rebuild_gives(batches: list[dict[int, date]]) -> None:
    with TemporaryDirectory() as folder, duckdb.connect() as cursor:
        cursor.execute("CREATE TABLE orders (order_id INTEGER, changed INTEGER, day DATE)")
        for number, batch in enumerate(batches):
            for order, day in batch.items():
                cursor.execute("DELETE FROM orders WHERE order_id = ?", [order])
                # the later batch has the earlier watermark: a row that was committed late
                cursor.execute("INSERT INTO orders VALUES (?, ?, ?)", [order, -number, day])
            table = built(cursor, f"{folder}/orders")
            assert rows(table) == sorted(cursor.execute(SELECT).fetchall())
        assert built(cursor, f"{folder}/orders").version() == table.version()


def test_a_day_without_a_change_keeps_its_files_and_a_day_that_was_left_is_empty(
    cursor: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    cursor.execute("INSERT INTO orders VALUES (1, 1, '2026-01-01'), (2, 1, '2026-01-02'), (3, 1, '2026-01-03')")
    before = built(cursor, tmp_path / "orders")
    cursor.execute("UPDATE orders SET changed = 2, day = '2026-01-03' WHERE order_id = 2")
    after = built(cursor, tmp_path / "orders")
    assert files(after, "2026-01-01") == files(before, "2026-01-01") != set()
    assert files(after, "2026-01-02") == set()
    assert rows(after) == sorted(cursor.execute(SELECT).fetchall())


def test_a_row_that_the_source_no_longer_has_stays_when_its_day_is_written_anew(
    cursor: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    cursor.execute("INSERT INTO orders VALUES (1, 1, '2026-01-01'), (2, 1, '2026-01-01')")
    built(cursor, tmp_path / "orders")
    cursor.execute("DELETE FROM orders WHERE order_id = 1")
    cursor.execute("UPDATE orders SET changed = 2 WHERE order_id = 2")
    assert rows(built(cursor, tmp_path / "orders")) == [(1, 1, date(2026, 1, 1)), (2, 2, date(2026, 1, 1))]


@pytest.mark.parametrize(
    ("select", "said"),
    [
        ("SELECT order_id, changed + 0.5 AS changed, day FROM orders", "changed is int32 in the table and decimal"),
        ("SELECT order_id, day FROM orders", "changed is int32 in the table and not there in the model"),
        ("SELECT *, 1::HUGEINT AS large, '1 day'::INTERVAL AS long FROM orders", "Delta has no such type: long is"),
        ("SELECT *, 1::UBIGINT AS large FROM orders", "Delta has no such type: large is uint64"),
    ],
)
def test_a_type_that_would_be_cast_is_refused_and_nothing_is_written(
    cursor: duckdb.DuckDBPyConnection, tmp_path: Path, select: str, said: str
) -> None:
    cursor.execute("INSERT INTO orders VALUES (1, 1, '2026-01-01')")
    before = built(cursor, tmp_path / "orders")
    cursor.execute("INSERT INTO orders VALUES (2, 1, '2026-01-01')")
    for day in ("day", None):
        with pytest.raises(Refused, match=said):
            replace(cursor, target(cursor, tmp_path / "orders"), select, day, anew=False)
        if day and "changed" in select:
            with pytest.raises(Refused, match=said):
                replace_days(cursor, target(cursor, tmp_path / "orders"), select, "day", ["order_id"], None)
    assert DeltaTable(tmp_path / "orders").version() == before.version()


def test_a_new_column_is_added_and_other_types_are_taken_when_the_table_is_written_anew(
    cursor: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    cursor.execute("INSERT INTO orders VALUES (1, 1, '2026-01-01')")
    built(cursor, tmp_path / "orders")
    cursor.execute("ALTER TABLE orders ADD COLUMN note VARCHAR")
    cursor.execute("INSERT INTO orders VALUES (2, 1, '2026-01-02', 'new')")
    added = built(cursor, tmp_path / "orders").to_pyarrow_table().sort_by("order_id")
    assert added.column("note").to_pylist() == [None, "new"]
    text = "SELECT order_id::VARCHAR AS order_id, day FROM orders"
    anew = replace(cursor, target(cursor, tmp_path / "orders"), text, "day", anew=True)
    assert sorted(anew.to_pyarrow_table().column("order_id").to_pylist()) == ["1", "2"]


def test_of_two_writers_that_read_one_version_the_second_is_refused(
    cursor: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    cursor.execute("INSERT INTO orders VALUES (1, 1, '2026-01-01')")
    built(cursor, tmp_path / "orders")
    read = target(cursor, tmp_path / "orders")
    cursor.execute("INSERT INTO orders VALUES (2, 1, '2026-01-01')")
    first = built(cursor, tmp_path / "orders")
    cursor.execute("INSERT INTO orders VALUES (3, 1, '2026-01-01')")
    for write in (
        lambda: replace_days(cursor, read, SELECT, "day", ["order_id"], "changed"),
        lambda: replace(cursor, read, SELECT, "day", anew=False),
    ):
        with pytest.raises(Refused, match="Another writer changed"):
            write()
    assert DeltaTable(tmp_path / "orders").version() == first.version()
    with pytest.raises(Refused, match="Another writer changed"):
        replace(cursor, Target(str(tmp_path / "orders"), NAME, None), SELECT, "day", anew=False)
