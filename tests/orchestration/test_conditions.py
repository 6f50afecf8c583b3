"""What users hang on gold runs for every update of what it is made from, whenever the update comes."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import dagster as dg
import pytest

from dataeng_assets.orchestration.conditions import follows_its_inputs

DAYS = dg.DailyPartitionsDefinition("2026-01-01", end_date="2026-01-31")
GOLD, MINE = dg.AssetKey(["gold", "orders"]), dg.AssetKey(["gold", "mine"])
meanwhile: Callable[[], object] = set
passes = True


@dg.asset(key=GOLD, partitions_def=DAYS, check_specs=[dg.AssetCheckSpec("right", asset=GOLD, blocking=True)])
def orders() -> dg.MaterializeResult:
    return dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=passes)])


@dg.asset(key=MINE, deps=[orders], partitions_def=DAYS, automation_condition=follows_its_inputs())
def mine() -> None:
    meanwhile()


DEFINITIONS = dg.Definitions(assets=[orders, mine])


@dataclass
class Automation:
    """An instance, and what the automation sensor remembers."""

    instance: dg.DagsterInstance
    cursor: Any = None

    def tick(self) -> set[int]:
        """The days that are asked for."""
        found = dg.evaluate_automation_conditions(DEFINITIONS, self.instance, cursor=self.cursor)
        self.cursor = found.cursor
        return {int(day[-2:]) for day in found.get_requested_partitions(MINE) if day}

    def run(self, key: dg.AssetKey, day: int) -> None:
        job = DEFINITIONS.resolve_implicit_global_asset_job_def()
        partition = f"2026-01-{day:02}"
        job.execute_in_process(
            instance=self.instance, asset_selection=[key], partition_key=partition, raise_on_error=False
        )


@pytest.fixture
def automation() -> Iterator[Automation]:
    with dg.DagsterInstance.ephemeral() as instance:
        found = Automation(instance)
        for day in (7, 8, 9):
            found.run(GOLD, day)
            found.run(MINE, day)
        assert found.tick() == set()
        yield found


def test_a_late_update_of_any_day_asks_for_that_day_once(automation: Automation) -> None:
    automation.run(GOLD, 7)
    assert automation.tick() == {7}
    automation.run(MINE, 7)
    assert automation.tick() == set()


def test_an_update_that_comes_while_the_asset_runs_is_not_lost(
    automation: Automation, monkeypatch: pytest.MonkeyPatch
) -> None:
    automation.run(GOLD, 7)
    assert automation.tick() == {7}
    during = []

    def update() -> None:
        automation.run(GOLD, 7)
        during.append(automation.tick())

    monkeypatch.setitem(globals(), "meanwhile", update)
    automation.run(MINE, 7)
    monkeypatch.setitem(globals(), "meanwhile", set)
    assert (during, automation.tick()) == ([set()], {7})
    automation.run(MINE, 7)
    assert automation.tick() == set()


def test_an_update_and_the_end_of_the_run_that_did_not_see_it_may_fall_into_one_tick(
    automation: Automation, monkeypatch: pytest.MonkeyPatch
) -> None:
    automation.run(GOLD, 7)
    assert automation.tick() == {7}
    monkeypatch.setitem(globals(), "meanwhile", lambda: automation.run(GOLD, 7))
    automation.run(MINE, 7)
    assert automation.tick() == {7}


def test_a_failed_blocking_check_holds_it_back_until_it_passes(
    automation: Automation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(globals(), "passes", False)
    automation.run(GOLD, 8)
    assert automation.tick() == set()
    monkeypatch.setitem(globals(), "passes", True)
    automation.run(GOLD, 8)
    assert automation.tick() == {8}
