"""The job that releases quarantined rows does what `dataeng replay` does, and says so in its run and of its table."""

from typing import Any

import dagster as dg
import pytest
from made_source import ITEMS, KEY, LOWER, SHORT, Shop, contract, put, quarantining, source_table, versions

from dataeng_assets.components.replay_jobs import replay_tables_job
from dataeng_assets.contracts.checks.rule import Rule

pytestmark = pytest.mark.server


@pytest.fixture(autouse=True)
def three_aside(items: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A table with one good row, and three that break the rules of their time."""
    monkeypatch.setenv("DATAENG_LAKE", items.lake.uri)
    for key, value in enumerate(["a", "bb", "C", "DD"]):
        put(items, key, value)
    items.first()
    return items


def replay(*rules: Rule, **config: Any) -> dg.ExecuteInProcessResult:
    """A run of the job under a contract with these rules, as the launchpad starts it."""
    job = replay_tables_job("shop", [source_table(quarantining(contract("items", ITEMS), *rules))])
    given = {"ops": {"replay_rows_of_shop": {"config": {"table": "items", **config}}}}
    return job.execute_in_process(run_config=given, instance=dg.DagsterInstance.ephemeral(), raise_on_error=False)


def told(result: dg.ExecuteInProcessResult) -> dict[str, Any]:
    (output,) = [event for event in result.all_events if event.is_successful_output]
    return {name: value.value for name, value in output.step_output_data.metadata.items()}


def observed(result: dg.ExecuteInProcessResult) -> list[dg.AssetObservation]:
    return [event.asset_observation_data.asset_observation for event in result.all_events if event.is_asset_observation]


def why(result: dg.ExecuteInProcessResult) -> str:
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    said, error = failure.step_failure_data.user_failure_data, failure.step_failure_data.error
    return f"{said.description if said else ''} {error.to_string() if error else ''}"


def test_what_keeps_the_contract_now_is_released_once_and_names_its_run(items: Shop) -> None:
    result = replay(SHORT)
    found = told(result)
    assert (found["rows_released"], found["rows_still_broken"], found["breaks_short"]) == (1, 2, 2)
    [row] = [row for row in items.bronze() if row["_released_by"]]
    assert (row["value"], row["_released_by"]) == ("C", f"replay-{result.run_id}")
    (of_table,) = observed(result)
    assert of_table.asset_key == dg.AssetKey(KEY)
    assert of_table.metadata["released_by"].value == row["_released_by"]
    assert of_table.metadata["table_version"].value == items.lake.open(KEY).version()
    again = replay(SHORT)
    assert (told(again)["rows_released"], told(again)["rows_released_before"], observed(again)) == (0, 1, [])


def test_a_dry_run_writes_nothing_and_says_what_it_would(items: Shop) -> None:
    before = versions(items)
    result = replay(LOWER, dry_run=True)
    assert told(result)["rows_that_would_be_released"] == 1
    assert (versions(items), observed(result)) == (before, [])


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"table": "orders"}, "shop has no table 'orders'; it has items"),
        ({"limit": "10%"}, "Nothing was released"),
        ({"limit": "few"}, "a number of rows"),
    ],
)
def test_what_cannot_be_done_fails_the_run_and_writes_nothing(items: Shop, config: dict[str, Any], said: str) -> None:
    before = versions(items)
    result = replay(LOWER, **config)
    assert (result.success, versions(items)) == (False, before)
    assert said in why(result)


def test_a_replay_waits_for_the_extracts_of_its_source() -> None:
    job = replay_tables_job("shop", [])
    assert [node.definition.pool for node in job.nodes if isinstance(node.definition, dg.OpDefinition)] == [
        "extract_shop"
    ]
