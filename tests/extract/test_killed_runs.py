"""Whenever a run is killed, the next one leaves the same table (T6)."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.server, pytest.mark.crash]

KEY = ("bronze", "shop", "items")


def kill_a_run(shop, moment: str) -> None:
    program = Path(__file__).with_name("killed_run.py")
    ended = subprocess.run(
        [sys.executable, str(program), moment, shop.url, shop.lake.uri], capture_output=True, text=True
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr


@pytest.mark.parametrize(
    ("moment", "commits"), [("once everything is staged", 0), ("once a file is written", 0), ("after the commit", 1)]
)
def test_a_killed_run_is_made_good_by_the_next(shop, state, moment, commits):
    shop.do("INSERT INTO shop.items SELECT i, md5(i::text) FROM generate_series(1, 150000) i")
    kill_a_run(shop, moment)
    assert shop.lake.open(KEY).version() == commits
    left_behind = list(Path(shop.lake.at(KEY)).glob("*.parquet"))
    assert bool(left_behind) == (moment != "once everything is staged")
    assert len(list((state / "staging").iterdir())) == 2, "the killed run could not remove its folder"

    report = shop.first()

    assert report.rows_appended == (0 if commits else 150_000)
    assert shop.lake.open(KEY).to_pyarrow_table(columns=["item_id"]).num_rows == 150_000
    assert shop.first().rows_appended == 0
    assert [path.name for path in (state / "staging").iterdir()] == ["in_use"]
