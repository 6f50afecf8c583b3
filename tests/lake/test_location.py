"""Where tables lie, and what may become of a table that is already there."""

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from dataeng_assets.lake.append import append, progress
from dataeng_assets.lake.location import ForgetfulTable, Lake, LakeRefused, TableMissing
from dataeng_assets.lake.strict import SchemaDiffers, differences, table_schema

KEY = ("bronze", "shop", "orders")
SCHEMA = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False),
        pa.field("note", pa.string()),
        pa.field("codes", pa.list_(pa.string())),
        pa.field("headers", pa.list_(pa.struct([("key", pa.string()), ("value", pa.binary())]))),
        pa.field("day", pa.date32()),
    ]
)


@pytest.fixture
def lake(tmp_path):
    return Lake(str(tmp_path / "lake"))


@pytest.mark.parametrize("folder", ["plain", "with space", "50% off", "no#1", "café 数据", "q?a=1&b", "it's", "a+b"])
def test_a_lake_may_lie_in_any_folder(tmp_path, folder):
    lake = Lake(str(tmp_path / folder))
    assert (lake.exists(KEY), lake.tables()) == (False, [])
    append(lake.create(KEY, SCHEMA, change_feed=True), SCHEMA.empty_table(), transactions={"a": 1})
    assert lake.exists(KEY)
    assert lake.tables() == [KEY]
    assert progress(lake.open(KEY), "a") == 1
    assert (tmp_path / folder / "bronze" / "shop" / "orders" / "_delta_log").is_dir()
    assert [path.name for path in tmp_path.iterdir()] == [folder]


@pytest.mark.parametrize("folder", ["a%20b", "%C3"])
def test_a_folder_that_delta_would_take_for_another_is_refused(tmp_path, folder):
    for uri in (str(tmp_path / folder), (tmp_path / folder).as_uri()):
        with pytest.raises(LakeRefused, match="Rename the folder"):
            Lake(uri)


def test_a_lake_may_be_given_as_a_file_uri(tmp_path):
    lake = Lake((tmp_path / "my lake").as_uri())
    lake.create(KEY, SCHEMA)
    assert lake.tables() == [KEY]
    assert Lake(str(tmp_path / "my lake")).exists(KEY)


def test_tables_are_listed_below_a_prefix_in_order(lake):
    keys = [("gold", "a"), ("bronze", "shop", "orders"), ("bronze", "events", "clicks"), ("ledger", "changes")]
    for key in keys:
        lake.create(key, SCHEMA, partition_by=("day",))
    assert lake.tables() == sorted(keys)
    assert lake.tables(("bronze",)) == sorted(keys[1:3])
    assert lake.tables(("gold", "a")) == [("gold", "a")]
    assert lake.tables(("silver",)) == []


@pytest.mark.parametrize("key", [(), ("..",), ("a/b",), ("",), ("_delta_log",), ("a b",)])
def test_a_key_cannot_leave_the_lake(lake, key):
    with pytest.raises(ValueError, match="key"):
        lake.at(key)


def test_storage_options_are_not_shown():
    assert "hunter2" not in repr(Lake("s3://bucket/lake", {"aws_secret_access_key": "hunter2"}))


def test_a_table_that_is_not_there_is_named_with_its_place(lake):
    with pytest.raises(TableMissing, match=r"No table bronze\.shop\.orders lies at .*Materialize it"):
        lake.open(KEY)


def test_a_version_that_is_not_there_is_named(lake):
    lake.create(KEY, SCHEMA)
    with pytest.raises(TableMissing, match="no version 4"):
        lake.open(KEY, 4)


def test_an_older_version_is_opened_as_it_was(lake):
    append(lake.create(KEY, SCHEMA), SCHEMA.empty_table(), transactions={"a": 1})
    assert lake.open(KEY, 0).version() == 0
    assert progress(lake.open(KEY, 0), "a") is None


def test_a_new_table_has_name_description_partitions_and_change_feed(lake):
    lake.create(KEY, SCHEMA, partition_by=("day",), change_feed=True, description="What was ordered.")
    about = lake.open(KEY).metadata()
    assert (about.name, about.description) == ("bronze.shop.orders", "What was ordered.")
    assert about.partition_columns == ["day"]
    assert about.configuration == {"delta.enableChangeDataFeed": "true"}
    assert differences(table_schema(lake.open(KEY)), SCHEMA) == []


def test_creating_it_again_opens_it(lake):
    lake.create(KEY, SCHEMA)
    assert lake.create(KEY, SCHEMA).version() == 0


def test_a_new_column_that_may_be_empty_is_added(lake):
    append(lake.create(KEY, SCHEMA), SCHEMA.empty_table(), transactions={"a": 1})
    wider = SCHEMA.append(pa.field("price", pa.decimal128(12, 2)))
    table = lake.create(KEY, wider)
    assert differences(table_schema(table), wider) == []
    assert progress(table, "a") == 1
    append(table, wider.empty_table(), transactions={"a": 2})


def test_a_column_that_became_required_leaves_the_table_as_it_is(lake):
    lake.create(KEY, SCHEMA)
    stricter = pa.schema([field.with_nullable(False) for field in SCHEMA])
    assert lake.create(KEY, stricter).version() == 0


@pytest.mark.parametrize(
    ("changed", "column", "found", "expected"),
    [
        (lambda s: s.set(0, pa.field("id", pa.int32(), nullable=False)), "id", "int64", "int32"),
        (lambda s: s.set(0, pa.field("id", pa.string())), "id", "int64", "string"),
        (lambda s: s.remove(1), "note", "string", "no such column"),
        (lambda s: s.append(pa.field("n", pa.int64(), nullable=False)), "n", "no such column", "int64, not null"),
        (lambda s: s.set(4, pa.field("day", pa.timestamp("us", "UTC"))), "day", "date32[day]", "timestamp[us, tz=UTC]"),
        (lambda s: s.set(2, pa.field("codes", s.field("note").type)), "codes", "list<element: string>", "string"),
    ],
)  # fmt: skip
def test_any_other_change_is_refused_by_column(lake, changed, column, found, expected):
    lake.create(KEY, SCHEMA)
    with pytest.raises(SchemaDiffers) as caught:
        lake.create(KEY, changed(SCHEMA))
    (problem,) = caught.value.problems
    assert (problem.column, problem.found, problem.expected) == (column, found, expected)
    assert lake.open(KEY).version() == 0


def test_nothing_is_added_when_another_column_differs(lake):
    lake.create(KEY, SCHEMA)
    changed = SCHEMA.set(1, pa.field("note", pa.int64())).append(pa.field("new", pa.int64()))
    with pytest.raises(SchemaDiffers):
        lake.create(KEY, changed)
    assert differences(table_schema(lake.open(KEY)), SCHEMA) == []


def test_other_partitions_or_a_missing_change_feed_are_refused(lake):
    lake.create(KEY, SCHEMA)
    with pytest.raises(SchemaDiffers, match="the partitioning: found by nothing, expected by day"):
        lake.create(KEY, SCHEMA, partition_by=("day",))
    with pytest.raises(SchemaDiffers, match="the change feed: found off, expected on"):
        lake.create(KEY, SCHEMA, change_feed=True)


def test_a_table_that_forgets_its_progress_is_refused(lake):
    DeltaTable.create(lake.at(KEY), SCHEMA, configuration={"delta.setTransactionRetentionDuration": "interval 1 days"})
    with pytest.raises(ForgetfulTable, match="written twice"):
        lake.create(KEY, SCHEMA)


@pytest.mark.parametrize(
    "kind",
    [
        pa.bool_(), pa.int16(), pa.int32(), pa.int64(), pa.float32(), pa.float64(), pa.date32(), pa.string(),
        pa.binary(), pa.decimal128(38, 10), pa.timestamp("us"), pa.timestamp("us", "UTC"),
        pa.list_(pa.decimal128(12, 2)),
    ],
    ids=str,
)  # fmt: skip
def test_every_type_that_contracts_use_can_be_stored_added_and_appended(lake, kind):
    schema = pa.schema([("a", kind)])
    lake.create(("t",), schema)
    wider = schema.append(pa.field("b", kind))
    append(lake.create(("t",), wider), wider.empty_table(), transactions={})
    assert differences(table_schema(lake.open(("t",))), wider) == []
