"""Resident workers: alone, ended, killed, and several over one topic."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from stream_kit import Topic, expected, run, some_records, stored

from dataeng_assets.lake.layout import small_files_by
from dataeng_assets.streams.health.changes import Change, Kind, changes
from dataeng_assets.streams.lag import lag
from dataeng_assets.streams.lease import holders
from dataeng_assets.streams.merge import ENOUGH
from dataeng_assets.streams.stream import EVENT_DATE, Stream
from dataeng_assets.streams.verify import verify
from dataeng_assets.streams.windows import publish_windows

pytestmark = [pytest.mark.server, pytest.mark.crash]

READERS = ("confluent-kafka", "kafka-python")
Process = subprocess.Popen[str]
Start = Callable[..., Process]


@pytest.fixture
def start(events: Stream, topic: Topic) -> Iterator[Start]:
    """Starts workers, and ends those that the test has not ended."""
    running: list[Process] = []

    def started(reader: str = READERS[0], lease_seconds: float = 2, rate: float = 0, merge: float = 0.5) -> Process:
        script = str(Path(__file__).with_name("resident_process.py"))
        arguments = [topic.bootstrap, topic.name, events.lake.uri, reader, str(lease_seconds), str(rate)]
        arguments.append(str(merge))
        running.append(subprocess.Popen([sys.executable, script, *arguments], stdout=subprocess.PIPE, text=True))
        return running[-1]

    yield started
    for process in running:
        process.kill()
        process.communicate()


def until(process: Process, begins: str) -> str:
    """Read what a worker says up to such a line."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(begins):
            return line
    raise AssertionError(f"the worker ended without saying {begins!r}")


def wait_until_drained(events: Stream, topic: Topic) -> None:
    deadline = time.monotonic() + 60
    while lag(events, topic.cluster).records:
        assert time.monotonic() < deadline
        time.sleep(0.1)


def assert_right(events: Stream, topic: Topic) -> None:
    found, wanted = stored(events), expected(topic.log)
    assert (found.main, found.late, found.dead) == (wanted.main, wanted.late, wanted.dead)
    assert verify(events, topic.cluster).holds


@pytest.mark.parametrize("reader", READERS)
def test_a_worker_told_to_end_amid_its_batches_ends_in_good_order_and_another_goes_on(
    events: Stream, topic: Topic, start: Start, reader: str
) -> None:
    topic.make(3).send(some_records(41, 600, 3))
    first = start(reader)
    until(first, "batch")
    first.send_signal(signal.SIGTERM)
    assert first.wait(30) == 0
    assert first.stdout is not None
    assert first.stdout.read().endswith("ended\n")
    assert holders(events) == ()
    assert lag(events, topic.cluster).records
    start(reader)
    topic.send(some_records(42, 50, 3, start=600))
    wait_until_drained(events, topic)
    assert_right(events, topic)


@pytest.mark.parametrize("reader", READERS)
def test_when_a_worker_is_killed_another_takes_over_after_its_lease(
    events: Stream, topic: Topic, start: Start, reader: str
) -> None:
    topic.make(3).send(some_records(43, 600, 3))
    first = start(reader)
    until(first, "batch")
    first.kill()
    first.wait()
    assert len(holders(events)) == 1
    start(reader)
    wait_until_drained(events, topic)
    assert_right(events, topic)


def test_workers_that_come_are_killed_and_go_share_twelve_partitions_and_keep_each_record_once(
    events: Stream, topic: Topic, start: Start
) -> None:
    chance = random.Random(7)
    topic.make(12).send(some_records(44, 400, 12))
    workers = [start(lease_seconds=1.5) for _ in range(2)]
    for turn in range(6):
        topic.send(some_records(45 + turn, 150, 12, start=400 + 150 * turn))
        if turn in (1, 3):
            workers.append(start(lease_seconds=1.5))
        victim = workers.pop(chance.randrange(len(workers)))
        victim.kill() if turn % 3 else victim.terminate()
        if len(workers) < 2:
            workers.append(start(lease_seconds=1.5))
        time.sleep(chance.uniform(0.3, 1.2))
    wait_until_drained(events, topic)
    assert_right(events, topic)


def test_workers_share_the_partitions_and_none_is_refused_a_commit(events: Stream, topic: Topic, start: Start) -> None:
    topic.make(12).send(some_records(51, 100, 12))
    workers = [start(lease_seconds=3) for _ in range(2)]
    for worker in workers:
        until(worker, "partitions 6")
    topic.send(some_records(52, 500, 12, start=100))
    wait_until_drained(events, topic)
    assert {len(one.partitions) for one in holders(events)} == {6}
    for worker in workers:
        worker.terminate()
        assert worker.wait(30) == 0
    runs = events.lake.open(events.main).to_pyarrow_dataset().to_table(columns=["_run_id"])["_run_id"]
    assert len(runs.unique()) == 2
    assert_right(events, topic)


def test_a_limit_on_the_rate_holds_in_both_modes(events: Stream, topic: Topic, start: Start) -> None:
    topic.make(2).send(some_records(53, 500, 2))
    total = sum(len(records) for records in topic.log.values())
    began = time.monotonic()
    worker = start(rate=100)
    until(worker, "batch")
    worker.send_signal(signal.SIGTERM)
    worker.wait(30)
    taken = total - lag(events, topic.cluster).records
    assert 0 < taken <= 100 * (time.monotonic() - began) + 100
    began = time.monotonic()
    report = run(events, topic, records_per_second=200)
    assert report.caught_up
    assert total - taken <= 200 * (time.monotonic() - began) + 200
    assert_right(events, topic)


def small_files(events: Stream) -> int:
    """The most that a day of a table has."""
    tables = [events.lake.open(key) for key in (events.main, events.late)]
    counts = [count for table in tables for count in small_files_by(table, EVENT_DATE).values()]
    return max([*counts, len(events.lake.open(events.dead_letters).file_uris())])


def wait_until_merged(events: Stream) -> None:
    deadline = time.monotonic() + 60
    while small_files(events) >= ENOUGH:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_files_of_the_open_day_stay_few_while_a_worker_makes_them_and_nothing_is_lost_by_it(
    events: Stream, topic: Topic, start: Start
) -> None:
    topic.make(3).send(some_records(61, 2000, 3))
    worker = start(merge=0.2)
    wait_until_drained(events, topic)
    wait_until_merged(events)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(30) == 0
    assert worker.stdout is not None
    assert "trouble" not in worker.stdout.read()
    done = list(reversed(events.lake.open(events.main).history()))
    batches = [commit["version"] for commit in done if "run_id" in commit]
    first = next(commit["version"] for commit in done if commit["operation"] == "OPTIMIZE")
    assert len(batches) > 2 * ENOUGH
    assert max(batches) > first, "batches went on beside it"
    assert_right(events, topic)
    publish_windows(events, topic.cluster, run_id="run")
    assert stored(events) == expected(topic.log)


def test_a_worker_killed_amid_merging_leaves_every_record_once_and_the_next_one_merges_on(
    events: Stream, topic: Topic, start: Start
) -> None:
    topic.make(2)
    for turn in range(2):
        topic.send(some_records(turn, 900, 2, start=900 * turn))
        worker = start(lease_seconds=0.5, merge=0.1)
        until(worker, "merging")
        time.sleep(0.05 * turn)
        worker.kill()
        worker.wait()
        assert verify(events, topic.cluster).holds
    start(merge=0.2)
    wait_until_drained(events, topic)
    wait_until_merged(events)
    assert_right(events, topic)


def test_each_time_partitions_change_hands_is_told_once(events: Stream, topic: Topic, start: Start) -> None:
    topic.make(4).send(some_records(61, 40, 4))
    run(events, topic)
    assert changes(events) == (), "a stream that begins has no owner before"
    first = start(lease_seconds=1.5)
    until(first, "partitions 4")
    told = wait_until_told(events, 1)
    [one] = (worker.name for worker in holders(events))
    assert moves(told[0]) == {("runs", one): "0123"}
    second = start(lease_seconds=1.5)
    until(second, "partitions 2")
    told = wait_until_told(events, 2)
    [other] = {worker.name for worker in holders(events)} - {one}
    assert moves(told[1]) == {(one, other): "23"}
    assert f"2 of 4 partitions changed hands: 2, 3 from {one} to {other}." == told[1].says
    second.kill()
    until(first, "partitions 2")
    until(first, "partitions 4")
    assert moves(wait_until_told(events, 3)[2]) == {(other, one): "23"}
    topic.add_partitions(6)
    until(first, "partitions 6")
    assert moves(wait_until_told(events, 4)[3]) == {(None, one): "45"}
    first.send_signal(signal.SIGTERM)
    assert first.wait(30) == 0
    topic.send(some_records(62, 40, 6, start=40))
    for number in range(2):
        run(events, topic)
        topic.send(some_records(63 + number, 10, 6, start=80))
    told = wait_until_told(events, 5)
    assert moves(told[4]) == {(one, "runs"): "012345"}
    assert all(change.kind is Kind.OWNERS for change in told)


def test_workers_that_begin_anew_under_the_same_share_tell_nothing(events: Stream, topic: Topic, start: Start) -> None:
    topic.make(1)
    first = start(lease_seconds=1.5)
    until(first, "partitions 1")
    idle = start(lease_seconds=1.5)
    time.sleep(2)
    idle.kill()
    topic.send(some_records(64, 20, 1))
    wait_until_drained(events, topic)
    assert changes(events) == ()


def wait_until_told(events: Stream, count: int) -> tuple[Change, ...]:
    deadline = time.monotonic() + 30
    while len(told := changes(events)) < count:
        assert time.monotonic() < deadline, told
        time.sleep(0.1)
    assert len(told) == count
    return told


def moves(change: Change) -> dict[tuple[str | None, str | None], str]:
    """Which partitions went from whom to whom."""
    found: dict[tuple[str | None, str | None], str] = {}
    for part in change.parts:
        way = change.before.get(part), change.after.get(part)
        found[way] = found.get(way, "") + part
    return found
