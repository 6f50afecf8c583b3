"""The history of metrics: each run once, the newest measurement of a day, what people have said of it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pyarrow.compute as pc
import pytest

from dataeng_assets.lake.location import Lake
from dataeng_assets.quality.anomalies import history
from dataeng_assets.quality.anomalies.detect import Point
from dataeng_assets.quality.anomalies.history import (
    NoSuchSeries,
    Taken,
    acknowledge,
    find_point,
    find_table,
    read,
    record,
    series,
)
from dataeng_assets.quality.anomalies.measure import Measurement

TABLE = "bronze.shop.orders"
START = datetime(2026, 1, 5, 3, tzinfo=UTC)
ROWS = ("row_count", None)


def taken(value: float, day: int = 0, table: str = TABLE, of: date | None = None) -> Taken:
    found = [Measurement("row_count", value, day=of), Measurement("null_share", 0.5, "email", day=of)]
    return Taken(table, found, START + timedelta(days=day), table_version=day, contract_version="1.2.0")


def values(lake: Lake, table: str = TABLE) -> list[float | None]:
    return [point.value for point in series(lake, table)[ROWS].points]


def test_what_a_run_has_measured_comes_back(lake: Lake):
    record(lake, taken(7), run_id="a")
    common = {"table_key": TABLE, "text": None, "partition": None, "measured_at": START}
    run = common | {"table_version": 0, "contract_version": "1.2.0", "run_id": "a"}
    assert read(lake, TABLE).to_pylist() == [
        run | {"column": None, "metric": "row_count", "value": 7},
        run | {"column": "email", "metric": "null_share", "value": 0.5},
    ]
    record(lake, Taken(TABLE, [Measurement("schema", text="[]")], START), run_id="b")
    assert series(lake, TABLE)["schema", None].points == (Point(START, text="[]"),)


def test_a_run_that_is_tried_again_is_recorded_once(lake: Lake):
    first = record(lake, taken(7), run_id="a")
    assert record(lake, taken(8), run_id="a").equals(first)
    record(lake, taken(9, table="gold.orders"), run_id="a")
    assert (values(lake), values(lake, "gold.orders")) == ([7], [9])


def test_who_records_is_given_what_a_reader_reads(lake: Lake):
    record(lake, replace(taken(7), at=START - timedelta(days=3)), run_id="old")
    record(lake, replace(taken(7), at=START - timedelta(days=1)), run_id="a")
    since = START - timedelta(days=2)
    found = record(lake, taken(8), run_id="b", since=since)
    assert found.to_pylist() == read(lake, TABLE, since=since).to_pylist()
    assert set(found["run_id"].to_pylist()) == {"a", "b"}
    assert series(lake, TABLE, since=since, rows=found) == series(lake, TABLE, since=since)


def test_nothing_was_ever_measured_is_an_empty_history(lake: Lake):
    assert read(lake, TABLE).num_rows == 0
    assert series(lake, TABLE) == {}


def test_of_a_day_that_was_measured_again_the_newest_counts(lake: Lake):
    monday, tuesday = date(2026, 1, 5), date(2026, 1, 6)
    record(lake, taken(1, day=2, of=monday), run_id="a")
    record(lake, taken(3, day=4, of=monday), run_id="late")
    record(lake, taken(2, day=3, of=tuesday), run_id="b")
    assert series(lake, TABLE)[ROWS].points == (
        Point(datetime(2026, 1, 5, tzinfo=UTC), 3),
        Point(datetime(2026, 1, 6, tzinfo=UTC), 2),
    )


def test_many_runs_are_few_files_and_none_is_lost(lake: Lake):
    for day in range(20):
        record(lake, taken(day, day), run_id=f"run {day}")
    assert values(lake) == list(range(20))
    assert len(lake.open(history.KEY).file_uris()) <= history._FILES + 1
    record(lake, taken(99, 3), run_id="run 3")
    assert values(lake) == list(range(20))


def test_of_what_is_older_than_asked_for_nothing_is_told(lake: Lake):
    for day in range(4):
        record(lake, taken(day, day), run_id=f"run {day}")
    found = series(lake, TABLE, since=START + timedelta(days=2))
    assert [point.value for point in found[ROWS].points] == [2, 3]


def test_runs_of_one_table_at_the_same_time_are_all_recorded_once(lake: Lake):
    record(lake, taken(0), run_id="first")

    def work(number: int) -> None:
        for run in range(4):
            record(lake, taken(number, run + 1), run_id=f"run {run}" if number < 3 else f"own {run}")

    with ThreadPoolExecutor() as pool:
        list(pool.map(work, range(4)))
    runs = read(lake, TABLE).filter(pc.field("metric") == "row_count")["run_id"].to_pylist()
    assert sorted(runs) == sorted(["first", *(f"{name} {run}" for name in ("run", "own") for run in range(4))])


def test_an_acknowledged_change_is_a_change_of_that_series_alone(lake: Lake):
    record(lake, taken(7), run_id="a")
    acknowledge(lake, TABLE, None, "row_count", START, "ann", "we bought a company")
    found = series(lake, TABLE)
    assert found[ROWS].changes == (START,)
    assert found["null_share", "email"].changes == ()


def test_a_point_that_a_person_has_called_an_anomaly_says_so(lake: Lake):
    for day in range(3):
        record(lake, taken(day, day), run_id=f"run {day}")
    acknowledge(lake, TABLE, None, "row_count", START + timedelta(days=1), "ann", "half a file", is_anomaly=True)
    found = series(lake, TABLE)[ROWS]
    assert [point.is_anomaly for point in found.points] == [False, True, False]
    assert found.changes == ()


def test_what_was_never_measured_cannot_be_acknowledged(lake: Lake):
    record(lake, taken(7), run_id="a")
    with pytest.raises(NoSuchSeries, match="no metric mean of price; it has null_share of email, row_count"):
        acknowledge(lake, TABLE, "price", "mean", START, "ann", "why not")
    with pytest.raises(NoSuchSeries, match=r"bronze\.shop\.nothing has no metric row_count; it has none"):
        acknowledge(lake, "bronze.shop.nothing", None, "row_count", START, "ann", "why not")
    assert not lake.exists(history.ACKNOWLEDGED)


def test_a_table_is_found_by_its_key_its_name_or_its_view(lake: Lake):
    with pytest.raises(NoSuchSeries, match="Nothing was measured yet"):
        find_table(lake, "orders")
    for number, table in enumerate((TABLE, "gold.orders", "gold.fct")):
        record(lake, taken(number, table=table), run_id="a")
    assert [find_table(lake, name) for name in (TABLE, "bronze_shop.orders", "fct")] == [TABLE, TABLE, "gold.fct"]
    with pytest.raises(NoSuchSeries, match=r"More than one .* There are bronze\.shop\.orders, gold\.orders"):
        find_table(lake, "orders")
    with pytest.raises(NoSuchSeries, match=r"No measured table .* nothing\. There are bronze\.shop\.orders, gold\.fct"):
        find_table(lake, "nothing")


def test_a_point_is_found_by_its_day_and_is_the_newest_when_none_is_given(lake: Lake):
    for day in range(3):
        record(lake, taken(day, day), run_id=f"run {day}")
    found = series(lake, TABLE)[ROWS]
    assert find_point(found, None).value == 2
    assert find_point(found, date(2026, 1, 6)).value == 1
    with pytest.raises(
        NoSuchSeries, match="Nothing was measured of 2026-02-01; the newest measurement is of 2026-01-07"
    ):
        find_point(found, date(2026, 2, 1))
