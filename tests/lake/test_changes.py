"""What was appended between two versions, and nothing else."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataeng_assets.lake.append import append
from dataeng_assets.lake.changes import ChangesGone, changes, touched_rows
from dataeng_assets.lake.location import Lake, TableMissing
from dataeng_assets.lake.replace import replace_range

KEY = ("bronze", "events", "user_events")
SCHEMA = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False),
        pa.field("day", pa.date32()),
        pa.field("at", pa.timestamp("us", tz="UTC")),
        pa.field("price", pa.decimal128(38, 10)),
        pa.field("codes", pa.list_(pa.field("element", pa.string()))),
        pa.field("raw", pa.binary()),
        pa.field(
            "headers",
            pa.list_(pa.field("element", pa.struct([pa.field("key", pa.string()), pa.field("value", pa.binary())]))),
        ),
        pa.field("small", pa.int16()),
        pa.field("real", pa.float32()),
    ]
)
ROW = {
    "id": 1,
    "day": date(2026, 1, 1),
    "at": datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
    "price": Decimal("1234567890123456789012345678.0000000001"),
    "codes": ["a", None],
    "raw": b"\x00\xff",
    "headers": [{"key": "k", "value": b"\x00"}],
    "small": -1,
    "real": 0.5,
}


def rows(*ids: int, schema: pa.Schema = SCHEMA) -> pa.Table:
    return pa.Table.from_pylist([ROW | {"id": i, "day": date(2026, 1, 1 + i % 3)} for i in ids], schema=schema)


def ids(lake: Lake, after: int, to: int) -> list[int]:
    return sorted(changes(lake, KEY, after, to).read_all()["id"].to_pylist())


@pytest.fixture
def lake(tmp_path):
    lake = Lake(str(tmp_path / "a lake 50%"))
    lake.create(KEY, SCHEMA, partition_by=("day",), change_feed=True)
    return lake


def test_rows_keep_their_types_and_values(lake):
    append(lake.open(KEY), rows(3), transactions={})
    found = changes(lake, KEY, 0, 1).read_all()
    assert found.schema.equals(SCHEMA)
    assert found.to_pylist() == [ROW | {"id": 3}]


def test_the_first_version_is_not_in_the_range_and_the_last_is(lake):
    for i in range(1, 5):
        append(lake.open(KEY), rows(i), transactions={"a": i})
    assert ids(lake, 1, 3) == [2, 3]
    assert ids(lake, -1, 4) == [1, 2, 3, 4]
    assert ids(lake, 4, 4) == []


def test_nothing_appended_is_nothing_but_has_the_columns(lake):
    append(lake.open(KEY), rows(), transactions={"a": 1})
    assert changes(lake, KEY, 0, 1).read_all().schema.equals(SCHEMA)
    assert ids(lake, 0, 1) == []


def test_compaction_shows_nothing_and_hides_nothing(lake):
    append(lake.open(KEY), rows(1), transactions={})
    append(lake.open(KEY), rows(4), transactions={})
    lake.open(KEY).optimize.compact()
    append(lake.open(KEY), rows(2), transactions={})
    assert lake.open(KEY).version() == 4
    assert ids(lake, 0, 4) == [1, 2, 4]
    assert ids(lake, 2, 3) == []


def test_checkpoints_hide_nothing(lake):
    append(lake.open(KEY), rows(1), transactions={})
    lake.open(KEY).create_checkpoint()
    append(lake.open(KEY), rows(2), transactions={})
    assert (ids(lake, 0, 2), ids(lake, 1, 2), ids(lake, 0, 1)) == ([1, 2], [2], [1])


def test_a_column_added_meanwhile_is_there_and_empty_before(lake):
    append(lake.open(KEY), rows(1), transactions={})
    wider = SCHEMA.append(pa.field("new", pa.decimal128(5, 2)))
    lake.create(KEY, wider, partition_by=("day",), change_feed=True)
    append(lake.open(KEY), rows(2, schema=wider), transactions={})
    found = changes(lake, KEY, 0, 3).read_all()
    assert found.schema.equals(wider)
    assert sorted(found["id"].to_pylist()) == [1, 2]
    assert "new" not in changes(lake, KEY, 0, 1).read_all().schema.names


def test_a_replacement_shows_the_rows_it_put_there(lake):
    append(lake.open(KEY), rows(0, 1), transactions={})
    replace_range(lake.open(KEY), rows(3, 6), "day", date(2026, 1, 1), date(2026, 1, 2))
    assert ids(lake, 1, 2) == [3, 6]


def test_a_deletion_shows_nothing(lake):
    append(lake.open(KEY), rows(0, 3, 6), transactions={})
    lake.open(KEY).delete("id = 3")
    assert ids(lake, 1, 2) == []
    assert ids(lake, 0, 2) == [0, 3, 6]


def test_touched_rows_are_also_those_that_were_removed_changed_or_restored(lake):
    def touched() -> list[int]:
        version = lake.open(KEY).version()
        return sorted(touched_rows(lake, KEY, version - 1, version).read_all()["id"].to_pylist())

    append(lake.open(KEY), rows(0, 1, 3, 6), transactions={})
    assert touched() == [0, 1, 3, 6]
    lake.open(KEY).delete("id = 3")
    assert touched() == [3]
    lake.open(KEY).delete("day = '2026-01-02'")
    assert touched() == [1]
    lake.open(KEY).update({"small": "7"}, predicate="id = 6")
    assert touched() == [6, 6]
    replace_range(lake.open(KEY), rows(9), "day", date(2026, 1, 1), date(2026, 1, 2))
    assert touched() == [0, 6, 9]
    lake.open(KEY).optimize.compact()
    append(lake.open(KEY), rows(2), transactions={})
    assert touched() == [2]
    lake.open(KEY).restore(1)
    assert {0, 1, 2, 3, 6, 9} == {*touched()}


def test_a_log_that_was_cleaned_up_says_what_to_do(lake):
    for i in range(1, 4):
        append(lake.open(KEY), rows(i), transactions={})
    lake.open(KEY).create_checkpoint()
    for version in range(3):
        (Path(lake.at(KEY)) / "_delta_log" / f"{version:020}.json").unlink()
    with pytest.raises(ChangesGone, match="take every row as changed"):
        changes(lake, KEY, 0, 3).read_all()
    assert ids(lake, 2, 3) == [3]


def test_files_that_were_vacuumed_say_what_to_do(lake):
    append(lake.open(KEY), rows(0), transactions={})
    append(lake.open(KEY), rows(3), transactions={})
    lake.open(KEY).optimize.compact()
    lake.open(KEY).vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
    with pytest.raises(ChangesGone, match="take every row as changed"):
        changes(lake, KEY, 0, 2).read_all()


def test_a_range_that_runs_backwards_or_beyond_the_table_is_refused(lake):
    with pytest.raises(ValueError, match="before the start"):
        changes(lake, KEY, 2, 1)
    with pytest.raises(TableMissing, match="no version 9"):
        changes(lake, KEY, 0, 9)


STEP = st.one_of(st.integers(0, 4), st.sampled_from(["compact", "checkpoint", "column"]))


@given(steps=st.lists(STEP, max_size=8), cut=st.integers(0, 100))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_two_ranges_that_meet_hold_every_row_once(tmp_path_factory, steps, cut):
    lake = Lake(str(tmp_path_factory.mktemp("lake")))
    schema = SCHEMA
    lake.create(KEY, schema, partition_by=("day",), change_feed=True)
    number = 0
    for step in steps:
        table: DeltaTable = lake.open(KEY)
        if step == "compact":
            table.optimize.compact()
        elif step == "checkpoint":
            table.create_checkpoint()
        elif step == "column":
            schema = schema.append(pa.field(f"new_{len(schema)}", pa.string()))
            lake.create(KEY, schema, partition_by=("day",), change_feed=True)
        else:
            append(table, rows(*range(number, number + step), schema=schema), transactions={})
            number += step
    last = lake.open(KEY).version()
    middle = min(cut, last)
    assert ids(lake, 0, middle) + ids(lake, middle, last) == list(range(number))
