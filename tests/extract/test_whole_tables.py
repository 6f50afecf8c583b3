"""A table without a clock is read whole, and bronze learns of what was deleted and what came back (T13)."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_source import AHEAD, TREE, contract, source_table, whole_table

from dataeng_assets.extract import commit, run
from dataeng_assets.extract.commit import Overtaken
from dataeng_assets.extract.plan import Window
from dataeng_assets.lake.location import Lake
from dataeng_assets.postgres.errors import SourceBehind, SourceRefused

pytestmark = pytest.mark.server

LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)


@pytest.fixture
def tree(shop):
    shop.do("ALTER TABLE shop.items DROP COLUMN updated_at")
    shop.tables = [whole_table(contract("items", TREE), max_vanished=0.5)]
    return shop


def log(shop) -> list[tuple[str, int, str | None]]:
    return [(row["_op"], row["item_id"], row["value"]) for row in shop.bronze()]


def test_only_rows_that_changed_are_appended(tree):
    tree.do("INSERT INTO shop.items VALUES (1, 'a'), (2, 'b'), (3, NULL)")
    first = tree.first()
    assert (first.rows_read, first.rows_appended, first.method, first.lower_bound) == (3, 3, "whole", None)
    tree.do("UPDATE shop.items SET value = 'B' WHERE item_id = 2")
    again = tree.follow()
    assert (again.rows_read, again.rows_appended, again.rows_in_source) == (3, 1, 3)
    assert tree.follow().rows_appended == 0
    assert log(tree) == [("upsert", 1, "a"), ("upsert", 2, "b"), ("upsert", 3, None), ("upsert", 2, "B")]


def test_a_key_that_vanished_is_told_once_and_so_is_its_return(tree):
    tree.do("INSERT INTO shop.items VALUES (1, 'a'), (2, 'b')")
    tree.first()
    tree.do("DELETE FROM shop.items WHERE item_id = 1")
    gone = tree.follow()
    assert (gone.rows_read, gone.rows_appended, gone.rows_deleted, gone.rows_returned) == (1, 1, 1, 0)
    assert tree.follow().rows_appended == 0
    tree.do("INSERT INTO shop.items VALUES (1, 'a')")
    back = tree.follow()
    assert (back.rows_appended, back.rows_deleted, back.rows_returned) == (1, 0, 1)
    assert tree.follow().rows_appended == 0
    assert log(tree)[2:] == [("delete", 1, None), ("return", 1, "a")]


def test_a_key_that_vanished_leaves_its_key_and_nothing_else(tree):
    columns = (("a", "text", False), ("b", "integer", False), ("c", "text", False), ("d", "boolean", True))
    tree.do("CREATE TABLE shop.pairs (a text, b integer, c text NOT NULL, d boolean, PRIMARY KEY (b, a))")
    tree.tables = [whole_table(contract("pairs", columns, ("a", "b")), max_vanished=1)]
    tree.do("INSERT INTO shop.pairs VALUES ('x', 1, 'c', true), ('y', 1, 'c', false)")
    tree.first()
    tree.do("DELETE FROM shop.pairs WHERE a = 'x'")
    report = tree.follow()
    (deleted,) = [row for row in tree.bronze("pairs") if row["_op"] == "delete"]
    assert (deleted["a"], deleted["b"], deleted["c"], deleted["d"]) == ("x", 1, None, None)
    assert deleted["_run_id"] == "run-2"
    assert deleted["_extracted_at"] > LONG_AGO
    assert report.rows_deleted == 1


def test_a_deleted_row_without_other_values_is_not_taken_for_one_that_is_there(tree):
    tree.do("INSERT INTO shop.items VALUES (1, NULL), (2, 'b')")
    tree.first()
    for statement in ("DELETE FROM shop.items WHERE item_id = 1", "INSERT INTO shop.items VALUES (1, NULL)"):
        tree.do(statement)
        assert tree.follow().rows_appended == 1
    assert [op for op, key, _ in log(tree) if key == 1] == ["upsert", "delete", "return"]


def test_every_window_reads_everything(tree):
    tree.do("INSERT INTO shop.items VALUES (1, 'a'), (2, 'b')")
    report = tree.reread(LONG_AGO, LONG_AGO + timedelta(days=1))
    assert (report.rows_appended, report.window) == (2, Window(None, None))
    tree.do("DELETE FROM shop.items WHERE item_id = 2")
    assert tree.reread(LONG_AGO, LONG_AGO + timedelta(days=1)).rows_deleted == 1


def test_an_empty_source_is_refused_while_bronze_has_living_keys(tree):
    assert tree.first().rows_appended == 0, "nothing was ever there"
    tree.do("INSERT INTO shop.items VALUES (1, 'a')")
    tree.follow()
    tree.do("TRUNCATE shop.items")
    version = tree.lake.open(("bronze", "shop", "items")).version()
    with pytest.raises(SourceRefused, match=r"empty in the source.*1 of its keys.*may_be_empty: true") as raised:
        tree.follow()
    assert not raised.value.retryable
    assert tree.lake.open(("bronze", "shop", "items")).version() == version
    tree.tables = [replace(tree.tables[0], may_be_empty=True)]
    assert tree.follow().rows_deleted == 1
    assert tree.follow().rows_appended == 0


def test_more_vanished_keys_than_declared_are_refused_and_exactly_as_many_are_believed(tree):
    tree.do("INSERT INTO shop.items SELECT i, 'v' FROM generate_series(1, 100) i")
    tree.tables = [replace(tree.tables[0], max_vanished=0.29)]
    tree.first()
    tree.do("DELETE FROM shop.items WHERE item_id <= 30")
    with pytest.raises(SourceRefused, match=r"30 of the 100 keys .*30\.0%.*at most 29\.0%.*raise `max_vanished`"):
        tree.follow()
    tree.do("INSERT INTO shop.items VALUES (30, 'v')")
    assert tree.follow().rows_deleted == 29


def test_a_key_that_changed_is_a_delete_and_a_new_row(tree):
    tree.do("INSERT INTO shop.items VALUES (1, 'a'), (2, 'b')")
    tree.first()
    tree.do("UPDATE shop.items SET item_id = 3 WHERE item_id = 1")
    tree.follow()
    assert sorted(log(tree)[2:]) == [("delete", 1, None), ("upsert", 3, "a")]


def test_a_row_changed_without_a_word_while_it_was_read_arrives_with_the_next_run(tree, monkeypatch):
    tree.do("INSERT INTO shop.items VALUES (1, 'a'), (2, 'b')")
    stage = run.stage

    def stage_then_write(*given):
        staged = stage(*given)
        tree.session(autocommit=True).execute("DELETE FROM shop.items WHERE item_id = 1")
        return staged

    monkeypatch.setattr(run, "stage", stage_then_write)
    assert tree.first().rows_appended == 2
    monkeypatch.undo()
    assert tree.follow().rows_deleted == 1


@pytest.mark.parametrize("window", [Window(AHEAD, None), Window(LONG_AGO, AHEAD)], ids=["follows", "reads again"])
def test_of_two_runs_that_overlap_one_is_refused_and_nothing_is_told_twice(tree, monkeypatch, window):
    tree.do("INSERT INTO shop.items VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    tree.first()
    tree.do("DELETE FROM shop.items WHERE item_id = 1")
    append, overtaking = commit.append, []

    def append_after_another_run(*given, **named):
        if not overtaking:
            overtaking.append("now")
            tree.run_all(window)
        return append(*given, **named)

    monkeypatch.setattr(commit, "append", append_after_another_run)
    with pytest.raises(Overtaken, match="Run again"):
        tree.follow()
    assert tree.follow().rows_appended == 0
    assert [op for op, key, _ in log(tree) if key == 1] == ["upsert", "delete"]


def test_an_older_state_of_the_source_brings_nothing_back(tree, monkeypatch):
    from dataeng_assets.postgres import snapshot

    tree.do("INSERT INTO shop.items VALUES (1, 'a'), (2, 'b')")
    tree.reread(None, AHEAD)
    export = snapshot._export

    def behind(*given):
        name, taken = export(*given)
        return name, replace(taken, xmin=taken.xmin - 1_000)

    monkeypatch.setattr(snapshot, "_export", behind)
    with pytest.raises(SourceBehind, match="replica"):
        tree.reread(None, AHEAD)


def test_a_table_that_was_read_whole_and_then_followed_knows_what_was_deleted(shop):
    described = contract("items")
    shop.tables = [whole_table(described, max_vanished=1)]
    shop.do("INSERT INTO shop.items VALUES (1, 'a', '2020-01-01'), (2, 'b', '2020-01-01')")
    shop.first()
    shop.do("DELETE FROM shop.items WHERE item_id = 1")
    shop.follow()
    shop.tables = [source_table(described)]
    assert shop.first().rows_appended == 0
    shop.do("INSERT INTO shop.items VALUES (1, 'a', '2020-01-01')")
    assert shop.reread(None, AHEAD).rows_returned == 1
    assert shop.reread(None, AHEAD).rows_appended == 0


def test_a_table_without_its_watermark_has_to_be_read_whole(tree):
    tree.tables = [source_table(contract("items", TREE))]
    with pytest.raises(SourceRefused, match=r"updated_at of shop\.items is not in the contract.*mode: full"):
        tree.first()


SNAPSHOTS = st.lists(
    st.dictionaries(st.integers(1, 5), st.sampled_from(["a", "b", "", None]), min_size=1), min_size=1, max_size=7
)


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(snapshots=SNAPSHOTS)
def test_after_any_sequence_of_snapshots_bronze_tells_each_change_once(tree, tmp_path, snapshots):
    tree.lake = Lake(str(tmp_path / uuid.uuid4().hex))
    tree.tables = [whole_table(contract("items", TREE), max_vanished=1)]
    before, known, expected = {}, set(), []
    for after in snapshots:
        tree.do("DELETE FROM shop.items")
        for key, value in after.items():
            tree.do("INSERT INTO shop.items VALUES (%s, %s)", key, value)
        tree.follow()
        for key in sorted(before.keys() | after.keys()):
            if key not in after:
                expected.append(("delete", key, None))
            elif key not in before:
                expected.append(("return" if key in known else "upsert", key, after[key]))
            elif before[key] != after[key]:
                expected.append(("upsert", key, after[key]))
        before, known = after, known | after.keys()
        assert log(tree) == expected
        assert tree.follow().rows_appended == 0
    newest = {key: (op, value) for op, key, value in log(tree)}
    assert {key: value for key, (op, value) in newest.items() if op != "delete"} == snapshots[-1]
