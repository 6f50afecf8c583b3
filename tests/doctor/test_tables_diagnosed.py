"""Tables of a real lake: small files, missing checkpoints, unique keys; and what mends them."""

from dataclasses import replace

import pyarrow as pa
import pytest
from deltalake import DeltaTable
from doctor_kit import ScopeOf, causes, found, proof
from quality_results import table as judged

from dataeng_assets.contracts.checks.kinds import Unique
from dataeng_assets.contracts.checks.rule import Rule
from dataeng_assets.doctor.finding import reported
from dataeng_assets.doctor.fixes import fix
from dataeng_assets.doctor.probes.tables import doubled_rows, troubled_tables
from dataeng_assets.lake.append import append
from dataeng_assets.lake.location import Lake
from dataeng_assets.quality.results import RuleResult, Status
from dataeng_assets.quality.results_store import record

SCHEMA = pa.schema({"n": pa.int64()})
COMMITS = 205


@pytest.fixture
def neglected(lake: Lake) -> Lake:
    """A table that many commits went to and no upkeep, and one that is in order."""
    uri = lake.at(("bronze", "neglected"))
    DeltaTable.create(uri, SCHEMA, configuration={"delta.checkpointInterval": "100000"})
    for number in range(COMMITS):
        append(lake.open(("bronze", "neglected")), pa.table({"n": [number]}, schema=SCHEMA), transactions={})
    for number in range(5):
        in_order = lake.create(("bronze", "in_order"), SCHEMA)
        append(in_order, pa.table({"n": [number]}, schema=SCHEMA), transactions={})
    return lake


def test_many_small_files_and_a_log_without_checkpoint_are_named_and_mended(neglected: Lake, scope_of: ScopeOf) -> None:
    scope = scope_of()
    report = reported(troubled_tables(scope))
    assert found(report.findings) == [
        ("small-files", "bronze.neglected"),
        ("failing-checkpoint", "bronze.neglected"),
    ]
    assert f"{COMMITS} small files are worth merging" in proof(report.findings)
    assert "most in all: 205" in proof(report.findings)
    done = list(fix(scope, report.findings))
    assert done[0] == f"bronze.neglected: merged {COMMITS} files"
    assert done[1].startswith("bronze.neglected: wrote the checkpoint of version")
    assert causes(troubled_tables(scope)) == set()
    rows = neglected.open(("bronze", "neglected")).to_pyarrow_dataset().to_table()["n"].to_pylist()
    assert sorted(rows) == list(range(COMMITS))


def test_a_unique_key_that_does_not_hold_is_duplicates_and_one_that_holds_is_none(
    lake: Lake, scope_of: ScopeOf
) -> None:
    rule = Rule(Unique(("order_id",)), "one_row_per_order")
    scope = scope_of()
    broken = RuleResult(rule, Status.VIOLATED, value=7, failing=7, reason="7 rows")
    found_now = {"marts.orders": judged(broken), "marts.other": judged(RuleResult(rule, Status.HOLDS))}
    record(lake, {key: replace(one, judged_at=scope.now) for key, one in found_now.items()}, run_id="r1")
    said = list(doubled_rows(scope))
    assert found(said) == [("duplicates", "marts.orders")]
    assert "rule one_row_per_order: 7" in proof(said)
