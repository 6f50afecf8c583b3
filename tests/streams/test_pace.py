"""The size of the next batch is decided from what the last one took, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataeng_assets.kafka.admin import TopicState
from dataeng_assets.streams.pace import Bounds, Measured, Pace
from dataeng_assets.streams.plan import Committed, plan_batch
from dataeng_assets.streams.stream import Progress

BOUNDS = Bounds(records=100_000, bytes=64_000_000, seconds=2.0)


def live(bounds: Bounds, *, fixed: float, each: float, size: int, batches: int = 30) -> list[tuple[int, float]]:
    """Size and seconds of batches on a machine that takes so long and records that are so large; never caught up."""
    pace, now, done = Pace.first(bounds), 0.0, []
    for _ in range(batches):
        now = max(now, pace.not_before)
        seconds = fixed + each * pace.most
        done.append((pace.most, seconds))
        pace = pace.after(Measured(pace.most, pace.most * size, now, seconds))
        now += seconds
    return done


@given(fixed=st.floats(0, 1), each=st.floats(1e-7, 0.1), size=st.integers(1, 10_000_000))
def test_batches_settle_within_time_and_memory_on_any_machine(fixed: float, each: float, size: int) -> None:
    for most, seconds in live(BOUNDS, fixed=fixed, each=each, size=size)[10:]:
        assert 1 <= most <= BOUNDS.records
        assert most == 1 or seconds <= BOUNDS.seconds * 1.1
        assert most == 1 or most * size <= BOUNDS.bytes


def test_a_fast_machine_soon_reads_full_batches() -> None:
    assert [most for most, _ in live(BOUNDS, fixed=0.02, each=4e-6, size=215, batches=4)] == [
        1_000, 10_000, 100_000, 100_000,
    ]  # fmt: skip


def test_large_records_make_small_batches_from_the_second_on() -> None:
    assert [most for most, _ in live(BOUNDS, fixed=0.02, each=1e-5, size=1_000_000, batches=3)] == [1_000, 64, 64]


def test_batches_that_are_not_half_full_let_nothing_grow_and_slow_ones_shrink_it() -> None:
    pace = Pace(BOUNDS, 500)
    assert pace.after(Measured(249, 1000, 0, 0.01)).most == 500
    assert pace.after(Measured(400, 1000, 0, 4.0)).most == 200
    assert pace.after(Measured(0, 0, 0, 9.0)) == pace


@given(partitions=st.integers(1, 3000), waiting=st.integers(100_000, 200_000))
def test_batches_grow_however_many_partitions_share_them(partitions: int, waiting: int) -> None:
    ends = dict.fromkeys(range(partitions), waiting)
    begun = Committed(1, dict.fromkeys(ends, 0), dict.fromkeys(ends, 0), {}, routing=True)
    state = TopicState("t", "id", dict.fromkeys(ends, 0), ends)
    pace = Pace.first(BOUNDS)
    plan = plan_batch(begun, state, Progress("s", "id"), budget=pace.most, until=ends)
    assert pace.after(Measured(plan.offsets, plan.offsets, 0.0, 0.01)).most >= 5_000


@given(rate=st.floats(0.5, 50_000), each=st.floats(1e-6, 1e-3))
def test_the_rate_is_kept_whatever_a_batch_takes(rate: float, each: float) -> None:
    bounds = Bounds(records_per_second=rate)
    pace, now, done = Pace.first(bounds), 0.0, 0
    for _ in range(50):
        now = max(now, pace.not_before)
        assert done <= rate * now * 1.0001 + 1e-6
        pace, before = pace.after(Measured(pace.most, 1, now, each * pace.most)), pace
        done, now = done + before.most, now + each * before.most
    assert all(most <= max(1, rate) for most in (pace.most, before.most))


@pytest.mark.parametrize("bounds", [{"records": 0}, {"bytes": 0}, {"seconds": 0}, {"records_per_second": -1.0}])
def test_a_bound_that_allows_nothing_is_refused(bounds: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="more than zero"):
        Bounds(**bounds)  # type: ignore[arg-type]
