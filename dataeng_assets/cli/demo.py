"""`dataeng demo`: from nothing to a green lineage."""

import sys
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from dataeng_assets.orchestration.runs import AssetState

NOTHING_DECLARED = (
    "Nothing is declared yet, so there is nothing to materialize. Declare a database: "
    "[bold]dataeng discover ADDRESS --schema NAME[/]; a topic: "
    "[bold]dg scaffold defs dataeng_assets.components.KafkaTopicComponent NAME[/]. Then run this again."
)


def demo() -> None:
    """Start the local services, materialize the whole lineage, and show what came out of it.

    Running it again appends nothing that is already there. Ends with status 1 unless every asset and check is green.

    Examples:

      dataeng demo
    """
    from dataeng_assets.cli import services
    from dataeng_assets.cli.sample import fill  # sample
    from dataeng_assets.orchestration.lake_upkeep import FILES_KEY

    console = Console(file=sys.stdout)  # as it is now: runs redirect what their tools print
    started = time.monotonic()
    services.up()
    fill()  # sample
    with console.status("Loading the definitions …") as status:

        def notice(line: str) -> None:
            status.update(line)
            console.print(f"[dim]{time.monotonic() - started:6.1f} s[/]  {line}", highlight=False)

        states = _materialize(notice)
    if {state.key for state in states} <= {".".join(FILES_KEY)}:  # the platform's own, which needs no source
        console.print(NOTHING_DECLARED)
        raise typer.Exit(0)
    console.print(_table(states))
    is_green = all(state.is_green for state in states)
    verdict = f"All {len(states)} assets are green." if is_green else "[red]Not everything is green.[/]"
    console.print(f"{verdict} {time.monotonic() - started:.0f} s. Look at the lineage and its runs: [bold]make dev[/]")
    raise typer.Exit(0 if is_green else 1)


def _materialize(notice: Callable[[str], None]) -> "tuple[AssetState, ...]":
    from dataeng_assets.definitions import defs
    from dataeng_assets.orchestration.lineage import materialize
    from dataeng_assets.orchestration.runs import open_instance

    return materialize(defs(), open_instance(), notice)


def _table(states: "Iterable[AssetState]") -> Table:
    table = Table("asset", "rows", "seconds", "checks", box=None, header_style="bold")
    for column in (1, 2):
        table.columns[column].justify = "right"
    for state in states:
        colour = "green" if state.is_green else "red"
        checks = f"{state.passed} passed" + (f", not: {', '.join(state.failed)}" if state.failed else "")
        checks += f", not yet judged: {', '.join(state.undecided)}" if state.undecided else ""
        checks += ", [yellow]unusual: see no_anomaly[/]" if state.unusual else ""
        table.add_row(
            f"[{colour}]{'●' if state.materialized else '○'}[/] {state.key}",
            "" if state.rows is None else f"{state.rows:,}",
            "unchanged" if state.seconds is None else f"{state.seconds:.1f}",
            f"[{colour}]{checks}[/]",
        )
    return table
