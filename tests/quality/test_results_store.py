"""Results are kept once, come back as they were, and any text in them too."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from quality_results import EVERY_KIND, HELD, NOW, RANGE, UNDECIDED, any_table, anything, table

from dataeng_assets.lake.location import Lake
from dataeng_assets.quality import results_store
from dataeng_assets.quality.results import Overall
from dataeng_assets.quality.results_store import KEY, read, record
from dataeng_assets.quality.written.view import view


@pytest.fixture
def lake(tmp_path):
    return Lake(str(tmp_path / "lake"))


def test_nothing_recorded_is_nothing_read(lake):
    assert read(lake) == []


def test_a_judgement_comes_back_as_it_was(lake):
    result = table(*EVERY_KIND)
    assert record(lake, {"marts.fct_orders": result}, run_id="r1", partition="2026-11-19") == 1
    (kept,) = read(lake)
    assert (kept.table_key, kept.run_id, kept.partition) == ("marts.fct_orders", "r1", "2026-11-19")
    assert (kept.overall, kept.rows, kept.freshest) == (Overall.VIOLATED, 1000, result.freshest)
    assert kept.rules == tuple(view(one) for one in EVERY_KIND)
    assert (kept.contract_id, kept.contract_version, kept.owner) == ("marts.fct_orders", "1.2.0", "analytics")
    assert [(column.name, column.personal, column.nulls) for column in kept.columns] == [
        ("order_id", False, 0),
        ("net_amount", False, None),
        ("email", True, 250),
    ]
    assert kept.consumers == result.suite.consumers
    assert kept.not_executed == result.not_executed
    assert kept.sla == {"retention": "3 years"}


def test_the_same_data_is_kept_once_in_a_run_and_newer_data_beside_it(lake):
    first = {"a": table(HELD)}
    assert [record(lake, first, run_id="r1") for _ in range(3)] == [1, 0, 0]
    assert record(lake, {**first, "b": table(HELD)}, run_id="r1") == 1
    later = {"judged_at": NOW + timedelta(minutes=1)}
    assert record(lake, {"a": replace(table(HELD), **later)}, run_id="r1") == 0, "a retry judges the same data"
    assert record(lake, {"a": replace(table(HELD), data_version="next", **later)}, run_id="r1") == 1
    assert record(lake, first, run_id="r2") == 1
    assert record(lake, first, run_id="r1", partition="2026-11-19") == 1
    assert [(one.table_key, one.run_id, one.partition) for one in read(lake)] == [
        ("a", "r1", ""),
        ("a", "r2", ""),
        ("a", "r1", "2026-11-19"),
        ("b", "r1", ""),
        ("a", "r1", ""),
    ]


def test_a_retry_that_could_decide_what_its_first_attempt_could_not_is_kept_beside_it(lake):
    attempts = ((UNDECIDED, 2), (HELD, 1), (HELD, 0))
    found = [record(lake, {"a": table(rule, days_ago=ago)}, run_id="r") for rule, ago in attempts]
    assert found == [1, 1, 0]
    assert {one.overall for one in read(lake)} == {Overall.UNDECIDED, Overall.HOLDS}


def test_writers_at_the_same_time_lose_nothing_and_double_nothing(lake):
    record(lake, {"first": table(HELD)}, run_id="r")
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda at: record(lake, {f"t{at % 4}": table(HELD, RANGE)}, run_id="r"), range(8)))
    assert sorted(one.table_key for one in read(lake)) == ["first", "t0", "t1", "t2", "t3"]


def test_only_what_is_young_enough_is_read(lake):
    for days in (0, 10, 40):
        record(lake, {"a": table(HELD, days_ago=days)}, run_id=f"r{days}")
    assert [one.run_id for one in read(lake, since=NOW - timedelta(days=10))] == ["r10", "r0"]


def test_many_small_files_become_one(lake, monkeypatch):
    monkeypatch.setattr(results_store, "_FILES", 3)
    for run in range(6):
        record(lake, {"a": table(HELD)}, run_id=f"r{run}")
    assert len(lake.open(KEY).file_uris()) <= 3
    assert len(read(lake)) == 6


def test_it_can_be_asked_in_sql(lake):
    record(lake, {"a": table(*EVERY_KIND)}, run_id="r1")
    rows = lake.open(KEY).to_pyarrow_table().to_pylist()
    by_rule = {row["rule"]: row for row in rows}
    assert (by_rule[None]["status"], by_rule[None]["rows"]) == ("violated", 1000)
    assert (by_rule["net_amount_range"]["failing"], by_rule["net_amount_range"]["value"]) == (12, 12.0)
    assert by_rule["fresh"]["severity"] == "warning"


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(any_table(), anything)
def test_any_text_is_kept(tmp_path_factory, found, key):
    lake = Lake(str(tmp_path_factory.mktemp("lake")))
    record(lake, {key: found}, run_id="r")
    (kept,) = read(lake)
    assert kept.table_key == key.encode("utf-8", "replace").decode()
    assert [rule.outcome for rule in kept.rules] == [view(one).outcome for one in found.results]
    assert [rule.samples for rule in kept.rules] == [one.samples for one in found.results]
