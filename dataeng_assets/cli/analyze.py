"""`dataeng analyze`: what makes SQL slow or wrong, with evidence."""

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from dataeng_assets.analyze.engines import Engine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataeng_assets.analyze.analysis import Analysis


class Format(StrEnum):
    """How findings are printed."""

    TABLE = "table"
    JSON = "json"


_Query = Annotated[str, typer.Option("--query", help="SQL file, folder with SQL files, or - for standard input.")]
_Engine = Annotated[Engine, typer.Option("--engine", help="Where the SQL runs.")]
_Recommend = Annotated[bool, typer.Option("--recommend", help="Show rewrites, each with what is known of it.")]
_Format = Annotated[Format, typer.Option("--format", help="How findings are printed.")]


def analyze(
    query: _Query,
    engine: _Engine = Engine.SPARK,
    recommend: _Recommend = False,
    format_: _Format = Format.TABLE,
) -> None:
    """Say what makes SQL slow or wrong on an engine, where exactly, and why.

    Exits 0 when nothing was found, 1 when something was, 2 when something could not be read.

    Examples:

      dataeng analyze --query queries/daily_aggregation.sql --engine spark --recommend

      dataeng analyze --query queries --engine snowflake --format json
    """
    from dataeng_assets.analyze.analysis import analyze as analyzed
    from dataeng_assets.analyze.reading import SourceUnreadable, texts
    from dataeng_assets.analyze.rewrites import recommended

    try:
        read = texts(query)
    except SourceUnreadable as error:
        _stop(str(error))
    by = recommended if recommend else None
    analyses = [analyzed(text, engine, file=file, recommend=by) for file, text in read]
    _show(analyses, format_)
    if any(one.unread for one in analyses):
        raise typer.Exit(2)
    raise typer.Exit(1 if any(one.findings for one in analyses) else 0)


def _show(analyses: "Sequence[Analysis]", format_: Format) -> None:
    from rich.console import Console

    from dataeng_assets.analyze.output.json_report import json_report
    from dataeng_assets.analyze.output.table import rendered

    if format_ is Format.JSON:
        typer.echo(json_report(analyses))
        return
    Console(highlight=False).print(rendered(analyses))


def _stop(reason: str) -> NoReturn:
    from rich.console import Console

    Console(stderr=True).print(reason, style="red", markup=False, highlight=False)
    raise typer.Exit(2)
