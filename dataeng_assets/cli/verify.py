"""`dataeng verify`: print the proof that a stream's tables hold what its topic holds."""

from typing import Annotated

import typer


def verify(stream: Annotated[str, typer.Argument(help="name of the stream, such as user_events")]) -> None:
    """Compare main, late and dead letters with the broker, offset by offset; exit 1 on any difference.

    Exits 2 when it could not be decided: no table yet, no broker, or offsets that the broker no longer retains.
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
    columns = ("read from", "read to", "retained from", "end", "main", "late", "dead letters")
    faults = ("doubled", "missing", "unexpected", "unproved")
    table = Table("partition", *columns, *faults, title=f"{stream}: main + late + dead letters = what was read")
    for column in table.columns:
        column.justify = "right"
    for part in proof.partitions:
        counts = (part.first, part.progress, part.earliest, part.end, part.main, part.late, part.dead_letters)
        wrong = (part.doubled, part.missing, part.unexpected, part.unproved)
        marked = [f"[red]{count:,}[/red]" if count else "0" for count in wrong]
        table.add_row(str(part.partition), *(f"{count:,}" for count in counts), *marked)
    console.print(table)
    verdict, code = _verdict(holds=proof.holds, decided=proof.decided)
    console.print(verdict)
    raise typer.Exit(code)


def _verdict(*, holds: bool, decided: bool) -> tuple[str, int]:
    if not holds:
        return "[red]The tables do not hold what the topic holds.[/red] The columns in red say where.", 1
    if not decided:
        return "[yellow]Not decided:[/yellow] offsets in red are no longer retained, so nothing can be compared.", 2
    return "[green]Every offset stands in exactly one table.[/green]", 0
