"""A table follows its contract where that loses nothing; everything else is refused by name, with the way out."""

from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from hypothesis import given
from hypothesis import strategies as st

from dataeng_assets.lake.append import append, progress
from dataeng_assets.lake.evolve import evolution
from dataeng_assets.lake.location import Lake
from dataeng_assets.lake.strict import SchemaDiffers, differences, table_schema

KEY = ("bronze", "shop", "orders")
SCHEMA = pa.schema([pa.field("id", pa.int64(), nullable=False), pa.field("total", pa.int32(), nullable=False)])

KINDS = (pa.int32(), pa.int64(), pa.float64(), pa.string(), pa.large_string(), pa.decimal128(12, 2), pa.date32())
fields = st.builds(pa.field, st.sampled_from("abcd"), st.sampled_from(KINDS), st.booleans())
schemas = st.lists(fields, unique_by=lambda one: one.name, min_size=1).map(pa.schema)


@given(schemas, schemas)
def test_what_is_not_refused_fits_afterwards_and_keeps_every_column(found: pa.Schema, wanted: pa.Schema) -> None:
    needed = evolution(found, wanted)
    if needed.problems:
        return
    after = [one.with_nullable(True) if one.name in needed.relaxed else one for one in found]
    assert differences(pa.schema([*after, *needed.added]), wanted) == []
    assert set(found.names) <= set(wanted.names)
    assert all(one.nullable for one in needed.added), "stored rows have no value for it"


@given(schemas, schemas)
def test_a_change_is_refused_only_for_a_column_that_is_dropped_retyped_or_required(
    found: pa.Schema, wanted: pa.Schema
) -> None:
    for problem in evolution(found, wanted).problems:
        name = problem.column
        is_dropped = name not in wanted.names
        is_required = name not in found.names and not wanted.field(name).nullable
        assert is_dropped or is_required or differences(pa.schema([found.field(name)]), pa.schema([wanted.field(name)]))
        assert problem.way_out


def test_a_column_may_become_empty_and_the_rows_and_the_progress_stay(lake: Lake) -> None:
    rows = pa.table({"id": [1], "total": pa.array([2], pa.int32())}, schema=SCHEMA)
    append(lake.create(KEY, SCHEMA), rows, transactions={"a": 1})
    looser = SCHEMA.set(1, pa.field("total", pa.int32())).append(pa.field("note", pa.string()))
    table = lake.create(KEY, looser)
    append(table, pa.table({"id": [2], "total": [None], "note": ["x"]}, schema=looser), transactions={"a": 2})
    stored = lake.open(KEY)
    kept = sorted(stored.to_pyarrow_table().to_pylist(), key=lambda row: row["id"])
    assert kept == [{"id": 1, "total": 2, "note": None}, {"id": 2, "total": None, "note": "x"}]
    assert progress(stored, "a") == 2


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        (pa.int16(), pa.int32()), (pa.int32(), pa.int64()), (pa.int32(), pa.float64()), (pa.float32(), pa.float64()),
        (pa.decimal128(10, 2), pa.decimal128(12, 3)), (pa.date32(), pa.timestamp("us")),
        (pa.int32(), pa.decimal128(12, 2)),
    ],
    ids=str,
)  # fmt: skip
def test_a_wider_type_is_refused_by_name_because_delta_rs_cannot_widen(
    lake: Lake, narrow: pa.DataType, wide: pa.DataType
) -> None:
    lake.create(KEY, pa.schema([("total", narrow)]))
    with pytest.raises(SchemaDiffers, match=r"total: found .*Delta could widen it, but delta-rs cannot: add a column"):
        lake.create(KEY, pa.schema([("total", wide)]))
    assert lake.open(KEY).version() == 0


@pytest.mark.parametrize(
    ("wanted", "way_out"),
    [
        (SCHEMA.set(0, pa.field("id", pa.string(), nullable=False)), "id: .*add a column of the new type under a new"),
        (SCHEMA.set(0, pa.field("id", pa.int32(), nullable=False)), "id: .*add a column of the new type under a new"),
        (SCHEMA.remove(1), "total: .*the contract has dropped it: keep it there, and let it be empty"),
        (SCHEMA.append(pa.field("n", pa.int64(), nullable=False)), "n: .*let it be empty in the contract"),
    ],
)
def test_the_way_out_of_every_refusal_is_said(lake: Lake, wanted: pa.Schema, way_out: str) -> None:
    lake.create(KEY, SCHEMA)
    with pytest.raises(SchemaDiffers, match=way_out):
        lake.create(KEY, wanted)
    assert lake.open(KEY).version() == 0


def test_a_refused_change_does_none_of_the_others(lake: Lake) -> None:
    lake.create(KEY, SCHEMA)
    with pytest.raises(SchemaDiffers):
        lake.create(KEY, pa.schema([pa.field("id", pa.string()), pa.field("total", pa.int32()), ("new", pa.int64())]))
    assert differences(table_schema(lake.open(KEY)), SCHEMA) == []


def test_several_who_take_up_the_same_change_at_once_all_go_on(lake: Lake) -> None:
    lake.create(KEY, SCHEMA)
    looser = SCHEMA.set(1, pa.field("total", pa.int32())).append(pa.field("note", pa.string()))
    with ThreadPoolExecutor(4) as pool:
        tables: list[DeltaTable] = list(pool.map(lambda _: lake.create(KEY, looser), range(4)))
    assert all(differences(table_schema(table), looser) == [] for table in tables)
    assert len(table_schema(lake.open(KEY)).names) == 3
