"""Rows that break a rule are set aside with all that they break; good and quarantined are what was read (T39)."""

import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from made_source import (
    ASIDE,
    ITEMS,
    LOWER,
    SHORT,
    TREE,
    broken_values,
    contract,
    put,
    quarantining,
    source_table,
    versions,
    whole_table,
)  # fmt: skip

from dataeng_assets.contracts.checks.kinds import Holds, NotNull, Unique
from dataeng_assets.contracts.checks.rule import Bounds, Rule, Severity, Unit
from dataeng_assets.contracts.checks.setting_aside import TooManyBroken
from dataeng_assets.extract import commit
from dataeng_assets.extract.commit import Overtaken
from dataeng_assets.extract.plan import Window
from dataeng_assets.postgres.errors import SourceRefused

pytestmark = pytest.mark.server


def log(shop) -> list[tuple[str, int, str | None, list[str]]]:
    return [(row["_op"], row["item_id"], row["value"], row["_broken"]) for row in shop.bronze("items_quarantine")]


def divided(report: Any) -> tuple[int, int, int]:
    assert report.rows_good + report.rows_quarantined == report.rows_read
    return report.rows_read, report.rows_good, report.rows_quarantined


def test_a_row_that_breaks_rules_is_set_aside_with_the_names_of_all_of_them(items):
    for key, value in enumerate(["a", "bb", "C", "DD", None]):
        put(items, key, value)
    report = items.first()
    assert divided(report) == (5, 2, 3)
    assert report.broken_rules == {"short": 2, "lower": 2}
    assert items.values() == [(0, "a"), (4, None)]
    assert log(items) == [
        ("upsert", 1, "bb", ["short"]),
        ("upsert", 2, "C", ["lower"]),
        ("upsert", 3, "DD", ["short", "lower"]),
    ]
    [row, *_] = items.bronze("items_quarantine")
    assert (row["_run_id"], row["_contract_version"]) == ("run-1", "1.0.0")
    assert row["_extracted_at"] == items.bronze()[0]["_extracted_at"]


def test_the_last_good_version_of_a_key_stays_in_bronze(items):
    put(items, 1, "a")
    items.first()
    put(items, 1, "bb")
    report = items.follow()
    assert (report.rows_quarantined, report.rows_appended, items.values()) == (1, 0, [(1, "a")])
    put(items, 1, "c")
    assert items.follow().rows_appended == 1
    assert log(items) == [("upsert", 1, "bb", ["short"]), ("cleared", 1, None, [])]


def test_reading_a_window_again_sets_nothing_aside_twice(items):
    put(items, 1, "bb")
    put(items, 2, "c")
    items.first()
    before = versions(items)
    report = items.reread(None, datetime.now(UTC) + timedelta(hours=1))
    assert divided(report) == (2, 1, 1)
    assert versions(items) == before
    items.tables = [source_table(quarantining(contract("items"), replace(SHORT, name="one_letter")))]
    items.first()
    items.first()
    assert [row[3] for row in log(items)] == [["short"], ["one_letter"]]


def test_rules_with_a_tolerance_warnings_and_rules_of_several_rows_set_nothing_aside(shop):
    rules = (
        replace(SHORT, bounds=Bounds(upper=5)),
        replace(LOWER, severity=Severity.WARNING),
        Rule(Unique(("value",)), "unique"),
    )
    shop.tables = [source_table(quarantining(contract("items"), *rules))]
    put(shop, 1, "BB")
    put(shop, 2, "BB")
    assert divided(shop.first()) == (2, 2, 0)


def test_a_rule_speaks_of_the_rows_for_which_its_condition_is_true(shop):
    shop.tables = [source_table(quarantining(contract("items"), replace(SHORT, where="item_id > 1")))]
    put(shop, 1, "bb")
    put(shop, 2, "bb")
    shop.first()
    assert shop.values() == [(1, "bb")]


def test_a_required_value_that_is_missing_sets_its_row_aside(shop):
    columns = tuple((name, kind, False) for name, kind, _ in ITEMS)
    shop.tables = [source_table(quarantining(contract("items", columns), Rule(NotNull("value"), "given")))]
    put(shop, 1, None)
    put(shop, 2, "b")
    assert divided(shop.first()) == (2, 1, 1)
    shop.tables = [source_table(quarantining(contract("items", columns)))]
    shop.first()
    assert [row[3] for row in log(shop)] == [["given"], ["value_required"]]
    shop.tables = [source_table(contract("items", columns))]
    with pytest.raises(SourceRefused, match=r"value \(1 rows\)"):
        shop.first()


def test_above_the_limit_nothing_is_committed_and_exactly_the_limit_is_fine(items):
    described = quarantining(contract("items"), SHORT, LOWER, limit=Bounds(upper=50, unit=Unit.PERCENT))
    items.tables = [source_table(described)]
    for key, value in enumerate(["a", "b", "CC", "dd", "ee"]):
        put(items, key, value)
    message = r"3 of 5 rows of shop.items \(60\.0%\).* short \(3\), lower \(1\).*at most 50 %.*items\.yaml.*`limit`"
    with pytest.raises(TooManyBroken, match=message) as raised:
        items.first()
    assert not raised.value.retryable
    assert versions(items) == (0, 0)
    put(items, 9, "z")
    assert divided(items.first()) == (6, 3, 3)


def test_a_rule_that_cannot_be_evaluated_is_no_pass(shop):
    shop.tables = [source_table(quarantining(contract("items"), Rule(Holds("cast(value as integer) > 0"), "positive")))]
    put(shop, 1, "secret")
    with pytest.raises(SourceRefused, match=r"\(positive, updated_at_required\) could not be evaluated") as raised:
        shop.first()
    assert "secret" not in str(raised.value)
    assert versions(shop) == (0, 0)


def test_a_key_whose_new_version_is_broken_is_no_delete_in_a_table_read_whole(guarded_tree):
    put(guarded_tree, 1, "a")
    put(guarded_tree, 2, "b")
    guarded_tree.first()
    put(guarded_tree, 1, "aa")
    put(guarded_tree, 3, "cc")
    report = guarded_tree.follow()
    assert (report.rows_deleted, report.rows_living, report.rows_in_source) == (0, 3, 3)
    guarded_tree.do("DELETE FROM shop.items WHERE item_id IN (1, 3)")
    gone = guarded_tree.follow()
    assert (gone.rows_deleted, gone.rows_living, gone.rows_in_source) == (1, 1, 1)
    assert log(guarded_tree)[2:] == [("cleared", 1, None, []), ("cleared", 3, None, [])]
    put(guarded_tree, 1, "xx")
    put(guarded_tree, 3, "c")
    back = guarded_tree.follow()
    assert (back.rows_returned, back.rows_quarantined, back.rows_living) == (0, 1, 3)


def test_a_good_version_that_bronze_has_already_is_told_to_the_quarantine(guarded_tree):
    put(guarded_tree, 1, "a")
    guarded_tree.first()
    put(guarded_tree, 1, "aa")
    guarded_tree.follow()
    put(guarded_tree, 1, "a")
    assert guarded_tree.follow().rows_appended == 0
    assert log(guarded_tree) == [("upsert", 1, "aa", ["short"]), ("cleared", 1, None, [])]
    put(guarded_tree, 1, "aa")
    guarded_tree.follow()
    assert log(guarded_tree)[2:] == [("upsert", 1, "aa", ["short"])]


def test_without_quarantine_in_the_contract_broken_rows_go_to_bronze_and_the_log_learns_of_it(guarded_tree):
    put(guarded_tree, 1, "aa")
    assert guarded_tree.first().quarantine_version is not None
    guarded_tree.tables = [whole_table(contract("items", TREE), max_vanished=1)]
    report = guarded_tree.follow()
    assert divided(report) == (1, 1, 0)
    assert guarded_tree.values() == [(1, "aa")]
    assert [row[0] for row in log(guarded_tree)] == ["upsert", "cleared"]


def test_a_table_that_never_set_anything_aside_has_no_quarantine(shop):
    assert shop.first().quarantine_version is None
    assert not shop.lake.exists(ASIDE)


def test_of_two_extracts_that_overlap_one_is_refused_before_it_sets_anything_aside(items, monkeypatch):
    put(items, 1, "bb")
    opened = commit.versions.check

    def check_after_another_run(*given, **named):
        monkeypatch.undo()
        items.first()
        return opened(*given, **named)

    monkeypatch.setattr(commit.versions, "check", check_after_another_run)
    with pytest.raises(Overtaken):
        items.first()
    assert log(items) == [("upsert", 1, "bb", ["short"])]


@pytest.mark.crash
@pytest.mark.parametrize("moment", ["before the quarantine", "between the commits", "after the commits"])
def test_a_run_killed_at_any_commit_is_made_good_by_the_next(items, moment):
    put(items, 1, "a")
    items.first()
    for key in range(1, 5):
        put(items, key, "bb" if key % 2 else "b")
    program = Path(__file__).with_name("killed_quarantine.py")
    ended = subprocess.run(
        [sys.executable, str(program), moment, items.url, items.lake.uri], capture_output=True, text=True
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr

    items.follow()
    assert divided(items.first()) == (4, 2, 2)
    assert log(items) == [("upsert", 1, "bb", ["short"]), ("upsert", 3, "bb", ["short"])]
    assert items.values() == [(1, "a"), (2, "b"), (4, "b")]


@pytest.mark.parametrize("window", [Window(None, None), Window(None, datetime.now(UTC) + timedelta(days=1))])
def test_each_version_stands_in_one_of_both_tables(items, window):
    for key, value in enumerate(broken_values(40)):
        put(items, key, value)
    report = items.run_all(window)[0]
    assert divided(report)[0] == 40
    good, aside = {row["item_id"] for row in items.bronze()}, {row[1] for row in log(items)}
    assert (len(good), len(aside)) == divided(report)[1:]
    assert good.isdisjoint(aside)
    assert good | aside == set(range(40))
