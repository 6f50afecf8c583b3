"""`dataeng validate`: judge a file, folder or table by a contract."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from dataeng_assets.quality.written.formats import Format

if TYPE_CHECKING:
    from dataeng_assets.quality.results import TableResult


_Input = Annotated[str, typer.Option("--input", help="File, glob, folder, Delta table, or table of a database.")]
_Table = Annotated[str, typer.Option("--table", help="Table of this platform, such as fct_orders.")]
_Schema = Annotated[
    str, typer.Option("--schema", help="Contract, JSON Schema, GX suite or dbt file; #TABLE where it has several.")
]
_Checks = Annotated[
    str, typer.Option("--checks", help="What to check, by commas: freshness, completeness, … or names of rules.")
]
_References = Annotated[
    list[str] | None, typer.Option("--reference", help="NAME=PATH of another table that rules name.")
]
_Output = Annotated[Path | None, typer.Option("--output", help="File to write the result to.")]
_Format = Annotated[Format | None, typer.Option("--format", help="Of the output; by its ending when not given.")]
_EveryRule = Annotated[bool, typer.Option("--every-rule", help="Show the rules that hold, too.")]


def validate(
    input_: _Input = "",
    table: _Table = "",
    schema: _Schema = "",
    checks: _Checks = "all",
    reference: _References = None,
    output: _Output = None,
    format_: _Format = None,
    every_rule: _EveryRule = False,
) -> None:
    """Judge data by a contract: exit 0 when it holds, 1 when it is violated, 2 when that could not be decided.

    Without --schema an input is profiled, which ends with 0 as nothing is demanded; a table is judged by its own rules.
    Such a judgement of a table of the lake is kept for the report, unless --checks or --reference make it another one.
    In Postgres, presence, ranges, sets, lengths, comparisons, counts, sums and uniqueness of exact types are judged by
    the server; only the columns that other rules need are copied. The result is the same.

    Examples:

      dataeng validate --input data/sales.parquet --schema schemas/sales.json --checks freshness,completeness,uniqueness

      dataeng validate --table fct_orders --checks all --output reports/quality_report.json

      dataeng validate --input "exports/*.csv.gz" --schema contracts/orders.yaml --format junit --output orders.xml
    """
    if bool(input_) == bool(table):
        _stop("Name what to judge: either --input or --table.")
    if input_ and not schema:
        if checks != "all" or output or format_ or reference or every_rule:
            _stop("Without rules nothing is judged. Name them: --schema FILE. `dataeng contract infer` proposes some.")
        _profile(input_)
        return
    references = dict(pair.partition("=")[::2] for pair in reference or ())
    if not all(references.values()):
        _stop("Say where a table is as NAME=PATH, such as --reference customers=data/customers.parquet.")
    wanted = [word.strip() for word in checks.split(",") if word.strip()]
    result = _judged(input_, table, schema, wanted, references)
    _show([result], output, format_, every_rule=every_rule)
    if table:
        _keep(result, wanted, own_rules=not (schema or references))
    raise typer.Exit(result.overall.exit_code)


def _judged(
    input_: str, table: str, schema: str, wanted: Sequence[str], references: Mapping[str, str]
) -> "TableResult":
    from dataeng_assets.cli.progress import told_while
    from dataeng_assets.contracts.errors import ContractError
    from dataeng_assets.quality.connection import connect
    from dataeng_assets.quality.inputs.opened import InputUnreadable
    from dataeng_assets.quality.selection import NothingToCheck
    from dataeng_assets.quality.validate import SuiteUnknown, find_suite, validate, validate_table

    try:
        with connect() as connection, told_while(connection, f"Judging {input_ or table}"):
            suite = find_suite(schema, Path(input_ or table).stem) if schema else None
            if suite is not None and input_:
                return validate(connection, input_, suite, checks=wanted, references=references)
            return validate_table(connection, table, suite=suite, checks=wanted, references=references)
    except (InputUnreadable, ContractError, NothingToCheck, SuiteUnknown) as error:
        _stop(str(error))


def _profile(input_: str) -> None:
    """Show what the data looks like, and how it gets rules."""
    from rich.console import Console

    from dataeng_assets.cli.progress import told_while
    from dataeng_assets.quality.connection import connect
    from dataeng_assets.quality.infer import profile_of, table_name
    from dataeng_assets.quality.inputs.opened import InputUnreadable
    from dataeng_assets.quality.written.profile_table import rendered

    try:
        with connect() as connection, told_while(connection, f"Profiling {input_}"):
            found = profile_of(connection, input_)
    except InputUnreadable as error:
        _stop(str(error))
    console = Console(highlight=False)
    console.print(rendered(found, width=console.width))
    contract = f"contracts/{table_name(input_)}.yaml"
    for line in (
        "Nothing was demanded, so nothing was judged: this is what the data looks like. To have it judged:",
        f"  dataeng contract infer {shlex.quote(input_)} --output {contract}",
        f"  dataeng validate --input {shlex.quote(input_)} --schema {contract}",
    ):
        console.print(line, markup=False, soft_wrap=True)


def _show(results: "Sequence[TableResult]", output: Path | None, form: Format | None, *, every_rule: bool) -> None:
    """The document on standard output where it was asked for, else for people, and the document in its file."""
    from rich.console import Console

    from dataeng_assets.quality.written.formats import format_of, written
    from dataeng_assets.quality.written.table import rendered

    if form and not output:
        typer.echo(written(results, form))
        return
    console = Console()
    console.print(rendered(results, width=console.width, every_rule=every_rule))
    if output:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(written(results, form or format_of(output)), encoding="utf-8")
        console.print(f"Written to {output}", markup=False, highlight=False)


def _keep(result: "TableResult", checks: Sequence[str], *, own_rules: bool) -> None:
    """Said beside the result, which alone stands on standard output."""
    from dataeng_assets.lake.location import Lake
    from dataeng_assets.quality.by_hand import keep

    typer.echo(keep(Lake.current(), result, checks=checks, own_rules=own_rules), err=True)


def _stop(reason: str) -> NoReturn:
    """End as undecided: nothing was judged."""
    from rich.console import Console

    Console(stderr=True).print(reason, style="red", markup=False, highlight=False)
    raise typer.Exit(2)
