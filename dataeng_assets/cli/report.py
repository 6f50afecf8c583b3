"""`dataeng report`: a static site about the quality of all tables."""

from pathlib import Path
from typing import Annotated

import typer


def report(
    output: Annotated[
        Path | None, typer.Option("--output", help="Folder of the site; `report` in the state folder when not given.")
    ] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Show the first page in the browser.")] = False,
) -> None:
    """Write pages that people read: an overview, and for each table its results, trends, contract and lineage.

    The pages need no server and nothing from the network. Exits 2 when nothing could be written.

    Examples:

      dataeng report

      dataeng report --output site --open
    """
    from datetime import UTC, datetime

    from dataeng_assets.definitions import defs
    from dataeng_assets.lake.location import Lake
    from dataeng_assets.orchestration.catalogue import catalogue
    from dataeng_assets.quality.report.gather import stories
    from dataeng_assets.quality.report.site import FolderRefused, folder, pages, write

    now = datetime.now(UTC)
    platform = catalogue(defs())
    found = stories(Lake.current(), platform, now=now)
    try:
        index = write(output or folder(), pages(found, platform, made_at=now)).resolve()
    except (FolderRefused, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    typer.echo(f"{index}\n{_told(len(found))}")
    if open_it:
        typer.launch(index.as_uri())


def _told(tables: int) -> str:
    if tables:
        return f"{tables} {'table was' if tables == 1 else 'tables were'} judged in the last 30 days."
    return "No table was judged in the last 30 days: begin with `dataeng validate`, or materialize one."
