"""Which rows are shown of those that break a rule."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataeng_assets.contracts.checks.kinds import Between, NotNull
from dataeng_assets.contracts.checks.rule import Rule, Suite
from dataeng_assets.quality.connection import connect
from dataeng_assets.quality.inputs.open import open_input
from dataeng_assets.quality.scan import samples
from dataeng_assets.quality.scan.judge import judge

RULES = (Rule(NotNull("a"), "there"), Rule(Between("a", maximum=9), "small"))


@settings(max_examples=30)
@given(files=st.lists(st.lists(st.sampled_from([1, 10, None]), min_size=1, max_size=12), min_size=1, max_size=3))
def test_the_rows_that_come_first_are_shown_wherever_they_stand(
    tmp_path_factory: pytest.TempPathFactory, files: list[list[int | None]]
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    for index, values in enumerate(files):
        pq.write_table(pa.table({"a": pa.array(values, pa.int64())}), folder / f"{index}.parquet")
    with pytest.MonkeyPatch.context() as patch, connect() as connection, open_input(str(folder), connection) as opened:
        patch.setattr(samples, "_BEGINNING", 4)
        results = judge(connection, opened, Suite("rows", rules=RULES)).results
    for result, value in zip(results, (None, 10), strict=True):
        places = [
            (row, index) for index, values in enumerate(files) for row, a in enumerate(values, start=1) if a == value
        ]
        shown = [tuple(sample.identity.values()) for sample in result.samples]
        assert [(int(row or 0), Path(file or "").stem) for file, row in shown] == [
            (row, str(index)) for row, index in sorted(places)[:3]
        ]
