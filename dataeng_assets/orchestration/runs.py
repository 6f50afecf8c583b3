"""Running jobs from the command line, on the instance that the UI shows, and telling how it went."""

import fcntl
import logging
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from datetime import date

import dagster as dg
from dagster._core.utils import make_new_run_id
from rich.markup import escape

from dataeng_assets.orchestration.failures import reason
from dataeng_assets.orchestration.in_flight import IN_FLIGHT
from dataeng_assets.orchestration.launcher import on_this_machine
from dataeng_assets.orchestration.metrics import NO_ANOMALY
from dataeng_assets.orchestration.outcomes import NOT_EVALUATED, OUTCOME
from dataeng_assets.orchestration.partitions import range_tags
from dataeng_assets.settings import ROOT, Settings

Notice = Callable[[str], None]
_UNUSUAL = "unusual"
OURS = {"dataeng/started_by": "command line"}


@dataclass(frozen=True)
class AssetState:
    """What is known of one asset: its newest materialization and the newest result of each of its checks.

    Attributes:
        key: dotted.
        rows: its row count, when it reports one.
        seconds: how long its step took in the run that made it, when that was one of the given runs.
        passed: checks whose newest result is a pass.
        failed: names of checks that failed, warned, or have no result.
        unusual: whether the metrics are not as they usually were, which may be right.
        undecided: names of checks that could not judge the metrics by their past yet; time mends that, not a run.
    """

    key: str
    rows: int | None
    seconds: float | None
    materialized: bool
    passed: int
    failed: tuple[str, ...]
    unusual: bool = False
    undecided: tuple[str, ...] = ()

    @property
    def is_green(self) -> bool:
        """Materialized, and every check passed that judges by more than the past."""
        return self.materialized and not self.failed


def open_instance() -> dg.DagsterInstance:
    """The instance of this checkout, the one that `dagster dev` in the root shows."""
    os.environ.setdefault("DAGSTER_HOME", str(ROOT))
    logging.getLogger("dagster").setLevel(logging.ERROR)
    return dg.DagsterInstance.get()


@contextmanager
def alone(instance: dg.DagsterInstance) -> Iterator[None]:
    """Let no other process run jobs from the command line on this state, and end those that were killed.

    A run in a killed process would stay under way, and keep its place in the pools, until the longest run time is over.
    """
    lock_file = Settings.load().state / "runs.lock"
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    with lock_file.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for run in instance.get_runs(filters=dg.RunsFilter(tags=OURS, statuses=IN_FLIGHT)):
            if run.parent_run_id:
                continue  # the daemon has started it once more, in a worker of its own
            instance.report_run_failed(run, "The process that ran this was killed.")
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        yield


def run_job(
    job: dg.JobDefinition,
    instance: dg.DagsterInstance,
    *,
    notice: Notice,
    assets: Sequence[tuple[str, ...]] | None = None,
    days: tuple[date, date] | None = None,
    tags: Mapping[str, str] | None = None,
) -> dg.ExecuteInProcessResult:
    """Run a job in this process, telling each step as it goes. What its tools print goes to `logs/runs.log`.

    Args:
        job: the job.
        instance: where the run is recorded.
        notice: is told what the run does, a line at a time.
        assets: keys of the assets to run; None for all of the job.
        days: first and last day of the partitioned ones.
        tags: of the run.

    Returns:
        The result; it does not raise when the run fails.
    """
    run_id = make_new_run_id()
    log = Settings.load().state / "logs" / "runs.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    ended = threading.Event()
    watcher = threading.Thread(target=_watch, args=(instance, run_id, notice, ended), daemon=True)
    watcher.start()
    try:
        with log.open("a") as output, redirect_stdout(output):
            return job.execute_in_process(
                instance=instance,
                run_id=run_id,
                asset_selection=[dg.AssetKey(key) for key in assets] if assets is not None else None,
                tags={**OURS, **on_this_machine(), **(tags or {}), **(range_tags(*days) if days else {})},
                run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
                raise_on_error=False,
            )
    finally:
        ended.set()
        watcher.join()


def asset_states(
    definitions: dg.Definitions, instance: dg.DagsterInstance, results: Sequence[dg.ExecuteInProcessResult]
) -> Iterator[AssetState]:
    """The state of every asset that can be materialized, in the order of the lineage."""
    seconds = _step_seconds(results)
    graph = definitions.resolve_asset_graph()
    for key in graph.toposorted_asset_keys:
        if key not in graph.materializable_asset_keys:
            continue
        event = instance.get_latest_materialization_event(key)
        checks = graph.get_check_keys_for_assets({key})
        latest = instance.event_log_storage.get_latest_asset_check_execution_by_key(list(checks))
        watched = _watched(latest.get(dg.AssetCheckKey(key, NO_ANOMALY)))
        failed = sorted(
            check.name
            for check in checks
            if not _passed(latest.get(check)) and not (watched and check.name == NO_ANOMALY)
        )
        metadata = event.asset_materialization.metadata if event and event.asset_materialization else {}
        rows = metadata.get("dagster/row_count") or metadata.get("dagster/partition_row_count")
        yield AssetState(
            key=".".join(key.path),
            rows=int(str(rows.value)) if rows is not None else None,
            seconds=seconds.get(key),
            materialized=event is not None,
            passed=len(checks) - len(failed) - bool(watched),
            failed=tuple(failed),
            unusual=watched == _UNUSUAL,
            undecided=(NO_ANOMALY,) if watched == NOT_EVALUATED else (),
        )


def _watched(record: object) -> str:
    """What keeps the check of the metrics from passing, empty where nothing does or it has no result."""
    event = getattr(record, "event", None)
    if not event or not event.asset_check_evaluation or event.asset_check_evaluation.passed:
        return ""
    outcome = event.asset_check_evaluation.metadata.get(OUTCOME)
    return str(outcome.value) if outcome else _UNUSUAL


def _passed(record: object) -> bool:
    event = getattr(record, "event", None)
    return bool(event and event.asset_check_evaluation and event.asset_check_evaluation.passed)


def _step_seconds(results: Sequence[dg.ExecuteInProcessResult]) -> dict[dg.AssetKey, float]:
    took: dict[dg.AssetKey, float] = {}
    for result in results:
        ended = {event.step_key: event.step_success_data.duration_ms / 1000
                 for event in result.all_events if event.is_step_success}  # fmt: skip
        for event in result.get_asset_materialization_events():
            if event.asset_key and event.step_key in ended:
                took[event.asset_key] = ended[event.step_key]
    return took


def _watch(instance: dg.DagsterInstance, run_id: str, notice: Notice, ended: threading.Event) -> None:
    cursor = None
    while True:
        last = ended.wait(0.5)
        connection = instance.get_records_for_run(run_id, cursor=cursor)
        cursor = connection.cursor
        for record in connection.records:
            line = _line(record.event_log_entry)
            if line:
                notice(line)
        if last:
            return


def _line(entry: dg.EventLogEntry) -> str | None:
    event = entry.dagster_event
    if event is None:
        # what dbt says of itself is for the log
        is_for_people = int(entry.level) >= logging.INFO and not (entry.step_key or "").startswith("dbt_")
        return entry.user_message if is_for_people else None
    if event.is_step_start:
        return f"{event.step_key} …"
    if event.is_step_success:
        return f"{event.step_key} took {event.step_success_data.duration_ms / 1000:.1f} s"
    if event.is_step_up_for_retry:
        return f"[red]{event.step_key} failed, and is tried again:[/red] {escape(reason(event))}"
    if event.is_step_failure:
        return f"[red]{event.step_key} failed:[/red] {escape(reason(event))}"
    if event.is_run_failure:
        return f"[red]run failed:[/red] {escape(entry.user_message or event.message or '')}"
    return None
