"""`dataeng generate`: pipelines written from contracts."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from dataeng_assets.generate.asked import Asked
    from dataeng_assets.generate.pipeline import Generated, Pipeline
    from dataeng_assets.generate.written import File

_SYSTEMS = "From where, to where"
_WHICH = "Which tables"
_RUNS = "How it runs"
_FILES = "Files"

_Kind = Annotated[
    str,
    typer.Option(
        "--type",
        help="dagster, airflow, prefect, spark-streaming, flink-sql, ksqldb, kafka-connect, dbt or kafka-producer.",
        rich_help_panel=_SYSTEMS,
    ),
]
_Source = Annotated[
    str,
    typer.Option(
        help="postgres, kafka, kinesis, pubsub or files; the type's usual one if not given.", rich_help_panel=_SYSTEMS
    ),
]
_Destination = Annotated[
    str,
    typer.Option(
        help="duckdb, delta, iceberg, postgres, snowflake, bigquery, redshift, databricks or kafka; the type's usual "
        "one if not given.",
        rich_help_panel=_SYSTEMS,
    ),
]
_Mode = Annotated[
    str,
    typer.Option(
        help="full, incremental, changes or streaming; the type's usual one if not given.", rich_help_panel=_SYSTEMS
    ),
]
_Tier = Annotated[
    str,
    typer.Option(
        help="1 may deploy to development, 2 writes for review, 3 opens no connection; 2 if not given.",
        rich_help_panel=_SYSTEMS,
    ),
]
_Tables = Annotated[
    str,
    typer.Option(help="Only these tables or topics, with commas between; all if not given.", rich_help_panel=_WHICH),
]
_Name = Annotated[
    str,
    typer.Option(help="Of the source: a folder in defs/, or what a new one is to be called.", rich_help_panel=_WHICH),
]
_Schema = Annotated[
    str,
    typer.Option(
        help="Look the tables up in this schema of the database, not in the contracts.", rich_help_panel=_WHICH
    ),
]
_Variable = Annotated[
    str,
    typer.Option(
        help="Environment variable with the database's address; DATAENG_NAME_URL if not given.",
        rich_help_panel=_WHICH,
    ),
]
_Watermark = Annotated[
    str,
    typer.Option(help="Column that moves whenever a row changes; as declared if not given.", rich_help_panel=_WHICH),
]
_Schedule = Annotated[
    str, typer.Option(help='Cron of five fields, UTC; "0 5 * * *" if not given.', rich_help_panel=_RUNS)
]
_Catchup = Annotated[
    bool, typer.Option("--catchup", help="Make up for the time before the first run.", rich_help_panel=_RUNS)
]
_Retries = Annotated[
    str, typer.Option(help="How often a failed step is tried again; 3 if not given.", rich_help_panel=_RUNS)
]
_RetryDelay = Annotated[
    str, typer.Option(help="Between two tries, such as 30s or 5m; 5m if not given.", rich_help_panel=_RUNS)
]
_Timeout = Annotated[str, typer.Option(help="Of one run, such as 45m or 2h; 2h if not given.", rich_help_panel=_RUNS)]
_Email = Annotated[
    str, typer.Option(help="Who is written to when a run failed, with commas between.", rich_help_panel=_RUNS)
]
_Notify = Annotated[
    str,
    typer.Option(help="Variables with the addresses of whoever is told of a success.", rich_help_panel=_RUNS),
]
_Owner = Annotated[
    str, typer.Option(help="Who answers for the pipeline: a team; data if not given.", rich_help_panel=_RUNS)
]
_Tags = Annotated[str, typer.Option(help="Of the pipeline, with commas between.", rich_help_panel=_RUNS)]
_Output = Annotated[
    Path | None,
    typer.Option(help="Folder for all files, or file for the pipeline, the rest beside it.", rich_help_panel=_FILES),
]
_DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say what would be written, and write nothing.", rich_help_panel=_FILES)
]
_Diff = Annotated[
    bool, typer.Option("--diff", help="Show how files would change, and write nothing.", rich_help_panel=_FILES)
]
_Overwrite = Annotated[
    bool,
    typer.Option("--overwrite", help="Overwrite files that were edited, without asking.", rich_help_panel=_FILES),
]


def generate(
    context: typer.Context,
    type_: _Kind,
    source: _Source = "",
    destination: _Destination = "",
    mode: _Mode = "",
    tier: _Tier = "",
    tables: _Tables = "",
    name: _Name = "",
    schema: _Schema = "",
    variable: _Variable = "",
    watermark: _Watermark = "",
    schedule: _Schedule = "",
    catchup: _Catchup = False,
    retries: _Retries = "",
    retry_delay: _RetryDelay = "",
    timeout: _Timeout = "",
    email_on_failure: _Email = "",
    notify: _Notify = "",
    owner: _Owner = "",
    tags: _Tags = "",
    output: _Output = None,
    dry_run: _DryRun = False,
    diff: _Diff = False,
    overwrite: _Overwrite = False,
) -> None:
    """Write a pipeline from contracts, or from what a live database says of itself.

    No row is read, and no secret is written. Without --output the files go to
    standard output. A file that a person has edited is never overwritten without
    asking.

    Exits 0, 1 when an edited file was left as it is though something new was
    generated for it, and 2 when something that was asked for does not exist.

    Examples:

      dataeng generate --type airflow --source postgres --destination snowflake

      dataeng generate --type prefect --schedule "30 4 * * *" --output flows

      dataeng generate --type dagster --name crm --schema sales --output .

      dataeng generate --type spark-streaming --source kafka --output jobs

      dataeng generate --type dbt --tables orders,customers --output wh --diff
    """
    from dataeng_assets.generate.asked import Asked

    asked = Asked(
        type_, source, destination, mode, tables, name, schema, variable, watermark, schedule,
        catchup="yes" if catchup else "", retries=retries, retry_delay=retry_delay, timeout=timeout,
        email_on_failure=email_on_failure, notify=notify, owner=owner, tags=tags, tier=tier,
    )  # fmt: skip
    if output is None and (diff or overwrite):
        typer.echo("--diff and --overwrite are about files that are there: say where with --output.", err=True)
        raise typer.Exit(2)
    _refuse_empty(context)
    with _refusals_told():
        pipeline, generated = _generated(asked, output)
        if output is None:
            _list(generated.files)
        else:
            _compare_and_write(pipeline, generated, output, diff=diff, dry_run=dry_run, overwrite=overwrite)


@contextmanager
def _refusals_told() -> Iterator[None]:
    """Say what cannot be generated and why, and end with 2."""
    from dataeng_assets.contracts.errors import ContractError
    from dataeng_assets.generate.request import RequestRefused
    from dataeng_assets.postgres.errors import SourceError
    from dataeng_assets.settings import SettingMissing

    try:
        yield
    except BrokenPipeError:
        raise  # whoever read the listing has seen enough: Typer ends without a word
    except (RequestRefused, SourceError, SettingMissing, ContractError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None


def _generated(asked: "Asked", output: Path | None) -> "tuple[Pipeline, Generated]":
    """The pipeline with its files; what its source has that cannot be a part of it is told."""
    from dataeng_assets.generate.kinds import kind_module
    from dataeng_assets.generate.written import is_file
    from dataeng_assets.orchestration.generated import pipeline_of

    is_program = output is not None and is_file(output) and output.suffix in (".py", ".sql", ".json")
    found = pipeline_of(asked, pipeline_name=output.stem if output and is_program else "")
    for left in found.left_out:
        typer.echo(f"left out {left.name}: {left.reason}", err=True)
    return found.pipeline, kind_module(found.pipeline.request.kind).files(found.pipeline)


def _compare_and_write(
    pipeline: "Pipeline", generated: "Generated", output: Path, *, diff: bool, dry_run: bool, overwrite: bool
) -> None:
    """Bring the files to where they belong, or only show what that would change."""
    from dataeng_assets.generate.written import compared, left_over, placed
    from dataeng_assets.orchestration.deployed import deploy, refuse_deployment

    name = pipeline.request.name
    folder, generated = placed(generated, output)
    files = compared(generated, folder, name)
    if diff or dry_run:
        _show(files, with_diff=diff)
        return
    refuse_deployment(pipeline.request, folder)
    for path in left_over(generated, folder, name):
        typer.echo(f"no longer generated, and left as it is: {path}", err=True)
    _write(files, folder, name, overwrite=overwrite)
    for line in deploy(pipeline.request, generated, folder):
        typer.echo(line)


def _refuse_empty(context: typer.Context) -> None:
    """An option that was given an empty text, as by a variable of the shell that is not set, is no option left out."""
    for name, value in context.params.items():
        source = context.get_parameter_source(name)
        if value == "" and source is not None and source.name == "COMMANDLINE":
            typer.echo(f"--{name.replace('_', '-')} was given nothing. Leave it out, or say what it is.", err=True)
            raise typer.Exit(2)


def _list(files: Mapping[PurePosixPath, str]) -> None:
    """Each file with its name above it."""
    for path, text in files.items():
        typer.echo(f"=== {path}\n{text}")


def _show(files: "list[File]", *, with_diff: bool) -> None:
    for file in files:
        if not with_diff:
            typer.echo(f"{file.state}: {file.path}")
        elif change := file.diff():
            typer.echo(change)


def _write(files: "list[File]", folder: Path, pipeline: str, *, overwrite: bool) -> None:
    from dataeng_assets.generate.written import State, write

    edited = [file for file in files if file.state is State.EDITED]
    wanted = [file.path for file in edited if overwrite or _agreed(file)]
    done = list(write(files, folder, pipeline, overwrite=wanted))
    for file in done:
        typer.echo(f"{'written' if file.state is State.NEW else 'written anew'}: {file.path}")
    left = [file for file in edited if file.path not in wanted]
    for file in left:
        typer.echo(f"edited by a person, and left as it is: {file.path}; --diff shows what is new for it", err=True)
    readme = next((file.path for file in files if file.path.name == "README.md"), None)
    if done and readme:
        typer.echo(f"{len(done)} of {len(files)} files written below {folder}. What to do next: {readme}")
    if not done and not left:
        typer.echo(f"Nothing to change: the {len(files)} files in {folder} are as they were generated or edited.")
    if left:
        raise typer.Exit(1)


def _agreed(file: "File") -> bool:
    """Whether a person at the terminal wants an edited file to be overwritten."""
    if not sys.stdin.isatty():
        return False
    typer.echo(file.diff())
    return typer.confirm(f"{file.path} was edited. Overwrite it?", default=False)
