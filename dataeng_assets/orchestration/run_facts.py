"""What the instance knows of runs, as plain values: for whoever explains them and does not know Dagster.

Judging what it means belongs in `doctor`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg

from dataeng_assets.orchestration.failures import reason
from dataeng_assets.orchestration.in_flight import IN_FLIGHT
from dataeng_assets.orchestration.launcher import Process, process_state
from dataeng_assets.orchestration.news import DoneRun, FailedRun, subject

Instance = dg.DagsterInstance
_MOST_RUNS = 1_000
_HAS_STARTED = (dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING)
_LIMIT_TAGS = ("dagster/max_runtime", "dagster/max_runtime_seconds")
_ENDED_BADLY = (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)


@dataclass(frozen=True)
class StepFacts:
    """One step of a run; `seconds` is None while it has not ended."""

    key: str
    seconds: float | None
    attempts: int


@dataclass(frozen=True)
class RunFacts:
    """One run.

    Attributes:
        status: in Dagster's words, such as STARTED or FAILURE.
        limit_seconds: the longest that it may take; None where nothing limits it.
        said: why it failed, in full, as the error that began it has it; empty when it did not.
        step: that failed first.
        is_mended: a later run of the same job and days has succeeded.
        process: of a run under way.
        pid: its number; 0 when unknown.
        assets: dotted keys that it was to make, as far as it tells.
    """

    run_id: str
    job: str
    days: tuple[str, str]
    status: str
    began: datetime | None
    ended: datetime | None
    limit_seconds: float | None
    said: str = ""
    step: str = ""
    is_mended: bool = False
    process: Process = Process.UNKNOWN
    pid: int = 0
    assets: frozenset[str] = frozenset()

    @property
    def is_under_way(self) -> bool:
        """Whether it has started and not ended."""
        return self.ended is None and self.began is not None

    @property
    def has_failed(self) -> bool:
        """Whether it ended without success."""
        return self.status in {status.value for status in _ENDED_BADLY}

    def seconds(self, now: datetime) -> float:
        """How long it took, or has taken by now."""
        return ((self.ended or now) - self.began).total_seconds() if self.began else 0.0


def recent_runs(instance: Instance, *, since: timedelta) -> Iterator[RunFacts]:
    """Runs under way, and those that have ended since; the newest first.

    What follows on a run decides whether it was mended, so a failure that a later run has made good says so.
    """
    after = datetime.now(UTC) - since
    by_id = {
        record.dagster_run.run_id: record
        for filters in (dg.RunsFilter(updated_after=after), dg.RunsFilter(statuses=IN_FLIGHT))
        for record in instance.get_run_records(filters, limit=_MOST_RUNS)
    }
    done: list[DoneRun] = []
    for record in sorted(by_id.values(), key=lambda one: one.storage_id, reverse=True):
        if record.dagster_run.status == dg.DagsterRunStatus.SUCCESS:
            done.append(DoneRun(*subject(record.dagster_run)))
        yield _facts(instance, record, done)


def find_runs(instance: Instance, prefix: str) -> Sequence[RunFacts]:
    """The runs whose id begins so: one or none, unless the prefix is too short."""
    exact = instance.get_run_record_by_id(prefix)
    records = [exact] if exact else instance.get_run_records(limit=_MOST_RUNS)
    found = [record for record in records if record.dagster_run.run_id.startswith(prefix)]
    return [_facts(instance, record, _done_after(instance, record)) for record in found]


def steps(instance: Instance, run_id: str) -> Sequence[StepFacts]:
    """The steps of a run that began, the longest first; those that have not ended come before all."""
    seconds: dict[str, float | None] = {}
    attempts: dict[str, int] = {}
    for entry in instance.all_logs(run_id):
        event = entry.dagster_event
        if event is None or event.step_key is None:
            continue
        if event.is_step_start or event.is_step_restarted:
            attempts[event.step_key] = attempts.get(event.step_key, 0) + 1
            seconds.setdefault(event.step_key, None)
        elif event.is_step_success:
            seconds[event.step_key] = event.step_success_data.duration_ms / 1000
    found = [StepFacts(key, taken, attempts.get(key, 1)) for key, taken in seconds.items()]
    return sorted(found, key=lambda step: -(step.seconds if step.seconds is not None else float("inf")))


def end_lost_run(instance: Instance, run_id: str) -> bool:
    """Record that a run failed whose process is gone, and give its places in the pools back.

    Looks again before it does; a run that has ended meanwhile, or whose process lives, is left alone.
    """
    record = instance.get_run_record_by_id(run_id)
    if record is None:
        return False
    facts, run = _facts(instance, record, ()), record.dagster_run
    if facts.process is not Process.GONE:
        return False
    instance.report_run_failed(run, "The process that ran this is gone; doctor has recorded that.")
    instance.event_log_storage.free_concurrency_slots_for_run(run_id)
    return True


def _facts(instance: Instance, record: dg.RunRecord, done: Sequence[DoneRun]) -> RunFacts:
    run = record.dagster_run
    process, pid = process_state(instance, run) if run.status in _HAS_STARTED else (Process.UNKNOWN, 0)
    if process is Process.GONE:
        # one that ended well in between has said so before its process went
        again = instance.get_run_record_by_id(run.run_id)
        if again and again.dagster_run.status not in _HAS_STARTED:
            return _facts(instance, again, done)
    job, first, last = subject(run)
    said, step = _failure(instance, run) if run.status in _ENDED_BADLY else ("", "")
    return RunFacts(
        run.run_id,
        job,
        (first, last),
        run.status.value,
        _moment(record.start_time),
        _moment(record.end_time),
        _limit(instance, run),
        said,
        step,
        is_mended=any(FailedRun(job, first, last, run.run_id, "").concerns(one) for one in done),
        process=process,
        pid=pid,
        assets=_assets(instance, run),
    )


def _failure(instance: Instance, run: dg.DagsterRun) -> tuple[str, str]:
    """Why it ended badly, and the step that failed first; what asked for its end comes first."""
    kinds = {
        dg.DagsterEventType.RUN_CANCELING, dg.DagsterEventType.RUN_FAILURE, dg.DagsterEventType.RUN_CANCELED,
    }  # fmt: skip
    said, step = [], ""
    for entry in instance.all_logs(run.run_id, of_type=kinds):
        event = entry.get_dagster_event()
        failed = getattr(event.event_specific_data, "first_step_failure_event", None)
        if failed is not None:
            step = step or failed.step_key or ""
            said.append(reason(failed))
        elif event.message:
            said.append(event.message)
    return "\n".join(dict.fromkeys(said)), step


def _limit(instance: Instance, run: dg.DagsterRun) -> float | None:
    said = next(
        (run.tags[name] for name in _LIMIT_TAGS if name in run.tags), instance.run_monitoring_max_runtime_seconds
    )
    try:
        return float(said) or None
    except ValueError:
        return None  # Dagster warns of it and does not limit the run


def _assets(instance: Instance, run: dg.DagsterRun) -> frozenset[str]:
    if run.asset_selection:
        return frozenset(".".join(key.path) for key in run.asset_selection)
    planned = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED)
    keys = (entry.get_dagster_event().asset_key for entry in planned)
    return frozenset(".".join(key.path) for key in keys if key)


def _done_after(instance: Instance, record: dg.RunRecord) -> list[DoneRun]:
    later = instance.get_run_records(
        dg.RunsFilter(job_name=record.dagster_run.job_name, statuses=[dg.DagsterRunStatus.SUCCESS]), limit=_MOST_RUNS
    )
    return [DoneRun(*subject(one.dagster_run)) for one in later if one.storage_id > record.storage_id]


def _moment(seconds: float | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None
