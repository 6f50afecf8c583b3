"""How many rows lack a value, whether the log tells it or not."""

import pyarrow as pa
import pytest

from dataeng_assets.lake.append import append
from dataeng_assets.lake.counts import null_counts

KEY = ("bronze", "shop", "items")


@pytest.fixture
def table(lake):
    # writers keep no statistics of bytes, and none of what comes after the first 32 columns
    early = [pa.field("a", pa.int64()), pa.field("picture", pa.binary())]
    wide = [pa.field(f"c{number:02}", pa.string()) for number in range(40)]
    return lake.create(KEY, pa.schema([*early, *wide]))


def rows(**columns: list) -> pa.Table:
    size = len(next(iter(columns.values())))
    filled = {f"c{number:02}": ["x"] * size for number in range(40)}
    kinds = {"a": pa.int64(), "picture": pa.binary()}
    return pa.table({n: pa.array(v, kinds.get(n, pa.string())) for n, v in {**filled, **columns}.items()})


def test_nulls_are_counted_over_all_files(table):
    append(table, rows(a=[1, None, 3], picture=[b"x", None, None], c39=["x", "y", None]), transactions={})
    append(table, rows(a=[None], picture=[b"x"], c39=[None]), transactions={})
    assert null_counts(table, ["picture", "a", "c39", "c00"]) == {"picture": 2, "a": 2, "c39": 2, "c00": 0}


def test_a_table_without_rows_lacks_nothing(table):
    assert null_counts(table, ["a", "picture", "c39"]) == {"a": 0, "picture": 0, "c39": 0}


def test_only_the_version_that_the_handle_is_on_counts(table, lake):
    append(table, rows(a=[None], picture=[None]), transactions={})
    append(lake.open(KEY), rows(a=[None], picture=[None]), transactions={})
    assert null_counts(table, ["a", "picture"]) == {"a": 1, "picture": 1}
