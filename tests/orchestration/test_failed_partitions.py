"""The inventory of failed partitions: it names what is left failed, until it is mended."""

from datetime import date
from pathlib import Path

import dagster as dg
import pytest

from dataeng_assets.orchestration.failed_partitions import NONE_FAILED, inventory
from dataeng_assets.orchestration.partitions import range_tags
from dataeng_assets.settings import ROOT

DAYS = dg.DailyPartitionsDefinition("2026-01-01", end_date="2026-01-31")
ORDERS, PAYMENTS = dg.AssetKey("orders"), dg.AssetKey("payments")
broken: set[str] = set()


def extract(context: dg.AssetExecutionContext) -> None:
    if broken & set(context.partition_keys):
        raise ValueError("one of these days is broken")


def locate() -> dg.Definitions:
    kinds = {"partitions_def": DAYS, "backfill_policy": dg.BackfillPolicy.single_run()}
    assets = [dg.asset(name=name, **kinds)(extract) for name in ("orders", "payments")]  # type: ignore[call-overload]
    declared = dg.Definitions(assets=[*assets, dg.asset(name="undated")(lambda: None)])
    return dg.Definitions.merge(declared, inventory(declared))


@pytest.fixture
def instance(state: Path) -> dg.DagsterInstance:
    broken.clear()
    return dg.DagsterInstance.from_config(str(ROOT))


def materialize(instance: dg.DagsterInstance, key: dg.AssetKey, first: int, last: int) -> dg.ExecuteInProcessResult:
    job = locate().resolve_implicit_global_asset_job_def()
    tags = range_tags(date(2026, 1, first), date(2026, 1, last))
    return job.execute_in_process(instance=instance, asset_selection=[key], tags=tags, raise_on_error=False)


def look(instance: dg.DagsterInstance) -> dict[str, dg.AssetCheckEvaluation]:
    result = locate().resolve_job_def("inventory").execute_in_process(instance=instance)
    return {found.asset_key.to_user_string(): found for found in result.get_asset_check_evaluations()}


def test_each_partitioned_asset_has_the_check_and_no_other(instance: dg.DagsterInstance) -> None:
    keys = locate().resolve_asset_graph().asset_check_keys
    assert keys == {dg.AssetCheckKey(key, NONE_FAILED) for key in (ORDERS, PAYMENTS)}


def test_before_the_first_attempt_it_is_not_evaluated_and_that_is_not_a_pass(instance: dg.DagsterInstance) -> None:
    for found in look(instance).values():
        assert not found.passed
        assert found.severity == dg.AssetCheckSeverity.WARN
        assert found.metadata["outcome"].value == "not evaluated"


def test_partitions_of_a_failed_range_are_named_until_they_are_materialized(instance: dg.DagsterInstance) -> None:
    assert materialize(instance, ORDERS, 1, 9).success
    assert materialize(instance, PAYMENTS, 1, 9).success
    broken.add("2026-01-04")
    assert not materialize(instance, ORDERS, 3, 5).success
    found = look(instance)
    assert found["payments"].passed
    assert not found["orders"].passed
    assert found["orders"].metadata["failed_partitions"].value == "2026-01-03, 2026-01-04, 2026-01-05"
    assert "3 partitions of orders are left failed" in str(found["orders"].description)
    assert materialize(instance, ORDERS, 5, 5).success
    assert look(instance)["orders"].metadata["failed_partitions"].value == "2026-01-03, 2026-01-04"


def test_a_run_that_mends_the_last_one_says_so_itself(instance: dg.DagsterInstance) -> None:
    broken.add("2026-01-04")
    assert not materialize(instance, ORDERS, 3, 5).success
    broken.clear()
    (found,) = materialize(instance, ORDERS, 3, 5).get_asset_check_evaluations()
    assert (found.check_name, found.passed) == (NONE_FAILED, True)


def test_without_a_partitioned_asset_there_is_nothing_to_look_at_and_it_loads() -> None:
    nothing = inventory(dg.Definitions(assets=[dg.asset(name="undated")(lambda: None)]))
    assert not nothing.asset_checks
    assert nothing.resolve_job_def("inventory")
