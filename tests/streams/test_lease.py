"""Workers share partitions fairly, hand them over, and hold nothing when they are gone."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stream_kit import stream

from dataeng_assets.lake.files import Files
from dataeng_assets.lake.location import Lake
from dataeng_assets.streams import lease as lease_module
from dataeng_assets.streams.lease import Lease, Worker, holders, shares
from dataeng_assets.streams.stream import Stream

NOW = datetime(2026, 3, 1, tzinfo=UTC)
held = st.lists(st.sets(st.integers(0, 14)), min_size=1, max_size=6)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)  # no two workers begin at the same moment
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def events(lake: Lake) -> Stream:
    return stream(lake, "topic")


def workers(held: list[set[int]]) -> list[Worker]:
    return [
        Worker(f"w{number}", NOW + timedelta(seconds=number), NOW, tuple(sorted(partitions)))
        for number, partitions in enumerate(held)
    ]


def lease(events: Stream, clock: Clock, every: int = 0) -> Lease:
    return Lease(events, length=timedelta(seconds=20), renewed_every=timedelta(seconds=every), clock=clock)


@given(held=held, partitions=st.integers(0, 15))
def test_shares_are_all_partitions_once_and_as_equal_as_can_be(held: list[set[int]], partitions: int) -> None:
    found = shares(range(partitions), workers(held))
    assert sorted(p for mine in found.values() for p in mine) == list(range(partitions))
    sizes = [len(mine) for mine in found.values()]
    assert max(sizes) - min(sizes) <= 1
    assert found == shares(range(partitions), reversed(workers(held)))


@given(held=held, partitions=st.integers(1, 15))
def test_shares_that_are_taken_stay_as_they_are(held: list[set[int]], partitions: int) -> None:
    first = shares(range(partitions), workers(held))
    again = [Worker(one.name, one.since, one.until, first[one.name]) for one in workers(held)]
    assert shares(range(partitions), again) == first


def test_when_a_worker_comes_only_what_becomes_its_own_changes_hands() -> None:
    before = [set(range(6)), set(range(6, 12)), set[int]()]
    found = shares(range(12), workers(before))
    assert [len(found[f"w{n}"]) for n in range(3)] == [4, 4, 4]
    assert set(found["w0"]) < before[0]
    assert set(found["w1"]) < before[1]


def test_a_worker_that_comes_waits_until_its_partitions_are_given_up(events: Stream, clock: Clock) -> None:
    with lease(events, clock) as first:
        assert first.partitions(range(4)) == (0, 1, 2, 3)
        with lease(events, clock) as second:
            assert second.partitions(range(4)) == ()
            assert first.partitions(range(4)) == (0, 1)
            assert second.partitions(range(4)) == (2, 3)
            assert (first.workers, second.workers) == (2, 2)
            assert (first.is_first, second.is_first) == (True, False)
            assert [one.partitions for one in holders(events, clock())] == [(0, 1), (2, 3)]
        assert first.partitions(range(5)) == (0, 1, 2, 3, 4)
    assert holders(events, clock()) == ()


def test_a_worker_that_waits_for_its_share_looks_more_often(
    events: Stream, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = 0.0
    monkeypatch.setattr(lease_module, "time", SimpleNamespace(monotonic=lambda: seconds))
    with lease(events, clock, every=8) as first, lease(events, clock, every=8) as second:
        assert (first.partitions(range(4)), second.partitions(range(4))) == ((0, 1, 2, 3), ())
        seconds = 7.9
        assert (first.partitions(range(4)), second.partitions(range(4))) == ((0, 1, 2, 3), ())
        seconds = 8
        assert (first.partitions(range(4)), second.partitions(range(4))) == ((0, 1), ())
        seconds = 8.9
        assert (first.partitions(range(4)), second.partitions(range(4))) == ((0, 1), (2, 3))


def test_what_a_killed_worker_held_is_free_when_its_lease_runs_out(events: Stream, clock: Clock) -> None:
    lease(events, clock).partitions(range(4))
    with lease(events, clock) as second:
        assert second.partitions(range(4)) == ()
        clock.now += timedelta(seconds=19)
        assert second.partitions(range(4)) == ()
        clock.now += timedelta(seconds=2)
        assert second.partitions(range(4)) == (0, 1, 2, 3)
        clock.now += timedelta(seconds=300)
        second.partitions(range(4))
        assert len(Files(events.lake, ("_leases", "events", "user_events")).names()) == 1


def test_a_file_of_another_kind_holds_nothing(events: Stream, clock: Clock) -> None:
    files = Files(events.lake, ("_leases", "events", "user_events"))
    for number, content in enumerate((b"", b"[]", b'{"name": "x"}', b"\xff")):
        files.write(f"{number}.json", content)
    assert holders(events, clock()) == ()
    with lease(events, clock) as mine:
        assert mine.partitions(range(2)) == (0, 1)
