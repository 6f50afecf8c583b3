"""The event log below the state folder: written by several processes at once, read while it is written."""

import multiprocessing
import shutil
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from dataeng_assets.orchestration.partitions import range_tags
from dataeng_assets.settings import ROOT

DAYS = dg.DailyPartitionsDefinition("2026-01-01")
PROCESSES = 3


@dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
def dated() -> None:
    """Something with days."""


def materialize_a_month(home: str) -> None:
    with dg.DagsterInstance.from_config(home) as instance:
        job = dg.Definitions(assets=[dated]).resolve_implicit_global_asset_job_def()
        first, last = DAYS.get_first_partition_window().start.date(), DAYS.time_window_for_partition_key("2026-01-31")
        tags = range_tags(first, last.start.date())
        assert job.execute_in_process(instance=instance, tags=tags).success


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DATAENG_STATE", str(tmp_path / "state"))
    shutil.copy(ROOT / "dagster.yaml", tmp_path)
    return tmp_path


def test_several_processes_write_at_once_and_a_reader_that_was_there_before_sees_every_event(home: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with dg.DagsterInstance.from_config(str(home)) as reader:
        assert reader.get_runs() == []
        writers = [context.Process(target=materialize_a_month, args=(str(home),)) for _ in range(PROCESSES)]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        assert [writer.exitcode for writer in writers] == [0] * PROCESSES
        runs = reader.get_runs()
        assert [run.status for run in runs] == [dg.DagsterRunStatus.SUCCESS] * PROCESSES
        kind = dg.DagsterEventType.ASSET_MATERIALIZATION
        for run in runs:
            assert len(reader.get_records_for_run(run.run_id, of_type=kind).records) == 31
        assert reader.get_materialized_partitions(dg.AssetKey("dated")) == {f"2026-01-{day:02}" for day in range(1, 32)}


def test_more_runs_than_files_that_stay_open_can_be_read(home: Path) -> None:
    job = dg.Definitions(assets=[dated]).resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.from_config(str(home)) as instance:
        for day in range(1, 21):
            job.execute_in_process(instance=instance, partition_key=f"2026-01-{day:02}")
        assert all(instance.all_logs(run.run_id) for run in instance.get_runs())
        instance.wipe()
        assert instance.get_runs() == []
        assert job.execute_in_process(instance=instance, partition_key="2026-01-01").success


def test_processes_that_start_together_make_one_instance(tmp_path: Path) -> None:
    code = "from dataeng_assets.orchestration.instance import StateStorage; import sys; StateStorage(sys.argv[1])"
    started = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    told = [process.communicate()[1] for process in started]
    assert [process.returncode for process in started] == [0] * 4, told
