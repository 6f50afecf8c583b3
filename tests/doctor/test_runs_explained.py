"""Runs on a real instance: what is named as a cause, what stays silent, and what is mended."""

import logging
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.launcher import WorkerStatus
from doctor_kit import ScopeOf, causes, found, missed, proof

from dataeng_assets.doctor.finding import Finding, reported
from dataeng_assets.doctor.fixes import fix
from dataeng_assets.doctor.probes.pools import leaked_places
from dataeng_assets.doctor.probes.runs import run_story, troubled_runs
from dataeng_assets.orchestration import run_facts
from dataeng_assets.orchestration.launcher import HOST, LocalLauncher, on_this_machine
from dataeng_assets.orchestration.run_facts import end_lost_run, find_runs
from dataeng_assets.settings import ROOT

SAYS = ""


@dg.op
def work(context: dg.OpExecutionContext) -> None:
    if SAYS:
        raise RuntimeError(SAYS)


@dg.job
def daily() -> None:
    work()


def execute(instance: dg.DagsterInstance, says: str = "") -> str:
    global SAYS  # noqa: PLW0603  # the op's only way to hear of it
    SAYS = says
    return daily.execute_in_process(instance=instance, raise_on_error=False).run_id


@contextmanager
def hanging(*, limit: int, pool: str | None = None, tags: Mapping[str, str] | None = None) -> Iterator[str]:
    """A process of its own whose run hangs, until it is killed; the run's id. Without tags it is one of ours."""
    said = {**(on_this_machine() if tags is None else tags), "dagster/max_runtime": str(limit)}
    text = HANGING.replace("TAGS", repr(said)).replace("POOL", repr(pool))
    with subprocess.Popen([sys.executable, "-c", text], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()


HANGING = """
import os, time, dagster as dg

@dg.op(pool=POOL)
def hang(context):
    print(context.run_id, flush=True)
    time.sleep(600)

@dg.job(executor_def=dg.in_process_executor, tags=TAGS)
def hanging():
    hang()

with dg.DagsterInstance.from_config(os.getcwd()) as instance:
    quiet = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    hanging.execute_in_process(instance=instance, run_config=quiet)
"""


def end_for_its_length(instance: dg.DagsterInstance, run_id: str) -> None:
    """As Dagster's monitoring does it, by its own function, when the limit is over."""
    from dagster._daemon.monitoring.run_monitoring import check_run_timeout

    record = instance.get_run_record_by_id(run_id)
    assert record
    check_run_timeout(instance, record, logging.getLogger("test"), 7200.0)


def test_a_run_over_its_limit_is_named_and_one_within_it_is_not(
    scope_of: ScopeOf, instance: dg.DagsterInstance, state: Path
) -> None:
    with hanging(limit=600) as healthy, hanging(limit=1) as too_long:
        time.sleep(1.1)
        said = list(troubled_runs(scope_of()))
        assert [one.names["RUN"] for one in reported(said).findings] == [too_long]
        assert causes(said) == {"run-timed-out"}
        assert "its limit is 1.0 s" in proof(said)
        assert healthy not in proof(said)
        end_for_its_length(instance, too_long)
    said = list(troubled_runs(scope_of()))
    assert "it exceeded its limit of 1 seconds" in proof(said)
    assert ("run-timed-out", f"run {too_long[:8]} (hanging)") in found(said)


def test_a_killed_run_is_named_ended_and_its_pool_is_free_again(
    scope_of: ScopeOf, instance: dg.DagsterInstance, state: Path
) -> None:
    with hanging(limit=600, pool="duckdb") as run_id:
        assert causes(troubled_runs(scope_of())) == set(), "its process lives"
        assert causes(leaked_places(scope_of())) == set(), "a run under way holds its place by right"
    scope = scope_of()
    report = reported(troubled_runs(scope))
    assert [one.cause for one in report.findings] == ["killed-run"]
    [done] = fix(scope, report.findings)
    assert done.startswith(f"run {run_id[:8]} (hanging): recorded that the run has failed, and gave its places")
    run = instance.get_run_by_id(run_id)
    assert run
    assert run.status == dg.DagsterRunStatus.FAILURE
    assert instance.event_log_storage.get_concurrency_info("duckdb").claimed_slots == []
    assert ("killed-run", f"run {run_id[:8]} (hanging)") in found(troubled_runs(scope_of())), "it was not mended yet"


@pytest.mark.parametrize(
    ("tags", "after_its_end"),
    [(None, "killed-run"), ({}, ""), ({HOST: "elsewhere"}, "")],
    ids=["dataeng demo", "a command of Dagster's", "another machine"],
)
def test_no_run_that_may_be_alive_is_ended(
    scope_of: ScopeOf, instance: dg.DagsterInstance, state: Path, tags: Mapping[str, str] | None, after_its_end: str
) -> None:
    with hanging(limit=600, tags=tags) as run_id:
        run = instance.get_run_by_id(run_id)
        assert run
        assert isinstance(instance.run_launcher, LocalLauncher)
        assert instance.run_launcher.check_run_worker_health(run).status == WorkerStatus.RUNNING
        assert (causes(troubled_runs(scope_of())), missed(troubled_runs(scope_of()))) == (set(), "")
        assert not end_lost_run(instance, run_id)
    said = list(troubled_runs(scope_of()))
    assert causes(said) == ({after_its_end} if after_its_end else set())
    if not after_its_end:
        assert "nobody can say whether it lives" in missed(said)
        assert not end_lost_run(instance, run_id)
        assert instance.run_launcher.check_run_worker_health(run).status == WorkerStatus.RUNNING


def test_a_run_that_ends_while_it_is_looked_at_is_left_alone(
    scope_of: ScopeOf, instance: dg.DagsterInstance, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hanging(limit=600) as run_id:
        pass
    look = run_facts.process_state

    def ended_meanwhile(instance: dg.DagsterInstance, run: dg.DagsterRun) -> tuple[run_facts.Process, int]:
        instance.handle_new_event(success_of(run))
        return look(instance, run)

    monkeypatch.setattr(run_facts, "process_state", ended_meanwhile)
    assert causes(troubled_runs(scope_of())) == set()
    assert not end_lost_run(instance, run_id)


def success_of(run: dg.DagsterRun) -> dg.EventLogEntry:
    event = dg.DagsterEvent(dg.DagsterEventType.RUN_SUCCESS.value, run.job_name)
    return dg.EventLogEntry(None, 20, "", run.run_id, time.time(), job_name=run.job_name, dagster_event=event)


def test_a_place_that_an_ended_run_holds_is_named_and_given_back(
    scope_of: ScopeOf, instance: dg.DagsterInstance
) -> None:
    ended = execute(instance)
    storage = instance.event_log_storage
    storage.set_concurrency_slots("duckdb", 1)
    assert storage.claim_concurrency_slot("duckdb", ended, "work").is_claimed
    assert not storage.claim_concurrency_slot("duckdb", execute(instance), "work").is_claimed
    scope = scope_of()
    report = reported(leaked_places(scope))
    assert [one.cause for one in report.findings] == ["stuck-pool"]
    assert report.findings[0].proof == (
        f"step work of run {ended} holds one of 1 places, which is SUCCESS", "1 steps wait for a place",
    )  # fmt: skip
    assert list(fix(scope, report.findings)) == [f"pool duckdb: gave back 1 places of run {ended}"]
    assert causes(leaked_places(scope_of())) == set()


def test_a_failure_is_told_in_its_own_words_until_a_later_run_mends_it(
    scope_of: ScopeOf, instance: dg.DagsterInstance
) -> None:
    run_id = execute(instance, "the source postgresql://eve:hunter2@db/shop of jane@example.com is gone")
    said = list(troubled_runs(scope_of()))
    assert causes(said) == {"failed-run"}
    assert "the source postgresql://…db/shop of … is gone" in proof(said)
    assert "hunter2" not in str(reported(said).as_data())
    execute(instance)
    assert causes(troubled_runs(scope_of())) == set()
    assert find_runs(instance, run_id[:6])[0].is_mended


def test_a_failure_is_named_by_what_its_words_prove(scope_of: ScopeOf, instance: dg.DagsterInstance) -> None:
    spark = "at org.apache.spark.sql.Dataset\njava.lang.OutOfMemoryError: Java heap space"
    run_id = execute(instance, spark)
    assert causes(troubled_runs(scope_of())) == {"spark-out-of-memory"}
    [told] = [one for one in run_story(scope_of(), find_runs(instance, run_id)[0]) if isinstance(one, Finding)]
    assert "OutOfMemoryError: Java heap space" in told.proof
    assert "1 steps of daily began" in told.proof


def test_a_run_of_days_ago_is_left_to_checks_and_freshness(
    scope_of: ScopeOf, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute(instance, "no")
    monkeypatch.setattr("dataeng_assets.orchestration.run_facts.datetime", Tomorrow)
    assert causes(troubled_runs(scope_of())) == set()


class Tomorrow(datetime):
    """Two days on."""

    @classmethod
    def now(cls, tz: object = None) -> datetime:
        return datetime.now(UTC) + timedelta(days=2)
