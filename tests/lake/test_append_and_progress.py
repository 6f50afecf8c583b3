"""Rows and the progress that they mean are committed together, once."""

import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataeng_assets.lake.append import ProgressGoesBack, RowsRefused, Superseded, append, progress
from dataeng_assets.lake.location import Lake
from dataeng_assets.lake.strict import SchemaDiffers

KEY = ("bronze", "shop", "orders")
SCHEMA = pa.schema(
    [
        pa.field("id", pa.int64(), nullable=False),
        pa.field("at", pa.timestamp("us", tz="UTC")),
        pa.field("codes", pa.list_(pa.string())),
        pa.field("price", pa.decimal128(12, 2)),
    ]
)
ROW = {"id": 1, "at": datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC), "codes": ["a", None], "price": Decimal("1.10")}


def rows(*ids: int) -> pa.Table:
    return pa.Table.from_pylist([ROW | {"id": i} for i in ids], schema=SCHEMA)


def stored(lake: Lake) -> list[int]:
    return sorted(lake.open(KEY).to_pyarrow_table()["id"].to_pylist())


@pytest.fixture
def lake(tmp_path):
    lake = Lake(str(tmp_path / "a lake"))
    lake.create(KEY, SCHEMA, change_feed=True)
    return lake


def test_rows_come_back_exactly_and_progress_with_them(lake):
    table = lake.open(KEY)
    assert progress(table, "orders") is None
    assert append(table, rows(1), transactions={"orders": 7, "other": 0}, metadata={"run_id": "r"}) == 1
    again = lake.open(KEY)
    assert again.to_pyarrow_table().to_pylist() == [ROW]
    assert (progress(again, "orders"), progress(again, "other"), progress(again, "third")) == (7, 0, None)
    assert again.history()[0]["run_id"] == "r"


def test_the_handle_knows_its_own_commit(lake):
    table = lake.open(KEY)
    append(table, rows(1), transactions={"orders": 1})
    assert progress(table, "orders") == 1
    assert append(table, rows(2), transactions={"orders": 2}) == 2


@pytest.mark.parametrize("empty", [SCHEMA.empty_table(), SCHEMA.empty_table().to_reader()], ids=["table", "reader"])
def test_no_rows_still_record_their_progress(lake, empty):
    append(lake.open(KEY), empty, transactions={"orders": 3})
    assert progress(lake.open(KEY), "orders") == 3
    assert stored(lake) == []


def test_of_two_writers_with_one_progress_the_second_is_refused(lake):
    first, second = lake.open(KEY), lake.open(KEY)
    append(first, rows(1), transactions={"orders": 1})
    with pytest.raises(Superseded, match="Open the table again"):
        append(second, rows(1), transactions={"orders": 1})
    assert stored(lake) == [1]


def test_writers_with_progress_of_their_own_do_not_disturb_each_other(lake):
    first, second = lake.open(KEY), lake.open(KEY)
    append(first, rows(1), transactions={"a": 1})
    assert append(second, rows(2), transactions={"b": 1}) == 2
    assert stored(lake) == [1, 2]


def test_a_writer_whose_table_was_changed_meanwhile_is_refused(lake):
    table = lake.open(KEY)
    lake.create(KEY, SCHEMA.append(pa.field("new", pa.int64())), change_feed=True)
    with pytest.raises(Superseded, match="Metadata changed"):
        append(table, rows(1), transactions={"orders": 1})
    assert stored(lake) == []


def test_compaction_meanwhile_disturbs_nobody(lake):
    append(lake.open(KEY), rows(1), transactions={"orders": 1})
    append(lake.open(KEY), rows(2), transactions={"orders": 2})
    table = lake.open(KEY)
    lake.open(KEY).optimize.compact()
    append(table, rows(3), transactions={"orders": 3})
    assert stored(lake) == [1, 2, 3]


def test_progress_never_goes_back(lake):
    append(lake.open(KEY), rows(1), transactions={"orders": 5})
    with pytest.raises(ProgressGoesBack, match="has come to 5"):
        append(lake.open(KEY), rows(2), transactions={"orders": 4})
    assert (stored(lake), progress(lake.open(KEY), "orders")) == ([1], 5)


def test_progress_survives_checkpoint_and_compaction(lake):
    for i in range(1, 4):
        append(lake.open(KEY), rows(i), transactions={"orders": i})
    lake.open(KEY).optimize.compact()
    lake.open(KEY).create_checkpoint()
    assert progress(lake.open(KEY), "orders") == 3


@pytest.mark.parametrize(
    ("column", "wrong", "found", "expected"),
    [
        ("id", pa.array([1.5]), "double", "int64"),
        ("id", pa.array(["7"]), "string", "int64"),
        ("id", pa.array([7], pa.int32()), "int32", "int64"),
        ("at", pa.array([datetime(2026, 1, 1)], pa.timestamp("us")), "timestamp[us]", "timestamp[us, tz=UTC]"),  # noqa: DTZ001
        ("at", pa.array([ROW["at"]], pa.timestamp("us", "Asia/Tokyo")), "tz=Asia/Tokyo", "timestamp[us, tz=UTC]"),
        ("at", pa.array([ROW["at"]], pa.timestamp("ns", "UTC")), "timestamp[ns, tz=UTC]", "timestamp[us, tz=UTC]"),
        ("price", pa.array([1.1]), "double", "decimal128(12, 2)"),
        ("price", pa.array([Decimal("1.1")], pa.decimal128(12, 3)), "decimal128(12, 3)", "decimal128(12, 2)"),
        ("codes", pa.array([[1]]), "list<element: int64>", "list<element: string>"),
        ("codes", pa.nulls(1), "null", "list<element: string>"),
    ],
)  # fmt: skip
def test_nothing_is_cast(lake, column, wrong, found, expected):
    position = SCHEMA.names.index(column)
    with pytest.raises(SchemaDiffers) as caught:
        append(lake.open(KEY), rows(1).set_column(position, column, wrong), transactions={"orders": 1})
    problem = caught.value.problems[0]
    assert (problem.column, found in problem.found, problem.expected) == (column, True, expected)
    assert (stored(lake), progress(lake.open(KEY), "orders")) == ([], None)


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.drop_columns(["price"]),
        lambda table: table.append_column("more", pa.array([1])),
        lambda table: table.rename_columns(["ID", "at", "codes", "price"]),
        lambda table: table.append_column("id", pa.array([1])),
    ],
    ids=["one is missing", "one too many", "another name", "one name twice"],
)
def test_rows_with_other_columns_are_refused(lake, change):
    with pytest.raises(SchemaDiffers):
        append(lake.open(KEY), change(rows(1)), transactions={})


def test_columns_go_by_name_and_in_any_layout(lake):
    mixed = rows(1).select(["price", "codes", "at", "id"])
    layouts = pa.schema(
        [
            mixed.schema.field("price"),
            ("codes", pa.large_list(pa.large_string())),
            ("at", pa.timestamp("us", "Etc/UTC")),
            ("id", pa.int64()),
        ]
    )
    append(lake.open(KEY), mixed.cast(layouts), transactions={})
    assert lake.open(KEY).to_pyarrow_table().to_pylist() == [ROW]


def test_a_missing_value_is_refused_by_its_column_without_showing_the_row(lake):
    bad = pa.Table.from_pylist(
        [ROW | {"id": None, "codes": ["secret"]}], pa.schema([f.with_nullable(True) for f in SCHEMA])
    )
    with pytest.raises(RowsRefused, match="The column id must have a value") as refused:
        append(lake.open(KEY), bad, transactions={"orders": 1})
    assert "secret" not in str(refused.value)
    assert (stored(lake), progress(lake.open(KEY), "orders")) == ([], None)


class Broken(Exception):
    pass


def test_an_error_in_the_middle_of_the_rows_comes_through_and_commits_nothing(lake):
    def batches():
        yield from rows(1).to_batches()
        raise Broken("in the middle")

    with pytest.raises(Broken, match="in the middle"):
        append(lake.open(KEY), pa.RecordBatchReader.from_batches(SCHEMA, batches()), transactions={"orders": 1})
    assert (stored(lake), progress(lake.open(KEY), "orders")) == ([], None)


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 2), st.integers(0, 6)), max_size=12))
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_order_of_stale_handles_commits_each_progress_once(tmp_path_factory, steps):
    """Three handles, opened whenever; each commit counts exactly when its handle has seen the newest of its app."""
    lake = Lake(str(tmp_path_factory.mktemp("lake")))
    lake.create(KEY, SCHEMA)
    handles = [lake.open(KEY) for _ in range(3)]
    seen = [{"a": None, "b": None} for _ in range(3)]
    current: dict[str, int | None] = {"a": None, "b": None}
    expected = 0
    for app, which, version in steps:
        if version == 6:
            handles[which], seen[which] = lake.open(KEY), dict(current)
            continue
        known = seen[which][app]
        outcome = None
        try:
            append(handles[which], rows(version), transactions={app: version})
        except (Superseded, ProgressGoesBack) as error:
            outcome = type(error)
        if known is not None and known > version:
            assert outcome is ProgressGoesBack
        elif known != current[app] or (outcome is Superseded):
            assert outcome is Superseded
            handles[which], seen[which] = lake.open(KEY), dict(current)
        else:
            assert outcome is None
            expected += 1
            current[app] = version
            seen[which] = dict(current)
        fresh = lake.open(KEY)
        assert {name: progress(fresh, name) for name in "ab"} == current
        assert fresh.to_pyarrow_table().num_rows == expected


STREAM = """
import os, re, sys
import pyarrow as pa
from dataeng_assets.lake.append import append
from dataeng_assets.lake.location import Lake
schema = pa.schema([("a", pa.binary())])
lake = Lake(sys.argv[1]); table = lake.create(("t",), schema)
def batches():
    for number in range(int(sys.argv[2])):
        yield pa.record_batch([[os.urandom(1000) for _ in range(8000)]], schema=schema)
        if sys.argv[3] == "fail" and number == 1:
            raise RuntimeError("stop")
try:
    append(table, pa.RecordBatchReader.from_batches(schema, batches()), transactions={"x": 1})
except RuntimeError as error:
    print(error)
# not getrusage: its peak is handed down from the process that started this one
print(int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]) // 1024)
"""


def streamed(folder, batches: int, how: str = "work") -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", STREAM, str(folder), str(batches), how], capture_output=True, text=True, check=True
    )
    return done.stdout.split()


def test_memory_does_not_grow_with_the_rows(tmp_path):
    (little,), (much,) = streamed(tmp_path / "little", 15), streamed(tmp_path / "much", 60)
    assert int(much) - int(little) < 180  # MiB; the 45 batches between them are 360


def test_a_process_whose_rows_failed_ends_in_good_order(tmp_path):
    assert streamed(tmp_path, 5, "fail")[0] == "stop"
