"""Merging the files of a stream behind its watermark: nothing of it counts as a change, and no drain waits for it."""

import threading
import time
from datetime import timedelta

import pytest
from stream_kit import START, Sent, Topic, event, expected, run, stored
from stream_kit import sent as one_sent

from dataeng_assets.lake.changes import changes
from dataeng_assets.lake.layout import small_files_by
from dataeng_assets.lake.upkeep import tend
from dataeng_assets.orchestration.lake_upkeep import SMALL_FILES_WORTH_MERGING, merge_closed
from dataeng_assets.streams.closed import closed_before
from dataeng_assets.streams.stream import EVENT_DATE, Stream
from dataeng_assets.streams.verify import verify
from dataeng_assets.streams.windows import publish_windows

pytestmark = pytest.mark.server
PARTITIONS = 2
STEP = timedelta(hours=1)
COUNT = 80


def records(start: int, count: int) -> list[Sent]:
    """Time goes on by days; now and then an event is late, broken, or sent twice."""
    made = []
    for number in range(start, start + count):
        now = START + number * STEP
        when = now - timedelta(hours=3) if number % 11 == 5 else now
        value = b"{" if number % 17 == 9 else event(number, when)
        made += [Sent(number % PARTITIONS, value, now)] * (2 if number % 13 == 7 else 1)
    return made


def publish(events: Stream, topic: Topic) -> None:
    publish_windows(events, topic.cluster, run_id="run")


@pytest.fixture
def filled(events: Stream, topic: Topic) -> Stream:
    """A stream of some days, written in many small commits."""
    topic.make(PARTITIONS)
    topic.send(records(0, COUNT))
    run(events, topic, batch_records=5)
    publish(events, topic)
    return events


def test_closed_days_are_merged_the_open_one_is_not_and_rows_and_progress_stay(filled: Stream, topic: Topic) -> None:
    lake, before = filled.lake, stored(filled)
    first_open = closed_before(lake, filled)
    assert first_open is not None
    assert START.date() < first_open <= (START + COUNT * STEP).date()
    small = small_files_by(lake.open(filled.main), EVENT_DATE)
    assert max(small.values()) >= SMALL_FILES_WORTH_MERGING
    merged = merge_closed(lake, filled.main, filled)
    worth = {day for day, count in small.items() if count >= SMALL_FILES_WORTH_MERGING and day < first_open}
    assert merged == sum(small[day] for day in worth) > 0
    after = small_files_by(lake.open(filled.main), EVENT_DATE)
    assert after == {day: 1 if day in worth else count for day, count in small.items()}
    assert stored(filled) == before
    assert merge_closed(lake, filled.main, filled) == 0, "what is merged stays as it is"
    topic.send(records(COUNT, 10))
    run(filled, topic)
    assert verify(filled, topic.cluster).holds


def test_merging_is_no_change_for_those_who_follow_a_table(filled: Stream, topic: Topic) -> None:
    lake = filled.lake
    before = lake.open(filled.main).version()
    assert merge_closed(lake, filled.main, filled)
    newest = lake.open(filled.main).version()
    assert newest > before
    assert changes(lake, filled.main, before, newest).read_all().num_rows == 0
    report = publish_windows(filled, topic.cluster, run_id="run")
    assert (report.replaced, report.rows) == ((), 0)


def test_a_stream_without_a_published_window_has_no_closed_day(events: Stream, topic: Topic) -> None:
    topic.make(1)
    topic.send([one_sent(number, minutes=number) for number in range(3)])
    run(events, topic, batch_records=1)
    assert closed_before(events.lake, events) is None
    assert merge_closed(events.lake, events.main, events) == 0


def together(events: Stream, topic: Topic, seconds: float) -> int:
    """Drain, publish and tend at once for a while; how many files were merged meanwhile. Whatever fails is raised."""
    topic.make(PARTITIONS)
    over, failures, merged = threading.Event(), list[BaseException](), 0

    def drain() -> None:
        number = 0
        try:
            while not over.is_set():
                topic.send(records(number, 40))
                number += 40
                run(events, topic, batch_records=8)
                publish(events, topic)
        except BaseException as error:  # noqa: BLE001 a thread's error would vanish
            failures.append(error)

    writer = threading.Thread(target=drain)
    writer.start()
    try:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not failures:
            for key in (events.main, events.late, events.dead_letters):
                if events.lake.exists(key):
                    merged += merge_closed(events.lake, key, events)
                    tend(events.lake, key)
    finally:
        over.set()
        writer.join()
    if failures:
        raise failures[0]
    return merged


def held(events: Stream, topic: Topic) -> None:
    run(events, topic)
    publish(events, topic)
    proof = verify(events, topic.cluster)
    assert proof.holds
    assert proof.decided
    assert stored(events) == expected(topic.log)


def test_a_drain_and_upkeep_together_lose_and_double_nothing(events: Stream, topic: Topic) -> None:
    assert together(events, topic, 20) > 0
    held(events, topic)


@pytest.mark.soak
def test_a_drain_and_upkeep_together_for_minutes(events: Stream, topic: Topic, request: pytest.FixtureRequest) -> None:
    assert together(events, topic, float(request.config.getoption("--soak-seconds"))) > 0
    held(events, topic)
