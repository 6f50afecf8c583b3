"""`dataeng`: one module per command, no logic.

A command imports what it needs when it runs, so that `dataeng --help` answers at once.
"""

import typer

from dataeng_assets.cli import demo, discover, prepare, sample, services, sql, verify

app = typer.Typer(
    name="dataeng",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    help="Run the platform on this machine, look into its tables, and prove what was delivered.",
)
app.command()(services.up)
app.command()(services.down)
app.command()(services.status)
app.add_typer(sample.app, name="sample")
app.command()(demo.demo)
app.command()(discover.discover)
app.command()(prepare.prepare)
app.command()(sql.sql)
app.command()(verify.verify)
