"""`dataeng generate`: pipelines written from contracts."""

import sys
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from dataeng_assets.generate.written import File

_Kind = Annotated[
    str,
    typer.Option(
        "--type",
        help="dagster, airflow, prefect, spark-streaming, flink-sql, ksqldb, kafka-connect, dbt or kafka-producer.",
    ),
]
_Source = Annotated[
    str, typer.Option(help="postgres, kafka, kinesis, pubsub or files; the kind's usual one if not given.")
]
_Destination = Annotated[
    str,
    typer.Option(
        help="duckdb, delta, iceberg, postgres, snowflake, bigquery, redshift, databricks or kafka; the kind's usual "
        "one if not given."
    ),
]
_Mode = Annotated[str, typer.Option(help="full, incremental, changes or streaming; the usual one if not given.")]
_Tables = Annotated[str, typer.Option(help="Only these tables or topics, with commas between.")]
_Name = Annotated[str, typer.Option(help="Of the source: a folder in defs/, or what a new one is to be called.")]
_Schema = Annotated[str, typer.Option(help="Look the tables up in this schema of the database, not in the contracts.")]
_Variable = Annotated[str, typer.Option(help="Variable that holds the address; DATAENG_NAME_URL by default.")]
_Watermark = Annotated[str, typer.Option(help="Column that moves whenever a row changes; as declared if not given.")]
_Schedule = Annotated[str, typer.Option(help="Cron of five fields, UTC; each day at 5 if not given.")]
_Catchup = Annotated[bool, typer.Option("--catchup", help="Make up for the time before the first run.")]
_Retries = Annotated[str, typer.Option(help="How often a failed step is tried again; 3 if not given.")]
_RetryDelay = Annotated[str, typer.Option(help="Between two tries, such as 30s or 5m; 5m if not given.")]
_Timeout = Annotated[str, typer.Option(help="Of one run, such as 45m or 2h; 2h if not given.")]
_Email = Annotated[str, typer.Option(help="Who is written to when a run failed, with commas between.")]
_Notify = Annotated[str, typer.Option(help="Variables with the addresses of whoever is told of a success.")]
_Owner = Annotated[str, typer.Option(help="Who answers for the pipeline: a team; data if not given.")]
_Tags = Annotated[str, typer.Option(help="Of the pipeline, with commas between.")]
_Tier = Annotated[str, typer.Option(help="1 may deploy to development, 2 writes for review, 3 opens no connection.")]
_Output = Annotated[
    Path | None, typer.Option(help="Folder for all files, or file for the pipeline, the rest beside it.")
]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be written, and write nothing.")]
_Diff = Annotated[bool, typer.Option("--diff", help="Show how files would change, and write nothing.")]
_Overwrite = Annotated[bool, typer.Option("--overwrite", help="Overwrite files that were edited, without asking.")]


def generate(
    context: typer.Context,
    type_: _Kind,
    source: _Source = "",
    destination: _Destination = "",
    mode: _Mode = "",
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
    tier: _Tier = "",
    output: _Output = None,
    dry_run: _DryRun = False,
    diff: _Diff = False,
    overwrite: _Overwrite = False,
) -> None:
    """Write a pipeline from contracts, or from what a live database says of itself. No row is read, no secret written.

    Without --output the files go to standard output. A file that a person has edited is never overwritten without
    asking. Exits 0, 1 when an edited file was left as it is though something new was generated for it, and 2 when
    something that was asked for does not exist.

    Examples:

      dataeng generate --type airflow --source postgres --destination snowflake --schedule "0 5 * * *"

      dataeng generate --type dagster --name crm --schema sales --output .

      dataeng generate --type dbt --tables orders,customers --destination bigquery --output warehouse --diff
    """
    from dataeng_assets.contracts.errors import ContractError
    from dataeng_assets.generate.asked import Asked
    from dataeng_assets.generate.kinds import kind_module
    from dataeng_assets.generate.request import RequestRefused
    from dataeng_assets.generate.written import compared, is_file, left_over, placed
    from dataeng_assets.orchestration.deployed import deploy, refuse_deployment
    from dataeng_assets.orchestration.generated import pipeline_of
    from dataeng_assets.postgres.errors import SourceError
    from dataeng_assets.settings import SettingMissing

    if output is None and (diff or overwrite):
        typer.echo("--diff and --overwrite are about files that are there: say where with --output.", err=True)
        raise typer.Exit(2)
    _refuse_empty(context)
    asked = Asked(
        type_, source, destination, mode, tables, name, schema, variable, watermark, schedule,
        catchup="yes" if catchup else "", retries=retries, retry_delay=retry_delay, timeout=timeout,
        email_on_failure=email_on_failure, notify=notify, owner=owner, tags=tags, tier=tier,
    )  # fmt: skip
    pipeline_name = output.stem if output and is_file(output) and output.suffix in (".py", ".sql", ".json") else ""
    try:
        found = pipeline_of(asked, pipeline_name=pipeline_name)
        generated = kind_module(found.pipeline.request.kind).files(found.pipeline)
        for left in found.left_out:
            typer.echo(f"left out {left.name}: {left.reason}", err=True)
        if output is None:
            _list(generated.files)
            return
        folder, generated = placed(generated, output)
        files = compared(generated, folder, found.pipeline.request.name)
        if diff or dry_run:
            _show(files, with_diff=diff)
            return
        refuse_deployment(found.pipeline.request, folder)
        for path in left_over(generated, folder, found.pipeline.request.name):
            typer.echo(f"no longer generated, and left as it is: {path}", err=True)
        _write(files, folder, found.pipeline.request.name, overwrite=overwrite)
        for line in deploy(found.pipeline.request, generated, folder):
            typer.echo(line)
    except BrokenPipeError:
        raise  # whoever read the listing has seen enough: Typer ends without a word
    except (RequestRefused, SourceError, SettingMissing, ContractError, OSError) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None


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
