"""`dataeng prepare`: the dbt manifest, made anew."""

from typing import Annotated

import typer


def prepare(
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing when all is well.")] = False,
) -> None:
    """Parse the dbt project, so that the code location loads at once. Run it when building an image.

    Examples:

      dataeng prepare

      dataeng prepare --quiet
    """
    from dataeng_assets.orchestration.dbt import dbt_project
    from dataeng_assets.orchestration.dbt import prepare as parse

    project = dbt_project()
    parse(project)
    if not quiet:
        typer.echo(f"Prepared {project.manifest_path}")
