"""Two competing drains killed at random moments, with deployments in between, end with an undisturbed drain's tables.

Twenty kills with every test run; as many as wanted by `make soak-streams KILLS=1000`.
"""

import random
import time
from dataclasses import replace
from pathlib import Path

import pytest
from drain_forks import DEPLOYMENTS, Forks
from stream_kit import Topic, fingerprint, some_records

from dataeng_assets.lake.location import Lake
from dataeng_assets.streams.stream import Stream
from dataeng_assets.streams.verify import verify

pytestmark = [pytest.mark.server, pytest.mark.crash]

PARTITIONS = 3
RECORDS_PER_TURN = 40
TURNS_PER_DEPLOYMENT = 10
FROM = ("first", "wider", "stricter")


def test_after_twenty_kills_the_tables_are_those_of_an_undisturbed_drain(
    forks: Forks, events: Stream, topic: Topic, tmp_path: Path
) -> None:
    Soak(forks, events, topic, tmp_path, seed=7).go_on(kills=20, turns_per_deployment=4)


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_after_any_number_of_kills_the_tables_are_those_of_an_undisturbed_drain(
    request: pytest.FixtureRequest, forks: Forks, events: Stream, topic: Topic, tmp_path: Path
) -> None:
    seed = request.config.getoption("--soak-seed")
    seed = random.SystemRandom().randrange(2**32) if seed is None else seed
    kills = request.config.getoption("--soak-kills")
    print(f"\nseed {seed}: make soak-streams KILLS={kills} SEED={seed}")
    Soak(forks, events, topic, tmp_path, seed).go_on(kills, TURNS_PER_DEPLOYMENT)


class Soak:
    """A stream whose drains are killed, and beside it a calm one that is drained by the same contracts up to the same
    offsets.
    """

    def __init__(self, forks: Forks, events: Stream, topic: Topic, tmp_path: Path, seed: int) -> None:
        self._forks, self._topic, self._seed = forks, topic, seed
        self._events, self._calm = events, replace(events, lake=Lake(str(tmp_path / "calm")))
        self._chance = random.Random(seed)
        self._deployment, self._turn, self._kills = 0, 0, 0
        topic.make(PARTITIONS)

    def go_on(self, kills: int, turns_per_deployment: int) -> None:
        """Kill until the number is reached, and compare."""
        started = time.monotonic()
        while self._kills < kills:
            self._send()
            self._kill_two()
            if self._turn % turns_per_deployment == 0:
                self._deploy()
                print(f"{self._kills} of {kills} kills after {time.monotonic() - started:.0f} s")
        self._deploy()
        assert self._forks.wait(self._start(self._events, "windows")) == 0
        assert self._forks.wait(self._start(self._calm, "windows")) == 0
        streams = [DEPLOYMENTS["stricter"](stream) for stream in (self._events, self._calm)]
        found, wanted = (fingerprint(stream) for stream in streams)
        assert found == wanted
        assert all(verify(stream, self._topic.cluster).holds for stream in streams)
        print(f"seed {self._seed}: {self._kills} kills in {time.monotonic() - started:.0f} s, {found}")

    def _send(self) -> None:
        self._turn += 1
        first = RECORDS_PER_TURN * self._turn
        self._topic.send(some_records(self._seed + self._turn, RECORDS_PER_TURN, PARTITIONS, start=first))

    def _start(self, events: Stream, task: str = "drain", most: int = 30) -> int:
        return self._forks.start(
            events,
            self._topic,
            batch_records=self._chance.randint(3, most),
            deployment=FROM[min(self._deployment, 2)],
            task=task,
        )

    def _kill_two(self) -> None:
        """Two at once, and now and then a publication of windows as a third; each dies when it comes to it."""
        pids = [self._start(self._events) for _ in range(2)]
        if self._chance.random() < 0.1:
            pids.append(self._start(self._events, "windows"))
        for pid in pids:
            time.sleep(self._chance.expovariate(1 / 0.4))
            self._kills += self._forks.kill(pid)

    def _deploy(self) -> None:
        """Let the contract in force come to the end once, as one does before a deployment, and go to the next.

        From then on a rule comes and goes; the new column stays.
        """
        for events in (self._events, self._calm):
            assert self._forks.wait(self._start(events, most=200)) == 0
        self._deployment = self._deployment + 1 if self._deployment < 2 else 1
