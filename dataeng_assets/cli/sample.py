"""`dataeng sample`: fill the sample shop, let it live on, write files to try commands on, and remove it all."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from dataeng_assets.sample.live import Lived

_LINE_SECONDS = 5.0

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode="rich", help="Fill the sample shop, let it live on, remove it."
)


@app.command()
def fill(
    days: Annotated[int, typer.Option(min=1, help="Length of the past.")] = 90,
    scale: Annotated[float, typer.Option(min=0.001, help="1 is 60,000 orders and 250,000 events.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Another seed gives another shop.")] = 20_260_101,
    until: Annotated[datetime | None, typer.Option(help="End of the past in UTC; now when not given.")] = None,
    anew: Annotated[bool, typer.Option("--anew", help="Throw away the sample that is there, and its topic.")] = False,
) -> None:
    """Fill Postgres and Kafka with the past of a small shop; nothing happens when it is already there.

    Examples:

      dataeng sample fill

      dataeng sample fill --days 30 --scale 0.1 --anew
    """
    from dataeng_assets.sample.fill import fill as fill_shop
    from dataeng_assets.settings import state_folder

    with _shown() as (url, bootstrap, progress):
        report = fill_shop(
            url,
            bootstrap,
            truth=state_folder() / "truth",
            days=days,
            scale=scale,
            seed=seed,
            until=until and until.replace(tzinfo=UTC),
            anew=anew,
            progress=progress,
        )
    tables = ", ".join(f"{rows:,} {table.replace('_', ' ')}" for table, rows in report.rows.items())
    typer.echo(
        f"The sample shop {'is filled' if report.filled else 'was already there'}, from {report.first_day} on: "
        f"{tables}, {report.events:,} events ({report.seconds:.1f} s)."
    )


@app.command()
def tick(
    days: Annotated[int, typer.Option(min=1, help="How many days' worth of life happens, all of it now.")] = 1,
    late_seconds: Annotated[float, typer.Option(min=0, help="How long late transactions stay open.")] = 3.0,
    hostile: Annotated[bool, typer.Option("--hostile", help="Erase, back-date and rewrite a few rows, too.")] = False,
) -> None:
    """Let a day's worth of life happen now: orders move on, people move house, some transactions commit late.

    Examples:

      dataeng sample tick

      dataeng sample tick --days 3 --late-seconds 30

      dataeng sample tick --hostile
    """
    from dataeng_assets.sample.tick import tick as tick_shop
    from dataeng_assets.settings import state_folder

    with _shown() as (url, bootstrap, progress):
        report = tick_shop(
            url,
            bootstrap,
            truth=state_folder() / "truth",
            days=days,
            late_seconds=late_seconds,
            hostile=hostile,
            progress=progress,
        )
    typer.echo(
        f"{report.versions:,} rows changed in {report.commits:,} transactions, {report.late_commits:,} of which "
        f"committed late; {report.events:,} events sent ({report.seconds:.1f} s)."
    )


@app.command()
def live(
    rate: Annotated[float, typer.Option(min=0.01, help="Changed rows and events per second, on average.")] = 5.0,
) -> None:
    """Keep the shop alive in small transactions and small sends, until Ctrl-C.

    Examples:

      dataeng sample live

      dataeng sample live --rate 50
    """
    import signal
    from threading import Event

    from dataeng_assets.sample.live import live as live_on
    from dataeng_assets.settings import state_folder

    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with _shown() as (url, bootstrap, _):
        lived = live_on(
            url, bootstrap, truth=state_folder() / "truth", rate=rate, stop=stop, notice=_every_few_seconds()
        )
    typer.echo(f"Stopped; the truth is complete. In all {_told(lived)}.")


def _every_few_seconds() -> "Callable[[Lived], None]":
    """Prints what has happened since the last line, not more often than that."""
    told, at = None, 0.0

    def notice(lived: "Lived") -> None:
        nonlocal told, at
        if time.monotonic() - at >= _LINE_SECONDS:
            typer.echo(f"{datetime.now(UTC):%H:%M:%S}  {_told(lived - told if told else lived)}")
            told, at = lived, time.monotonic()

    return notice


def _told(lived: "Lived") -> str:
    late = f", {lived.late_commits:,} of which committed late" if lived.late_commits else ""
    return f"{lived.versions:,} rows changed in {lived.commits:,} transactions{late}; {lived.events:,} events sent"


@app.command()
def files(
    folder: Annotated[Path, typer.Option("--folder", help="Where data, schemas and queries go.")] = Path(),
) -> None:
    """Write the files that the examples name: a table of sales, its rules, and a query that could be better.

    The same day gives the same files. A file that you have edited is left as it is.

    Examples:

      dataeng sample files

      dataeng sample files --folder /tmp/tryout
    """
    from dataeng_assets.sample.files import write_files

    try:
        for file in write_files(folder, today=datetime.now(UTC).date()):
            typer.echo(f"{file.path}: {file.written}")
    except OSError as error:
        typer.echo(f"The files could not be written: {error}. Name another folder with --folder.", err=True)
        raise typer.Exit(1) from None


@app.command()
def remove(
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Also with uncommitted changes, without git, or though your files need it.")
    ] = False,
    data: Annotated[bool, typer.Option("--data", help="Also drop the sample's data on this machine.")] = False,
) -> None:
    """Take the sample out of the project, and leave a clean one for sources of your own.

    Its sources, models, tests, pictures and commands go; components, macros, generic tests and all that moves data
    stay. Nothing is committed: git shows what went, and brings it back.

    Examples:

      dataeng sample remove

      dataeng sample remove --yes --data
    """
    from dataeng_assets.sample.remove import dependents, plan_removal, uncommitted
    from dataeng_assets.sample.remove import remove as remove_sample
    from dataeng_assets.settings import ROOT

    changes = uncommitted(ROOT)
    if changes != "" and not force:
        why = f"There are uncommitted changes, which git could not bring back:\n{changes}\n"
        if changes is None:
            why = "The project is not in git, so nothing could bring back what is removed.\n"
        typer.echo(f"{why}Nothing was changed. Commit first, or add --force.", err=True)
        raise typer.Exit(1)
    removal = plan_removal(ROOT)
    needing = {path.relative_to(ROOT): names for path, names in dependents(removal, ROOT).items()}
    if needing and not force:
        listed = "".join(f"  {path}: {', '.join(names)}\n" for path, names in needing.items())
        typer.echo(
            f"Files of yours name what would go, and would not load without it:\n{listed}"
            "Nothing was changed. Remove them first, or let them read your own tables, or add --force.",
            err=True,
        )
        raise typer.Exit(1)
    typer.echo(f"{len(removal.files)} files go, and lines of: {', '.join(_from_root(removal.edited))}.")
    if not yes:
        typer.confirm("Remove the sample?", abort=True)
    if data:
        _drop_data()
    remove_sample(removal, ROOT)
    typer.echo(
        "The sample is gone. Look at it with `git status`, keep it with `git add -A && git commit`, undo it with "
        "`git restore .`\nYour own sources: `dataeng discover ADDRESS --schema NAME`, or "
        "`dg scaffold defs dataeng_assets.components.PostgresTablesComponent NAME`."
    )


def _from_root(paths: Iterable[Path]) -> list[str]:
    from dataeng_assets.settings import ROOT

    return [str(path.relative_to(ROOT)) for path in paths]


def _drop_data() -> None:
    """Drop the sample's data here, and in Postgres and Kafka when they answer."""
    import psycopg
    from kafka.errors import KafkaError

    from dataeng_assets.kafka.errors import KafkaProblem
    from dataeng_assets.lake.location import Lake
    from dataeng_assets.sample.data import drop_data, drop_source
    from dataeng_assets.settings import SettingMissing, Settings, state_folder, variable

    for dropped in drop_data(Lake.current(), Settings.load().warehouse_file, state_folder() / "truth"):
        typer.echo(f"dropped {dropped}")
    try:
        for dropped in drop_source(variable("DATAENG_POSTGRES_URL"), variable("DATAENG_KAFKA_BOOTSTRAP")):
            typer.echo(f"dropped {dropped}")
    except (SettingMissing, psycopg.Error, KafkaError, KafkaProblem) as error:
        typer.echo(f"The shop and its topic were left as they are, because a service does not answer: {error}")


@contextmanager
def _shown() -> Iterator[tuple[str, str, Callable[[str, int, int], None]]]:
    """The two addresses and a progress bar; an error of the sample becomes its sentence and status 1."""
    import psycopg
    from kafka.errors import KafkaError
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from dataeng_assets.kafka.cluster import InsecureCluster
    from dataeng_assets.kafka.errors import KafkaProblem
    from dataeng_assets.sample import SampleError
    from dataeng_assets.settings import SettingMissing, variable

    columns = (TextColumn("{task.description:>9}"), BarColumn(), MofNCompleteColumn())
    try:
        url, bootstrap = variable("DATAENG_POSTGRES_URL"), variable("DATAENG_KAFKA_BOOTSTRAP")
        with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
            tasks = {}

            def progress(step: str, done: int, total: int) -> None:
                if step not in tasks:
                    tasks[step] = bars.add_task(step, total=total)
                bars.update(tasks[step], completed=done)

            yield url, bootstrap, progress
    except (SampleError, SettingMissing, InsecureCluster, KafkaProblem) as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    except (psycopg.OperationalError, KafkaError) as error:
        typer.echo(
            f"Postgres or Kafka does not answer: {error}\nWhat was committed before is in the shop. Start what is "
            "missing with `dataeng up` and run this again.",
            err=True,
        )
        raise typer.Exit(1) from None
