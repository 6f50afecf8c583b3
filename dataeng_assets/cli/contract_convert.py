"""`dataeng contract convert`: what others wrote about a table as a contract, and a contract as others read it."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Forms = Literal[
    "odcs",
    "json-schema",
    "ddl-postgres",
    "ddl-duckdb",
    "ddl-snowflake",
    "ddl-bigquery",
    "ddl-spark",
    "dbt",
    "avro",
    "gx",
]


def convert(
    document: Annotated[
        str, typer.Argument(help="ODCS, JSON Schema, GX suite, dbt file, simple contract; or FILE#TABLE.")
    ],
    to: Annotated[Forms, typer.Option("--to", help="The form that is wanted.")],
    output: Annotated[
        Path | None, typer.Option("--output", help="File to write to; the terminal when not given.")
    ] = None,
) -> None:
    """Write a document about tables in another form; what that form has no words for is listed on standard error.

    Reads ODCS, JSON Schema (drafts 4 to 2020-12), a suite of Great Expectations (JSON), a properties file of dbt, and
    the simple form. Exits 0, and 2 when the document cannot be read or written so.

    Examples:

      dataeng contract convert schemas/sales.json --to odcs --output contracts/sales.yaml

      dataeng contract convert contracts/sales.yaml --to ddl-postgres

      dataeng contract convert dbt/models/marts/fct_orders.yml --to gx --output fct_orders.json
    """
    from rich.console import Console

    from dataeng_assets.contracts.convert.forms import NotConverted, told
    from dataeng_assets.contracts.convert.forms import convert as written_as
    from dataeng_assets.contracts.errors import ContractError

    try:
        written = written_as(document, to)
        if output:
            output.parent.mkdir(parents=True, exist_ok=True)
            output.write_text(written.text, encoding="utf-8")
    except (ContractError, NotConverted, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
    if not output:
        typer.echo(written.text, nl=False)
    console = Console(stderr=True, highlight=False)
    if output:
        console.print(f"Written to {output}.", markup=False, soft_wrap=True)
    if written.unsaid:
        console.print(f"{len(written.unsaid)} not carried over:", markup=False)
    for left in written.unsaid:
        console.print(f"  {told(left)}", markup=False, soft_wrap=True)
