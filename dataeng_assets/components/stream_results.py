"""What a stream's run tells Dagster: rows, versions, and the checks on what it has committed."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from typing import Any

import dagster as dg
import pyarrow.compute as pc

from dataeng_assets.components.bronze_specs import shown_columns
from dataeng_assets.components.stream_health import health_checks
from dataeng_assets.contracts.health import HealthLimits
from dataeng_assets.kafka.errors import KafkaProblem
from dataeng_assets.orchestration.outcomes import TIER, not_evaluated
from dataeng_assets.orchestration.preview import preview
from dataeng_assets.streams.drain import DrainReport
from dataeng_assets.streams.lag import FAR_BEHIND, Lag, Tier
from dataeng_assets.streams.lease import Worker
from dataeng_assets.streams.session import BatchReport
from dataeng_assets.streams.stream import RELEASED_BY, Stream
from dataeng_assets.streams.windows import WindowReport
from dataeng_assets.streams.windows.definition import VALUES, Windows, sketch_column
from dataeng_assets.streams.windows.kinds import Panes

ACCOUNTED = "every_record_accounted_for"
FEW_DEAD_LETTERS = "few_dead_letters"
KEEPS_UP = "keeps_up"
ONE_ROW_PER_WINDOW = "one_row_per_window"
DEAD_LETTER_LIMIT = 0.01
# bytes, key and detail of a broken record may hold anything, also what is personal
DEAD_LETTER_COLUMNS = ("_kafka_partition", "_kafka_offset", "_kafka_timestamp", "reason")


def drain_checks(keys: Sequence[dg.AssetKey], limits: HealthLimits) -> list[dg.AssetCheckSpec]:
    """The checks of a drain, given the keys of main, late and dead letters, and the contract's limits."""
    main, _, dead = keys
    accounted = [
        dg.AssetCheckSpec(
            ACCOUNTED,
            asset=key,
            blocking=key == main,
            description="This run has committed as many rows as it has read records and sent here.",
        )
        for key in keys
    ]
    few = dg.AssetCheckSpec(
        FEW_DEAD_LETTERS, asset=dead, description=f"At most {DEAD_LETTER_LIMIT:.0%} of all that was read."
    )
    keeps_up = dg.AssetCheckSpec(
        KEEPS_UP,
        asset=main,
        description=(
            f"No record has been waiting at the broker for longer than {_minutes(limits.lag)}; "
            f"from {_minutes(limits.lag * FAR_BEHIND)} on the stream is far behind, which is an error."
        ),
    )
    return [*accounted, few, keeps_up, *health_checks(main, limits)]


def lag_verdict(tier: Tier) -> tuple[bool, dg.AssetCheckSeverity]:
    """Whether a tier passes the check `keeps_up`, and how severe it is when it does not."""
    severe = dg.AssetCheckSeverity.ERROR if tier is Tier.FAR_BEHIND else dg.AssetCheckSeverity.WARN
    return tier is Tier.OK, severe


def lag_result(stream: Stream, measure: Callable[[], Lag]) -> dg.AssetCheckResult:
    """How far the stream is behind after its run; not evaluated when the broker does not say."""
    key = dg.AssetKey(stream.main)
    try:
        found = measure()
    except (KafkaProblem, OSError) as error:
        return not_evaluated(str(error), asset_key=key, check_name=KEEPS_UP)
    passed, severity = lag_verdict(found.tier)
    return dg.AssetCheckResult(
        asset_key=key, check_name=KEEPS_UP, passed=passed, severity=severity, metadata=lag_metadata(found)
    )


def planned(main: tuple[str, ...], behind: Lag, topic: str, cursor: str | None) -> dg.SensorResult:
    """What a tick asks for: a run when records wait; and, when the stream has changed its tier, that it has.

    Args:
        main: key of the table that the check `keeps_up` belongs to.
        behind: how far the stream is behind at this moment.
        topic: its topic.
        cursor: the tier at the last tick.
    """
    changed = behind.tier != (cursor or Tier.OK)
    passed, severity = lag_verdict(behind.tier)
    verdict = dg.AssetCheckEvaluation(
        asset_key=dg.AssetKey(main),
        check_name=KEEPS_UP,
        passed=passed,
        severity=severity,
        metadata={name: dg.MetadataValue.text(str(value)) for name, value in lag_metadata(behind).items()},
    )
    return dg.SensorResult(
        run_requests=[dg.RunRequest(tags={"dataeng/lag": str(behind.records)})] if behind.records else None,
        skip_reason=None if behind.records else f"Bronze has every record of {topic}.",
        asset_events=[verdict] if changed else [],
        cursor=behind.tier.value,  # Dagster stores no enumeration of ours
    )


def lag_metadata(found: Lag) -> dict[str, str | int]:
    """What the check `keeps_up` tells beside its verdict."""
    return {TIER: found.tier.value, "records_waiting": found.records}


def _minutes(span: timedelta) -> str:
    return f"{span.total_seconds() / 60:.0f} minutes"


def drain_results(stream: Stream, report: DrainReport, attempt: str) -> Iterator[Any]:
    """Results of a drain and of its checks.

    Args:
        stream: what was drained.
        report: what the drain says it did.
        attempt: the run id that the rows carry.
    """
    sent = {stream.main: report.main, stream.late: report.late, stream.dead_letters: report.dead_letters}
    held: dict[tuple[str, ...], int] = {}
    for key, count in sent.items():
        table = stream.lake.open(key)
        rows = table.to_pyarrow_dataset()
        held[key] = rows.count_rows()
        mine = pc.field("_run_id") == attempt
        committed = rows.count_rows(filter=mine & pc.field(RELEASED_BY).is_null() if key == stream.main else mine)
        yield dg.MaterializeResult(
            asset_key=dg.AssetKey(key),
            metadata={
                "dagster/row_count": held[key],
                "table_version": table.version(),
                "uri": stream.lake.at(key),
                "rows_appended": count,
                "micro_batches": len(report.batches),
                "lag_at_start": report.lag,
                "caught_up": report.caught_up,
                "seconds": round(report.seconds, 2),
                "blocked_on_write": round(report.blocked_on_write, 3),
                "preview": preview(stream.lake, key, _shown(stream, key)),
            },
        )
        yield dg.AssetCheckResult(
            asset_key=dg.AssetKey(key),
            check_name=ACCOUNTED,
            passed=committed == count,
            metadata={"read_and_sent_here": count, "committed": committed},
        )
    # what was released lies in both; it was read once, and waits no more
    released = stream.lake.open(stream.main).to_pyarrow_dataset().count_rows(filter=~pc.field(RELEASED_BY).is_null())
    waiting, read = held[stream.dead_letters] - released, sum(held.values()) - released
    yield _dead_letter_result(dg.AssetKey(stream.dead_letters), waiting, read)


def _dead_letter_result(key: dg.AssetKey, dead: int, read: int) -> dg.AssetCheckResult:
    if not read:
        return not_evaluated("no record has been read yet", asset_key=key, check_name=FEW_DEAD_LETTERS)
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=FEW_DEAD_LETTERS,
        passed=dead / read <= DEAD_LETTER_LIMIT,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"share": dead / read, "limit": DEAD_LETTER_LIMIT},
    )


def window_check(key: dg.AssetKey) -> dg.AssetCheckSpec:
    """The check of the windows."""
    return dg.AssetCheckSpec(
        ONE_ROW_PER_WINDOW, asset=key, description="Of the windows that this run has computed, each stands in one row."
    )


def window_results(stream: Stream, report: WindowReport, windows: Windows | None = None) -> Iterator[Any]:
    """Result of a publication of windows and of its check.

    Args:
        stream: whose windows.
        report: what the publication did.
        windows: what was published; those by event type when none is given.
    """
    key, stored = dg.AssetKey(report.key), stream.lake.open(report.key).to_pyarrow_dataset()
    identity = ["window_start", *(windows.by if windows else ["event_type"])]
    if windows is not None and isinstance(windows.kind, Panes):
        identity += ["_kafka_partition", "_kafka_offset"]
    rows = repeated = 0
    for start, end in report.replaced:
        within = (pc.field(report.column) >= start) & (pc.field(report.column) < end)
        found = stored.to_table(columns=identity, filter=within)
        rows += found.num_rows
        repeated += found.num_rows - found.group_by(identity).aggregate([]).num_rows
    yield dg.MaterializeResult(
        asset_key=key,
        metadata={
            "dagster/row_count": stored.count_rows(),
            "table_version": report.version,
            "uri": stream.lake.at(report.key),
            "published_to": report.published_to.isoformat() if report.published_to else "no window has closed yet",
            "rows_computed": rows,
            "bronze_version": report.covered,
            "events_read_at_once": report.most_events,
            "seconds": round(report.seconds, 2),
            "preview": preview(stream.lake, report.key, _told(stream, windows, stored.schema.names)),
        },
    )
    yield dg.AssetCheckResult(
        asset_key=key,
        check_name=ONE_ROW_PER_WINDOW,
        passed=not repeated,
        metadata={"rows_computed": rows, "repeated": repeated},
    )


def _told(stream: Stream, windows: Windows | None, names: Sequence[str]) -> list[str]:
    """The columns that a preview may show: none that holds a personal value, and no sketch."""
    hidden = {column.name for column in stream.contract.columns if column.personal}
    for one in windows.aggregates if windows else ():
        if one.function in VALUES and hidden & {*one.columns}:
            hidden.add(one.name)
        hidden.add(sketch_column(one.name))
    return [name for name in names if name not in hidden]


def sentence(batch: BatchReport) -> str:
    """A batch in words."""
    new = f", new partitions {', '.join(map(str, batch.taken_up))}" if batch.taken_up else ""
    return (
        f"{batch.offsets:,} offsets: {batch.main:,} events, {batch.late:,} late, {batch.dead_letters:,} dead letters, "
        f"{batch.seconds:.1f} s{new}"
    )


def resident_sentence(topic: str, workers: Sequence[Worker]) -> str:
    """Who drains a topic, so that no run is asked for."""
    names = ", ".join(
        f"{worker.name} ({_partitions(worker.partitions)}, since {worker.since:%Y-%m-%d %H:%M:%S} UTC)"
        for worker in workers
    )
    last = max(worker.until for worker in workers)
    return (
        f"{topic} is drained by {len(workers)} resident worker{'s' if len(workers) > 1 else ''}: {names}. A run is "
        f"asked for when their leases have run out, the last at {last:%H:%M:%S} UTC if it is not renewed."
    )


def _partitions(partitions: Sequence[int]) -> str:
    if not partitions:
        return "no partition yet"
    return f"partition{'s' if len(partitions) > 1 else ''} {', '.join(map(str, partitions))}"


def _shown(stream: Stream, key: tuple[str, ...]) -> Sequence[str]:
    return DEAD_LETTER_COLUMNS if key == stream.dead_letters else shown_columns(stream.contract)
