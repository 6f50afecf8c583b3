"""`dataeng stream savepoint` and `savepoints` and `drop-savepoint`: states that a stream can go back to."""

from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from dataeng_assets.streams.stream import Stream

StreamName = Annotated[str, typer.Argument(help="Name of the stream, such as user_events.", show_default=False)]
SavepointName = Annotated[str, typer.Argument(help="Which, such as sp-1f2e3d4c.", show_default=False)]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask; for programs.")]


def savepoint(
    stream: StreamName,
    reason: Annotated[str, typer.Option(help="What for; kept with it.")] = "asked for",
    taken_by: Annotated[str, typer.Option(help="Who asks; the user of this machine when empty.")] = "",
) -> None:
    """Take a savepoint: the versions of the stream's tables, to which `dataeng stream restore` can take them back.

    It copies nothing and holds nothing up; upkeep keeps the versions' files for 28 days. The first run under changed
    rules takes one by itself.

    Exits 2 when the stream was never drained, or the topic did not answer.

    Examples:

      dataeng stream savepoint user_events --reason "before the new contract"
    """
    from rich.console import Console

    from dataeng_assets.components.kafka_topic import find_stream
    from dataeng_assets.kafka.admin import Admin
    from dataeng_assets.streams.savepoints import take

    console = Console(soft_wrap=True)
    with undecided(console):
        found, cluster = find_stream(stream)
        with Admin(cluster) as admin:
            topic = admin.describe(found.topic)
        taken = take(found, topic, reason=reason, taken_by=taken_by or user())
    tell_of(console, found)
    console.print(f"[bold]{taken.savepoint_id}[/bold], kept until {taken.kept_until:%Y-%m-%d %H:%M} UTC.")
    console.print(f"Go back to it with: dataeng stream restore {stream} {taken.savepoint_id}", markup=False)


def savepoints(stream: StreamName) -> None:
    """List a stream's savepoints, the newest last. Those that can no longer be gone back to are left out.

    Examples:

      dataeng stream savepoints user_events
    """
    from rich.console import Console
    from rich.table import Table

    from dataeng_assets.components.kafka_topic import find_stream
    from dataeng_assets.streams.savepoints import kept_savepoints

    console = Console()
    with undecided(console):
        found, _ = find_stream(stream)
        kept = kept_savepoints(found)
    table = Table("savepoint", "taken (UTC)", "offsets read", "kept until", "by", "reason", box=None)
    for one in kept:
        offsets = f"{sum(one.next_offsets.values()):,}"
        table.add_row(
            one.savepoint_id,
            f"{one.taken_at:%Y-%m-%d %H:%M:%S}",
            offsets,
            f"{one.kept_until:%Y-%m-%d %H:%M}",
            one.taken_by,
            one.reason,
        )
    console.print(
        table if kept else f"Stream {stream} has no savepoint. `dataeng stream savepoint {stream}` takes one."
    )


def drop_savepoint(
    stream: StreamName,
    savepoint: SavepointName,
    yes: Yes = False,
    dropped_by: Annotated[str, typer.Option(help="Who says so; the user of this machine when empty.")] = "",
) -> None:
    """Drop a savepoint: the stream can no longer go back to it, and upkeep removes the files that only it needs.

    Shows which one it is, and asks first. The table NAME_savepoints tells of it still. Dropping it again changes
    nothing.

    Exits 2 when the stream has no savepoint of this name, or it was not confirmed.

    Examples:

      dataeng stream drop-savepoint user_events sp-1f2e3d4c
    """
    from rich.console import Console

    from dataeng_assets.components.kafka_topic import find_stream
    from dataeng_assets.streams.savepoints import drop, savepoint_named

    console = Console(soft_wrap=True)
    with undecided(console):
        found, _ = find_stream(stream)
        one = savepoint_named(found, savepoint)
        if one.dropped_at:
            console.print(f"{one.dropped_by} dropped it at {one.dropped_at:%Y-%m-%d %H:%M} UTC; nothing was written.")
            return
        taken = f"{one.savepoint_id}, taken by {one.taken_by} at {one.taken_at:%Y-%m-%d %H:%M} UTC: {one.reason}"
        console.print(taken, markup=False)
        if not yes and not typer.confirm("Drop it?"):
            console.print("Nothing was written.")
            raise typer.Exit(2)
        drop(found, savepoint, dropped_by=dropped_by or user())
    tell_of(console, found)
    console.print("Dropped. Upkeep removes the files that only it needs.")


def tell_of(console: "Console", stream: "Stream") -> None:
    """Show what was written down in the Dagster UI, on the assets of savepoints and rewinds."""
    from dataeng_assets.components.stream_states import tell_of_states
    from dataeng_assets.orchestration.runs import open_instance

    try:
        tell_of_states(open_instance(), stream)
    except Exception as error:  # noqa: BLE001  # it is done, whatever ails the storage of Dagster
        console.print(f"Dagster was not told: {error}. The next run of the stream tells it.", markup=False)


@contextmanager
def undecided(console: "Console") -> "Iterator[None]":
    """Print what stood in the way, and exit with 2."""
    from deltalake.exceptions import DeltaError

    from dataeng_assets.contracts.errors import ContractError
    from dataeng_assets.kafka.cluster import InsecureCluster
    from dataeng_assets.kafka.errors import KafkaProblem
    from dataeng_assets.lake.append import Superseded
    from dataeng_assets.lake.location import LakeRefused, TableMissing
    from dataeng_assets.settings import SettingMissing
    from dataeng_assets.streams.errors import StreamStopped

    declaration = (ContractError, InsecureCluster, LakeRefused, LookupError, SettingMissing)
    try:
        yield
    except (*declaration, DeltaError, KafkaProblem, StreamStopped, Superseded, TableMissing) as error:
        console.print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(2) from error


def user() -> str:
    """Who runs this, as the machine says."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "unknown"
