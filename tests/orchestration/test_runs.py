"""Runs from the command line, and what becomes of those that were killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
from rich.text import Text

from dataeng_assets.orchestration.failures import PermanentFailure
from dataeng_assets.orchestration.in_flight import IN_FLIGHT
from dataeng_assets.orchestration.launcher import Process, process_state
from dataeng_assets.orchestration.metrics import NO_ANOMALY
from dataeng_assets.orchestration.outcomes import not_evaluated
from dataeng_assets.orchestration.runs import alone, asset_states, run_job
from dataeng_assets.settings import ROOT

WARN = dg.AssetCheckSeverity.WARN
KILLED = """
import os, signal
import dagster as dg
from dataeng_assets.orchestration.runs import alone, run_job

@dg.asset(pool="duckdb")
def killed(): os.kill(os.getpid(), signal.SIGKILL)

definitions = dg.Definitions(assets=[killed])
with dg.DagsterInstance.get() as instance, alone(instance):
    run_job(definitions.resolve_implicit_global_asset_job_def(), instance, notice=print)
"""


def test_a_killed_run_is_ended_and_gives_its_slot_back(state: Path) -> None:
    environment = {**os.environ, "DAGSTER_HOME": str(ROOT), "DATAENG_STATE": str(state)}
    ended = subprocess.run([sys.executable, "-c", KILLED], env=environment, capture_output=True, text=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    with dg.DagsterInstance.from_config(str(ROOT)) as instance:
        (run,) = instance.get_runs(filters=dg.RunsFilter(statuses=IN_FLIGHT))
        assert process_state(instance, run)[0] is Process.GONE
        assert instance.event_log_storage.get_concurrency_info("duckdb").active_run_ids == {run.run_id}
        with alone(instance):
            assert instance.get_runs(filters=dg.RunsFilter(statuses=IN_FLIGHT)) == []
            assert instance.event_log_storage.get_concurrency_info("duckdb").active_run_ids == set()


def test_why_a_step_failed_is_told_in_its_own_words() -> None:
    @dg.asset(retry_policy=dg.RetryPolicy(max_retries=1))
    def broken() -> None:
        raise RuntimeError("it did not work") from ValueError("the column [city] is missing")

    @dg.asset
    def refused() -> None:
        raise PermanentFailure(ValueError("nothing can mend this"))

    told: list[str] = []
    definitions = dg.Definitions(assets=[broken, refused])
    with dg.DagsterInstance.ephemeral() as instance:
        assert not run_job(definitions.resolve_implicit_global_asset_job_def(), instance, notice=told.append).success
    lines = [Text.from_markup(line).plain for line in told if "failed" in line]
    assert {line for line in lines if not line.startswith("run failed")} == {
        "broken failed, and is tried again: ValueError: the column [city] is missing",
        "broken failed: ValueError: the column [city] is missing",
        "refused failed: ValueError: nothing can mend this",
    }


@pytest.mark.parametrize(
    ("result", "green", "unusual", "undecided"),
    [
        (dg.AssetCheckResult(passed=True, check_name=NO_ANOMALY), True, False, ()),
        (not_evaluated("not enough history", check_name=NO_ANOMALY), True, False, (NO_ANOMALY,)),
        (dg.AssetCheckResult(passed=False, severity=WARN, check_name=NO_ANOMALY), True, True, ()),
        (not_evaluated("the table is empty", check_name="other"), False, False, ()),
        (dg.AssetCheckResult(passed=False, severity=WARN, check_name="other"), False, False, ()),
    ],
)
def test_metrics_that_are_unusual_or_too_young_are_told_and_make_nothing_red(
    result: dg.AssetCheckResult, green: bool, unusual: bool, undecided: tuple[str, ...]
) -> None:
    @dg.asset(check_specs=[dg.AssetCheckSpec(str(result.check_name), asset="watched")])
    def watched() -> dg.MaterializeResult:
        return dg.MaterializeResult(check_results=[result])

    with dg.DagsterInstance.ephemeral() as instance:
        done = dg.materialize([watched], instance=instance)
        (state,) = asset_states(dg.Definitions(assets=[watched]), instance, [done])
    assert (state.is_green, state.unusual, state.undecided) == (green, unusual, undecided)
    assert state.passed == int(result.passed)
