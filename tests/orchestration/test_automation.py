"""What runs when: every declared source is asked for, and nothing is missed when there is none."""

import shutil
from pathlib import Path

import dagster as dg
import pytest
from dagster.components.testing import create_defs_folder_sandbox

from dataeng_assets.orchestration.failed_partitions import inventory
from dataeng_assets.settings import ROOT

DEFS = ROOT / "dataeng_assets" / "defs"
SOURCE = """
type: dataeng_assets.components.PostgresTablesComponent
attributes:
  source: {source}
  url_variable: DATAENG_POSTGRES_URL
"""


def load(*sources: str) -> dg.Definitions:
    """A location that has our automation and maintenance, and these sources with a table each, and nothing else."""
    with create_defs_folder_sandbox() as sandbox:
        for name in ("automation.py", "operations.py"):
            shutil.copy(DEFS / name, sandbox.defs_folder_path)
        for source in sources:
            declare(sandbox.defs_folder_path / source, source)
        with sandbox.build_all_defs() as loaded:
            definitions = dg.Definitions.merge(loaded, inventory(loaded))
            definitions.get_repository_def().load_all_definitions()
            return definitions


def declare(folder: Path, source: str) -> None:
    (folder / "contracts").mkdir(parents=True)
    (folder / "defs.yaml").write_text(SOURCE.format(source=source))
    shutil.copy(ROOT / "tests" / "contracts" / "documents" / "orders.yaml", folder / "contracts")


def schedules(definitions: dg.Definitions) -> dict[str, tuple[str, object]]:
    return {found.name: (found.job_name, found.cron_schedule) for found in definitions.schedules or ()}


def test_it_loads_without_a_source_a_model_or_gold() -> None:
    empty = load()
    assert set(schedules(empty)) == {"nightly_lake_upkeep", "nightly_maintenance", "daily_inventory"}
    assert {found.name for found in empty.sensors or ()} == {"change_ledger", "follow_gold", "notifier"}
    assert {key.to_user_string() for key in empty.resolve_asset_graph().materializable_asset_keys} == {
        "operations/lake_files"
    }


def test_each_declared_source_has_a_batch_of_its_own(state: Path) -> None:
    found = load("shop", "crm")
    batches = {name: job for name, (job, _) in schedules(found).items() if name.startswith("batch_")}
    assert batches == {"batch_shop": "extract_shop", "batch_crm": "extract_crm"}


def test_a_batch_asks_for_all_days_first_and_in_one_run(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATAENG_FIRST_DAY", "2026-02-01")
    (batch,) = [found for found in load("shop").schedules or () if found.name == "batch_shop"]
    assert isinstance(batch, dg.ScheduleDefinition)
    request = batch(dg.build_schedule_context())
    assert isinstance(request, dg.RunRequest)
    assert request.tags["dagster/asset_partition_range_start"] == "2026-02-01"
    assert request.partition_key is None


@pytest.mark.parametrize(("place", "cron"), [("local", "*/15 * * * *"), ("prod", "0 5 * * *")])
def test_a_batch_runs_every_quarter_of_an_hour_here_and_in_the_morning_elsewhere(
    place: str, cron: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATAENG_ENV", place)
    found = load("shop")
    assert schedules(found)["batch_shop"] == ("extract_shop", cron)
    running = {schedule.name for schedule in found.schedules or () if schedule.default_status.value == "RUNNING"}
    assert running == (set(schedules(found)) if place == "local" else set())


def test_the_notifier_ticks_and_remembers(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATAENG_NOTIFY", "nonsense")
    definitions = load("shop")
    (notifier,) = [found for found in definitions.sensors or () if found.name == "notifier"]
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance=instance, definitions=definitions, sensor_name="notifier")
        tick = notifier.evaluate_tick(context)
    assert str(tick.skip_message).startswith("0 troubles stand.")
    assert "Entry 1 of DATAENG_NOTIFY is no address" in str(tick.skip_message)
    assert tick.cursor
