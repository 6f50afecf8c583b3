"""`dataeng verify`: print the proof that a stream's tables hold what its topic holds."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from dataeng_assets.streams.gaps import AcceptedGap

FAULTS = ("doubled", "missing", "unexpected", "unproved")


def verify(stream: Annotated[str, typer.Argument(help="Name of the stream, such as user_events.")]) -> None:
    """Compare main, late, dead letters and accepted gaps with the broker, offset by offset; exit 1 on any difference.

    What was released from the dead letters stands in the main table, too; it is counted by itself.
    Exits 2 when it could not be decided: no table yet, no broker, or offsets that the broker no longer retains.

    Examples:

      dataeng verify user_events
    """
    from rich.console import Console
    from rich.table import Table

    from dataeng_assets.components.kafka_topic import find_stream
    from dataeng_assets.kafka.errors import KafkaProblem
    from dataeng_assets.lake.location import TableMissing
    from dataeng_assets.settings import SettingMissing
    from dataeng_assets.streams.errors import StreamStopped
    from dataeng_assets.streams.verify import verify as prove

    console = Console()
    try:
        proof = prove(*find_stream(stream))
    except (KafkaProblem, TableMissing, SettingMissing, StreamStopped, LookupError) as error:
        console.print(str(error), style="red", markup=False)
        raise typer.Exit(2) from error
    columns = (
        "partition",
        "read",
        "on the broker",
        "main",
        "late",
        "dead letters",
        "released",
        "accepted gaps",
        "wrong",
    )
    table = Table(*columns, title=f"{stream}: main + late + dead letters + accepted gaps = what was read", box=None)
    for column in table.columns:
        column.justify = "right"
    for part in proof.partitions:
        spans = (f"{part.first:,} to {part.progress:,}", f"{part.earliest:,} to {part.end:,}")
        counts = (f"{count:,}" for count in (part.main, part.late, part.dead_letters, part.released, part.gaps))
        wrong = [f"{getattr(part, fault):,} {fault}" for fault in FAULTS if getattr(part, fault)]
        table.add_row(str(part.partition), *spans, *counts, f"[red]{', '.join(wrong)}[/red]" if wrong else "nothing")
    console.print(table)
    for accepted in proof.accepted:
        console.print(_told(accepted), markup=False)
    verdict, code = _verdict(holds=proof.holds, decided=proof.decided)
    console.print(verdict)
    raise typer.Exit(code)


def _told(accepted: "AcceptedGap") -> str:
    gap = accepted.gap
    last = "an unknown end" if gap.end is None else f"{gap.end - 1:,}"
    return (
        f"{accepted.gap_id}: {gap.state}, {gap.table}, partition {gap.partition}, offsets {gap.start:,} to {last}; "
        f"accepted by {accepted.accepted_by} at {accepted.accepted_at:%Y-%m-%d %H:%M} UTC: {accepted.reason}"
    )


def _verdict(*, holds: bool, decided: bool) -> tuple[str, int]:
    if not holds:
        return "[red]The tables do not hold what the topic holds.[/red] The columns in red say where.", 1
    if not decided:
        return "[yellow]Not decided:[/yellow] offsets in red are no longer retained, so nothing can be compared.", 2
    return "[green]Every offset stands in exactly one table.[/green]", 0
