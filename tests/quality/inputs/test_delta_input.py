"""Delta tables as an input: the rows of the version, whatever else lies in the folder."""

import json
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable, write_deltalake

from dataeng_assets.quality.connection import connect
from dataeng_assets.quality.inputs.open import explain_failure, open_input
from dataeng_assets.quality.inputs.opened import Held, InputUnreadable
from dataeng_assets.quality.inputs.platform_table import find_key, open_platform_table


def refused(where: Path | str) -> str:
    with connect() as connection, pytest.raises(InputUnreadable) as error:
        open_input(str(where), connection)
    assert "Nothing was judged" in str(error.value)
    return str(error.value)


@pytest.fixture
def orders(tmp_path) -> Path:
    """Two versions; the folder holds the files of both."""
    folder = tmp_path / "orders"
    write_deltalake(folder, pa.table({"id": [1, 2], "day": ["mon", "tue"]}), partition_by=["day"])
    write_deltalake(folder, pa.table({"id": [3, 4, 5], "day": ["mon", None, "a/b [c]"]}), mode="overwrite")
    return folder


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_only_the_files_of_the_version_are_read_with_their_partitions(orders, scheme):
    with connect() as connection, open_input(f"{scheme}{orders}", connection) as opened:
        found = connection.execute(f"select id, day from {opened.relation} order by id").fetchall()
        assert found == [(3, "mon"), (4, None), (5, "a/b [c]")]
        assert (opened.rows, opened.version) == (3, "1")
        assert opened.bytes > 0
        assert {column.held for column in opened.columns} == {Held.TYPED}
        places = connection.execute(f"select distinct {', '.join(opened.position)} from {opened.relation}").fetchall()
        assert len(places) == 3
        assert all((orders / file).is_file() and row == 1 for file, row in places)


def test_an_open_input_keeps_its_version_while_the_table_goes_on(orders):
    with connect() as connection, open_input(str(orders), connection) as opened:
        write_deltalake(orders, pa.table({"id": [9], "day": ["sun"]}), mode="append")
        assert connection.execute(f"select count(*) from {opened.relation}").fetchall() == [(3,)]


def test_files_of_a_delta_table_are_no_input_of_their_own(orders):
    for where in (f"{orders}/**/*.parquet", orders / "day=mon", orders.parent):
        assert f"in the Delta table {orders}" in refused(where)
    one = next((orders / "day=tue").iterdir())
    with connect() as connection, open_input(str(one), connection) as opened:
        assert opened.rows == 1


def test_a_table_without_rows_has_its_columns_and_what_may_be_empty(tmp_path, lake):
    schema = pa.schema([pa.field("id", pa.int64(), nullable=False), pa.field("amount", pa.decimal128(12, 2))])
    lake.create(("gold", "fct"), schema)
    with connect() as connection, open_input(lake.at(("gold", "fct")), connection) as opened:
        assert opened.rows == 0
        assert [(column.duckdb_type, column.physical.nullable) for column in opened.columns] == [
            ("BIGINT", False),
            ("DECIMAL(12,2)", True),
        ]
        assert connection.execute(f"from {opened.relation}").fetchall() == []


def test_a_table_with_columns_of_technical_names_is_read_without_position(tmp_path):
    write_deltalake(tmp_path / "t", pa.table({"filename": ["x"], "_row": [1]}))
    with connect() as connection, open_input(str(tmp_path / "t"), connection) as opened:
        assert opened.position == ()
        assert connection.execute(f"from {opened.relation}").fetchall() == [("x", 1)]


def test_deletion_vectors_are_refused_by_name(orders):
    log = orders / "_delta_log" / f"{2:020}.json"
    protocol = {"minReaderVersion": 3, "minWriterVersion": 7}
    features = {"readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]}
    log.write_text(json.dumps({"protocol": protocol | features}) + "\n")
    assert "deletionVectors" in refused(orders)


def test_a_log_that_names_files_elsewhere_is_refused(orders, tmp_path):
    pq.write_table(pa.table({"id": [7]}), tmp_path / "secret.parquet")
    add = {"path": f"{tmp_path}/secret.parquet", "partitionValues": {"day": "x"}, "size": 9, "modificationTime": 0}
    log = orders / "_delta_log" / f"{2:020}.json"
    log.write_text(json.dumps({"add": add | {"dataChange": True}}) + "\n")
    assert "outside of its folder" in refused(orders)


def test_a_damaged_log_and_a_missing_table_are_refused(orders, tmp_path):
    (orders / "_delta_log" / f"{1:020}.json").write_text("{")
    assert "cannot be read as a Delta table" in refused(orders)
    assert "cannot be read as a Delta table" in refused(f"file://{tmp_path}/nothing")


def test_a_file_removed_meanwhile_is_explained(orders):
    with connect() as connection, open_input(str(orders), connection) as opened:
        for file in DeltaTable(orders).file_uris():
            Path(file.removeprefix("file://")).unlink()
        with pytest.raises(duckdb.Error) as error:
            connection.execute(f"from {opened.relation}").fetchall()
        assert "it lost one of its files" in str(explain_failure(error.value, opened))


KEYS = [("bronze", "shop", "orders"), ("bronze", "web", "orders"), ("bronze", "shop", "items"), ("gold", "fct_orders")]


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("bronze.shop.orders", KEYS[0]),
        ("web.orders", KEYS[1]),
        ("items", KEYS[2]),
        ("fct_orders", KEYS[3]),
        ("gold.fct_orders", KEYS[3]),
    ],
)
def test_a_table_of_the_platform_is_found_by_the_end_of_its_key(name, key):
    assert find_key(name, KEYS) == key


def test_what_is_published_comes_first_and_doubt_lists_the_keys():
    with pytest.raises(InputUnreadable, match=r"bronze\.shop\.orders, bronze\.web\.orders"):
        find_key("orders", KEYS)
    assert find_key("orders", [*KEYS, ("gold", "orders")]) == ("gold", "orders")
    assert find_key("itmes", KEYS) is None


def test_a_table_of_the_platform_is_read_at_its_newest_version(lake, monkeypatch):
    lake.create(("gold", "fct_orders"), pa.schema([("id", pa.int64())]))
    write_deltalake(lake.at(("gold", "fct_orders")), pa.table({"id": [1]}), mode="append")
    warehouse = Path("not there.duckdb")
    with connect() as connection, open_platform_table("fct_orders", connection, lake, warehouse) as opened:
        assert (opened.name, opened.version, opened.rows) == ("gold.fct_orders", "1", 1)
    monkeypatch.setenv("DATAENG_LAKE", lake.uri)
    with connect() as connection, open_input("fct_orders", connection, table=True) as opened:
        assert opened.rows == 1


def test_a_model_that_only_the_warehouse_has_is_read_there(lake, tmp_path):
    lake.create(("bronze", "shop", "orders"), pa.schema([("id", pa.int64())]))
    warehouse = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create schema marts; create table marts.fct_orders as select 7 as id")
        connection.execute("create schema staging; create view staging.stg_orders as from marts.fct_orders")
    with connect() as connection:
        with open_platform_table("fct_orders", connection, lake, warehouse) as opened:
            assert opened.name == "marts.fct_orders"
            assert connection.execute(f"select id from {opened.relation}").fetchall() == [(7,)]
        with open_platform_table("orders", connection, lake, warehouse) as opened:
            assert opened.name == "bronze.shop.orders"
        with pytest.raises(InputUnreadable, match=r"did you mean 'orders'\?.*bronze\.shop\.orders"):
            open_platform_table("oders", connection, lake, warehouse)
