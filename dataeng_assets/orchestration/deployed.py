"""Making what was generated live in a development environment: this project on this machine, or an Airflow whose own
database says that it is no production. Writing files belongs in `generate`.
"""

from collections.abc import Iterator
from configparser import ConfigParser
from configparser import Error as ConfigError
from pathlib import Path

from dataeng_assets.contracts.dbt_export import export
from dataeng_assets.generate.pipeline import Generated
from dataeng_assets.generate.request import Kind, Request, RequestRefused, Tier
from dataeng_assets.generate.written import State, compared, write
from dataeng_assets.settings import ROOT, Settings, outside_address

_BY_HAND = {
    Kind.PREFECT: "`python {name}.py` serves the flow from where it lies",
    Kind.DBT: "`dbt build` in its folder makes the models where profiles.yml says",
}


def refuse_deployment(request: Request, folder: Path) -> None:
    """Refuse to deploy what cannot be, or into anything but a development environment; the other tiers deploy nothing.

    Args:
        request: what was asked for.
        folder: where the files are to be written.

    Raises:
        RequestRefused: says what to do instead.
    """
    if request.tier is not Tier.DEPLOYS:
        return
    settings = Settings.load()
    if not settings.is_local:
        raise RequestRefused(f"--tier 1 deploys to development, and DATAENG_ENV is {settings.env}. Ask for --tier 2.")
    if request.kind is Kind.AIRFLOW:
        _dags_folder()
    elif request.kind is not Kind.DAGSTER:
        by_hand = _BY_HAND.get(request.kind, "README.md has the commands").format(name=request.name)
        raise RequestRefused(f"--tier 1 does not deploy --type {request.kind}. Ask for --tier 2; then {by_hand}.")
    elif folder.resolve() != ROOT:
        raise RequestRefused(f"--tier 1 deploys into this project: give --output {ROOT}, or ask for --tier 2.")


def deploy(request: Request, generated: Generated, folder: Path) -> Iterator[str]:
    """Make what was written live if that was asked for, and say what was done.

    Args:
        request: what was asked for.
        generated: the files, as they lie in the folder.
        folder: where they were written.

    Raises:
        RequestRefused: as `refuse_deployment` does.
    """
    refuse_deployment(request, folder)
    if request.tier is not Tier.DEPLOYS:
        return
    if request.kind is Kind.AIRFLOW:
        yield from _copy_to_airflow(request, generated, folder)
    else:
        yield from _prepare_project()


def _prepare_project() -> Iterator[str]:
    """Tell dbt of the new tables, and parse the project, so that the next load has them."""
    # loads Dagster, which the other kinds do not need
    from dataeng_assets.orchestration.dbt import dbt_project, prepare

    for path, text in export(ROOT / "dataeng_assets" / "defs", ROOT / "dbt" / "models" / "staging").items():
        if path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            yield f"written anew: {path.relative_to(ROOT)}"
    project = dbt_project()
    prepare(project)
    yield f"Prepared {project.manifest_path}: reload the code location."


def _copy_to_airflow(request: Request, generated: Generated, folder: Path) -> Iterator[str]:
    dags = _dags_folder()
    if folder.resolve() != dags.resolve():
        files = compared(generated, dags, request.name)
        for file in files:
            if file.state is State.EDITED:
                yield f"edited by a person, and left as it is: {file.path}"
        for file in write(files, dags, request.name):
            yield f"deployed: {file.path}"
    yield f"Airflow finds the DAG {request.name} in {dags}; README.md says which connections it needs."


def _dags_folder() -> Path:
    """The folder of DAGs of the Airflow that AIRFLOW_HOME names.

    Raises:
        RequestRefused: it names none, or one that is not on SQLite, which Airflow takes for development only.
    """
    said = outside_address("AIRFLOW_HOME")
    if not said:
        raise RequestRefused(
            "--tier 1 copies a DAG into the Airflow that AIRFLOW_HOME names, and it is not set. Set it, or ask for "
            "--tier 2."
        )
    home = Path(said).expanduser()
    if not home.is_dir():
        raise RequestRefused(f"AIRFLOW_HOME is {home}, and there is no such folder. Correct it, or ask for --tier 2.")
    config = ConfigParser(interpolation=None, strict=False)
    try:
        config.read(home / "airflow.cfg", encoding="utf-8")
    except (ConfigError, UnicodeDecodeError) as error:
        raise RequestRefused(f"{home / 'airflow.cfg'} cannot be read. Correct it, or ask for --tier 2.") from error
    kept_elsewhere = any(_option(config, "database", f"sql_alchemy_conn_{one}") for one in ("cmd", "secret"))
    if kept_elsewhere or not _option(config, "database", "sql_alchemy_conn", "sqlite:").startswith("sqlite:"):
        raise RequestRefused(
            f"--tier 1 deploys to development, and the Airflow in {home} keeps its state in a database that is no "
            "SQLite, so it may be production. Ask for --tier 2, and copy the files as README.md says."
        )
    return Path(_option(config, "core", "dags_folder", str(home / "dags"))).expanduser()


def _option(config: ConfigParser, section: str, name: str, default: str = "") -> str:
    """An option of Airflow: its variable comes before its file, as in Airflow itself."""
    said = outside_address(f"AIRFLOW__{section.upper()}__{name.upper()}")
    return said or config.get(section, name, fallback="") or default
