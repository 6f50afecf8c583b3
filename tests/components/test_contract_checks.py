"""A contract's rules as checks: judged on what the last run has brought, told by subject."""

from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pyarrow as pa
import pytest

from dataeng_assets.components.contract_checks import contract_checks, contract_results
from dataeng_assets.contracts.checks.kinds import Measure, Metric, NotNull, OfType, OneOf, Unique
from dataeng_assets.contracts.checks.rule import Bounds, Rule, Severity, Suite, SuiteColumn
from dataeng_assets.lake.append import append
from dataeng_assets.lake.location import Lake
from dataeng_assets.orchestration.ledger.targets import Targets
from dataeng_assets.orchestration.outcomes import NOT_EVALUATED, OUTCOME
from dataeng_assets.quality import results_store

KEY = dg.AssetKey(["bronze", "shop", "things"])
TARGETS = Targets(())
TIME = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema(
    [("id", pa.int64()), ("mail", pa.string()), ("_op", pa.string()), ("_extracted_at", TIME), ("_run_id", pa.string())]
)
SUITE = Suite(
    "things",
    (SuiteColumn("id"), SuiteColumn("mail", personal=True)),
    (
        Rule(OfType("id", "integer"), "type"),
        Rule(NotNull("mail"), "not_null"),
        Rule(OneOf("mail", ("a", "b")), "known", severity=Severity.WARNING),
        Rule(Unique(("id",)), "unique"),
        Rule(Measure(Metric.ROW_COUNT), "rows", Bounds(upper=2)),
    ),
    key=("id",),
    version="1.2.0",
)


@pytest.fixture
def lake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    monkeypatch.setenv("DATAENG_LAKE", str(tmp_path / "lake"))
    monkeypatch.setenv("DATAENG_STATE", str(tmp_path))
    made = Lake.current()
    made.create(tuple(KEY.path), SCHEMA)
    return made


def brought(lake: Lake, run: int, *rows: tuple[int, str | None, str]) -> dict[str, dg.AssetCheckResult]:
    """What the checks say after a run that has brought these rows: id, mail, operation."""
    moment = datetime(2026, 1, run, tzinfo=UTC)
    columns = zip(*((*row, moment, f"run {run}") for row in rows), strict=True) if rows else [[]] * len(SCHEMA)
    append(lake.open(tuple(KEY.path)), pa.table(list(columns), schema=SCHEMA), transactions={"t": run})
    told = {
        str(result.check_name): result for result in contract_results(KEY, SUITE, lake, f"run {run}", lambda: TARGETS)
    }
    assert set(told) == {spec.name for spec in contract_checks(KEY, SUITE)}
    return told


def passed(told: dict[str, dg.AssetCheckResult]) -> dict[str, bool]:
    return {name: result.passed for name, result in told.items()}


def test_each_subject_of_the_contract_is_a_check_and_types_are_judged_where_rows_are_written() -> None:
    specs = contract_checks(KEY, SUITE)
    assert [spec.name for spec in specs] == ["completeness", "uniqueness", "validity", "volume"]


def test_rows_are_judged_as_they_come_and_the_table_as_it_is(lake: Lake) -> None:
    told = brought(lake, 1, (1, "a", "upsert"), (2, None, "upsert"))
    assert passed(told) == {"completeness": False, "uniqueness": True, "validity": True, "volume": True}
    assert told["completeness"].severity is dg.AssetCheckSeverity.ERROR
    told = brought(lake, 2, (2, "b", "upsert"), (3, "a", "upsert"))
    assert passed(told) == {"completeness": True, "uniqueness": True, "validity": True, "volume": False}
    told = brought(lake, 3, (1, None, "delete"), (3, "c", "upsert"))
    assert passed(told) == {"completeness": True, "uniqueness": True, "validity": False, "volume": True}
    assert told["validity"].severity is dg.AssetCheckSeverity.WARN


def test_a_run_without_rows_leaves_the_verdict_on_those_before_it(lake: Lake) -> None:
    brought(lake, 1, (1, None, "upsert"))
    assert not brought(lake, 2)["completeness"].passed


def test_an_empty_table_is_no_pass(lake: Lake) -> None:
    told = brought(lake, 1)
    assert not told["completeness"].passed
    assert told["completeness"].metadata[OUTCOME].value == NOT_EVALUATED


def test_a_check_says_which_data_and_contract_it_judged_and_shows_nothing_personal(lake: Lake) -> None:
    told = brought(lake, 1, (1, "secret@example.com", "upsert"), (2, None, "upsert"))
    metadata = told["validity"].metadata
    assert metadata["contract_version"].value == "1.2.0"
    assert metadata["data_version"].value == "1"
    assert "secret" not in str(metadata)
    assert "•••" in str(metadata["rules"].value)


def test_what_was_judged_is_kept_for_the_report_once_per_run(lake: Lake) -> None:
    brought(lake, 1, (1, "a", "upsert"))
    list(contract_results(KEY, SUITE, lake, "run 1", lambda: TARGETS))
    [kept] = results_store.read(lake)
    assert (kept.table_key, len(kept.rules)) == ("bronze.shop.things", 4)
