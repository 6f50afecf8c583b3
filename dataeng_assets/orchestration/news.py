"""What somebody should know, read from the instance: runs and checks that failed, assets gone stale, a day's success.

Everything here is derived from Dagster's own records; telling it, and remembering what was told, belongs in `notifier`.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import dagster as dg
from dagster._core.definitions.freshness import FreshnessState

from dataeng_assets.causes.recognize import causes_in
from dataeng_assets.orchestration.failures import reason
from dataeng_assets.orchestration.outcomes import INFO, OUTCOME, TIER

_EVENTS_AT_ONCE = 200
_LATELY = timedelta(days=1)
"""What is older is told to nobody who has only begun to listen, and needs no longer be remembered."""
_MAX_CHARACTERS = 300
_SCHEDULE = "dagster/schedule_name"
_WILL_RETRY = "dagster/will_retry"
_FIRST_DAY, _LAST_DAY = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"


FAILED_RUN = "failed-run"
"""The cause of a failure whose words prove no other."""
_CAUSES_OF_STREAMS = {
    "keeps_up": "consumer-lag-grows", "lag_in_records": "consumer-lag-grows",
    "backpressure": "backpressure", "partition_skew": "partition-skew",
}  # fmt: skip
"""By the check of a stream that is not well."""


@dataclass(frozen=True)
class Item:
    """One thing to know.

    Attributes:
        key: identifies it for as long as it lasts.
        level: how it stands; the same key on another level is news again.
        trouble: whether it is over when it is no longer there; else it is only told.
        cause: its id in the catalogue of causes, whose page says what to do; empty where nothing is to be done.
    """

    key: str
    level: str
    title: str
    detail: str = ""
    trouble: bool = True
    cause: str = ""


@dataclass(frozen=True)
class FailedRun:
    """The first of the failures that stand for one trouble: a job, the days it was asked for, and why it failed."""

    job: str
    first_day: str
    last_day: str
    run_id: str
    why: str
    cause: str = FAILED_RUN

    def concerns(self, other: "FailedRun | DoneRun") -> bool:
        """Whether a run was asked for the same: the same job, and days in common where this one has days."""
        if self.job != other.job:
            return False
        return not self.first_day or (self.first_day <= other.last_day and other.first_day <= self.last_day)


@dataclass(frozen=True)
class DoneRun:
    """What of a successful run tells which failures it has mended."""

    job: str
    first_day: str
    last_day: str


@dataclass(frozen=True)
class RunHistory:
    """What the runs up to a point say: failures that no later run has mended, and each schedule's newest good day."""

    failures_read: str
    successes_read: str
    unmended: tuple[FailedRun, ...] = ()
    succeeded: Mapping[str, str] | None = None

    @classmethod
    def from_now_on(cls, instance: dg.DagsterInstance) -> Self:
        """Begin with the newest run that has ended; what failed before is not told."""
        failures, successes = (instance.fetch_run_status_changes(kind, limit=1).cursor for kind in _ENDS)
        return cls(failures, successes)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """From what `asdict` made of it."""
        return cls(**{**data, "unmended": tuple(FailedRun(**run) for run in data["unmended"])})

    def read_on(self, instance: dg.DagsterInstance) -> Self:
        """Take in the runs that have ended since."""
        failures, successes = (
            instance.fetch_run_status_changes(kind, limit=_EVENTS_AT_ONCE, cursor=cursor, ascending=True)
            for kind, cursor in zip(_ENDS, (self.failures_read, self.successes_read), strict=True)
        )
        unmended, succeeded = list(self.unmended), dict(self.succeeded or {})
        for record in sorted([*failures.records, *successes.records], key=lambda record: record.storage_id):
            run = instance.get_run_by_id(record.run_id)
            if run is None or run.tags.get(_WILL_RETRY) == "true":
                continue
            if record.event_log_entry.dagster_event_type == dg.DagsterEventType.RUN_FAILURE:
                step, said = _why(record.event_log_entry.get_dagster_event())
                why, cause = _short(f"{step}: {said}" if step else said), next(iter(causes_in(said)), FAILED_RUN)
                failed = FailedRun(*subject(run), run.run_id, why, cause)
                unmended = _with(unmended, failed)
                continue
            done = DoneRun(*subject(run))
            unmended = [known for known in unmended if not known.concerns(done)]
            if _SCHEDULE in run.tags:
                succeeded[run.job_name] = datetime.fromtimestamp(record.timestamp, UTC).date().isoformat()
        return replace(
            self,
            failures_read=failures.cursor,
            successes_read=successes.cursor,
            unmended=tuple(unmended),
            succeeded=succeeded,
        )

    def items(self) -> Iterator[Item]:
        """Failures that stand, and the newest day on which each scheduled job succeeded."""
        for run in self.unmended:
            days = f", {run.first_day} to {run.last_day}" if run.first_day else ""
            said = f"{run.why}\nRun {run.run_id}"
            yield Item(f"run {run.run_id}", "failed", f"{run.job}{days} failed", said, cause=run.cause)
        for job, day in (self.succeeded or {}).items():
            yield Item(f"success {job}", day, f"{job} succeeded", f"for the first time on {day} UTC", trouble=False)

    def as_data(self) -> dict[str, Any]:
        """As JSON can hold it."""
        return asdict(self)


def _with(unmended: Sequence[FailedRun], failed: FailedRun) -> list[FailedRun]:
    """Add a failure; one that repeats another is the same trouble, which then reaches over the days of both."""
    for number, known in enumerate(unmended):
        if known.concerns(failed):
            first, last = min(known.first_day, failed.first_day), max(known.last_day, failed.last_day)
            longer = replace(known, first_day=first, last_day=last) if known.first_day else known
            return [*unmended[:number], longer, *unmended[number + 1 :]]
    return [*unmended, failed]


_ENDS = (dg.DagsterEventType.RUN_FAILURE, dg.DagsterEventType.RUN_SUCCESS)


@dataclass(frozen=True)
class Standing:
    """How checks and assets stand.

    Attributes:
        warnings: in words; they are counted, and told beside what is worse.
        unknown: keys of checks that are being executed, or could not be evaluated: nothing begins or ends there.
    """

    items: tuple[Item, ...]
    warnings: tuple[str, ...]
    unknown: frozenset[str]


def standing(
    instance: dg.DagsterInstance, checks: Sequence[dg.AssetCheckKey], dated: Sequence[dg.AssetKey]
) -> Standing:
    """Read the newest result of each check and the freshness of each asset.

    Args:
        instance: where they are recorded.
        checks: all checks.
        dated: the assets that promise freshness.
    """
    items: list[Item] = []
    warnings: list[str] = []
    unknown: set[str] = set()
    newest = instance.event_log_storage.get_latest_asset_check_execution_by_key(checks)
    for key, record in newest.items():
        evaluation = record.event.asset_check_evaluation if record.event else None
        if evaluation is None:
            unknown.add(_check_key(key))
        elif not evaluation.passed:
            if OUTCOME in evaluation.metadata:
                unknown.add(_check_key(key))
            _judge(key, evaluation, items, warnings)
    for asset, state in instance.get_freshness_state_records(dated).items():
        name = asset.to_user_string()
        if state.freshness_state == FreshnessState.FAIL:
            detail = f"since {state.updated_at:%Y-%m-%d %H:%M} UTC: it was not updated within the time it promises."
            items.append(Item(f"stale {name}", "stale", f"{name} is stale", detail, cause="stale-data"))
        elif state.freshness_state == FreshnessState.WARN:
            warnings.append(f"{name} will be stale soon")
    return Standing(tuple(items), tuple(sorted(warnings)), frozenset(unknown))


def informed(instance: dg.DagsterInstance, assets: Sequence[dg.AssetKey]) -> Iterator[Item]:
    """What assets whose events are news have told lately; nothing of it is a trouble, so none of it is ever over.

    Args:
        instance: where their events are recorded.
        assets: whose events say what there is to tell.
    """
    since = (datetime.now(UTC) - _LATELY).timestamp()
    for asset in assets:
        recent = dg.AssetRecordsFilter(asset_key=asset, after_timestamp=since)
        for record in instance.fetch_materializations(recent, limit=_EVENTS_AT_ONCE, ascending=True).records:
            event = record.asset_materialization
            if event is not None:
                said = _short(event.description or "")
                yield Item(
                    f"event {record.storage_id}", INFO, f"{asset.to_user_string()} has an event", said, trouble=False
                )


def _judge(key: dg.AssetCheckKey, evaluation: dg.AssetCheckEvaluation, items: list[Item], warnings: list[str]) -> None:
    name = key.asset_key.to_user_string()
    tier = evaluation.metadata.get(TIER)
    if tier is not None:
        said = _said(evaluation.metadata, without=TIER)
        cause = _CAUSES_OF_STREAMS.get(key.name, "")
        items.append(Item(_check_key(key), str(tier.value), f"{name} is {tier.value}", said, cause=cause))
    elif evaluation.severity == dg.AssetCheckSeverity.ERROR:
        title = f"{name}: check {key.name} failed"
        items.append(Item(_check_key(key), "failed", title, _said(evaluation.metadata), cause="failed-check"))
    else:
        warnings.append(f"{name}: {key.name}")


def _check_key(key: dg.AssetCheckKey) -> str:
    return f"check {key.asset_key.to_user_string()} {key.name}"


def _said(metadata: Mapping[str, dg.MetadataValue[Any]], without: str = "") -> str:
    """What a check says beside its verdict; tables, which may show rows, are for the UI alone."""
    told = (dg.TextMetadataValue, dg.IntMetadataValue, dg.FloatMetadataValue, dg.BoolMetadataValue)
    plain = (
        f"{name}: {value.value}" for name, value in metadata.items() if name != without and isinstance(value, told)
    )
    return _short(", ".join(plain))


def subject(run: dg.DagsterRun) -> tuple[str, str, str]:
    """What a run was asked for: job, or assets where the job is the nameless one, and days.

    The next run of a schedule makes up for the one before it, so its days do not count.
    """
    job = run.job_name
    if _SCHEDULE in run.tags:
        return job, "", ""
    if job.startswith("__ASSET_JOB") and run.asset_selection:
        job = ", ".join(sorted(key.to_user_string() for key in run.asset_selection))
    partition = run.tags.get("dagster/partition", "")
    return job, run.tags.get(_FIRST_DAY, partition), run.tags.get(_LAST_DAY, partition)


def _why(event: dg.DagsterEvent) -> tuple[str, str]:
    """The step that failed first, if one did, and why in full."""
    failed = getattr(event.event_specific_data, "first_step_failure_event", None)
    return (str(failed.step_key), reason(failed)) if failed else ("", event.message or "")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _MAX_CHARACTERS else f"{line[: _MAX_CHARACTERS - 1]}…"


def counted(words: Iterable[str], what: str) -> str:
    """How many, and which: `2 checks warn: a, b`; nothing when there are none."""
    listed = list(words)
    return f"{len(listed)} {what}: {', '.join(listed)}" if listed else ""
