"""What dbt's tests found, as results for the report."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dataeng_assets.contracts.checks.kinds import NoRows, NotNull, Unique
from dataeng_assets.lake.location import Lake
from dataeng_assets.orchestration.model_results import model_results
from dataeng_assets.quality.results import Overall, Status
from dataeng_assets.quality.results_store import read, record

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MODEL = "model.shop.fct_orders"


def a_test(name: str, severity: str = "error", **said: Any) -> dict[str, Any]:
    return {"resource_type": "test", "name": name, "attached_node": MODEL, "depends_on": {"nodes": [MODEL]},
            "config": {"severity": severity}, **said}  # fmt: skip


NODES = {
    MODEL: {
        "resource_type": "model", "name": "fct_orders", "fqn": ["shop", "marts", "fct_orders"],
        "columns": {"order_id": {"name": "order_id", "data_type": "bigint"}}, "config": {"meta": {}},
        "description": "Orders.",
    },
    "test.present": a_test("present", column_name="order_id", test_metadata={"name": "not_null"}),
    "test.alone": a_test("alone", column_name="order_id", test_metadata={"name": "unique"}),
    "test.warned": a_test("warned", "warn"),
    "test.broken": a_test("broken"),
}  # fmt: skip


def told(name: str, status: str, failures: int | None = 0) -> dict[str, Any]:
    return {"unique_id": name, "status": status, "failures": failures, "message": None, "execution_time": 0.5}


def test_a_test_that_failed_is_a_violation_and_one_that_did_not_run_decides_nothing() -> None:
    run = [told(MODEL, "success"), told("test.present", "pass"), told("test.alone", "fail", 2),
           told("test.warned", "warn", 1), told("test.broken", "error", None)]  # fmt: skip
    [(key, result)] = model_results(NODES, run, {MODEL: 7}, moment=NOW).items()
    assert (key, result.rows, result.suite.owner, result.overall) == ("marts.fct_orders", 7, "data", Overall.VIOLATED)
    assert [(one.rule.name, one.status, one.failing) for one in result.results] == [
        ("present", Status.HOLDS, 0),
        ("alone", Status.VIOLATED, 2),
        ("warned", Status.VIOLATED, 1),
        ("broken", Status.UNDECIDED, None),
    ]
    assert [type(one.rule.check) for one in result.results] == [NotNull, Unique, NoRows, NoRows]


def test_a_warning_alone_is_a_warning_and_what_was_skipped_is_no_pass() -> None:
    def overall(*results: dict[str, Any]) -> Overall:
        return model_results(NODES, results, {MODEL: 7}, moment=NOW)["marts.fct_orders"].overall

    assert overall(told("test.present", "pass"), told("test.warned", "warn", 1)) is Overall.WARNING
    assert overall(told("test.present", "skipped", None)) is Overall.UNDECIDED


def test_the_tests_of_a_view_are_left_to_dagster() -> None:
    assert model_results(NODES, [told("test.present", "pass")], {}, moment=NOW) == {}


def test_the_results_of_a_model_can_be_kept_and_read_again(tmp_path: Path) -> None:
    found = model_results(NODES, [told("test.alone", "fail", 2)], {MODEL: 7}, moment=NOW)
    lake = Lake(str(tmp_path / "lake"))
    assert record(lake, found, run_id="r", partition="2026-02-28/2026-03-01") == 1
    [kept] = read(lake)
    assert (kept.table_key, kept.overall, kept.rules[0].name) == ("marts.fct_orders", Overall.VIOLATED, "alone")
