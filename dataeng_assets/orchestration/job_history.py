"""Recorded runs of a job as plain values, for `dataeng analyze --job`.

What they say belongs in `analyze.jobs`.
"""

import dagster as dg

from dataeng_assets.analyze.jobs import JobRun, Step

MOST_RUNS = 50


class JobUnknown(Exception):
    """The instance has no run of this job that ended well; names the jobs that it has runs of."""


def job_runs(instance: dg.DagsterInstance, name: str, limit: int = MOST_RUNS) -> list[JobRun]:
    """The newest runs of a job that ended well, oldest first.

    Raises:
        JobUnknown: there is none.
    """
    ended = dg.RunsFilter(job_name=name, statuses=[dg.DagsterRunStatus.SUCCESS])
    records = instance.get_run_records(ended, limit=limit)
    if not records:
        jobs = sorted({run.job_name for run in instance.get_runs(limit=1000)})
        known = f"It has runs of {', '.join(jobs)}." if jobs else "It has no runs at all."
        raise JobUnknown(f"This instance has no run of {name!r} that ended well. {known}")
    return [_run(instance, record) for record in reversed(records)]


def _run(instance: dg.DagsterInstance, record: dg.RunRecord) -> JobRun:
    run = record.dagster_run
    start, end = record.start_time or 0.0, record.end_time or 0.0
    after = _after(instance, run)
    steps = [
        Step(one.step_key, one.start_time, one.end_time, after.get(one.step_key, ()))
        for one in instance.get_run_step_stats(run.run_id)
        if one.start_time is not None and one.end_time is not None
    ]
    return JobRun(run.run_id, record.create_timestamp.timestamp(), start, end, tuple(steps))


def _after(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dict[str, tuple[str, ...]]:
    """The steps that each step takes its inputs from, as the run's plan has them."""
    if run.execution_plan_snapshot_id is None:
        return {}
    plan = instance.get_execution_plan_snapshot(run.execution_plan_snapshot_id)
    return {
        step.key: tuple({handle.step_key for one in step.inputs for handle in one.upstream_output_handles})
        for step in plan.steps
    }
