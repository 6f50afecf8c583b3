"""`dataeng replay`: what was set aside is validated again, and released once if it keeps its contract now."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from dataeng_assets.contracts.checks.replayed import Replayed
    from dataeng_assets.contracts.checks.rule import Bounds


def replay(
    name: Annotated[
        str, typer.Argument(help="A table, such as shop.orders, or a stream, such as user_events.", show_default=False)
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be released, and write nothing.")] = False,
    limit: Annotated[
        str, typer.Option(help="Release nothing if more is still broken: a number of rows, or a share such as 5%.")
    ] = "",
) -> None:
    """Validate quarantined rows and dead letters again under the current contract, and release those that keep it.

    Each is released once, however often this runs and whatever else runs: as of when it was read, with this replay's id
    in `_released_by`. A row whose key has got a newer good version since, or is gone, is superseded and stays where it
    is. Nothing is removed from what was set aside.

    Exits 0 when nothing is broken any more, 1 when something still is (the rest was released, unless --limit forbids
    it), 2 when it could not be decided: no such table, nothing ever set aside, a contract that is itself broken.

    Examples:

      dataeng replay shop.orders --dry-run

      dataeng replay user_events --limit 1%
    """
    from uuid import uuid4

    from rich.console import Console

    from dataeng_assets.contracts.checks.setting_aside import TooManyBroken
    from dataeng_assets.contracts.errors import ContractError
    from dataeng_assets.lake.location import LakeRefused, TableMissing
    from dataeng_assets.lake.strict import SchemaDiffers
    from dataeng_assets.postgres.errors import SourceError
    from dataeng_assets.streams.errors import StreamStopped

    console = Console()
    bounds = _bounds(limit)
    undecided = (ContractError, LakeRefused, LookupError, SchemaDiffers, SourceError, StreamStopped, TableMissing)
    try:
        found = _release(console, name, f"replay-{uuid4().hex[:12]}", bounds, dry_run=dry_run)
    except undecided as error:
        console.print(str(error), style="red", markup=False)
        raise typer.Exit(2) from error
    except TooManyBroken as error:
        console.print(str(error), style="red", markup=False)
        raise typer.Exit(1) from error
    _show(console, found, dry_run=dry_run)
    raise typer.Exit(1 if found.broken else 0)


def _bounds(limit: str) -> "Bounds | None":
    from dataeng_assets.contracts.checks.setting_aside import limit_of

    try:
        return limit_of(limit)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--limit") from error


def _release(console: "Console", name: str, release_id: str, limit: "Bounds | None", *, dry_run: bool) -> "Replayed":
    from dataeng_assets.components.declared import find_table
    from dataeng_assets.components.kafka_topic import find_topic
    from dataeng_assets.components.replay_jobs import windows_anew
    from dataeng_assets.extract.release import release as release_rows
    from dataeng_assets.lake.location import Lake
    from dataeng_assets.streams.release import release as release_events

    try:
        component, contract = find_topic(name)
    except LookupError as no_stream:
        try:
            table = find_table(name)
        except LookupError as no_table:
            raise LookupError(f"{no_table} {no_stream}") from None
        with console.status(f"validating the quarantine of {name} again"):
            return release_rows(Lake.current(), table, release_id=release_id, dry_run=dry_run, limit=limit)
    stream = component.stream(contract)
    with console.status(f"reading the dead letters of {name} again"):
        found = release_events(stream, release_id=release_id, dry_run=dry_run, limit=limit)
    if found.version is not None:
        console.print(windows_anew(stream, component.cluster, release_id), markup=False)
    return found


def _show(console: "Console", found: "Replayed", *, dry_run: bool) -> None:
    from rich.table import Table

    table = Table("what became of it", "rows", title=f"{found.name}: what was set aside", box=None)
    table.columns[1].justify = "right"
    rows = {
        "validated again": found.validated,
        "would be released" if dry_run else "released": found.released,
        "still broken": found.broken,
        **{f"  {rule}": count for rule, count in sorted(found.by_rule.items(), key=lambda one: -one[1])},
        "superseded by a newer version": found.superseded,
        "released before": found.already,
    }
    for outcome, count in rows.items():
        table.add_row(outcome, f"{count:,}")
    console.print(table)
    if found.version is not None:
        console.print(
            f"Released as [bold]{found.release}[/bold] in version {found.version:,}. What is made of these rows is "
            "built anew by the next tick of the ledger."
        )
    elif dry_run:
        console.print("Nothing was written.")
    if found.broken:
        console.print("[yellow]Some rows still break their contract;[/yellow] they stay where they are.")
