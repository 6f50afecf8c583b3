"""All tables of a run are read at one moment, and nothing that happens meanwhile is lost (T7, T8, T10)."""

import itertools
import threading
import time

import pytest
from made_source import AHEAD, contract, source_table

from dataeng_assets.extract import commit, run, staging
from dataeng_assets.extract.commit import Overtaken
from dataeng_assets.extract.plan import Window

pytestmark = pytest.mark.server


def test_rows_written_while_tables_are_read_appear_in_none_of_them(shop, monkeypatch):
    names = ["items", "second", "third"]
    for name in names[1:]:
        shop.do(f"CREATE TABLE shop.{name} (LIKE shop.items INCLUDING ALL)")
    shop.tables = [source_table(contract(name)) for name in names]
    for name in names:
        shop.do(f"INSERT INTO shop.{name} VALUES (1, 'before')")
    stage, numbers = staging.stage, itertools.count(2)

    def stage_while_written(*given):
        staged = stage(*given)
        other, number = shop.session(), next(numbers)
        for name in names:
            other.execute(f"INSERT INTO shop.{name} VALUES (%s, 'meanwhile')", [number])
        other.commit()
        return staged

    monkeypatch.setattr(run, "stage", stage_while_written)
    reports = shop.run_all(Window(None, None))
    assert [report.rows_in_source for report in reports] == [1, 1, 1]
    monkeypatch.undo()
    reports = shop.run_all(Window(AHEAD, None))
    assert [report.rows_in_source for report in reports] == [4, 4, 4]
    assert [len(shop.bronze(name)) for name in names] == [4, 4, 4]


def test_a_table_rewritten_or_truncated_during_a_run_waits_for_its_end(shop, monkeypatch):
    shop.do("INSERT INTO shop.items SELECT i, 'v' FROM generate_series(1, 100) i")
    stage, truncating = staging.stage, []

    def truncate() -> None:
        shop.session(autocommit=True).execute("TRUNCATE shop.items")

    def stage_while_truncated(*given):
        truncating.append(threading.Thread(target=truncate))
        truncating[0].start()
        deadline = time.monotonic() + 20
        while not shop.do("SELECT 1 FROM pg_stat_activity WHERE query LIKE 'TRUNCATE%' AND wait_event_type = 'Lock'"):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return stage(*given)

    monkeypatch.setattr(run, "stage", stage_while_truncated)
    assert shop.first().rows_appended == 100
    truncating[0].join()
    assert shop.do("SELECT count(*) FROM shop.items") == [(0,)]


def test_a_partitioned_table_is_read_whole_and_generated_columns_are_read_too(shop):
    shop.do(
        "CREATE TABLE shop.parts (item_id bigint, value text GENERATED ALWAYS AS ('v' || item_id::text) STORED,"
        " updated_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (item_id)) PARTITION BY RANGE (item_id)"
    )
    shop.do("CREATE TABLE shop.parts_1 PARTITION OF shop.parts FOR VALUES FROM (0) TO (10)")
    shop.do("CREATE TABLE shop.parts_2 PARTITION OF shop.parts FOR VALUES FROM (10) TO (20)")
    shop.do("INSERT INTO shop.parts SELECT i FROM generate_series(1, 19) i")
    shop.tables = [source_table(contract("parts"))]
    report = shop.first()
    assert (report.rows_read, report.rows_appended, report.rows_in_source) == (19, 19, 19)
    assert {row["value"] for row in shop.bronze("parts")} == {f"v{i}" for i in range(1, 20)}


def test_an_empty_table_is_no_error(shop):
    report = shop.first()
    assert (report.rows_read, report.rows_appended, report.rows_in_source) == (0, 0, 0)
    assert shop.follow().rows_read == 0


@pytest.mark.parametrize("first", [Window(None, None), Window(None, AHEAD)], ids=["follows", "reads again"])
@pytest.mark.parametrize("second", [Window(None, None), Window(None, AHEAD)], ids=["follows", "reads again"])
def test_of_two_runs_that_overlap_one_is_refused_and_nothing_is_doubled(shop, monkeypatch, first, second):
    shop.do("INSERT INTO shop.items SELECT i, 'v' FROM generate_series(1, 10) i")
    append, overtaking = commit.append, []

    def append_after_another_run(*given, **named):
        if not overtaking:
            overtaking.append("now")
            shop.run_all(second)
        return append(*given, **named)

    monkeypatch.setattr(commit, "append", append_after_another_run)
    with pytest.raises(Overtaken, match="Run again") as raised:
        shop.run_all(first)
    assert raised.value.retryable
    shop.run_all(first)
    assert len(shop.bronze()) == 10


def test_of_four_runs_at_once_each_row_is_appended_by_one(shop):
    shop.do("INSERT INTO shop.items SELECT i, 'v' FROM generate_series(1, 2000) i")
    outcomes = []

    def read() -> None:
        try:
            shop.run_all(Window(None, None))
        except Overtaken:
            outcomes.append("refused")
        else:
            outcomes.append("committed")

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "committed" in outcomes
    assert len(outcomes) == 4
    assert len(shop.bronze()) == 2000
