"""Replacing a range changes that range only."""

from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataeng_assets.lake.append import RowsRefused, Superseded, append, progress
from dataeng_assets.lake.location import Lake
from dataeng_assets.lake.replace import replace_range
from dataeng_assets.lake.strict import SchemaDiffers

KEY = ("gold", "fct_orders")
SCHEMA = pa.schema(
    [("n", pa.int64()), ("day", pa.date32()), ("at", pa.timestamp("us", tz="UTC")), ("text", pa.string())]
)
FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def rows(*days: int | None, text: str = "") -> pa.Table:
    moments = [None if d is None else FIRST + timedelta(days=d, microseconds=1) for d in days]
    content = [{"n": d, "day": m and m.date(), "at": m, "text": text} for d, m in zip(days, moments, strict=True)]
    return pa.Table.from_pylist(content, schema=SCHEMA)


def day(number: int) -> date:
    return (FIRST + timedelta(days=number)).date()


def stored(lake: Lake) -> list[tuple]:
    table = lake.open(KEY).to_pyarrow_table()
    pairs = zip(table["n"].to_pylist(), table["text"].to_pylist(), strict=True)
    return sorted(pairs, key=lambda pair: (pair[0] is None, pair))


@pytest.fixture
def lake(tmp_path):
    lake = Lake(str(tmp_path / "a lake"))
    append(lake.create(KEY, SCHEMA, partition_by=("day",)), rows(0, 1, 2, 3), transactions={})
    return lake


def test_the_range_is_replaced_and_no_other_file_is_touched(lake):
    before = set(lake.open(KEY).file_uris())
    version = replace_range(lake.open(KEY), rows(1, 1, text="new"), "day", day(1), day(2), transactions={"x": 4})
    after = lake.open(KEY)
    assert version == after.version()
    assert stored(lake) == [(0, ""), (1, "new"), (1, "new"), (2, ""), (3, "")]
    assert len(before & set(after.file_uris())) == 3
    assert progress(after, "x") == 4


def test_no_rows_empty_the_range(lake):
    replace_range(lake.open(KEY), rows().to_reader(), "day", day(1), day(3))
    assert stored(lake) == [(0, ""), (3, "")]


def test_a_range_that_held_nothing_is_filled(lake):
    replace_range(lake.open(KEY), rows(9), "day", day(9), day(10))
    assert (9, "") in stored(lake)


@pytest.mark.parametrize("outside", [rows(1, 2), rows(0), rows(1, None)], ids=["after", "before", "no value"])
def test_a_row_outside_of_the_range_is_refused_without_showing_it(lake, outside):
    outside = outside.set_column(3, "text", pa.array(["secret"] * outside.num_rows))
    with pytest.raises(RowsRefused, match="lie outside of day from 2026-01-02 to before 2026-01-03") as refused:
        replace_range(lake.open(KEY), outside, "day", day(1), day(2))
    assert "secret" not in str(refused.value)
    assert stored(lake) == [(0, ""), (1, ""), (2, ""), (3, "")]


def test_the_end_of_a_range_of_times_is_not_in_it(lake):
    lo = FIRST + timedelta(days=1, microseconds=1)
    hi = FIRST + timedelta(days=2, microseconds=1)
    replace_range(lake.open(KEY), rows(1, text="new"), "at", lo, hi)
    assert stored(lake) == [(0, ""), (1, "new"), (2, ""), (3, "")]
    replace_range(lake.open(KEY), rows(), "at", lo, lo + timedelta(microseconds=1))
    assert stored(lake) == [(0, ""), (2, ""), (3, "")]


@pytest.mark.parametrize(
    ("column", "lo", "hi"),
    [
        ("day", day(2), day(1)),
        ("day", day(1), day(1)),
        ("day", FIRST, FIRST + timedelta(days=1)),
        ("at", FIRST.replace(tzinfo=None), FIRST),
        ("at", day(0), day(1)),
        ("n", "0", "1"),
        ("n", True, 2),
        ("text", "a", "b"),
    ],
)
def test_a_range_that_does_not_fit_the_column_is_refused(lake, column, lo, hi):
    with pytest.raises(ValueError, match=column):
        replace_range(lake.open(KEY), rows(), column, lo, hi)
    assert lake.open(KEY).version() == 1


def test_nothing_is_cast(lake):
    with pytest.raises(SchemaDiffers):
        replace_range(lake.open(KEY), rows(1).set_column(0, "n", pa.array([1.5])), "day", day(1), day(2))


def test_two_replacements_of_one_range_do_not_overwrite_each_other(lake):
    first, second = lake.open(KEY), lake.open(KEY)
    replace_range(first, rows(1, text="first"), "day", day(1), day(2))
    with pytest.raises(Superseded):
        replace_range(second, rows(1, text="second"), "day", day(1), day(2))
    assert (1, "first") in stored(lake)


def test_replacements_of_other_ranges_do_not_disturb_each_other(lake):
    first, second = lake.open(KEY), lake.open(KEY)
    replace_range(first, rows(1, text="first"), "day", day(1), day(2))
    replace_range(second, rows(2, text="second"), "day", day(2), day(3))
    assert stored(lake) == [(0, ""), (1, "first"), (2, "second"), (3, "")]


@given(
    partitioned=st.booleans(),
    column=st.sampled_from(["n", "day", "at"]),
    start=st.lists(st.none() | st.integers(0, 9), max_size=12),
    steps=st.lists(st.tuples(st.integers(0, 9), st.integers(1, 4), st.integers(0, 3)), max_size=3),
)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_range_is_replaced_as_in_a_list_and_rows_without_a_value_stay(
    tmp_path_factory, partitioned, column, start, steps
):
    lake = Lake(str(tmp_path_factory.mktemp("lake")))
    table = lake.create(KEY, SCHEMA, partition_by=("day",) if partitioned else ())
    append(table, rows(*start), transactions={})
    expected = [(n, "") for n in start]
    for number, (lo, width, count) in enumerate(steps):
        bounds = {"n": (lo, lo + width), "day": (day(lo), day(lo + width))}
        bounds["at"] = (FIRST + timedelta(days=lo), FIRST + timedelta(days=lo + width))
        new = [lo + i % width for i in range(count)]
        replace_range(lake.open(KEY), rows(*new, text=str(number)), column, *bounds[column])
        expected = [row for row in expected if row[0] is None or not lo <= row[0] < lo + width]
        expected += [(n, str(number)) for n in new]
    assert stored(lake) == sorted(expected, key=lambda pair: (pair[0] is None, pair))
