"""`dataeng contract infer`: a first contract, proposed from the data itself."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

_Input = Annotated[
    str, typer.Argument(metavar="INPUT", help="File, glob, folder, Delta table, or table of a database.")
]
_IsTable = Annotated[bool, typer.Option("--table", help="INPUT is the name of a table of this platform.")]
_Name = Annotated[str, typer.Option("--name", help="What the table is called; the file's name by default.")]
_Output = Annotated[Path | None, typer.Option("--output", help="File to write to, which must not be there yet.")]


def infer(input_: _Input, table: _IsTable = False, name: _Name = "", output: _Output = None) -> None:
    """Propose a contract (ODCS, status draft) that the data keeps today, for a person to review.

    Types, required columns, a key, accepted values, forms and lengths where the data shows them clearly. Columns that
    probably tell who a person is are marked, and none of their values is written. Exits 0, and 2 when the input cannot
    be read.

    Examples:

      dataeng contract infer data/orders.csv.gz --output contracts/orders.yaml

      dataeng contract infer "postgresql://reader@db.example/crm#sales.customers" --name customers

      dataeng contract infer fct_orders --table
    """
    from rich.console import Console

    from dataeng_assets.cli.progress import told_while
    from dataeng_assets.quality.connection import connect
    from dataeng_assets.quality.infer import profile_of
    from dataeng_assets.quality.inputs.opened import InputUnreadable
    from dataeng_assets.quality.propose import proposal_text, propose
    from dataeng_assets.quality.written.profile_table import rendered

    console = Console(stderr=True, highlight=False)
    try:
        if output and output.exists():
            raise FileExistsError(f"{output} is there, and may have been reviewed. Nothing was written. Name another.")
        with connect() as connection, told_while(connection, f"Profiling {input_}"):
            found = profile_of(connection, input_, table=table, name=name)
        proposed = propose(found)
        text = proposal_text(found, proposed)
        if output:
            output.parent.mkdir(parents=True, exist_ok=True)
            output.write_text(text, encoding="utf-8")
    except (InputUnreadable, OSError) as error:
        console.print(str(error), style="red", markup=False)
        raise typer.Exit(2) from None
    console.print(rendered(found, width=console.width))
    if output:
        judge = f"--{'table' if table else 'input'} {shlex.quote(input_)}"
        told = f"Written to {output}: review it, then: dataeng validate {judge} --schema {output}"
        console.print(told, markup=False, soft_wrap=True)
    else:
        typer.echo(text, nl=False)
