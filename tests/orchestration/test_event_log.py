"""The event log below the state folder: written by several processes at once, read while it is written."""

import multiprocessing
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import dagster as dg
import pytest
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

from dataeng_assets.orchestration.event_log import StateEvents
from dataeng_assets.orchestration.partitions import range_tags
from dataeng_assets.settings import ROOT

DAYS = dg.DailyPartitionsDefinition("2026-01-01")
PROCESSES = 3
DIFFERENT = {"event", "evaluation_event", "last_materialization", "migration_completed"}


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


def test_where_nothing_can_be_linked_a_run_is_written_all_the_same(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.link", mock.Mock(side_effect=PermissionError("no hard links on this file system")))
    job = dg.Definitions(assets=[dated]).resolve_implicit_global_asset_job_def()
    with dg.DagsterInstance.from_config(str(home)) as instance:
        assert job.execute_in_process(instance=instance, partition_key="2026-01-01").success
        (run,) = instance.get_runs()
        assert instance.all_logs(run.run_id)


def test_processes_that_start_together_make_one_instance(tmp_path: Path) -> None:
    code = "from dataeng_assets.orchestration.instance import StateStorage; import sys; StateStorage(sys.argv[1])"
    started = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    told = [process.communicate()[1] for process in started]
    assert [process.returncode for process in started] == [0] * 4, told


@dg.asset(
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    check_specs=[
        dg.AssetCheckSpec("holds", asset="judged"),
        dg.AssetCheckSpec("fails", asset="judged", partitions_def=DAYS),
    ],
)
def judged() -> Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult]:
    """Something with days, tags and checks, of which one fails and is planned for each day."""
    yield dg.MaterializeResult(metadata={"rows": 1}, tags={"owner": "us"})
    yield dg.AssetCheckResult(passed=True, check_name="holds")
    yield dg.AssetCheckResult(passed=False, check_name="fails")


@dg.asset(deps=[judged])
def broken() -> None:
    """What follows, and fails."""
    raise dg.Failure("on purpose")


def rows(file: Path) -> dict[str, Counter[tuple[Any, ...]]]:
    """The rows of every table, without instants and what has some in it."""
    with sqlite3.connect(file) as connection:
        tables = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
        found = {table: connection.execute(f"select * from {table}") for table in tables}
        return {
            table: Counter(
                tuple(
                    (name[0], value)
                    for name, value in zip(query.description, row, strict=True)
                    if "timestamp" not in name[0] and name[0] not in DIFFERENT
                )
                for row in query
            )
            for table, query in found.items()
        }


def test_the_files_hold_the_rows_that_dagster_would_write_one_by_one(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = {}
    for which, storage in (("ours", StateEvents), ("dagster", SqliteEventLogStorage)):
        monkeypatch.setenv("DATAENG_STATE", str(home / which))
        monkeypatch.setattr("dataeng_assets.orchestration.instance.StateEvents", storage)
        monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", "1000" if which == "ours" else "0")
        with dg.DagsterInstance.from_config(str(home)) as instance:
            job = dg.Definitions(assets=[dated, judged, broken]).resolve_implicit_global_asset_job_def()
            for number in (1, 2):
                days = [DAYS.time_window_for_partition_key(f"2026-01-{day:02}").start.date() for day in (1, 9)]
                run_id = f"0000000{number}-0000-4000-8000-000000000000"
                job.execute_in_process(instance=instance, run_id=run_id, tags=range_tags(*days), raise_on_error=False)
        files = sorted((home / which).rglob("runs/*.db"))
        assert len(files) == 3
        written[which] = {file.name: rows(file) for file in files}
    assert written["ours"] == written["dagster"]
    checks = written["ours"]["index.db"]["asset_check_executions"]
    assert checks.total() > 2 * 9, "else no check was planned for a range"
