"""A plan is decided from two states and nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from dataeng_assets.kafka.admin import TopicState
from dataeng_assets.streams.plan import Committed, plan_batch
from dataeng_assets.streams.stream import Progress

NAMES = Progress("user_events", "id")
lags = st.dictionaries(st.integers(0, 20), st.integers(0, 5000), min_size=1, max_size=12)


def committed(next_offsets: dict[int, int]) -> Committed:
    return Committed(1, next_offsets, dict.fromkeys(next_offsets, 0), {}, routing=True)


def topic(ends: dict[int, int], earliest: int = 0) -> TopicState:
    return TopicState("user_events", "id", dict.fromkeys(ends, earliest), ends)


@given(ends=lags, budget=st.integers(1, 3000))
def test_plans_follow_each_other_without_gap_until_the_end_within_the_budget(ends: dict[int, int], budget: int) -> None:
    done = dict.fromkeys(ends, 0)
    for _ in range(1000_000):
        plan = plan_batch(committed(done), topic(ends), NAMES, budget=budget, until=ends)
        if plan.is_empty:
            break
        left = sum(ends.values()) - sum(done.values())
        assert min(budget, left) <= plan.offsets <= budget + len(ends)
        for partition, range_ in plan.ranges.items():
            assert range_.start == done[partition] < range_.end <= ends[partition]
            done[partition] = range_.end
    assert done == ends


def test_the_budget_is_shared_by_lag_and_leaves_no_partition_out() -> None:
    ends = {0: 9000, 1: 1000, 2: 1}
    plan = plan_batch(committed(dict.fromkeys(ends, 0)), topic(ends), NAMES, budget=1000, until=ends)
    assert {p: r.end for p, r in plan.ranges.items()} == {0: 899, 1: 100, 2: 1}


def test_a_plan_ends_where_the_topic_ended_when_the_drain_started() -> None:
    ends = {0: 100, 1: 50}
    plan = plan_batch(committed({0: 10, 1: 50}), topic(ends), NAMES, budget=1000, until={0: 40, 1: 20})
    assert {p: tuple(r) for p, r in plan.ranges.items()} == {0: (10, 40)}


def test_offset_zero_is_progress_and_not_its_absence() -> None:
    plan = plan_batch(committed({0: 0}), topic({0: 0}), NAMES, budget=10, until={0: 0})
    assert plan.is_empty
    assert plan.taken_up == ()
