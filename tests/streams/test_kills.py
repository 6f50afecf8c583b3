"""Processes killed for real, at chosen commits and at random moments, end with the tables of a single drain."""

import random
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from stream_kit import Topic, expected, some_records, stored

from dataeng_assets.streams.drain import drain
from dataeng_assets.streams.stream import Stream
from dataeng_assets.streams.verify import verify
from dataeng_assets.streams.windows import publish_windows

pytestmark = [pytest.mark.server, pytest.mark.crash]


def start(events: Stream, topic: Topic, batch_records: int, at: int = 0, when: str = "") -> "subprocess.Popen[str]":
    script = Path(__file__).with_name("killed_drain.py")
    arguments = [topic.bootstrap, topic.name, events.lake.uri, str(batch_records), str(at), when]
    return subprocess.Popen([sys.executable, str(script), *arguments], stdout=subprocess.PIPE, text=True)


def assert_right_after_one_more_drain(events: Stream, topic: Topic) -> None:
    drain(events, topic.cluster, run_id="last", budget=timedelta(minutes=1), batch_records=50)
    publish_windows(events, topic.cluster, run_id="last")
    assert stored(events) == expected(topic.log)
    assert verify(events, topic.cluster).holds


def test_a_process_killed_at_each_commit_in_turn_loses_and_doubles_nothing(events: Stream, topic: Topic) -> None:
    topic.make(3)
    for turn, (at, when) in enumerate(
        [(1, "before"), (1, "after"), (2, "after"), (3, "before"), (3, "after"), (5, "after")]
    ):
        topic.send(some_records(turn, 40, 3, start=40 * turn))
        with start(events, topic, 17 + 5 * turn, at, when) as process:
            assert process.wait(60) == -signal.SIGKILL
    assert_right_after_one_more_drain(events, topic)


def test_competing_processes_killed_at_random_moments_lose_and_double_nothing(events: Stream, topic: Topic) -> None:
    chance = random.Random(4)
    topic.make(3).send(some_records(5, 800, 3))
    for _ in range(4):
        processes = [start(events, topic, chance.randrange(5, 40)) for _ in range(2)]
        for process in processes:
            assert process.stdout is not None
            process.stdout.readline()
        time.sleep(chance.uniform(0.2, 1.5))
        for process in processes:
            process.kill()
            process.communicate()
    assert_right_after_one_more_drain(events, topic)
