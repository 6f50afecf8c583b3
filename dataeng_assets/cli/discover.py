"""`dataeng discover`: a live database becomes a source of the platform."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

if TYPE_CHECKING:
    from dataeng_assets.extract.declare import Written
    from dataeng_assets.extract.discover import Discovered


_Url = Annotated[str, typer.Argument(help="Address of the database; when it is not given, the one in the variable.")]


def discover(
    url: _Url = "",
    schema: Annotated[str, typer.Option(help="Schema of the tables.")] = "public",
    name: Annotated[str, typer.Option(help="Name of the source; the schema's, or the database's for public.")] = "",
    tables: Annotated[str, typer.Option(help="Only these tables, with commas between.")] = "",
    output: Annotated[Path | None, typer.Option(help="Folder to write to; defs/NAME when not given.")] = None,
    variable: Annotated[str, typer.Option(help="Variable that holds the address; DATAENG_NAME_URL by default.")] = "",
    owner: Annotated[str, typer.Option(help="Who answers for the tables: a team, or an address.")] = "data",
    force: Annotated[bool, typer.Option("--force", help="Overwrite files that are there.")] = False,
) -> None:
    """Write defs.yaml and a contract per table from what a Postgres says of itself. No row is read.

    A file that is there stays as it is. What cannot be copied is listed, with the reason and what would change that.
    The address is written nowhere: defs.yaml names the variable that holds it.

    Examples:

      dataeng discover postgresql://reader@db.example:5432/crm --schema sales

      dataeng discover --variable DATAENG_CRM_URL --name crm --tables customers,orders
    """
    from dataeng_assets.extract import declare
    from dataeng_assets.extract.discover import discover as decide
    from dataeng_assets.extract.discover import source_name
    from dataeng_assets.postgres.connect import connect
    from dataeng_assets.postgres.errors import SourceError
    from dataeng_assets.postgres.tables import describe_tables
    from dataeng_assets.settings import ROOT, SettingMissing
    from dataeng_assets.settings import variable as value_of

    _refuse_unclear(url, variable, name)
    try:
        address = url or value_of(variable or declare.url_variable_of(name))
        with connect(address, "dataeng discover") as connection:
            described = describe_tables(connection, schema, [part.strip() for part in tables.split(",") if part])
            source = name or source_name(schema, connection.info.dbname)
        folder = (output or ROOT / "dataeng_assets" / "defs" / source).resolve()
        found = decide(described, source=source, schema=schema, folder=folder / "contracts", owner=owner)
        kept_in = variable or declare.url_variable_of(source)
        written = declare.write_declaration(found, folder, kept_in, overwrite=force) if found.contracts else None
    except (SourceError, SettingMissing, declare.DeclaredOtherwise) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    _print_found(found, written)
    console = Console(highlight=False)
    if not written:
        console.print(f"[red]Nothing of {escape(schema)} can be copied as it is; nothing was written.[/]")
        raise typer.Exit(1)
    console.print(_next_steps(written, folder, kept_in, address), markup=False, soft_wrap=True)


def _refuse_unclear(url: str, variable: str, name: str) -> None:
    if name and not re.fullmatch("[a-z][a-z0-9_]*", name):
        raise typer.BadParameter("a name is small letters, digits and underscores", param_hint="--name")
    if not (url or variable or name):
        raise typer.BadParameter("give the address, or the variable that holds it", param_hint="URL")


def _print_found(found: "Discovered", written: "Written | None") -> None:
    console = Console(highlight=False)
    if written:
        console.print(_tables(found, written))
    for line in _remarks(found):
        console.print(line, soft_wrap=True)


def _tables(found: "Discovered", written: "Written") -> Table:
    shown = Table("table", "columns", "key", "changes seen by", "personal", "contract", box=None, header_style="bold")
    shown.columns[1].justify = "right"
    for contract in found.contracts:
        shown.add_row(
            escape(contract.name),
            str(len(contract.columns)),
            escape(", ".join(contract.key)),
            escape(found.watermarks[contract.name] or "comparing the whole table"),
            escape(", ".join(column.name for column in contract.columns if column.personal)),
            "[green]written[/]" if contract.path in written.new else "[dim]kept as it was[/]",
        )
    return shown


def _remarks(found: "Discovered") -> Iterator[str]:
    """What is left out, tables with the same reason together, and what stands in the way of a watermark."""
    reasons: dict[str, list[str]] = {}
    for left in found.left_out:
        reasons.setdefault(left.reason, []).append(left.name)
    for reason, names in reasons.items():
        yield f"[yellow]left out[/] {escape(', '.join(names))}: {escape(reason)}"
    for left in found.nearly:
        yield f"[yellow]note[/] {escape(left.name)}: {escape(left.reason)}"


def _next_steps(written: "Written", folder: Path, variable: str, address: str) -> str:
    from dataeng_assets.contracts.yaml_text import yaml_text
    from dataeng_assets.postgres.connect import without_password
    from dataeng_assets.settings import SettingMissing
    from dataeng_assets.settings import variable as value_of

    here = folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
    lines = ["", f"{len(written.new)} files written to {here}, {len(written.kept)} kept as they were. Next:"]
    try:
        is_set = value_of(variable) == address
    except SettingMissing:
        is_set = False
    if not is_set:
        lines.append(f"  a line for .env: {variable}={without_password(address)}")
    if written.unsaid:
        options = "\n".join(f"    {line}" for line in yaml_text({"tables": written.unsaid}).splitlines())
        lines.append(f"  lines for defs.yaml, which was kept as it was:\n{options}")
    lines += [
        "  read the contracts: descriptions, owner, what is personal, whether the watermark moves with every change",
        "  tell dbt: python -m dataeng_assets.contracts.dbt_export",
        "  see it: make dev, then materialize the tables",
    ]
    return "\n".join(lines)
