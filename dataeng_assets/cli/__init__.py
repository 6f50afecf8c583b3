"""`dataeng`: one module per command, no logic.

A command imports what it needs when it runs, so that `dataeng --help` answers at once.
"""

from importlib.metadata import version
from typing import Annotated

import typer

from dataeng_assets.cli import (
    advise,
    analyze,
    contract,
    demo,
    discover,
    doctor,
    generate,
    metrics,
    prepare,
    quality,
    replay,
    report,
    sample,  # sample
    schemas,
    services,
    sql,
    stream,
    topics,
    validate,
    verify,
)

app = typer.Typer(
    name="dataeng",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
)
app.command()(advise.advise)
app.command()(services.up)
app.command()(services.down)
app.command()(services.status)
app.add_typer(sample.app, name="sample")  # sample
app.command()(analyze.analyze)
app.command()(demo.demo)
app.command()(discover.discover)
app.command()(doctor.doctor)
app.command()(generate.generate)
app.add_typer(metrics.app, name="metrics")
app.command()(prepare.prepare)
app.add_typer(quality.app, name="quality")
app.command()(replay.replay)
app.command()(report.report)
app.add_typer(schemas.app, name="schemas")
app.command()(sql.sql)
app.add_typer(stream.app, name="stream")
app.add_typer(topics.app, name="topics")
app.command()(validate.validate)
app.command()(verify.verify)
app.add_typer(contract.app, name="contract")


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"dataeng {version('dataeng-assets')}")
        raise typer.Exit


@app.callback()
def dataeng(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Run the platform on this machine, look into its tables, and prove what was delivered."""
