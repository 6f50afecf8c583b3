"""Metrics as a check of Dagster: measured and kept after a materialization, and told when they are unusual."""

from datetime import UTC, date, datetime, timedelta

import dagster as dg
import pyarrow as pa
import pytest

from dataeng_assets.lake.append import append
from dataeng_assets.lake.location import Lake
from dataeng_assets.lake.replace import replace_range
from dataeng_assets.orchestration.metrics import NO_ANOMALY, anomaly_of_days, anomaly_of_table
from dataeng_assets.orchestration.outcomes import NOT_EVALUATED, OUTCOME
from dataeng_assets.orchestration.partitions import newest_day
from dataeng_assets.quality.anomalies import history
from dataeng_assets.quality.anomalies.history import Taken, acknowledge, read, record, series
from dataeng_assets.quality.anomalies.measure import Measurement

KEY = ("bronze", "shop", "orders")
TABLE = ".".join(KEY)
DAILY = ("gold", "fct_orders")
SCHEMA = pa.schema({"id": pa.int64(), "email": pa.string()})
BY_DAY = pa.schema({"day": pa.date32(), "id": pa.int64()})


def orders(lake: Lake, count: int) -> dg.AssetCheckResult:
    """A materialization that leaves so many more orders."""
    table = lake.create(KEY, SCHEMA)
    append(table, pa.table({"id": range(count), "email": ["a"] * count}, SCHEMA), transactions={})
    return check(lake, f"run {table.version()}")


def check(lake: Lake, run_id: str) -> dg.AssetCheckResult:
    return anomaly_of_table(lake.open(KEY), lake, KEY, run_id, columns=SCHEMA.names, personal={"id"})


def days(lake: Lake, first: date, counts: list[int]) -> dg.AssetCheckResult:
    """A materialization of days with so many rows."""
    last = first + timedelta(days=len(counts) - 1)
    listed = [(first + timedelta(days=n), row) for n, count in enumerate(counts) for row in range(count)]
    rows = pa.Table.from_pylist([{"day": day, "id": row} for day, row in listed], BY_DAY)
    table = lake.create(DAILY, BY_DAY, partition_by=["day"])
    replace_range(table, rows, "day", first, last + timedelta(days=1))
    run_id = f"run {table.version()}"
    return anomaly_of_days(lake.open(DAILY), lake, DAILY, run_id, partition="day", days=(first, last))


def remember(lake: Lake, rows: float, days_ago: int) -> None:
    at = datetime.now(UTC) - timedelta(days=days_ago)
    record(lake, Taken(TABLE, [Measurement("row_count", rows)], at), run_id=f"{days_ago} days ago")


def told(result: dg.AssetCheckResult) -> str:
    return str(result.metadata["findings"].value)


def test_the_first_measurements_are_not_a_pass(lake: Lake) -> None:
    found = orders(lake, 3)
    assert (found.passed, found.severity, found.check_name) == (False, dg.AssetCheckSeverity.WARN, NO_ANOMALY)
    assert found.metadata[OUTCOME].value == NOT_EVALUATED
    assert "not enough history: 0 earlier measurements" in str(found.description)


def test_what_is_as_usual_passes_and_what_is_not_warns_and_says_why(lake: Lake) -> None:
    for ago in range(1, 21):
        remember(lake, 3, ago)
    usual = orders(lake, 3)
    assert (usual.passed, usual.metadata["unusual"].value, told(usual)) == (True, 0, "nothing unusual")
    found = orders(lake, 60)
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert "63 rows; the 20 measurements before it had 3 (0.0 false alarms per 100 so far)" in told(found)
    assert found.metadata["days"].value == f"{newest_day()}"


def test_a_retry_measures_nothing_twice_and_says_the_same(lake: Lake) -> None:
    for ago in range(1, 21):
        remember(lake, 3, ago)
    orders(lake, 63)
    count = read(lake, TABLE).num_rows
    again = check(lake, "run 1")
    assert read(lake, TABLE).num_rows == count
    assert "63 rows" in told(again)


def test_a_change_of_the_columns_is_told_from_the_second_run_on(lake: Lake) -> None:
    orders(lake, 3)
    lake.create(KEY, SCHEMA.append(pa.field("note", pa.string())))
    found = check(lake, "later")
    assert not found.passed
    assert "The columns have changed: added note (string)" in told(found)


def test_an_acknowledged_change_is_not_told_again(lake: Lake) -> None:
    for ago in range(1, 21):
        remember(lake, 3, ago)
    assert not orders(lake, 63).passed
    newest = series(lake, TABLE)["row_count", None].points[-1].at
    acknowledge(lake, TABLE, None, "row_count", newest, "ann", "the new market is live")
    assert "63 rows" not in str(check(lake, "next").metadata)


def test_days_are_judged_by_the_days_before_them_also_when_all_come_at_once(lake: Lake) -> None:
    yesterday = newest_day() - timedelta(days=1)
    found = days(lake, yesterday - timedelta(days=29), [20 + n % 3 for n in range(30)])
    assert found.passed
    assert found.metadata["judged"].value >= 7
    again = days(lake, yesterday - timedelta(days=1), [1, 21])
    assert not again.passed
    assert f"{yesterday - timedelta(days=1)}: 1 rows;" in told(again)
    assert again.metadata["days"].value == f"{yesterday - timedelta(days=1)}"


def test_a_day_without_rows_is_told_and_today_is_not_judged(lake: Lake) -> None:
    found = days(lake, newest_day() - timedelta(days=30), [20 + n % 3 for n in range(29)] + [0, 1])
    assert not found.passed
    assert found.metadata["days"].value == f"{newest_day() - timedelta(days=1)}"
    points = series(lake, ".".join(DAILY))["row_count", None].points
    assert points[-1].at.date() == newest_day() - timedelta(days=1)


def test_of_many_days_only_those_that_can_still_matter_are_kept(lake: Lake) -> None:
    days(lake, newest_day() - timedelta(days=100), [1] * 100)
    assert len(series(lake, ".".join(DAILY))["row_count", None].points) == 63


def test_metrics_that_cannot_be_kept_are_not_a_pass_and_stop_nothing(lake: Lake) -> None:
    orders(lake, 3)
    broken = lake.folder.joinpath(*history.KEY, "_delta_log", "00000000000000000001.json")
    broken.write_text("{}")
    found = check(lake, "later")
    assert found.metadata[OUTCOME].value == NOT_EVALUATED


@pytest.mark.parametrize("name", ["id", "email"])
def test_no_value_of_a_row_is_kept_of_personal_columns(lake: Lake, name: str) -> None:
    orders(lake, 3)
    kept = {row["metric"] for row in read(lake, TABLE).to_pylist() if row["column"] == name}
    assert kept == {"null_share", "distinct_share"}
