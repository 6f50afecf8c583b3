"""`dataeng doctor`: print causes of trouble, with proof and remedy."""

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from dataeng_assets.doctor.finding import Finding, Report


class Format(StrEnum):
    """How findings are printed."""

    TABLE = "table"
    JSON = "json"


def doctor(
    asset: Annotated[
        str, typer.Argument(help="Look at this asset and all that it hangs on only.", show_default=False)
    ] = "",
    run: Annotated[str, typer.Option(help="Explain one run: its id, or the beginning of it.", show_default=False)] = "",
    file: Annotated[
        Path | None,
        typer.Option(help="Look at a log instead of the platform; it may be compressed.", show_default=False),
    ] = None,
    fix: Annotated[bool, typer.Option("--fix", help="Do what is safe about it, and say what was done.")] = False,
    output: Annotated[Format, typer.Option("--format", help="How to print what was found.")] = Format.TABLE,
) -> None:
    """Name the causes of trouble, each with its proof, its remedy and its page in docs/runbook.

    Looks at runs, pools, freshness, checks, streams, tables, sources, disks and dbt's results; or at a log of Dagster,
    dbt, Spark, Flink, Kafka, Postgres, Airflow or the platform. What could not be looked at is always named.

    Exits 0 when nothing is wrong, 1 when something was found, 2 when nothing was found and not everything could be
    looked at.

    Examples:

      dataeng doctor

      dataeng doctor gold.fct_orders

      dataeng doctor --run 1a2b3c4d

      dataeng doctor --file spark.log.gz --format json
    """
    from rich.console import Console

    from dataeng_assets.doctor.diagnose import Asked, NotFound, diagnose

    console, beside = Console(), Console(stderr=True)
    try:
        asked = Asked(asset, run, file, fix=fix)
        with beside.status("looking …") as status:
            report, done = diagnose(asked, lambda what: status.update(f"looking at {what} …"))
    except NotFound as error:
        beside.print(str(error), style="red", markup=False)
        raise typer.Exit(2) from error
    if output is Format.JSON:
        typer.echo(json.dumps({**report.as_data(), "done": list(done)}, indent=2))
    else:
        _show(console, report)
        for line in done:
            console.print(f"Done: {line}.", markup=False)
    raise typer.Exit(report.exit_code)


def _show(console: "Console", report: "Report") -> None:
    for one in report.findings:
        _show_finding(console, one)
    for looked in report.looked:
        console.print(
            f"Looked at {looked.count:,} {looked.what}.", style="dim", markup=False, highlight=False, soft_wrap=True
        )
    for missed in report.not_looked:
        console.print(
            f"Could not look at {missed.what}: {missed.why}",
            style="yellow",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    console.print(_verdict(report))


def _show_finding(console: "Console", finding: "Finding") -> None:
    from rich.padding import Padding
    from rich.text import Text

    from dataeng_assets.causes.catalogue import CAUSES

    cause = CAUSES[finding.cause]
    console.print(
        Text(f"✗ {cause.title}", style="bold red").append(f"  {finding.where}", style="not bold bright_black")
    )
    for paragraph in (*finding.proof, cause.remedy[0].text):
        console.print(Padding(Text(paragraph), (0, 0, 0, 2)))
    # what is to be copied stays in one line
    for command in finding.commands:
        console.print(Text(f"    {command}", style="cyan"), soft_wrap=True)
    console.print(Text(f"  {finding.page}\n", style="bright_black"), soft_wrap=True)


def _verdict(report: "Report") -> str:
    if report.findings:
        return f"[red]{len(report.findings)} found.[/red] Each page has the whole remedy."
    if report.not_looked:
        return "[yellow]Nothing was found, and not everything could be looked at.[/yellow]"
    return "[green]Nothing is wrong.[/green]"
