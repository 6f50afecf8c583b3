"""Quarantined rows are validated again and released once, over nothing newer (T39, promise 6)."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from made_source import (
    AHEAD,
    ASIDE,
    ITEMS,
    KEY,
    LOWER,
    SHORT,
    TREE,
    Shop,
    contract,
    put,
    quarantining,
    source_table,
    versions,
    whole_table,
)  # fmt: skip

from dataeng_assets.contracts.checks.replayed import Replayed
from dataeng_assets.contracts.checks.rule import Bounds, Rule, Unit
from dataeng_assets.contracts.checks.setting_aside import TooManyBroken
from dataeng_assets.extract import commit
from dataeng_assets.extract import release as release_module
from dataeng_assets.extract.commit import Overtaken
from dataeng_assets.extract.release import ReleaseOvertaken, release
from dataeng_assets.lake.location import TableMissing

pytestmark = pytest.mark.server


def replay(shop: Shop, *rules: Rule, release_id: str = "replay-1", **options: Any) -> Replayed:
    """Replay under a contract with these rules, which stays in force."""
    whole = shop.tables[0].watermark is None
    described = quarantining(contract("items", TREE if whole else ITEMS), *rules)
    shop.tables = [whole_table(described, max_vanished=1) if whole else source_table(described)]
    return release(shop.lake, shop.tables[0], release_id=release_id, **options)


def told(found: Replayed) -> tuple[int, int, int, int]:
    return found.released, found.broken, found.superseded, found.already


def test_what_keeps_the_contract_now_is_released_once_as_of_when_it_was_read(items):
    for key, value in enumerate(["a", "bb", "C", "DD"]):
        put(items, key, value)
    items.first()
    read_at = items.bronze()[0]["_extracted_at"]

    found = replay(items, SHORT)

    assert told(found) == (1, 2, 0, 0)
    assert (found.by_rule, found.release, found.version) == ({"short": 2}, "replay-1", items.lake.open(KEY).version())
    [row] = [row for row in items.bronze() if row["_released_by"]]
    assert (row["item_id"], row["value"], row["_op"], row["_run_id"]) == (2, "C", "upsert", "run-1")
    assert (row["_released_by"], row["_extracted_at"]) == ("replay-1", read_at)
    assert told(replay(items, SHORT, release_id="replay-2")) == (0, 2, 0, 1)
    assert told(replay(items, release_id="replay-3")) == (2, 0, 0, 1)
    assert items.first().rows_appended == 0, "an extract knows the released versions"
    assert sorted(items.values()) == [(0, "a"), (1, "bb"), (2, "C"), (3, "DD")]


def test_the_commit_says_what_was_released_by_which_contract(items):
    put(items, 1, "bb")
    items.first()
    aside = items.lake.open(ASIDE).version()
    replay(items)
    [last] = items.lake.open(KEY).history(1)
    said = {name: last[name] for name in ("released_by", "released", "contract", "quarantine_version")}
    assert said == {
        "released_by": "replay-1",
        "released": "1",
        "contract": "items 1.0.0",
        "quarantine_version": str(aside),
    }


def test_a_dry_run_says_the_same_and_writes_nothing(items):
    put(items, 1, "bb")
    put(items, 2, "CC")
    items.first()
    before = versions(items)
    found = replay(items, LOWER, dry_run=True)
    assert (told(found), found.version, versions(items)) == ((1, 1, 0, 0), None, before)


def test_when_more_is_still_broken_than_the_limit_allows_nothing_is_released(items):
    for key, value in enumerate(["bb", "CC", "DD"]):
        put(items, key, value)
    items.first()
    before = versions(items)
    with pytest.raises(TooManyBroken, match=r"2 of 3 rows .*lower \(2\).*at most 50 %.*Nothing was released"):
        replay(items, LOWER, limit=Bounds(upper=50, unit=Unit.PERCENT))
    assert versions(items) == before
    assert told(replay(items, LOWER, limit=Bounds(upper=2)))[:2] == (1, 2)


def test_a_version_is_never_released_over_a_newer_good_one(items):
    put(items, 1, "bb")
    items.first()
    put(items, 1, "c")
    items.follow()
    assert told(replay(items)) == (0, 0, 1, 0)
    assert items.values() == [(1, "c")]


def test_a_version_is_not_released_when_its_key_went_back_to_what_bronze_has(guarded_tree):
    for value in ("a", "aa", "a"):
        put(guarded_tree, 1, value)
        guarded_tree.follow()
    assert told(replay(guarded_tree)) == (0, 0, 1, 0)
    assert guarded_tree.follow().rows_appended == 0


def test_a_version_is_not_released_when_its_key_is_gone(guarded_tree):
    put(guarded_tree, 1, "aa")
    put(guarded_tree, 2, "b")
    guarded_tree.first()
    guarded_tree.do("DELETE FROM shop.items WHERE item_id = 1")
    guarded_tree.follow()
    assert told(replay(guarded_tree)) == (0, 0, 1, 0)


def test_a_key_that_came_back_broken_returns_when_it_is_released(guarded_tree):
    for statement in (
        "INSERT INTO shop.items VALUES (1, 'a'), (2, 'b')",
        "DELETE FROM shop.items WHERE item_id = 1",
        "INSERT INTO shop.items VALUES (1, 'AA')",
        "UPDATE shop.items SET value = 'BB' WHERE item_id = 1",
    ):
        guarded_tree.do(statement)
        guarded_tree.follow()
    assert told(replay(guarded_tree)) == (2, 0, 0, 0)
    assert [(row["_op"], row["value"]) for row in guarded_tree.bronze() if row["item_id"] == 1] == [
        ("upsert", "a"), ("delete", None), ("return", "AA"), ("upsert", "BB"),
    ]  # fmt: skip
    assert guarded_tree.follow().rows_appended == 0
    assert guarded_tree.follow().rows_living == 2


def test_all_broken_versions_of_a_key_are_released_in_their_order(items):
    for value in ("bb", "CC", "dd"):
        put(items, 1, value)
        items.first()
    assert told(replay(items, LOWER)) == (2, 1, 0, 0)
    assert [value for _, value in items.values()] == ["bb", "dd"]
    assert told(replay(items)) == (0, 0, 1, 2), "what lies between them is superseded"


def test_a_version_that_broke_other_rules_when_it_was_read_again_is_one_version(items):
    put(items, 1, "BB")
    items.first()
    items.tables = [source_table(quarantining(contract("items"), LOWER))]
    items.first()
    assert items.lake.open(ASIDE).to_pyarrow_table().num_rows == 2
    assert told(replay(items)) == (1, 0, 0, 0)
    assert told(replay(items)) == (0, 0, 0, 1)
    items.tables = [source_table(quarantining(contract("items"), SHORT))]
    items.first()
    assert told(replay(items)) == (0, 0, 0, 1)
    assert items.values() == [(1, "BB")]


def test_a_good_version_that_new_rules_set_aside_when_it_was_read_again_is_not_released_a_second_time(items):
    items.tables = [source_table(quarantining(contract("items"), SHORT))]
    put(items, 1, "C")
    items.first()
    items.tables = [source_table(quarantining(contract("items"), SHORT, LOWER))]
    items.first()
    assert items.lake.open(ASIDE).to_pyarrow_table().num_rows == 1
    assert told(replay(items)) == (0, 0, 0, 1)
    assert items.values() == [(1, "C")]


def test_without_quarantine_in_the_contract_everything_is_released_but_what_lacks_a_required_value(shop):
    columns = (
        ("item_id", "bigint", False),
        ("value", "text", False),
        ("updated_at", "timestamp with time zone", False),
    )
    shop.tables = [source_table(quarantining(contract("items", columns), SHORT))]
    put(shop, 1, "aa")
    put(shop, 2, None)
    shop.first()
    found = release(shop.lake, source_table(contract("items", columns)), release_id="r")
    assert (told(found), found.by_rule) == ((1, 1, 0, 0), {"value_required": 1})


def test_a_column_that_is_new_in_the_contract_is_empty_in_what_is_released(items):
    put(items, 1, "aa")
    items.first()
    wider = contract("items", (*ITEMS, ("note", "text", True)))
    assert told(release(items.lake, source_table(quarantining(wider)), release_id="r")) == (1, 0, 0, 0)
    [row] = items.bronze()
    assert (row["value"], row["note"]) == ("aa", None)


def test_where_nothing_was_ever_set_aside_there_is_nothing_to_replay(shop):
    shop.first()
    with pytest.raises(TableMissing, match="Nothing was ever set aside"):
        release(shop.lake, shop.tables[0], release_id="r")


def test_an_extract_and_a_replay_that_overlap_do_not_both_commit(items, monkeypatch):
    put(items, 1, "bb")
    items.first()
    real, inside = commit.append, []

    def append_after_a_replay(*given, **named):
        if not inside:
            inside.append(replay(items))
        return real(*given, **named)

    put(items, 2, "c")
    monkeypatch.setattr(commit, "append", append_after_a_replay)
    with pytest.raises(Overtaken, match="replay"):
        items.follow()
    monkeypatch.undo()
    items.follow()
    assert items.values() == [(1, "bb"), (2, "c")]


def test_a_replay_looks_again_when_an_extract_was_quicker(items, monkeypatch):
    put(items, 1, "bb")
    items.first()
    put(items, 1, "c")
    real, overtaking = release_module.append, []

    def append_after_an_extract(*given, **named):
        if not overtaking:
            overtaking.append(items.first())
        return real(*given, **named)

    monkeypatch.setattr(release_module, "append", append_after_an_extract)
    found = release(items.lake, source_table(quarantining(contract("items"))), release_id="r")
    assert (told(found), len(overtaking)) == ((0, 0, 1, 0), 1)
    assert items.values() == [(1, "c")]


def test_a_replay_looks_again_when_an_extract_had_news_for_the_quarantine_alone(items, monkeypatch):
    put(items, 1, "a")
    items.first()
    [(before,)] = items.do("SELECT updated_at FROM shop.items")
    put(items, 1, "bb")
    items.first()
    items.do("UPDATE shop.items SET value = 'a', updated_at = %s", before)
    real, overtaking = release_module.append, []

    def append_after_an_extract(*given, **named):
        if not overtaking:
            overtaking.append(items.reread(None, AHEAD))
        return real(*given, **named)

    monkeypatch.setattr(release_module, "append", append_after_an_extract)
    assert told(replay(items)) == (0, 0, 1, 0)
    assert (overtaking[0].rows_appended, items.values()) == (0, [(1, "a")])


def test_a_replay_that_is_always_overtaken_says_so(items, monkeypatch):
    put(items, 1, "bb")
    items.first()

    def lose(*_given, **_named):
        raise release_module.Superseded

    monkeypatch.setattr(release_module, "append", lose)
    with pytest.raises(ReleaseOvertaken, match="Run it again"):
        replay(items)


def test_of_several_replays_at_once_one_releases_each_row(items):
    for key in range(20):
        put(items, key, "bb")
    items.first()
    table = source_table(quarantining(contract("items")))
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda n: release(items.lake, table, release_id=f"r{n}"), range(3)))
    assert sorted(told(one) for one in found) == [(0, 0, 0, 20), (0, 0, 0, 20), (20, 0, 0, 0)]
    assert len(items.values()) == 20


@pytest.mark.crash
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_replay_killed_at_its_commit_is_made_good_by_the_next(items, when):
    put(items, 1, "bb")
    items.first()
    program = Path(__file__).with_name("killed_release.py")
    ended = subprocess.run([sys.executable, str(program), when, items.lake.uri], capture_output=True, text=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert told(replay(items)) == ((1, 0, 0, 0) if when == "before" else (0, 0, 0, 1))
    assert items.values() == [(1, "bb")]
