"""What `dagster.yaml` promises, with Dagster's real daemon and web server: limits hold, and nothing stays stuck."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._core.events import EngineEventData
from dagster._core.storage.tags import GRPC_INFO_TAG

from dataeng_assets.local.process import accepts, choose_port
from dataeng_assets.orchestration.ask_again import ask_for_days, made_by
from dataeng_assets.orchestration.in_flight import IN_FLIGHT
from dataeng_assets.orchestration.launcher import on_this_machine
from dataeng_assets.settings import ROOT

pytestmark = [pytest.mark.crash, pytest.mark.timeout(900)]

PATIENCE_SECONDS = 240
LOCATION = Path(__file__).with_name("small_location.py")
LAUNCH = """
mutation($params: ExecutionParams!) {
  launchRun(executionParams: $params) { __typename ... on LaunchRunSuccess { run { runId } } }
}"""
BACKFILL = """
mutation($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) { __typename ... on LaunchBackfillSuccess { backfillId } }
}"""
MONTH = [f"2026-01-{day:02}" for day in range(1, 31)]
PLACE = {"repositoryLocationName": "small", "repositoryName": "__repository__"}


@dataclass
class Dagster:
    """A web server and a daemon over an instance of their own."""

    home: Path
    port: int
    instance: dg.DagsterInstance

    def ask(self, query: str, params: dict[str, Any]) -> dict[str, Any]:
        body = json.dumps({"query": query, "variables": {"params": params}}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request) as answer:
            said = json.loads(answer.read())
        (found,) = said["data"].values()
        return dict(found)

    def launch(self, job: str, **tags: str) -> str:
        listed = [{"key": key.replace("__", "/"), "value": value} for key, value in tags.items()]
        params = {"selector": {**PLACE, "jobName": job}, "runConfigData": {}, "executionMetadata": {"tags": listed}}
        return str(self.ask(LAUNCH, params)["run"]["runId"])

    def notes(self, op: str) -> list[dict[str, Any]]:
        written = self.home / "notes.jsonl"
        lines = written.read_text().splitlines() if written.exists() else []
        return [said for said in map(json.loads, lines) if said["op"] == op]

    def status(self, run_id: str) -> dg.DagsterRunStatus:
        run = self.instance.get_run_by_id(run_id)
        assert run
        return run.status

    def says(self, run_id: str) -> str:
        return "\n".join(str(entry.message) for entry in self.instance.all_logs(run_id))

    def eventually(self, happened: Callable[[], object]) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not happened():
            if time.monotonic() > deadline:
                pytest.fail("it did not happen in time; Dagster said:\n" + (self.home / "log").read_text()[-4000:])
            time.sleep(0.5)

    def ended(self, *run_ids: str, how: dg.DagsterRunStatus = dg.DagsterRunStatus.SUCCESS) -> None:
        self.eventually(lambda: all(self.status(run_id) not in IN_FLIGHT for run_id in run_ids))
        assert {self.status(run_id) for run_id in run_ids} == {how}, [self.says(run_id)[-2000:] for run_id in run_ids]

    def hangs(self, run_id: str) -> int:
        """Wait until a run has come to hang; the number of its process."""
        self.eventually(lambda: any(said["run"] == run_id for said in self.notes("hang")))
        return next(int(said["pid"]) for said in self.notes("hang") if said["run"] == run_id)


def shortened() -> dict[str, Any]:
    """The project's own settings, looked after every second or two instead of every half minute."""
    settings: dict[str, Any] = yaml.safe_load((ROOT / "dagster.yaml").read_text())
    settings["run_monitoring"] |= {
        "poll_interval_seconds": 1, "free_slots_after_run_end_seconds": 1, "cancel_timeout_seconds": 5
    }  # fmt: skip
    return settings


@pytest.fixture(scope="module")
def dagster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dagster]:
    home = tmp_path_factory.mktemp("an instance")
    (home / "dagster.yaml").write_text(yaml.safe_dump(shortened()))
    python_file = {"relative_path": str(LOCATION), "location_name": "small"}
    (home / "workspace.yaml").write_text(yaml.safe_dump({"load_from": [{"python_file": python_file}]}))
    port = choose_port()
    with pytest.MonkeyPatch.context() as patch, (home / "log").open("w") as log:
        for name, value in (("DAGSTER_HOME", home), ("DATAENG_STATE", home / "state"), ("SMALL_LOCATION", home)):
            patch.setenv(name, str(value))
        program = Path(sys.executable).with_name("dagster")
        command = [str(program), "dev", "-w", str(home / "workspace.yaml"), "-p", str(port), "-h", "127.0.0.1"]
        process = subprocess.Popen(command, cwd=home, stdout=log, stderr=log, start_new_session=True)
        try:
            with dg.DagsterInstance.from_config(str(home)) as instance:
                found = Dagster(home, port, instance)
                found.eventually(lambda: accepts(port))
                yield found
        finally:
            end(process, home)


def end(process: "subprocess.Popen[bytes]", home: Path) -> None:
    """End Dagster, and the runs, which are sessions of their own and carry the home in their environment."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(10)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            continue
    for number in processes_of(home):
        os.kill(number, signal.SIGKILL)


def processes_of(home: Path) -> list[int]:
    mark = f"SMALL_LOCATION={home}".encode()
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (folder / "environ").read_bytes().split(b"\0") and int(folder.name) != os.getpid():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def overlap(spans: list[dict[str, Any]]) -> bool:
    ordered = sorted(spans, key=lambda span: span["began"])
    return any(after["began"] < before["ended"] for before, after in pairwise(ordered))


@dataclass(frozen=True)
class Asked:
    """What was asked for in one go, so that it has to wait for one another."""

    backfill: str
    writing: list[str]
    batches: list[str]


@pytest.fixture(scope="module")
def asked(dagster: Dagster) -> Asked:
    days = {"assetSelection": [{"path": ["orders"]}], "partitionNames": MONTH}
    return Asked(
        backfill=str(dagster.ask(BACKFILL, days)["backfillId"]),
        writing=[dagster.launch("writing") for _ in range(2)],
        batches=[dagster.launch("extract_shop") for _ in range(2)],
    )


def test_a_backfill_of_thirty_days_asked_for_as_the_ui_does_becomes_one_run_over_the_range(
    dagster: Dagster, asked: Asked
) -> None:
    dagster.eventually(lambda: dagster.notes("orders"))
    (run,) = dagster.instance.get_runs(dg.RunsFilter(tags={"dagster/backfill": asked.backfill}))
    dagster.ended(run.run_id)
    assert [said["days"] for said in dagster.notes("orders")] == [MONTH]
    assert dagster.instance.get_materialized_partitions(dg.AssetKey("orders")) == set(MONTH)


def test_days_that_doctor_asks_for_become_one_run(dagster: Dagster) -> None:
    @dg.asset(partitions_def=dg.DailyPartitionsDefinition("2026-01-01", end_date="2026-03-01"))
    def orders() -> None: ...

    definitions = dg.Definitions(assets=[orders])
    asked = ask_for_days(definitions, dagster.instance, ["orders"], date(2026, 2, 20), "a test")
    assert asked
    assert made_by(dagster.instance, "orders")
    days = [f"2026-02-{day}" for day in range(20, 29)]
    assert (asked.first, asked.last) == (days[0], days[-1])
    dagster.eventually(lambda: any(said["days"] == days for said in dagster.notes("orders")))
    (run,) = dagster.instance.get_runs(dg.RunsFilter(tags={"dagster/backfill": asked.backfill}))
    dagster.ended(run.run_id)
    assert ask_for_days(definitions, dagster.instance, ["orders"], date(2026, 3, 1), "a test") is None


def test_of_several_runs_one_at_a_time_writes_the_warehouse(dagster: Dagster, asked: Asked) -> None:
    dagster.ended(*asked.writing)
    assert len(dagster.notes("write")) == len(asked.writing)
    assert not overlap(dagster.notes("write"))


def test_of_several_batches_of_one_source_one_runs_at_a_time(dagster: Dagster, asked: Asked) -> None:
    dagster.ended(*asked.batches)
    assert len(dagster.notes("copy")) == len(asked.batches)
    assert not overlap(dagster.notes("copy"))


def test_a_run_over_its_time_is_ended(dagster: Dagster) -> None:
    run = dagster.launch("hanging", dagster__max_runtime="3")
    dagster.hangs(run)
    dagster.ended(run, how=dg.DagsterRunStatus.FAILURE)
    assert "Exceeded maximum runtime of 3 seconds" in dagster.says(run)


def test_a_killed_run_is_ended_and_started_once_more_in_the_slot_it_held(dagster: Dagster) -> None:
    run = dagster.launch("hanging")
    os.kill(dagster.hangs(run), signal.SIGKILL)
    dagster.ended(run, how=dg.DagsterRunStatus.FAILURE)
    again = dg.RunsFilter(tags={"dagster/parent_run_id": run})
    dagster.eventually(lambda: dagster.instance.get_runs(again))
    dagster.ended(*(found.run_id for found in dagster.instance.get_runs(again)))


def test_a_run_that_was_under_way_when_the_machine_went_down_is_ended_and_its_slot_is_free(dagster: Dagster) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()

    @dg.job
    def writing() -> None: ...

    launched = {**on_this_machine(), GRPC_INFO_TAG: "{}"}
    run = dagster.instance.create_run_for_job(writing, status=dg.DagsterRunStatus.STARTED, tags=launched)
    dagster.instance.report_engine_event("Started process.", run, EngineEventData.in_process(gone.pid))
    dagster.instance.event_log_storage.claim_concurrency_slot("another", run.run_id, "write")
    dagster.ended(run.run_id, how=dg.DagsterRunStatus.FAILURE)
    assert f"The process {gone.pid} of this run is gone" in dagster.says(run.run_id)
    slots = dagster.instance.event_log_storage.get_concurrency_info
    dagster.eventually(lambda: not slots("another").active_run_ids)
