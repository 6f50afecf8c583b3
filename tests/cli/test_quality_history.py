"""`dataeng quality`: what was measured, what is unusual in it, and what a person says of it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from dataeng_assets.cli import app
from dataeng_assets.lake.location import Lake
from dataeng_assets.quality.anomalies.history import Taken, record, series
from dataeng_assets.quality.anomalies.measure import Measurement

TABLE = "bronze.shop.orders"
START = datetime(2026, 1, 5, 3, tzinfo=UTC)


@pytest.fixture
def watched(state: Path) -> Lake:
    """Ten days of orders, the last ten times as many."""
    lake = Lake.current()
    for day in range(10):
        rows = 5_000 + day % 2 if day < 9 else 50_000
        found = [Measurement("row_count", rows), Measurement("null_share", 0.1, "a [red] column")]
        record(lake, Taken(TABLE, found, START + timedelta(days=day)), run_id=f"run {day}")
    return lake


def quality(*words: str) -> Result:
    return CliRunner().invoke(app, ["quality", *words], env={"COLUMNS": "200"})


def test_the_history_is_shown_with_a_line_and_a_verdict(watched: Lake) -> None:
    shown = quality("history", "orders")
    assert shown.exit_code == 0
    assert "▁▁▁▁▁▁▁▁▁█" in shown.output
    assert "50,000 rows; the 9 measurements before it had 5,000 to 5,001" in " ".join(shown.output.split())
    assert "a [red] column" in shown.output
    assert "null_share" not in quality("history", TABLE, "--metric", "row_count").output


def test_what_is_not_there_could_not_be_shown(watched: Lake) -> None:
    assert quality("history", "payments").exit_code == 2
    assert "There are bronze.shop.orders." in quality("history", "payments").output
    missing = quality("history", "orders", "--metric", "mean")
    assert (missing.exit_code, "it has null_share of a [red] column, row_count" in missing.output) == (2, True)


def test_before_anything_was_measured_the_next_step_is_told(state: Path) -> None:
    shown = quality("backtest", "orders")
    assert (shown.exit_code, "materialize a table" in shown.output) == (2, True)


def test_a_change_is_acknowledged_of_the_newest_measurement(watched: Lake) -> None:
    shown = quality("acknowledge", "orders", "row_count", "--reason", "the new market is live")
    assert shown.exit_code == 0
    assert "what is usual begins anew with the measurement of 2026-01-14 03:00" in shown.output
    assert series(watched, TABLE)["row_count", None].changes == (START + timedelta(days=9),)


def test_an_anomaly_of_a_column_is_acknowledged_by_its_day(watched: Lake) -> None:
    words = ("--column", "a [red] column", "--at", "2026-01-07", "--anomaly", "--reason", "half a file")
    assert quality("acknowledge", "orders", "null_share", *words).exit_code == 0
    points = series(watched, TABLE)["null_share", "a [red] column"].points
    assert [point.at.day for point in points if point.is_anomaly] == [7]


def test_what_was_not_measured_cannot_be_acknowledged(watched: Lake) -> None:
    shown = quality("acknowledge", "orders", "row_count", "--at", "2026-02-01", "--reason", "why not")
    assert (shown.exit_code, "the newest measurement is of 2026-01-14" in shown.output) == (2, True)
    assert quality("acknowledge", "orders", "mean", "--reason", "why not").exit_code == 2


def test_the_false_alarms_of_the_past_are_counted(watched: Lake) -> None:
    shown = quality("backtest", "orders")
    assert shown.exit_code == 0
    assert "2026-01-14: 50,000 rows" in shown.output
    assert "33.3" in shown.output
    quality("acknowledge", "orders", "row_count", "--anomaly", "--reason", "half a file")
    assert "33.3" not in quality("backtest", "orders").output


def test_too_little_history_is_not_a_pass(state: Path) -> None:
    record(Lake.current(), Taken(TABLE, [Measurement("row_count", 5)], START), run_id="a")
    shown = quality("backtest", "orders")
    assert (shown.exit_code, "not enough history" in shown.output) == (2, True)
    assert quality("history", "orders").exit_code == 0
