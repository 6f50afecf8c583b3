"""Making a generated source live in the development environment, which is this project on this machine.

Writing its files belongs in `generate`.
"""

from collections.abc import Iterator
from pathlib import Path

from dataeng_assets.contracts.dbt_export import export
from dataeng_assets.generate.request import RequestRefused
from dataeng_assets.orchestration.dbt import dbt_project, prepare
from dataeng_assets.settings import ROOT, Settings


def deploy(folder: Path) -> Iterator[str]:
    """Tell dbt of the new tables, and parse the project, so that the next load has them; says what was done.

    Args:
        folder: where the source was written.

    Raises:
        RequestRefused: that is not this project, or this is not the local environment.
    """
    settings = Settings.load()
    if not settings.is_local:
        raise RequestRefused(f"--tier 1 deploys to development, and DATAENG_ENV is {settings.env}. Ask for --tier 2.")
    if folder.resolve() != ROOT:
        raise RequestRefused(f"--tier 1 deploys into this project: give --output {ROOT}, or ask for --tier 2.")
    for path, text in export(ROOT / "dataeng_assets" / "defs", ROOT / "dbt" / "models" / "staging").items():
        if path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            yield f"written anew: {path.relative_to(ROOT)}"
    project = dbt_project()
    prepare(project)
    yield f"Prepared {project.manifest_path}: reload the code location."
