"""Jobs that release what was set aside, from the UI: what `dataeng replay` does, in a run that says what it did.

Validating again and releasing belong to the rooms of tables and streams. A replay takes the place of an extract or a
drain in their pool, so that none of them has to look twice.
"""

from collections.abc import Callable, Sequence

import dagster as dg
from pydantic import Field

from dataeng_assets.contracts.checks.replayed import Replayed
from dataeng_assets.contracts.checks.setting_aside import limit_of
from dataeng_assets.extract.plan import SourceTable
from dataeng_assets.extract.release import release as release_rows
from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.kafka.errors import KafkaProblem
from dataeng_assets.lake.location import Lake
from dataeng_assets.orchestration.failures import named_failures
from dataeng_assets.settings import SettingMissing
from dataeng_assets.streams.derived.tables import publish_table
from dataeng_assets.streams.errors import StreamStopped
from dataeng_assets.streams.release import release as release_events
from dataeng_assets.streams.stream import Stream
from dataeng_assets.streams.windows import publish_windows


class Replay(dg.Config):
    """What the launchpad asks for."""

    dry_run: bool = Field(default=False, description="say what would be released, and write nothing")
    limit: str = Field(
        default="", description="release nothing if more is still broken: a number of rows, or a share such as 5%"
    )


class ReplayTable(Replay):
    """The same, of one table of a source."""

    table: str = Field(description="the table, by the name in its contract")


def replay_tables_job(source: str, tables: Sequence[SourceTable]) -> dg.JobDefinition:
    """The job that releases rows from the quarantine of one table of a source."""
    by_name = {table.contract.name: table for table in tables}

    @dg.op(name=f"replay_rows_of_{source}", pool=f"extract_{source}", out=dg.Out(dg.Nothing))
    def replay_rows(context: dg.OpExecutionContext, config: ReplayTable) -> None:
        table = by_name.get(config.table)
        if table is None:
            raise dg.Failure(f"{source} has no table {config.table!r}; it has {', '.join(by_name)}. Nothing was read.")
        with named_failures():
            found = release_rows(
                Lake.current(),
                table,
                release_id=_release_id(context),
                dry_run=config.dry_run,
                limit=limit_of(config.limit),
            )
        _tell(context, table.key, found, is_dry=config.dry_run)

    return _job(
        f"replay_tables_{source}",
        replay_rows,
        f"Validates the quarantined rows of one table of {source} again under its contract, and releases those that "
        "keep it, each once. Name the table in the launchpad.",
    )


def replay_stream_job(name: str, stream: Callable[[], Stream], cluster: Callable[[], Cluster]) -> dg.JobDefinition:
    """The job that releases dead letters of a stream, and computes the windows anew that they lie in."""

    @dg.op(name=f"replay_dead_letters_of_{name}", pool=f"stream_{name}", out=dg.Out(dg.Nothing))
    def replay_dead_letters(context: dg.OpExecutionContext, config: Replay) -> None:
        of, release_id = stream(), _release_id(context)
        with named_failures():
            found = release_events(of, release_id=release_id, dry_run=config.dry_run, limit=limit_of(config.limit))
        _tell(context, of.main, found, is_dry=config.dry_run)
        if found.version is not None:
            context.log.info("%s", windows_anew(of, cluster, release_id))

    return _job(
        f"replay_stream_{name}",
        replay_dead_letters,
        f"Validates the dead letters of {name} again under its contract, and releases those that keep it, each once.",
    )


def _job(name: str, op: dg.OpDefinition, description: str) -> dg.JobDefinition:
    @dg.job(name=name, description=description, executor_def=dg.in_process_executor)
    def replay() -> None:
        op()

    return replay


def windows_anew(stream: Stream, cluster: Callable[[], Cluster], run_id: str) -> str:
    """Compute the windows that released events lie in, and say so; without a broker the stream's next run does it."""
    try:
        windows = [publish_windows(stream, cluster(), run_id=run_id, windows=one) for one in stream.tables_of_windows()]
        tables = [publish_table(stream, cluster(), one, run_id=run_id) for one in stream.tables()]
    except (KafkaProblem, SettingMissing, StreamStopped, OSError, ValueError, LookupError) as error:
        return f"Windows are computed anew by the next run of the stream, because not now: {error}"
    rows = sum(report.rows for report in windows) + sum(report.rows for report in tables)
    return f"{rows:,} rows of windows and other tables that follow from the events were computed anew."


def _release_id(context: dg.OpExecutionContext) -> str:
    return f"replay-{context.run.run_id}"


def _tell(context: dg.OpExecutionContext, key: tuple[str, ...], found: Replayed, *, is_dry: bool) -> None:
    """Metadata of the step; and, of the table, what it got and from which release."""
    told: dict[str, str | int] = {
        "table": ".".join(key),
        "rows_validated_again": found.validated,
        "rows_that_would_be_released" if is_dry else "rows_released": found.released,
        "rows_still_broken": found.broken,
        **{f"breaks_{rule}": count for rule, count in found.by_rule.items()},
        "rows_superseded": found.superseded,
        "rows_released_before": found.already,
    }
    if found.version is not None:
        told |= {"released_by": found.release, "table_version": found.version}
        context.log_event(
            dg.AssetObservation(
                asset_key=dg.AssetKey(key),
                description=f"{found.released:,} rows that had been set aside were released.",
                metadata=told,
            )
        )
    context.add_output_metadata(told)
    context.log.info("%s", ", ".join(f"{name} {value}" for name, value in told.items()))
