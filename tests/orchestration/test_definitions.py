"""What Dagster loads: complete, and changed only on purpose."""

import difflib
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from dataeng_assets.definitions import defs
from dataeng_assets.settings import Settings

GRAPH = Path(__file__).with_name("graph.txt")


@pytest.fixture(scope="module")
def definitions(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.Definitions]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DATAENG_STATE", str(tmp_path_factory.mktemp("state")))
        yield defs()


def test_every_asset_is_described_owned_grouped_tagged_and_checked(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    for key in graph.materializable_asset_keys:
        node = graph.get(key)
        name = key.to_user_string()
        assert node.description, name
        assert node.owners, name
        assert node.group_name not in {None, "default"}, name
        assert node.kinds, name
        assert node.tags.get("layer") == key.path[0], name
        assert graph.get_check_keys_for_assets({key}), f"{name} has no check"
        assert "dagster/column_schema" in node.metadata or key.path[0] == "gold", name


def test_sensors_and_schedules_run_on_the_laptop_and_are_off_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataeng_assets.orchestration.in_flight import default_sensor_status

    assert default_sensor_status(Settings.load().is_local) is dg.DefaultSensorStatus.RUNNING
    monkeypatch.setenv("DATAENG_ENV", "prod")
    assert default_sensor_status(Settings.load().is_local) is dg.DefaultSensorStatus.STOPPED


def test_a_drain_does_not_pay_for_the_metrics_of_its_stream(definitions: dg.Definitions) -> None:
    steps = {job.name: {node.name for node in job.nodes} for job in definitions.resolve_all_job_defs()}
    for name, found in steps.items():
        if name.startswith("stream_"):
            metrics = {name.replace("stream_", "metrics_")}
            assert not found & metrics
            assert steps[name.replace("stream_", "watch_")] == metrics


def test_days_of_each_daily_asset_can_be_asked_for_alone(definitions: dg.Definitions) -> None:
    """As a backfill in the UI does: with the checks that hang on it, and no other asset."""
    graph = definitions.resolve_asset_graph()
    every = definitions.resolve_implicit_global_asset_job_def()
    for key in (key for key in graph.materializable_asset_keys if graph.get(key).partitions_def):
        assert every.get_subset(asset_selection={key}).asset_layer.selected_asset_keys == {key}


def test_the_graph_is_the_one_that_was_agreed_on(definitions: dg.Definitions) -> None:
    found = "\n".join(_lines(definitions)) + "\n"
    if not GRAPH.exists():
        GRAPH.write_text(found)
        pytest.skip(f"{GRAPH.name} was missing and has been written: read it, and commit it")
    difference = "\n".join(difflib.unified_diff(GRAPH.read_text().splitlines(), found.splitlines(), lineterm=""))
    assert not difference, (
        f"the graph has changed; if that is meant, delete {GRAPH.name} and run this again\n{difference}"
    )


def _lines(definitions: dg.Definitions) -> Iterator[str]:
    graph = definitions.resolve_asset_graph()
    for key in sorted(graph.get_all_asset_keys()):
        node = graph.get(key)
        calendar = "daily" if node.partitions_def else "undated"
        kind = calendar if node.is_materializable else "outside"
        yield f"asset {key.to_user_string()} {kind} {node.group_name} {' '.join(sorted(node.kinds))}"
        yield from (f"  from {parent.to_user_string()}" for parent in sorted(node.parent_keys))
        yield from (f"  check {check.name}" for check in sorted(graph.get_check_keys_for_assets({key})))
    for job in sorted(definitions.resolve_all_job_defs(), key=lambda job: job.name):
        if not job.name.startswith("__"):
            yield f"job {job.name} {dict(sorted(job.tags.items()))}"
            yield from (f"  {key.to_user_string()}" for key in sorted(job.asset_layer.executable_asset_keys))
    for schedule in definitions.schedules or ():
        yield f"schedule {schedule.name} {schedule.job_name} {schedule.cron_schedule} {schedule.default_status.value}"
    for sensor in sorted(definitions.sensors or (), key=lambda sensor: sensor.name):
        yield f"sensor {sensor.name} {sensor.minimum_interval_seconds} {sensor.default_status.value}"
