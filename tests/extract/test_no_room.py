"""Where there is no room left, nothing is committed, and the message says what to do."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.server, pytest.mark.crash]

KEY = ("bronze", "shop", "items")


@pytest.mark.parametrize("place", ["staging", "lake"])
def test_without_room_nothing_is_committed_and_the_next_run_is_complete(shop, state, place):
    shop.do("INSERT INTO shop.items SELECT i, md5(i::text) FROM generate_series(1, 20000) i")
    program = Path(__file__).with_name("crowded_run.py")
    said = subprocess.check_output([sys.executable, str(program), place, shop.url, shop.lake.uri], text=True)
    assert said.startswith("False There is no room to write shop.items"), said
    assert "File too large" in said
    assert f"Make room at {state / 'staging'} or " in said
    assert shop.lake.at(KEY) in said
    assert "run again" in said
    assert shop.lake.open(KEY).version() == 0
    assert [path.name for path in (state / "staging").iterdir()] == ["in_use"]

    assert shop.first().rows_appended == 20_000

    assert shop.newest() == shop.in_source()
    assert shop.first().rows_appended == 0
