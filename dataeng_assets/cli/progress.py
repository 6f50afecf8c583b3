"""Showing on a terminal how far something long has come."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import duckdb


@contextmanager
def told_while(connection: duckdb.DuckDBPyConnection, what: str) -> Iterator[None]:
    """Show a bar on standard error while the block asks the connection; nothing where that is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    connection.execute("set enable_progress_bar = true; set enable_progress_bar_print = false")
    ended = threading.Event()
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(what, total=100)

        def watch() -> None:
            while not ended.wait(0.2):
                progress.update(task, completed=max(0.0, connection.query_progress()))

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        try:
            yield
        finally:
            ended.set()
            watcher.join()


@contextmanager
def told_lines(what: str) -> Iterator[Callable[[int], None]]:
    """Show on standard error how many things were handled, and how many a second; nothing where that is no terminal."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    said = "{task.completed:,.0f} · {task.speed:,.0f}/s" if console.is_terminal else ""
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TextColumn(said), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(what, total=None)
        yield lambda count: progress.advance(task, count)
