"""Reading the warehouse: never beside a writer, and never in anyone's way."""

import os
from pathlib import Path

import duckdb

from dataeng_assets.orchestration.warehouse import changed_at, exclusively, readable_copy


def write(warehouse: Path, value: int) -> None:
    with exclusively(warehouse), duckdb.connect(str(warehouse)) as connection:
        connection.execute("create or replace table t as select ? as n", [value])


def read(warehouse: Path) -> int:
    found = readable_copy(warehouse)
    assert found
    with duckdb.connect(str(found[0]), read_only=True) as connection:
        return int(connection.execute("from t").fetchall()[0][0])


def test_there_is_nothing_to_read_before_the_first_run(tmp_path: Path) -> None:
    assert readable_copy(tmp_path / "warehouse.duckdb") is None


def test_a_copy_follows_the_warehouse(tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse.duckdb"
    write(warehouse, 1)
    assert read(warehouse) == 1
    write(warehouse, 2)
    assert read(warehouse) == 2


def test_while_a_writer_is_at_work_the_last_copy_is_read_and_nobody_waits(tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse.duckdb"
    write(warehouse, 1)
    assert read(warehouse) == 1
    with exclusively(warehouse), duckdb.connect(str(warehouse)) as connection:
        connection.execute("update t set n = 2")
        assert read(warehouse) == 1
    assert read(warehouse) == 2


def test_a_reader_of_the_copy_does_not_keep_the_writer_out(tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse.duckdb"
    write(warehouse, 1)
    found = readable_copy(warehouse)
    assert found
    with duckdb.connect(str(found[0]), read_only=True) as reader:
        write(warehouse, 2)
        assert reader.execute("from t").fetchall() == [(1,)]


def test_a_copy_is_as_new_as_the_warehouse_whatever_the_file_system_counts(tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse.duckdb"
    write(warehouse, 1)
    for nanoseconds in (0, 1, 499, 500, 501, 999):
        os.utime(warehouse, ns=(0, 1_800_000_000_123_456_000 + nanoseconds))
        found = readable_copy(warehouse)
        assert found
        assert found[1] == changed_at(warehouse)
