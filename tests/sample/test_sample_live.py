"""The shop is kept alive in small steps, beside whoever else looks at it or changes it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import pytest
from sample_shop import Shop, assert_truth_is_true, versions_after

from dataeng_assets.sample import SampleError, live, schema, truth
from dataeng_assets.sample.live import Lived

pytestmark = pytest.mark.server

COMMAND = "from dataeng_assets.cli import app; app()"


def lived_on(shop: Shop, steps: int, rate: float) -> Lived:
    """Live for a number of steps in which something happened."""
    stop, seen = Event(), list[Lived]()

    def notice(lived: Lived) -> None:
        seen.append(lived)
        if len(seen) == steps:
            stop.set()

    lived = live.live(shop.url, shop.bootstrap, truth=shop.folder, rate=rate, stop=stop, notice=notice)
    assert seen[-1].events <= lived.events
    return lived


def test_what_happens_in_small_steps_is_all_in_the_truth(shop: Shop) -> None:
    report = shop.fill()
    lived = lived_on(shop, steps=4, rate=60)
    assert_truth_is_true(shop)
    versions = [row for table in schema.TABLES for row in versions_after(shop, table, 1)]
    assert len(versions) == lived.versions > 20
    assert len({row["_commit"] for row in versions}) == lived.commits
    assert shop.truth.events().num_rows == report.events + lived.events
    assert lived.late_commits == len({row["_commit"] for row in versions if row["_is_late"]}) == 1


def test_a_tick_goes_on_where_living_ended_and_the_other_way_round(shop: Shop) -> None:
    shop.fill()
    lived_on(shop, steps=2, rate=30)
    shop.tick()
    assert_truth_is_true(shop)
    lived_on(shop, steps=2, rate=30)
    shop.tick()
    assert_truth_is_true(shop)


def test_a_tick_may_come_in_between(shop: Shop) -> None:
    shop.fill()
    stop, begun = Event(), Event()

    def go_on() -> None:
        live.live(shop.url, shop.bootstrap, truth=shop.folder, rate=30, stop=stop, notice=lambda _: begun.set())

    thread = Thread(target=go_on)
    thread.start()
    try:
        begun.wait()
        shop.tick()
        begun.clear()
        begun.wait()
    finally:
        stop.set()
        thread.join()
    assert_truth_is_true(shop)


@contextmanager
def kept_alive(shop: Shop) -> Iterator[subprocess.Popen[str]]:
    addresses = {
        "DATAENG_POSTGRES_URL": shop.url,
        "DATAENG_KAFKA_BOOTSTRAP": shop.bootstrap,
        "DATAENG_STATE": str(shop.folder.parent),
    }
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND, "sample", "live", "--rate", "40"],
        env=os.environ | addresses,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_ctrl_c_ends_it_cleanly_and_the_truth_is_complete(shop: Shop) -> None:
    shop.fill()
    with kept_alive(shop) as process:
        assert process.stdout
        first = process.stdout.readline()
        assert re.match(r"\d\d:\d\d:\d\d  \d+ rows changed in \d+ transactions.*; \d+ events sent", first)
        process.send_signal(signal.SIGINT)
        *_, last = process.stdout
        assert process.wait() == 0
    assert last.startswith("Stopped; the truth is complete. In all ")
    assert_truth_is_true(shop)


KILLED = """
import os, signal, sys
from pathlib import Path
from threading import Event
from dataeng_assets.sample.live import live

url, bootstrap, folder = sys.argv[1:]
live(url, bootstrap, truth=Path(folder), rate=40, stop=Event(), notice=lambda _: os.kill(os.getpid(), signal.SIGKILL))
"""


@pytest.mark.crash
def test_killed_between_two_steps_it_leaves_a_complete_truth_and_no_late_transaction(shop: Shop) -> None:
    shop.fill()
    killed = subprocess.run([sys.executable, "-c", KILLED, shop.url, shop.bootstrap, str(shop.folder)])
    assert killed.returncode == -signal.SIGKILL
    assert_truth_is_true(shop)
    assert lived_on(shop, steps=1, rate=30).late_commits == 1
    shop.tick()
    assert_truth_is_true(shop)


def test_it_ends_when_the_shop_is_replaced(shop: Shop) -> None:
    shop.fill()
    others = list[Thread]()

    def notice(_: Lived) -> None:
        if not others:  # which waits for rows of the late transaction until that is given up
            others.append(Thread(target=lambda: shop.fill(anew=True, days=20)))
            others[0].start()

    with pytest.raises(SampleError, match="replaced"):
        live.live(shop.url, shop.bootstrap, truth=shop.folder, rate=30, stop=Event(), notice=notice)
    others[0].join()
    assert_truth_is_true(shop)


@pytest.mark.parametrize("command", ["fill", "tick", "live"])
def test_a_server_that_is_away_is_told_in_a_sentence(tmp_path: Path, command: str) -> None:
    nowhere = {"DATAENG_POSTGRES_URL": "postgresql://127.0.0.1:1/shop", "DATAENG_KAFKA_BOOTSTRAP": "127.0.0.1:1"}
    told = subprocess.run(
        [sys.executable, "-c", COMMAND, "sample", command],
        env=os.environ | nowhere | {"DATAENG_STATE": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert told.returncode == 1
    assert told.stderr.lstrip().startswith("Postgres or Kafka does not answer: ")
    assert told.stderr.rstrip().endswith("Start what is missing with `dataeng up` and run this again.")
    assert "Traceback" not in told.stderr


def test_it_needs_a_filled_shop(shop: Shop) -> None:
    with pytest.raises(SampleError, match="sample fill"):
        live.live(shop.url, shop.bootstrap, truth=shop.folder, stop=Event())


def test_many_small_files_of_the_truth_become_one_that_says_the_same(shop: Shop) -> None:
    shop.fill()
    versions = shop.truth.versions("customers")
    rows = [truth.Version("customers", tuple(row.values())[:12], 0, 9, False) for row in versions.to_pylist()[:3]]
    for number in range(200):
        truth.write_versions(shop.folder, [rows[number % 3]._replace(commit=number + 2)])
    before = shop.truth.versions("customers")
    truth.compact(shop.folder)
    assert len(list((shop.folder / "customers").glob("*.parquet"))) <= 2
    assert shop.truth.versions("customers").equals(before)
    assert before.num_rows == versions.num_rows + 200


def test_a_reader_waits_for_a_writer_that_is_alive(shop: Shop) -> None:
    shop.fill()
    marked, unmark, read = Event(), Event(), list[int]()

    def write() -> None:
        with truth.Writing(shop.folder, "test"):
            marked.set()
            unmark.wait()

    writer, reader = Thread(target=write), Thread(target=lambda: read.append(shop.truth.current("orders").num_rows))
    writer.start()
    marked.wait()
    reader.start()
    assert read == []
    unmark.set()
    writer.join()
    reader.join()
    assert read == [1_200]
