"""`dataeng stream restore` and `reset`: take a stream's tables back to an earlier state."""

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from dataeng_assets.cli.stream.savepoint import SavepointName, StreamName, Yes, tell_of, undecided, user

if TYPE_CHECKING:
    from rich.console import Console

    from dataeng_assets.streams.restore import Decide, Outlook

DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and write nothing.")]
Reason = Annotated[str, typer.Option(help="What for; kept in the table NAME_rewinds.")]
AskedBy = Annotated[str, typer.Option(help="Who says so; the user of this machine when empty.")]
AcceptLoss = Annotated[
    bool, typer.Option("--accept-loss", help="Go back although the topic no longer has all that would be read again.")
]


def restore(
    stream: StreamName,
    savepoint: SavepointName,
    dry_run: DryRun = False,
    yes: Yes = False,
    accept_loss: AcceptLoss = False,
    reason: Reason = "asked for",
    asked_by: AskedBy = "",
) -> None:
    """Take a stream's tables back to a savepoint; the next run reads again from there. Shows what goes, and asks first.

    Main, late and dead letters become what they were, columns and progress included: one commit each, main last. If
    that is interrupted, the next run, restore or reset finishes it. Windows and what is dated downstream follow.

    Exits 2 when it cannot be done, or not now: a resident worker drains the stream, the savepoint is too old, the topic
    no longer has what would be read again; or when it was not confirmed.

    Examples:

      dataeng stream restore user_events sp-1f2e3d4c --dry-run

      dataeng stream restore user_events sp-1f2e3d4c --reason "the new contract drops half of the clicks"
    """
    from dataeng_assets.streams.restore import to_savepoint

    _go(stream, to_savepoint(savepoint), dry_run, yes, accept_loss, reason, asked_by)


def reset(
    stream: StreamName,
    to_timestamp: Annotated[
        datetime,
        typer.Option(
            formats=["%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"],
            help="Moment (UTC) by the records' timestamps: what was produced from then on is read again.",
            show_default=False,
        ),
    ],
    dry_run: DryRun = False,
    yes: Yes = False,
    reason: Reason = "asked for",
    asked_by: AskedBy = "",
) -> None:
    """Read a stream again from a moment on, under the contract in force. Shows what goes, and asks first.

    In each partition the rows go from the first record on that was produced then or later, and are read again. What the
    topic no longer has stays as it is.

    Exits 2 when it cannot be done, or not now, or was not confirmed.

    Examples:

      dataeng stream reset user_events --to-timestamp 2026-03-01T12:00 --dry-run
    """
    from dataeng_assets.streams.restore import to_moment

    _go(stream, to_moment(to_timestamp.replace(tzinfo=UTC)), dry_run, yes, False, reason, asked_by)


def _go(stream: str, decide: "Decide", dry_run: bool, yes: bool, accept_loss: bool, reason: str, asked_by: str) -> None:
    from rich.console import Console

    from dataeng_assets.components.kafka_topic import find_stream
    from dataeng_assets.streams.restore import complete, go_back, look_back

    console = Console()
    with undecided(console):
        found, cluster = find_stream(stream)
        if not dry_run and (left := complete(found, cluster)):
            console.print(f"Finished the {left.kind} of {left.asked_at:%Y-%m-%d %H:%M} UTC, which was interrupted.")
        seen = look_back(found, cluster, decide)
        _show(console, stream, seen)
        if seen.changes_nothing:
            console.print("It stands there already; nothing was written.")
            return
        if dry_run:
            console.print("Nothing was written.")
            return
        if not yes and not typer.confirm("Do it?"):
            console.print("Nothing was written.")
            raise typer.Exit(2)
        go_back(found, cluster, decide, reason=reason, asked_by=asked_by or user(), accept_loss=accept_loss)
    tell_of(console, found)
    console.print("[green]Done.[/green] The next run of the stream goes on from there.")


def _show(console: "Console", stream: str, seen: "Outlook") -> None:
    from rich.table import Table

    tables = Table("table", "rows now", "rows then", title=f"{stream}: what becomes of its tables", box=None)
    for one in seen.tables:
        tables.add_row(".".join(one.key), f"{one.before:,}", f"{one.after:,}")
    offsets = Table("partition", "offsets read again", "no longer at the topic", box=None)
    for p, range_ in sorted(seen.again.items()):
        lost = seen.lost.get(p)
        gone = f"[red]{lost.start:,} to {lost.end - 1:,}[/red]" if lost else "none"
        offsets.add_row(str(p), f"{range_.start:,} to {range_.end - 1:,}", gone)
    for table in (tables, offsets):
        for column in table.columns[1:]:
            column.justify = "right"
        console.print(table)
