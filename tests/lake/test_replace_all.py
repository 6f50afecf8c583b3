"""Replacing a whole table keeps its older versions and refuses what appending refuses."""

import pyarrow as pa
import pytest

from dataeng_assets.lake.append import Superseded, append
from dataeng_assets.lake.location import Lake
from dataeng_assets.lake.replace import replace_all
from dataeng_assets.lake.strict import SchemaDiffers

KEY = ("marts", "countries")
SCHEMA = pa.schema([("name", pa.string())])


def rows(*names: str | None) -> pa.Table:
    return pa.table({"name": pa.array(names, pa.string())})


@pytest.fixture
def lake(tmp_path):
    lake = Lake(str(tmp_path / "lake"))
    append(lake.create(KEY, SCHEMA), rows("a", "b", None), transactions={})
    return lake


def stored(lake: Lake, version: int | None = None) -> list[str | None]:
    return lake.open(KEY, version).to_pyarrow_table()["name"].to_pylist()


@pytest.mark.parametrize("names", [("c",), (), (None,)])
def test_every_row_is_replaced_and_the_old_version_stays(lake, names):
    assert replace_all(lake.open(KEY), rows(*names)) == 2
    assert stored(lake) == list(names)
    assert sorted(stored(lake, 1), key=str) == [None, "a", "b"]


def test_rows_with_other_types_are_refused(lake):
    with pytest.raises(SchemaDiffers):
        replace_all(lake.open(KEY), pa.table({"name": [1]}))
    assert lake.open(KEY).version() == 1


def test_rows_appended_meanwhile_are_not_lost(lake):
    table = lake.open(KEY)
    append(lake.open(KEY), rows("late"), transactions={})
    with pytest.raises(Superseded):
        replace_all(table, rows("c"))
    assert "late" in stored(lake)
