"""Runs of a real instance as values."""

import dagster as dg
import pytest

from dataeng_assets.analyze.jobs import analyze_job, critical_path
from dataeng_assets.orchestration.job_history import JobUnknown, job_runs


@dg.op
def read() -> int:
    return 1


@dg.op
def count(rows: int) -> int:
    return rows + 1


@dg.job
def nightly() -> None:
    count(read())


@dg.op
def breaks() -> None:
    raise ValueError


@dg.job
def broken() -> None:
    breaks()


def test_runs_are_read_with_their_steps_and_what_these_wait_for():
    with dg.instance_for_test() as instance:
        for _ in range(3):
            nightly.execute_in_process(instance=instance)
        broken.execute_in_process(instance=instance, raise_on_error=False)
        runs = job_runs(instance, "nightly")
        assert [run.queued for run in runs] == sorted(run.queued for run in runs)
        assert [len(run.steps) for run in runs] == [2, 2, 2]
        assert [step.key for step in critical_path(runs[-1].steps)] == ["read", "count"]
        assert all(run.seconds > 0 for run in runs)
        assert {"job-slowest-steps", "job-cost"} <= {one.rule for one in analyze_job("nightly", runs).findings}
        assert len(job_runs(instance, "nightly", limit=2)) == 2
        with pytest.raises(JobUnknown, match="It has runs of broken, nightly"):
            job_runs(instance, "brokn")
        with pytest.raises(JobUnknown, match="ended well"):
            job_runs(instance, "broken")
