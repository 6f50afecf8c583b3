"""Memory follows the size of a batch, and a run that is ended from outside ends (promise 11)."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from made_source import contract, source_table, whole_table

from dataeng_assets.extract.plan import Window

pytestmark = pytest.mark.server


# just short enough not to be compressed by the server
WIDE = "repeat(md5(i::text), 60)"


def measured(shop, mode: str) -> tuple[int, int]:
    """Rows that a run would have appended, and its peak memory in MB."""
    program = Path(__file__).with_name("measured_run.py")
    said = subprocess.check_output([sys.executable, str(program), mode, shop.url, shop.lake.uri], text=True)
    rows, peak = map(int, said.split())
    return rows, peak


def test_peak_memory_is_a_fraction_of_what_is_read(shop):
    shop.do(f"INSERT INTO shop.items SELECT i, {WIDE} FROM generate_series(1, 260000) i")
    ((megabytes,),) = shop.do("SELECT sum(length(value)) / 1024 / 1024 FROM shop.items")
    rows, peak = measured(shop, "incremental")
    assert rows == 260_000
    assert peak < 400 < megabytes


def test_peak_memory_is_a_fraction_of_a_table_that_is_read_whole_and_compared(shop):
    shop.tables = [whole_table(contract("items"), max_vanished=0.5)]
    shop.do("INSERT INTO shop.items SELECT i, 'v' FROM generate_series(1, 330000) i")
    shop.first()
    shop.do(f"UPDATE shop.items SET value = {WIDE.replace('i::', 'item_id::')} WHERE item_id <= 230000")
    shop.do("DELETE FROM shop.items WHERE item_id > 300000")
    ((megabytes,),) = shop.do("SELECT sum(length(value)) / 1024 / 1024 FROM shop.items")
    rows, peak = measured(shop, "full")
    assert rows == 260_000
    assert peak < 400 < megabytes


class Ended(BaseException):
    """As when the process is asked to end."""


def test_a_run_that_is_ended_from_outside_does_not_wait_for_a_long_copy(shop):
    shop.do(
        "CREATE VIEW shop.slow AS SELECT i::bigint AS item_id, pg_sleep(1)::text AS value, now() AS updated_at"
        " FROM generate_series(1, 300) i"
    )
    shop.do("INSERT INTO shop.items VALUES (1, 'a')")
    shop.tables.append(source_table(contract("slow")))

    def end(_) -> None:
        raise Ended

    before = time.monotonic()
    with pytest.raises(Ended):
        shop.run_all(Window(None, None), on_table=end)
    assert time.monotonic() - before < 60
    assert len(shop.bronze()) == 1
    assert shop.bronze("slow") == []
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("extract")]
