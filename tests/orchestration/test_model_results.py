"""What dbt's tests found, as results for the report."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dataeng_assets.contracts.checks.kinds import Between, NoRows, NotNull, Nulls, OneOf, References, Unique
from dataeng_assets.contracts.checks.rule import SuiteColumn
from dataeng_assets.lake.location import Lake
from dataeng_assets.orchestration.model_results import model_results, versions_judged
from dataeng_assets.quality.results import Overall, Status, TableResult
from dataeng_assets.quality.results_store import read, record

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MODEL = "model.shop.fct_orders"


def a_test(name: str, severity: str = "error", **said: Any) -> dict[str, Any]:
    return {"resource_type": "test", "name": name, "attached_node": MODEL, "depends_on": {"nodes": [MODEL]},
            "config": {"severity": severity}, **said}  # fmt: skip


def a_model(name: str, materialized: str, *read: str) -> dict[str, Any]:
    return {"resource_type": "model", "name": name, "fqn": ["shop", name.partition("_")[0], name], "columns": {},
            "config": {"meta": {}, "materialized": materialized}, "depends_on": {"nodes": list(read)}}  # fmt: skip


def a_source(*key: str) -> dict[str, Any]:
    return {"resource_type": "source", "meta": {"dagster": {"asset_key": list(key)}}}


PINS = {"bronze.shop.orders": 41, "bronze.events.late": 7}
NODES = {
    MODEL: {
        "resource_type": "model", "name": "fct_orders", "fqn": ["shop", "marts", "fct_orders"],
        "columns": {"order_id": {"name": "order_id", "data_type": "bigint", "description": "Its number."},
                    "email": {"name": "email", "config": {"meta": {"dataeng": {"personal": True}}}}},
        "config": {"meta": {}, "materialized": "incremental"}, "description": "Orders.", "depends_on": {"nodes": []},
    },
    "model.shop.staging_orders": a_model("staging_orders", "view", "source.orders"),
    "model.shop.staging_all": a_model("staging_all", "view", "model.shop.staging_orders", "source.late"),
    "model.shop.staging_mixed": a_model("staging_mixed", "view", "model.shop.staging_orders", MODEL),
    "model.shop.staging_unread": a_model("staging_unread", "view", "source.unread"),
    "test.present": a_test("present", column_name="order_id", test_metadata={"name": "not_null"}),
    "test.alone": a_test("alone", column_name="order_id", test_metadata={"name": "unique"}),
    "test.warned": a_test("warned", "warn"),
    "test.broken": a_test("broken"),
    "test.pair": a_test("pair", test_metadata={"name": "unique_combination_of_columns",
                                               "kwargs": {"combination_of_columns": ["order_id", "line"]}}),
    "test.values": a_test("values", column_name="status", test_metadata={"name": "accepted_values",
                                                                         "kwargs": {"values": ["paid", "sent"]}}),
    "test.range": a_test("range", column_name="total", test_metadata={
        "name": "accepted_range", "kwargs": {"min_value": 0, "inclusive": False}}),
    "test.dated": a_test("dated", column_name="day", test_metadata={
        "name": "accepted_range", "kwargs": {"min_value": "date '2000-01-01'"}}),
    "test.known": a_test("known", column_name="customer_id", depends_on={"nodes": ["model.shop.staging_orders", MODEL]},
                         test_metadata={"name": "relationships", "kwargs": {"field": "id"}}),
}  # fmt: skip
MANIFEST = {"nodes": NODES, "sources": {
    "source.orders": a_source("bronze", "shop", "orders"), "source.late": a_source("bronze", "events", "late"),
    "source.unread": a_source("bronze", "shop", "unread"),
}}  # fmt: skip


def found(
    run: Sequence[dict[str, Any]], rows: Mapping[str, int] | None = None, manifest: Mapping[str, Any] = MANIFEST
) -> dict[str, TableResult]:
    return model_results(manifest, run, {MODEL: 7} if rows is None else rows, PINS, moment=NOW)


def version_of(view: str) -> str:
    """The state of a view that one test has judged."""
    unique = f"model.shop.{view}"
    nodes = {**NODES, "test.there": a_test("there") | {"attached_node": unique}}
    [result] = found([told("test.there", "pass")], {unique: 3}, {**MANIFEST, "nodes": nodes}).values()
    return result.data_version


def told(name: str, status: str, failures: int | None = 0) -> dict[str, Any]:
    return {"unique_id": name, "status": status, "failures": failures, "message": None, "execution_time": 0.5}


def test_a_test_that_failed_is_a_violation_and_one_that_did_not_run_decides_nothing() -> None:
    run = [told(MODEL, "success"), told("test.present", "pass"), told("test.alone", "fail", 2),
           told("test.warned", "warn", 1), told("test.broken", "error", None)]  # fmt: skip
    [(key, result)] = found(run).items()
    assert (key, result.rows, result.suite.owner, result.overall) == ("marts.fct_orders", 7, "data", Overall.VIOLATED)
    assert [(one.rule.name, one.status, one.failing) for one in result.results] == [
        ("present", Status.HOLDS, 0),
        ("alone", Status.VIOLATED, 2),
        ("warned", Status.VIOLATED, 1),
        ("broken", Status.UNDECIDED, None),
    ]
    assert [type(one.rule.check) for one in result.results] == [NotNull, Unique, NoRows, NoRows]


def test_checks_and_report_name_the_same_data_and_a_contract_only_where_the_model_has_versions() -> None:
    assert versions_judged(MANIFEST, MODEL, PINS, moment=NOW) == {"data_version": "2026-03-01T12:00:00Z"}
    view = versions_judged(MANIFEST, "model.shop.staging_orders", PINS, moment=NOW)
    assert view == {"data_version": "bronze.shop.orders 41"}
    versioned = {**MANIFEST, "nodes": {**NODES, MODEL: {**NODES[MODEL], "version": 2}}}
    assert versions_judged(versioned, MODEL, PINS, moment=NOW)["contract_version"] == "2"
    [result] = found([told("test.present", "pass")], manifest=versioned).values()
    assert (result.data_version, result.suite.version) == ("2026-03-01T12:00:00Z", "2")


def test_a_warning_alone_is_a_warning_and_what_was_skipped_is_no_pass() -> None:
    def overall(*results: dict[str, Any]) -> Overall:
        return found(results)["marts.fct_orders"].overall

    assert overall(told("test.present", "pass"), told("test.warned", "warn", 1)) is Overall.WARNING
    assert overall(told("test.present", "skipped", None)) is Overall.UNDECIDED


def test_a_model_that_was_not_built_has_no_result() -> None:
    assert found([told("test.present", "pass")], {}) == {}


def test_the_state_of_a_view_is_what_it_reads_of_the_lake_through_other_views() -> None:
    assert version_of("staging_orders") == "bronze.shop.orders 41"
    assert version_of("staging_all") == "bronze.events.late 7, bronze.shop.orders 41"


def test_a_view_that_shows_a_table_has_the_state_of_the_warehouse() -> None:
    assert version_of("staging_mixed") == version_of("staging_unread") == "2026-03-01T12:00:00Z"


def test_a_view_without_rows_is_undecided_though_its_tests_pass() -> None:
    empty = found([told("test.present", "pass")], {MODEL: 0})["marts.fct_orders"]
    assert empty.overall is Overall.UNDECIDED


def test_kinds_and_columns_say_what_dbt_knows() -> None:
    asked = ("present", "pair", "values", "range", "dated", "known")
    result = found([told(f"test.{name}", "pass") for name in asked])
    suite = result["marts.fct_orders"].suite
    assert [rule.check for rule in suite.rules] == [
        NotNull("order_id"), Unique(("order_id", "line"), Nulls.EQUAL), OneOf("status", ("paid", "sent")),
        Between("total", 0, None, minimum_open=True, maximum_open=True), NoRows("dbt test --select dated"),
        References(("customer_id",), "staging_orders", ("id",)),
    ]  # fmt: skip
    assert suite.columns == (
        SuiteColumn("order_id", physical="bigint", nullable=False, description="Its number."),
        SuiteColumn("email", personal=True),
    )


def test_the_results_of_a_model_can_be_kept_and_read_again(tmp_path: Path) -> None:
    results = found([told("test.alone", "fail", 2)])
    lake = Lake(str(tmp_path / "lake"))
    assert record(lake, results, run_id="r", partition="2026-02-28/2026-03-01") == 1
    [kept] = read(lake)
    assert (kept.table_key, kept.overall, kept.rules[0].name) == ("marts.fct_orders", Overall.VIOLATED, "alone")
