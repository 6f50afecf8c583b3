"""Whenever a run is killed, the next one leaves the same table (T6)."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from made_source import contract, whole_table

pytestmark = [pytest.mark.server, pytest.mark.crash]

KEY = ("bronze", "shop", "items")


MOMENTS = pytest.mark.parametrize(
    ("moment", "commits"), [("once everything is staged", 0), ("once a file is written", 0), ("after the commit", 1)]
)


def kill_a_run(shop, moment: str, mode: str) -> None:
    program = Path(__file__).with_name("killed_run.py")
    ended = subprocess.run(
        [sys.executable, str(program), moment, mode, shop.url, shop.lake.uri], capture_output=True, text=True
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr


@MOMENTS
def test_a_killed_run_is_made_good_by_the_next(shop, state, moment, commits):
    shop.do("INSERT INTO shop.items SELECT i, md5(i::text) FROM generate_series(1, 150000) i")
    kill_a_run(shop, moment, "incremental")
    assert shop.lake.open(KEY).version() == commits
    left_behind = list(Path(shop.lake.at(KEY)).glob("*.parquet"))
    assert bool(left_behind) == (moment != "once everything is staged")
    assert len(list((state / "staging").iterdir())) == 2, "the killed run could not remove its folder"

    report = shop.first()

    assert report.rows_appended == (0 if commits else 150_000)
    assert shop.lake.open(KEY).to_pyarrow_table(columns=["item_id"]).num_rows == 150_000
    assert shop.first().rows_appended == 0
    assert [path.name for path in (state / "staging").iterdir()] == ["in_use"]


@MOMENTS
def test_what_vanished_is_told_once_although_the_run_that_saw_it_was_killed(shop, moment, commits):
    shop.tables = [whole_table(contract("items"), max_vanished=0.5)]
    shop.do("INSERT INTO shop.items SELECT i, md5(i::text), '2026-01-01' FROM generate_series(1, 150000) i")
    shop.first()
    shop.do("DELETE FROM shop.items WHERE item_id <= 50000")
    shop.do("UPDATE shop.items SET value = 'changed' WHERE item_id > 100000")
    kill_a_run(shop, moment, "full")

    report = shop.first()

    assert (report.rows_appended, report.rows_deleted) == ((0, 0) if commits else (100_000, 50_000))
    assert report.rows_living == report.rows_in_source == 100_000
    assert shop.first().rows_appended == 0
