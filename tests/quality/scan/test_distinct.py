"""Which values occur more than once, against counting them in plain Python."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataeng_assets.contracts.checks.kinds import Nulls, Unique
from dataeng_assets.contracts.checks.rule import Rule, Suite
from dataeng_assets.quality.connection import connect
from dataeng_assets.quality.inputs.open import open_input
from dataeng_assets.quality.results import RuleResult
from dataeng_assets.quality.scan import distinct
from dataeng_assets.quality.scan.judge import judge

ROWS = 5_000


def unique(folder: Path, values: Sequence[Any] | pa.Array) -> RuleResult:
    """Judge a column, of which missing values are equal to each other."""
    path = folder / "rows.parquet"
    pq.write_table(pa.table({"a": values}), path)
    with connect() as connection, open_input(str(path), connection) as opened:
        return judge(connection, opened, Suite("rows", rules=(Rule(Unique(("a",), Nulls.EQUAL), "rule"),))).results[0]


@settings(max_examples=25)
@given(
    repeated=st.lists(st.integers(0, ROWS - 1), max_size=40),
    missing=st.integers(0, 3),
    as_written=st.sampled_from([int, str, float, lambda number: number * 10**12]),
    named=st.sampled_from([0, 3, 100_000]),
)
def test_the_numbers_of_what_is_not_unique_are_those_of_counting(
    tmp_path_factory: pytest.TempPathFactory, repeated: list[int], missing: int, as_written: Any, named: int
) -> None:
    values = [*([None] * missing), *(as_written(number) for number in [*range(ROWS), *repeated])]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(distinct, "_BATCH", 2048)  # so that equal neighbours lie in two batches, too
        patch.setattr(distinct, "_NAMED", named)
        found = unique(tmp_path_factory.mktemp("rows"), values)
    groups = [count for count in Counter(values).values() if count > 1]
    assert found.judged == len(values)
    assert found.failing == found.numbers["rows_involved"] == sum(groups)
    assert (found.numbers["groups"], found.numbers["excess_rows"]) == (len(groups), sum(groups) - len(groups))
    shown = [int(sample.values["rows"] or 0) for sample in found.samples]
    assert shown == sorted(groups, reverse=True)[:3]


@pytest.mark.parametrize(
    ("type_", "low", "high"),
    [
        (pa.int8(), -128, 127),
        (pa.int16(), -(2**15), 2**15 - 1),
        (pa.int32(), -(2**31), -(2**31) + 9),
        (pa.int64(), -(2**63), -(2**63) + 9),
        (pa.int64(), 2**63 - 9, 2**63 - 1),
        (pa.uint8(), 0, 255),
        (pa.uint64(), 2**64 - 9, 2**64 - 1),
    ],
)
def test_numbers_at_the_ends_of_their_type_are_counted(tmp_path: Path, type_: pa.DataType, low: int, high: int) -> None:
    assert unique(tmp_path, pa.array([low, high], type_)).failing == 0
    assert unique(tmp_path, pa.array([low, high, high], type_)).failing == 2


def test_values_of_equal_hashes_are_still_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every hash is the same here; what is different stays so."""
    real = distinct._of_equal_hashes
    monkeypatch.setattr(distinct, "_of_equal_hashes", lambda subject, _, rows: real(subject, "7::ubigint", rows))
    assert unique(tmp_path, ["a", "b", "c", "b"]).numbers == {"groups": 1, "excess_rows": 1, "rows_involved": 2}
