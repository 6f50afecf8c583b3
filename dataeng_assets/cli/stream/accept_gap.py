"""`dataeng stream accept-gap`: let a stream go on without what it cannot get any more."""

from typing import TYPE_CHECKING, Annotated

import typer

from dataeng_assets.cli.stream.savepoint import user

if TYPE_CHECKING:
    from rich.console import Console

    from dataeng_assets.streams.accept import Found
    from dataeng_assets.streams.gaps import Decision
    from dataeng_assets.streams.stream import Stream


def accept_gap(
    stream: Annotated[str, typer.Argument(help="Name of the stream, such as user_events.", show_default=False)],
    partition: Annotated[list[int] | None, typer.Option(help="Only this partition; may be repeated.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be accepted, and write nothing.")] = False,
    reason: Annotated[str, typer.Option(help="Why that is fine; kept with the gap.")] = "",
    accepted_by: Annotated[str, typer.Option(help="Who says so; the user of this machine when empty.")] = "",
) -> None:
    """Accept what a stream has lost: offsets past retention, a topic made again or truncated, rows that were removed.

    What it accepts is shown, written down in the table NAME_gaps, and counted by `dataeng verify` from then on. Nothing
    that still can be read is passed over. May run beside a drain; running it again accepts nothing twice.

    Exits 2 when there is nothing to accept, or when the topic or a table did not answer.

    Examples:

      dataeng stream accept-gap user_events --dry-run

      dataeng stream accept-gap user_events --reason "retention was a day for an hour, the shop has the orders"

      dataeng stream accept-gap user_events --partition 3 --reason "test data"
    """
    from rich.console import Console

    from dataeng_assets.components.kafka_topic import find_stream
    from dataeng_assets.kafka.errors import KafkaProblem
    from dataeng_assets.lake.append import ProgressGoesBack, Superseded
    from dataeng_assets.lake.location import TableMissing
    from dataeng_assets.settings import SettingMissing
    from dataeng_assets.streams.accept import accept, gaps_of
    from dataeng_assets.streams.errors import StreamStopped

    if not dry_run and not reason.strip():
        raise typer.BadParameter("say why that is fine, or look first with --dry-run", param_hint="--reason")
    console = Console()
    undecided = (KafkaProblem, TableMissing, SettingMissing, StreamStopped, LookupError, Superseded, ProgressGoesBack)
    try:
        found_stream, cluster = find_stream(stream)
        if dry_run:
            _show(console, stream, gaps_of(found_stream, cluster, partition or ()))
            console.print("Nothing was written. Accept it with --reason in place of --dry-run.")
            return
        decision, found = accept(
            found_stream, cluster, reason=reason, accepted_by=accepted_by or user(), partitions=partition or ()
        )
    except undecided as error:
        console.print(str(error), style="red", markup=False)
        raise typer.Exit(2) from error
    _show(console, stream, found)
    console.print(f"Accepted as [bold]{decision.gap_id}[/bold]. The next run goes on from there.")
    _tell(console, found_stream, decision, found)


def _tell(console: "Console", stream: "Stream", decision: "Decision", found: "Found") -> None:
    """Show it in the Dagster UI, on the asset of the table of gaps."""
    from dataeng_assets.components.stream_gaps import tell_of_gaps
    from dataeng_assets.orchestration.runs import open_instance

    try:
        tell_of_gaps(open_instance(), stream, decision, found)
    except Exception as error:  # noqa: BLE001  # the gap is accepted, whatever ails the storage of Dagster
        console.print(f"Dagster was not told: {error}. The table {stream.gaps[-1]} has it.", markup=False)


def _show(console: "Console", stream: str, found: "Found") -> None:
    from rich.table import Table

    columns = ("what happened", "table", "partition", "offsets", "count")
    table = Table(*columns, title=f"{stream}: what it goes on without", box=None)
    for column in table.columns[2:]:
        column.justify = "right"
    for gap in found.gaps:
        last = "the end, which nobody knows" if gap.end is None else f"{gap.end - 1:,}"
        count = "unknown" if gap.offsets is None else f"{gap.offsets:,}"
        table.add_row(str(gap.state), gap.table, str(gap.partition), f"{gap.start:,} to {last}", count)
    console.print(table)
    if not found.gaps:
        console.print("Nothing that is not written down already; progress is moved past it.")
