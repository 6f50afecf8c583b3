"""`dataeng up`, `down` and `status`: Postgres, Kafka and a schema registry on this machine."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def up(
    registry: Annotated[bool, typer.Option("--registry", help="Start a schema registry as well.")] = False,
    secure: Annotated[
        bool, typer.Option("--secure", help="Start another Kafka, with TLS, passwords and rights by user.")
    ] = False,
) -> None:
    """Start Postgres and Kafka, each on a free port, and record where; what already runs is left alone.

    A service whose address you have set yourself (DATAENG_POSTGRES_URL, DATAENG_KAFKA_BOOTSTRAP, DATAENG_REGISTRY_URL)
    is not started.

    Examples:

      dataeng up

      dataeng up --registry

      dataeng up --secure
    """
    from dataeng_assets.local import services
    from dataeng_assets.settings import state_folder

    with _errors_as_text(), _progress() as on_progress:
        services.up(state_folder(), with_registry=registry, secure=secure, on_progress=on_progress)
    status()


def down() -> None:
    """End what `dataeng up` started; the data stays.

    Examples:

      dataeng down
    """
    from dataeng_assets.local import services
    from dataeng_assets.settings import state_folder

    with _errors_as_text():
        ended = services.down(state_folder())
    typer.echo(f"Ended: {', '.join(ended)}." if ended else "Nothing was running.")


def status() -> None:
    """Show each service: address, version, state, log.

    Examples:

      dataeng status
    """
    from rich.markup import escape
    from rich.table import Table

    from dataeng_assets.local import services
    from dataeng_assets.settings import state_folder

    table = Table("service", "address", "version", "state", "log", box=None, header_style="bold")
    for column in table.columns:
        column.overflow = "fold"
    with _errors_as_text():
        found = services.status(state_folder())
        for service in found:
            colour = {"running": "green", "external": "green", "stopped": "dim"}.get(service.state, "red")
            log = escape(str(_short(service.log))) if service.log else ""
            table.add_row(service.name, service.address, service.version, f"[{colour}]{service.state}[/]", log)
    Console().print(table)
    for service in found:
        for file in service.logins:
            user = "as the stream reads it" if file.stem == "reader" else f"as {file.stem}"
            typer.echo(f"{service.name}, how to log in {user}: {_short(file)}")


def _short(path: Path) -> Path:
    """A path as people here would write it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


@contextmanager
def _errors_as_text() -> Iterator[None]:
    from dataeng_assets.local.packages import PackageError
    from dataeng_assets.local.process import ServiceError

    try:
        yield
    except (ServiceError, PackageError) as error:
        typer.secho(str(error), fg="red", err=True)
        raise typer.Exit(1) from error


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """A bar that appears with the first byte fetched; before and after it, what is being waited for."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("Starting Postgres and Kafka", total=None)

        def on_progress(done: int, total: int) -> None:
            description = "Fetching Postgres and Kafka" if done < total else "Starting Postgres and Kafka"
            progress.update(task, description=description, completed=done, total=total)

        yield on_progress
