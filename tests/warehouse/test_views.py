"""Delta tables as DuckDB views, with everything in names, partitions and versions that has misled a reader before."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from deltalake.schema import Field

from dataeng_assets.lake.location import Lake, TableMissing
from dataeng_assets.lake.views import UnreadableTable, create_views

KEY = ("bronze", "shop", "orders")


@pytest.fixture(params=["lake", "mein Läke, 50%", "env=prod"])
def odd_lake(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / request.param))


@pytest.fixture
def plain_lake(tmp_path: Path) -> Lake:
    return Lake(str(tmp_path / "lake"))


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def rows(connection: duckdb.DuckDBPyConnection, sql: str = "from bronze_shop.orders") -> list[tuple[Any, ...]]:
    return sorted(connection.execute(sql).fetchall(), key=repr)


def test_a_table_is_read_whatever_the_folder_of_the_lake_is_called(
    odd_lake: Lake, connection: duckdb.DuckDBPyConnection
) -> None:
    write_deltalake(odd_lake.at(KEY), pa.table({"day": ["x", "y"], "n": [1, 2]}), partition_by=["day"])
    assert create_views(connection, odd_lake) == {"bronze.shop.orders": 0}
    assert rows(connection) == [("x", 1), ("y", 2)]


def test_any_text_can_be_a_partition_and_the_empty_one_is_null(
    plain_lake: Lake, connection: duckdb.DuckDBPyConnection
) -> None:
    texts = ["a b", "a/b", "50%", "50%25", "a=b", "it's", "a?b&c#d", "ü", "007", None]
    table = pa.table({"part": texts, "n": range(len(texts))})
    write_deltalake(plain_lake.at(KEY), table, partition_by=["part"])
    create_views(connection, plain_lake)
    assert rows(connection) == sorted(zip(texts, range(len(texts)), strict=True), key=repr)
    assert rows(connection, "select n from bronze_shop.orders where part = 'a/b'") == [(1,)]
    write_deltalake(plain_lake.at(KEY), pa.table({"part": [""], "n": [99]}), mode="append")
    create_views(connection, plain_lake)
    assert rows(connection, "select n from bronze_shop.orders where part is null") == [(9,), (99,)]


def test_a_table_without_rows_has_its_columns_and_their_types(
    plain_lake: Lake, connection: duckdb.DuckDBPyConnection
) -> None:
    schema = pa.schema(
        [
            ("id", pa.int64()),
            ("at", pa.timestamp("us", tz="UTC")),
            ("amount", pa.decimal128(12, 2)),
            ("codes", pa.list_(pa.string())),
            ("headers", pa.list_(pa.struct([("key", pa.string()), ("value", pa.binary())]))),
            ("day", pa.date32()),
        ]
    )
    plain_lake.create(KEY, schema, partition_by=["day"])
    create_views(connection, plain_lake)
    described = connection.execute("describe bronze_shop.orders").fetchall()
    assert [(name, kind) for name, kind, *_ in described] == [
        ("id", "BIGINT"),
        ("at", "TIMESTAMP WITH TIME ZONE"),
        ("amount", "DECIMAL(12,2)"),
        ("codes", "VARCHAR[]"),
        ("headers", 'STRUCT("key" VARCHAR, "value" BLOB)[]'),
        ("day", "DATE"),
    ]
    assert rows(connection) == []


def test_a_column_added_later_is_null_in_the_rows_before(
    plain_lake: Lake, connection: duckdb.DuckDBPyConnection
) -> None:
    write_deltalake(plain_lake.at(KEY), pa.table({"n": [1]}))
    DeltaTable(plain_lake.at(KEY)).alter.add_columns([Field("note", "string", nullable=True)])
    create_views(connection, plain_lake)
    assert rows(connection) == [(1, None)]
    write_deltalake(plain_lake.at(KEY), pa.table({"n": [2], "note": ["new"]}), mode="append")
    create_views(connection, plain_lake)
    assert rows(connection) == [(1, None), (2, "new")]


def test_a_column_without_time_zone_is_read(plain_lake: Lake, connection: duckdb.DuckDBPyConnection) -> None:
    write_deltalake(plain_lake.at(KEY), pa.table({"at": pa.array([0], pa.timestamp("us"))}))
    assert DeltaTable(plain_lake.at(KEY)).protocol().reader_features == ["timestampNtz"]
    create_views(connection, plain_lake)
    assert rows(connection, 'select cast("at" as varchar) from bronze_shop.orders') == [("1970-01-01 00:00:00",)]


def test_a_table_whose_files_hold_deleted_rows_is_refused(
    plain_lake: Lake, connection: duckdb.DuckDBPyConnection
) -> None:
    write_deltalake(plain_lake.at(KEY), pa.table({"n": [1]}))
    protocol = {"minReaderVersion": 3, "minWriterVersion": 7}
    features = {"readerFeatures": ["deletionVectors"], "writerFeatures": ["deletionVectors"]}
    log = Path(plain_lake.at(KEY)) / "_delta_log" / f"{1:020}.json"
    log.write_text(json.dumps({"protocol": {**protocol, **features}}) + "\n")
    with pytest.raises(UnreadableTable, match=r"bronze\.shop\.orders uses the Delta reader feature deletionVectors"):
        create_views(connection, plain_lake)


def test_a_pin_decides_the_version_and_the_view_says_which(
    plain_lake: Lake, connection: duckdb.DuckDBPyConnection
) -> None:
    for n in range(3):
        write_deltalake(plain_lake.at(KEY), pa.table({"n": [n]}), mode="append")
    assert create_views(connection, plain_lake, {"bronze.shop.orders": 1}) == {"bronze.shop.orders": 1}
    assert rows(connection) == [(0,), (1,)]
    comment = connection.execute("select comment from duckdb_views() where view_name = 'orders'").fetchall()
    assert comment == [("lake table bronze.shop.orders version 1",)]
    with pytest.raises(TableMissing, match="version 7"):
        create_views(connection, plain_lake, {"bronze.shop.orders": 7})
    with pytest.raises(TableMissing, match=r"bronze\.shop\.missing"):
        create_views(connection, plain_lake, {"bronze.shop.missing": 0})


def test_a_view_reads_the_files_of_its_version_after_a_compaction(
    plain_lake: Lake, connection: duckdb.DuckDBPyConnection
) -> None:
    for n in range(3):
        write_deltalake(plain_lake.at(KEY), pa.table({"n": [n]}), mode="append")
    create_views(connection, plain_lake)
    DeltaTable(plain_lake.at(KEY)).optimize.compact()
    assert rows(connection) == [(0,), (1,), (2,)]
    create_views(connection, plain_lake)
    assert rows(connection) == [(0,), (1,), (2,)]


def test_every_layer_has_views_unless_some_are_chosen(plain_lake: Lake, connection: duckdb.DuckDBPyConnection) -> None:
    for key in (KEY, ("gold", "fct_orders")):
        write_deltalake(plain_lake.at(key), pa.table({"n": [1]}))
    assert create_views(connection, plain_lake) == {"bronze.shop.orders": 0, "gold.fct_orders": 0}
    assert rows(connection, "from gold.fct_orders") == [(1,)]
    assert create_views(connection, plain_lake, layers=["bronze"]) == {"bronze.shop.orders": 0}
    with pytest.raises(duckdb.CatalogException):  # an old view would go on reading an old version
        rows(connection, "from gold.fct_orders")


def test_a_lake_that_is_not_there_has_no_views(plain_lake: Lake, connection: duckdb.DuckDBPyConnection) -> None:
    assert create_views(connection, plain_lake) == {}


def test_a_file_uri_is_a_folder(plain_lake: Lake, connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    folder = tmp_path / "mit Lücke"
    write_deltalake(Lake(str(folder)).at(KEY), pa.table({"n": [1]}))
    create_views(connection, Lake(folder.as_uri()))
    assert rows(connection) == [(1,)]


def test_a_folder_that_would_pass_for_a_partition_is_refused(
    tmp_path: Path, connection: duckdb.DuckDBPyConnection
) -> None:
    lake = Lake(str(tmp_path / "day=z"))
    write_deltalake(lake.at(KEY), pa.table({"day": ["x"], "n": [1]}), partition_by=["day"])
    with pytest.raises(UnreadableTable, match="'day=z'"):
        create_views(connection, lake)
