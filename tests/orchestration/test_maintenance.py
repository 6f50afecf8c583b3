"""Maintenance at night: what it removes, and what the newest state of an asset rests on stays."""

import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteInstigatorOrigin, RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    SensorInstigatorData,
    TickData,
    TickStatus,
)

from dataeng_assets.definitions import defs
from dataeng_assets.defs import operations
from dataeng_assets.lake.location import Lake
from dataeng_assets.lake.upkeep import RETENTION
from dataeng_assets.orchestration import maintenance
from dataeng_assets.orchestration.dbt import targets
from dataeng_assets.orchestration.partitions import range_tags
from dataeng_assets.settings import ROOT, Settings

DAYS = dg.DailyPartitionsDefinition("2026-01-01", end_date="2026-01-31")
KEY = dg.AssetKey("orders")
fails = False


@dg.asset(
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    check_specs=[dg.AssetCheckSpec("complete", asset=KEY)],
)
def orders(context: dg.AssetExecutionContext) -> Iterator[object]:
    print("some output")
    if fails:
        raise ValueError("no")
    yield dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True)])


@dg.job
def unrelated() -> None: ...


@pytest.fixture(scope="module", autouse=True)
def models() -> None:
    """Read dbt's manifest from where it has been made, instead of making it in each test's own state."""
    targets()


@pytest.fixture
def instance(state: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.from_config(str(ROOT)) as found:
        yield found


def run(instance: dg.DagsterInstance, first: int, last: int) -> str:
    january = [datetime(2026, 1, day, tzinfo=UTC).date() for day in (first, last)]
    job = dg.Definitions(assets=[orders]).resolve_implicit_global_asset_job_def()
    return job.execute_in_process(instance=instance, tags=range_tags(*january), raise_on_error=False).run_id


def age_runs(state: Path, days: int = 40) -> None:
    with sqlite3.connect(state / "dagster" / "storage" / "history" / "runs.db") as connection:
        then = (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%d %H:%M:%S")
        connection.execute("update runs set create_timestamp = ?, update_timestamp = ?", [then, then])


def runs_left(instance: dg.DagsterInstance) -> set[str]:
    return {found.run_id for found in instance.get_runs()}


def test_a_run_goes_when_each_of_its_partitions_has_a_newer_one(instance: dg.DagsterInstance, state: Path) -> None:
    first = run(instance, 1, 3)
    second = run(instance, 2, 2)
    age_runs(state)
    assert maintenance.remove_runs(instance).count == 0
    third = run(instance, 1, 3)
    age_runs(state)
    removed = maintenance.remove_runs(instance)
    assert (removed.count, runs_left(instance)) == (2, {third})
    assert removed.bytes > 0
    assert not [path for path in (state / "dagster").rglob("*") if first in path.name or second in path.name]
    status = instance.get_status_by_partition(KEY, ["2026-01-01", "2026-01-02"], DAYS) or {}
    assert {str(found.value) for found in status.values() if found} == {"MATERIALIZED"}
    assert instance.get_latest_materialization_event(KEY)


def test_the_run_of_a_failed_newest_attempt_stays(
    instance: dg.DagsterInstance, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = run(instance, 1, 1)
    monkeypatch.setitem(globals(), "fails", True)
    attempt = run(instance, 1, 1)
    age_runs(state)
    maintenance.remove_runs(instance)
    assert runs_left(instance) == {made, attempt}


def test_young_runs_and_runs_under_way_stay(instance: dg.DagsterInstance, state: Path) -> None:
    young = unrelated.execute_in_process(instance=instance).run_id
    assert maintenance.remove_runs(instance).count == 0
    under_way = instance.create_run_for_job(unrelated).run_id
    age_runs(state)
    assert maintenance.remove_runs(instance).count == 1
    assert runs_left(instance) == {under_way} != {young}


def test_old_ticks_go_also_those_of_a_sensor_that_is_no_longer_declared(instance: dg.DagsterInstance) -> None:
    place = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("gone"), "gone")
    sensor = InstigatorState(
        RemoteInstigatorOrigin(place, "gone"), InstigatorType.SENSOR, InstigatorStatus.RUNNING, SensorInstigatorData()
    )
    instance.add_instigator_state(sensor)
    now = time.time()
    for days in (40, 40, 1):
        origin, then = sensor.instigator_origin_id, now - days * 86_400
        tick = TickData(
            origin, "gone", InstigatorType.SENSOR, TickStatus.SKIPPED, then, run_ids=[], selector_id=sensor.selector_id
        )
        instance.create_tick(tick)
    assert maintenance.purge_ticks(instance).count == 2
    assert len(instance.get_ticks(sensor.instigator_origin_id, sensor.selector_id)) == 1


def test_what_dbt_left_goes_after_a_day_unless_its_run_is_under_way(
    instance: dg.DagsterInstance, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    under_way = instance.create_run_for_job(unrelated).run_id
    folders = [state / "dbt" / name for name in ("dbt_models-0000000-aaaaaaa", f"dbt_models-{under_way[:7]}-b")]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "run_results.json").write_text("{}")
    assert maintenance.remove_dbt_targets(instance).count == 0
    monkeypatch.setattr(maintenance, "KEEP_FILES", timedelta(seconds=-1))
    removed = maintenance.remove_dbt_targets(instance)
    assert (removed.count, removed.bytes) == (1, 2)
    assert [folder.exists() for folder in folders] == [False, True]


def test_what_a_killed_extract_staged_goes_and_what_one_is_staging_stays(
    instance: dg.DagsterInstance, state: Path
) -> None:
    from dataeng_assets.extract.staging import staging_folder

    with staging_folder() as used:
        (used / "orders.parquet").write_bytes(b"12345")
        left = state / "staging" / "left"
        left.mkdir()
        (left / "in_use").touch()
        (left / "orders.parquet").write_bytes(b"123")
        assert maintenance.remove_staged().bytes == 3
        assert (left.exists(), used.exists()) == (False, True)


def test_an_old_readable_copy_of_the_warehouse_goes(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import duckdb

    from dataeng_assets.orchestration.warehouse import readable_copy

    warehouse = Settings.load().warehouse_file
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create table t as select 1 as n")
    made = readable_copy(warehouse)
    assert made
    assert maintenance.remove_readable_copy().count == 0
    monkeypatch.setattr(maintenance, "KEEP_FILES", timedelta(seconds=-1))
    assert maintenance.remove_readable_copy().count == 1
    assert (made[0].exists(), warehouse.exists()) == (False, True)
    assert readable_copy(warehouse)


def test_the_job_reports_what_it_removed_in_the_log_of_its_run(instance: dg.DagsterInstance, lake: Lake) -> None:
    result = operations.maintenance.execute_in_process(instance=instance)
    said = {
        event.step_key: {name: value.value for name, value in event.step_output_data.metadata.items()}
        for event in result.all_events
        if event.is_successful_output
    }
    assert said["tend_instance"] == {"runs_removed": 0, "runs_bytes": 0, "ticks_removed": 0, "ticks_bytes": 0}
    assert said["tend_disk"]["dbt_targets_removed"] == 0


def test_no_run_may_take_as_long_as_its_files_are_kept() -> None:
    import yaml

    longest = [yaml.safe_load((ROOT / "dagster.yaml").read_text())["run_monitoring"]["max_runtime_seconds"]]
    longest += [int(job.tags.get("dagster/max_runtime", 0)) for job in defs().resolve_all_job_defs()]
    assert timedelta(seconds=2 * max(longest)) < RETENTION
