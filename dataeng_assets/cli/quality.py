"""`dataeng quality`: metrics of tables over time, and what is unusual in them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from dataeng_assets.quality.anomalies.backtest import Replay

app = typer.Typer(no_args_is_help=True, help="Look at metrics of tables over time, and say what was unusual.")

_COLOURS = {"usual": "default", "anomaly": "red", "not enough history": "dim"}
TableName = Annotated[str, typer.Argument(help="Key of the table, such as bronze.shop.orders, or its last part.")]


@app.command()
def history(
    table: TableName,
    metric: Annotated[str, typer.Option(help="Only this metric, such as row_count or null_share.")] = "",
) -> None:
    """Show every metric of a table over time, and whether its newest value is usual.

    Exits 2 when the table or the metric was never measured.

    Examples:

      dataeng quality history bronze.shop.orders

      dataeng quality history fct_orders --metric row_count
    """
    from rich.markup import escape

    from dataeng_assets.lake.location import Lake
    from dataeng_assets.quality.anomalies.history import find_table, of_metric, series
    from dataeng_assets.quality.anomalies.watch import judge_series
    from dataeng_assets.quality.anomalies.wording import sparkline

    lake = Lake.current()
    with _undecided():
        key = find_table(lake, table)
        found = of_metric(series(lake, key), key, metric)
    shown = _table("metric", "column", "points", "over time", "newest", title=key)
    for (name, column), one in found.items():
        verdict = judge_series({(name, column): one})[0]
        line = sparkline([point.value for point in one.points])
        said = f"[{_COLOURS[verdict.outcome]}]{escape(verdict.sentence)}[/]"
        shown.add_row(name, escape(column or ""), str(len(one.points)), line, said)
    _print(shown)


@app.command()
def acknowledge(
    table: TableName,
    metric: Annotated[str, typer.Argument(help="The metric, as `dataeng quality history` shows it.")],
    reason: Annotated[str, typer.Option(help="Why; people will read it later.")],
    column: Annotated[str, typer.Option(help="The column that the metric is of.")] = "",
    at: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Day (UTC) of the measurement; the newest when not given."),
    ] = None,
    anomaly: Annotated[
        bool, typer.Option("--anomaly", help="It was an anomaly: never an example of what is usual.")
    ] = False,
) -> None:
    """Say that a metric has changed for good: what is usual begins anew with that measurement.

    With --anomaly, that the measurement was wrong and nothing has changed. Exits 2 when there is no such measurement.

    Examples:

      dataeng quality acknowledge bronze.shop.orders row_count --reason "the new market is live"

      dataeng quality acknowledge fct_orders row_count --at 2026-03-01 --anomaly --reason "half of the files were lost"
    """
    import getpass

    from dataeng_assets.lake.location import Lake
    from dataeng_assets.quality.anomalies.history import acknowledge as keep
    from dataeng_assets.quality.anomalies.history import find_point, find_table, pick, series

    lake = Lake.current()
    with _undecided():
        key = find_table(lake, table)
        point = find_point(pick(series(lake, key), key, metric, column or None), at.date() if at else None)
        keep(lake, key, column or None, metric, point.at, getpass.getuser(), reason, is_anomaly=anomaly)
    name = f"{metric}{f' of {column}' if column else ''} of {key}"
    if anomaly:
        typer.echo(f"{name}: the measurement of {point.at:%Y-%m-%d %H:%M} is left out of what is usual.")
    else:
        typer.echo(f"{name}: what is usual begins anew with the measurement of {point.at:%Y-%m-%d %H:%M}.")


@app.command()
def backtest(table: TableName) -> None:
    """Replay the rule over the history of a table: how often would it have raised a false alarm?

    Every alarm counts as false that nobody has acknowledged. Exits 2 when no metric has enough history to be judged.

    Examples:

      dataeng quality backtest bronze.shop.orders
    """
    from rich.markup import escape

    from dataeng_assets.lake.location import Lake
    from dataeng_assets.quality.anomalies.history import find_table, series
    from dataeng_assets.quality.anomalies.watch import replay_series

    lake = Lake.current()
    with _undecided():
        key = find_table(lake, table)
        found = {name: replay_series(name, one) for name, one in series(lake, key).items()}
    shown = _table("metric", "column", "judged", "alarms", "false per 100", "95 % sure", "newest alarm", title=key)
    for (name, column), replay in found.items():
        shown.add_row(name, escape(column or ""), *map(escape, _replayed(replay)))
    _print(shown)
    if not any(replay.false_alarms.points for replay in found.values()):
        typer.echo("No metric has enough history to be judged yet.", err=True)
        raise typer.Exit(2)


def _replayed(replay: "Replay") -> tuple[str, ...]:
    from dataeng_assets.quality.anomalies.detect import Outcome

    rate = replay.false_alarms
    alarms = [finding for finding in replay.findings if finding.outcome is Outcome.ANOMALY]
    newest = f"{alarms[-1].at:%Y-%m-%d}: {alarms[-1].sentence}" if alarms else ""
    if rate.per_100 is None:
        return "0", str(replay.alarms), "", "", newest or "not enough history"
    sure = f"{100 * rate.low:.1f} to {100 * rate.high:.1f}"
    return str(rate.points), str(replay.alarms), f"{rate.per_100:.1f}", sure, newest


def _table(*columns: str, title: str) -> "Table":
    from rich.markup import escape
    from rich.table import Table

    table = Table(*columns, title=escape(title), box=None, header_style="bold", title_justify="left")
    for column in table.columns[2:-1]:
        column.no_wrap = True
    return table


def _print(table: "Table") -> None:
    from rich.console import Console

    Console(highlight=False).print(table)


@contextmanager
def _undecided() -> Iterator[None]:
    from dataeng_assets.quality.anomalies.history import NoSuchSeries

    try:
        yield
    except NoSuchSeries as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from None
