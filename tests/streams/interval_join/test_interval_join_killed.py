"""A join of two topics, killed between and within its commits, ends with what a plain reading of both topics gives."""

import random
import signal
import time
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from drain_forks import JOIN, JOINED, Forks, Point
from stream_kit import Topic, expected, run, some_records, table

from dataeng_assets.lake.location import Lake
from dataeng_assets.local.kafka import Kafka
from dataeng_assets.streams.derived.interval_join.publish import JoinReport, publish_join
from dataeng_assets.streams.stream import Stream

pytestmark = [pytest.mark.server, pytest.mark.crash]

BEFORE, AFTER = timedelta(minutes=5), timedelta(minutes=10)
Both = tuple[tuple[Stream, Topic], tuple[Stream, Topic]]


@pytest.fixture
def both(events: Stream, topic: Topic, kafka_broker: Kafka) -> Both:
    """Two streams of two topics, in one lake."""
    other = Topic(kafka_broker.bootstrap, f"{topic.name}-right")
    right = replace(events, name="payments", topic=other.name)
    return (events, topic.make(3)), (right, other.make(2))


def send(both: Both, seed: int, turn: int) -> None:
    """Ordinary life on both topics, which goes on where the turn before it ended."""
    for number, (_, topic) in enumerate(both):
        topic.send(some_records(seed + 10 * turn + number, 40, len(topic.log), start=40 * turn))


def drained(both: Both, batch_records: int = 20) -> None:
    for stream, topic in both:
        run(stream, topic, batch_records=batch_records)


def joined(both: Both) -> JoinReport:
    (left, mine), (right, theirs) = both
    return publish_join(JOINED, JOIN, (left, mine.cluster), (right, theirs.cluster), run_id="run")


def rows(both: Both) -> list[tuple[Any, ...]]:
    """What stands in the table, in an order."""
    names = ("left_time", "left_id", "right_time", "right_id", "_left_kafka_partition", "_left_kafka_offset")
    names = (*names, "_right_kafka_partition", "_right_kafka_offset", "event_date")
    return sorted((tuple(row[name] for name in names) for row in table(both[0][0], JOINED)), key=repr)


def by_the_rules(both: Both, published_to: datetime | None) -> list[tuple[Any, ...]]:
    """The join in plain words, of all that was sent and is neither late nor broken."""
    assert published_to is not None
    lefts, rights = (expected(topic.log).main for _, topic in both)
    found = []
    for place, (name, user, _, when, _) in lefts.items():
        near = [
            (other[3], other[0], at)
            for at, other in rights.items()
            if user is not None and other[1] == user and when - BEFORE <= other[3] <= when + AFTER
        ]
        for right_time, right_id, at in near or [(None, None, (None, None))]:
            if when < published_to:
                found.append((when, name, right_time, right_id, *place, *at, when.date()))
    return sorted(found, key=repr)


def assert_right(both: Both, tmp_path: Path) -> None:
    """The table is what the rules give; one that is made from the topics anew, in other batches, is the same."""
    drained(both)
    report = joined(both)
    found = rows(both)
    assert found == by_the_rules(both, report.published_to)
    assert len(found) > 100
    lake = Lake(str(tmp_path / "again"))
    again = tuple((replace(stream, lake=lake), topic) for stream, topic in both)
    drained((again[0], again[1]), batch_records=333)
    assert joined((again[0], again[1])).published_to == report.published_to
    assert rows((again[0], again[1])) == found


def test_a_join_killed_at_each_of_its_commits_ends_with_the_right_rows(
    forks: Forks, both: Both, tmp_path: Path
) -> None:
    points = [("before", 1), ("after", 1), ("files", 1), ("log", 2), ("before", 2), ("after", 2), ("answer", 1)]
    for turn, (what, at) in enumerate(points):
        send(both, seed=7, turn=turn)
        drained(both)
        pid = forks.start(*both[0], task="join", right=both[1], point=Point(what, at))
        assert forks.wait(pid) == (1 if what == "answer" else -signal.SIGKILL)
    assert_right(both, tmp_path)


def test_drains_and_joins_killed_at_random_moments_end_with_the_right_rows(
    forks: Forks, both: Both, tmp_path: Path
) -> None:
    chance, kills = random.Random(11), 0
    drained(both)
    for turn in range(8):
        send(both, seed=300, turn=turn)
        started = [forks.start(*one, batch_records=chance.randint(5, 30)) for one in both]
        started += [forks.start(*both[0], task="join", right=both[1]) for _ in range(2)]
        for pid in started:
            time.sleep(chance.expovariate(1 / 0.3))
            kills += forks.kill(pid)
    assert kills > 4
    assert_right(both, tmp_path)
