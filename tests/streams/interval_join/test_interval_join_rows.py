"""Whatever the batches, the partitions and the order: a join equals a plain reading of the rules."""

import shutil
from datetime import timedelta

from bronze_kit import EPOCH, MINUTE, SECOND, Event
from hypothesis import given, settings
from hypothesis import strategies as st
from join_kit import KEY, a_join, two

from dataeng_assets.streams.derived.interval_join.definition import IntervalJoin

HOUR = 60 * MINUTE
REACHES = st.sampled_from([0, 1, 30 * SECOND, MINUTE, 5 * MINUTE, 90 * MINUTE])
JOINS = st.builds(
    a_join,
    REACHES,
    REACHES,
    st.sampled_from(["inner", "left"]),
    st.sampled_from([("who",), ("who", "n"), ("n",)]),
    st.sampled_from(["", "", "n > 1"]),
)
Batch = tuple[list[Event], tuple[int, ...]]


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[Batch, Batch]]:
    """Batches of both streams, each with the partitions that have unread records after it.

    Half of all times lie on edges of intervals. One stream may be idle, or far ahead of the other.
    """
    now = [draw(st.sampled_from([0, -30, 10_000])) * MINUTE] * 2
    now[1] += draw(st.sampled_from([0, 0, 60, -7])) * MINUTE
    most = [9, draw(st.sampled_from([0, 2, 9]))]
    history = []
    for _ in range(draw(st.integers(1, 4))):
        batches: list[Batch] = []
        for side in (0, 1):
            events = []
            for _ in range(draw(st.integers(0, most[side]))):
                now[side] += draw(st.sampled_from([0, 0, 30, 60, 90, 400])) * SECOND
                moment = now[side] - draw(st.sampled_from([0, 0, 0, 1, -1, 60 * SECOND, 3 * MINUTE, 10 * MINUTE]))
                who, n = draw(st.sampled_from(["a", "a", "b", None])), draw(st.sampled_from([None, 1, 2]))
                events.append(Event(draw(st.integers(0, 2)), moment, who, n, draw(st.sampled_from([None, 0.5]))))
            batches.append((events, draw(st.sampled_from([(), (), (0,), (1, 2)]))))
        history.append((batches[0], batches[1]))
    return history


@given(join=JOINS, history=histories(), allowed=st.sampled_from([0, 0, 8 * MINUTE]))
@settings(max_examples=25)
def test_a_join_is_a_function_of_committed_events(
    join: IntervalJoin, history: list[tuple[Batch, Batch]], allowed: int
) -> None:
    with two(allowed) as both:
        for (lefts, left_behind), (rights, right_behind) in history:
            both.left.drain(lefts)
            report = both.publish(join, (left_behind, right_behind))
            assert both.rows() == both.expected(join, report.published_to)
            both.right.drain(rights)
            report = both.publish(join, (left_behind, right_behind))
            assert both.rows() == both.expected(join, report.published_to)
        report = both.publish(join)
        assert both.rows() == both.expected(join, report.published_to)
        shutil.rmtree(both.table)
        again = both.publish(join)
        assert both.rows() == both.expected(join, report.published_to)
        assert again.published_to == report.published_to


@given(join=JOINS, first=st.integers(0, 3), more=st.integers(0, 1), how=st.sampled_from(["removed", "changed"]))
@settings(max_examples=10)
def test_days_that_a_person_has_broken_are_put_right_and_no_other_row_is_touched(
    join: IntervalJoin, first: int, more: int, how: str
) -> None:
    """The days asked for are those of events on either side: what they belong to on the days around is right, too."""
    hours = range(0, 5 * 24, 2)
    with two(allowed=200 * HOUR) as both:
        both.left.drain([*(Event(hour % 3, hour * HOUR, n=2) for hour in hours), Event(0, 200 * HOUR)])
        both.right.drain([Event(hour % 2, hour * HOUR + MINUTE, n=2) for hour in hours])
        wanted = both.publish(join)
        right = both.rows()
        days = [EPOCH.date() + timedelta(days=number) for number in range(first, first + more + 1)]
        table = both.left.stream.lake.open(KEY)
        for day in days:
            if how == "removed":
                table.delete(f"event_date = '{day}'")
            else:
                table.update({"event_id": "'broken'"}, predicate=f"event_date = '{day}'")
        report = both.again(join, days[0], days[-1])
        assert both.rows() == right == both.expected(join, wanted.published_to)
        assert report.published_to == wanted.published_to
        lo, hi = report.replaced[0][0], report.replaced[-1][1]
        assert (lo, hi) == (first * 24 * HOUR - join.after, (first + more + 1) * 24 * HOUR + join.before)
