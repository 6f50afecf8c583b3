"""Sensors plan: they ask for one run at a time, and say why when they ask for none."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from dataeng_assets.orchestration.dbt import targets
from dataeng_assets.orchestration.ledger import sensor
from dataeng_assets.orchestration.ledger.plan import Plan, PlannedRun

RUN = PlannedRun(
    (("marts", "fct_orders"),), (datetime(2026, 1, 2, tzinfo=UTC).date(), datetime(2026, 1, 9, tzinfo=UTC).date())
)


def requests(instance: dg.DagsterInstance) -> list[dg.RunRequest | dg.SkipReason]:
    return list(sensor.requests(instance))


def record_run(instance: dg.DagsterInstance, status: dg.DagsterRunStatus) -> None:
    @dg.job(tags=sensor.LEDGER_RUN)
    def warehouse() -> None: ...

    run = instance.create_run_for_job(warehouse, tags=sensor.LEDGER_RUN)
    if status is dg.DagsterRunStatus.FAILURE:
        instance.report_run_failed(run)


@pytest.fixture
def instance(state: Path) -> dg.DagsterInstance:
    return dg.DagsterInstance.ephemeral()


def test_with_an_empty_lake_the_ledger_asks_only_for_what_is_made_from_nothing(instance: dg.DagsterInstance) -> None:
    made_from_nothing = {target.key for target in targets().all if not target.touched and not target.view}
    asked = [request for request in requests(instance) if isinstance(request, dg.RunRequest)]
    assert {tuple(key.path) for request in asked for key in request.asset_selection or ()} == made_from_nothing


def test_a_planned_run_carries_its_assets_its_days_and_its_pins(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sensor, "plan_now", lambda _: (Plan((RUN,)), {"bronze.shop.orders": 7}))
    (request,) = requests(instance)
    assert isinstance(request, dg.RunRequest)
    assert request.asset_selection == [dg.AssetKey(["marts", "fct_orders"])]
    assert request.tags == {
        "dataeng/ledger": "warehouse",
        "dataeng/pins": '{"bronze.shop.orders": 7}',
        "dagster/asset_partition_range_start": "2026-01-02",
        "dagster/asset_partition_range_end": "2026-01-09",
    }


def test_while_a_run_is_under_way_none_is_asked_for(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sensor, "plan_now", lambda _: (Plan((RUN,)), {}))
    record_run(instance, dg.DagsterRunStatus.NOT_STARTED)
    (skip,) = requests(instance)
    assert isinstance(skip, dg.SkipReason)
    assert "is rebuilding the warehouse" in str(skip.skip_message)


def test_after_failures_in_a_row_it_waits_longer_each_time(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sensor, "plan_now", lambda _: (Plan((RUN,)), {}))
    waits = []
    for _ in range(3):
        record_run(instance, dg.DagsterRunStatus.FAILURE)
        (skip,) = requests(instance)
        assert isinstance(skip, dg.SkipReason)
        assert "failed. Asking again at" in str(skip.skip_message)
        waits.append(sensor._wait_after_failures(instance) - datetime.now(UTC))
    assert timedelta(seconds=50) < waits[0] < timedelta(seconds=61)
    assert timedelta(seconds=110) < waits[1] < timedelta(seconds=121)
    assert timedelta(seconds=230) < waits[2] < timedelta(seconds=241)


def test_a_tick_that_asks_for_nothing_names_what_is_held_back(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sensor, "plan_now", lambda _: (Plan((), held=("gold.fct_orders", "marts.fct_orders")), {}))
    (skip,) = requests(instance)
    assert isinstance(skip, dg.SkipReason)
    assert "Held back by failed checks: gold.fct_orders, marts.fct_orders" in str(skip.skip_message)
