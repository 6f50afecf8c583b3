"""The upkeep of the lake as an asset: what it tells, and when its checks warn."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest

from dataeng_assets.defs import operations
from dataeng_assets.lake.append import append
from dataeng_assets.lake.layout import ORPHANED_AFTER
from dataeng_assets.lake.location import Lake
from dataeng_assets.orchestration import lake_upkeep
from dataeng_assets.orchestration.dbt import targets
from dataeng_assets.orchestration.lake_upkeep import FILES_KEY, FILES_SCHEMA

SCHEMA = pa.schema({"n": pa.int64()})
KEY = ("gold", "numbers")


@pytest.fixture(scope="module", autouse=True)
def models() -> None:
    """Read dbt's manifest from where it has been made, instead of making it in each test's own state."""
    targets()


def upkeep() -> dg.ExecuteInProcessResult:
    return dg.materialize([operations.lake_files])


def checks(result: dg.ExecuteInProcessResult) -> dict[str, bool]:
    return {found.check_name: found.passed for found in result.get_asset_check_evaluations()}


def put(lake: Lake) -> Path:
    append(lake.create(KEY, SCHEMA), pa.table({"n": [1]}, schema=SCHEMA), transactions={})
    return Path(lake.at(KEY))


def test_each_upkeep_adds_a_row_for_each_table(state: Path) -> None:
    lake = Lake.current()
    put(lake)
    first = upkeep()
    assert checks(first) == {"orphans_within_budget": True, "closed_days_are_merged": True}
    [told] = first.asset_materializations_for_node(operations.lake_files.op.name)
    assert told.metadata["tables"].value == 2  # the ledger is one
    upkeep()
    rows = lake.open(FILES_KEY).to_pyarrow_table(columns=FILES_SCHEMA.names)
    assert rows.schema.names == FILES_SCHEMA.names
    found = [(row["table"], row["files"]) for row in rows.to_pylist()]
    assert found.count(("gold.numbers", 1)) == 2
    assert ("operations.lake_files", 1) in found


def test_orphans_beyond_the_budget_warn(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    left = put(Lake.current()) / "killed.parquet"
    left.write_bytes(b"x" * 100_000)
    then = (datetime.now(UTC) - ORPHANED_AFTER - timedelta(hours=1)).timestamp()
    os.utime(left, (then, then))
    assert checks(upkeep())["orphans_within_budget"]
    monkeypatch.setattr(lake_upkeep, "ORPHAN_BUDGET_BYTES", 50_000)
    result = upkeep()
    assert not checks(result)["orphans_within_budget"]
    assert result.success, "it warns and holds nothing back"


def test_closed_days_left_in_small_files_warn(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(Lake.current())
    monkeypatch.setattr(operations, "tend_lake", lambda *_: [lake_upkeep._tend(Lake.current(), KEY, None)])
    assert checks(upkeep())["closed_days_are_merged"]

    def unmerged(*_: object) -> list[lake_upkeep.Tended]:
        found = lake_upkeep._tend(Lake.current(), KEY, None)
        return [lake_upkeep.Tended(found.key, found.files, found.upkeep, 0, 7)]

    monkeypatch.setattr(operations, "tend_lake", unmerged)
    assert not checks(upkeep())["closed_days_are_merged"]
