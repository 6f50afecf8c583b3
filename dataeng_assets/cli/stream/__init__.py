"""`dataeng stream`: what a person does to a stream; one module per command."""

import typer

from dataeng_assets.cli.stream import accept_gap, produce, record, restore, run, savepoint

app = typer.Typer(no_args_is_help=True, help="Look after a stream: its topic's records, and its tables.")
app.command()(accept_gap.accept_gap)
app.command()(savepoint.drop_savepoint)
app.command()(produce.produce)
app.command()(record.record)
app.command()(restore.reset)
app.command()(restore.restore)
app.command()(run.run)
app.command()(savepoint.savepoint)
app.command()(savepoint.savepoints)
