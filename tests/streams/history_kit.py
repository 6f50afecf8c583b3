"""Histories of a stream, drawn: events that come in batches, some of them long after their time."""

from collections.abc import Sequence
from typing import Any

from bronze_kit import MINUTE, SECOND, Event
from hypothesis import strategies as st

History = list[tuple[list[Event], tuple[int, ...]]]
"""Batches, each with the partitions that have unread records after it."""


@st.composite
def histories(
    draw: st.DrawFn, values: st.SearchStrategy[tuple[Any, ...]], *, steps: Sequence[int], behind: Sequence[int]
) -> History:
    """A few batches of a few events.

    Args:
        draw: given by hypothesis.
        values: who, n and so on of one event.
        steps: seconds by which the clock goes on from event to event.
        behind: microseconds by which an event may be older than the clock.
    """
    now, batches = draw(st.sampled_from([0, -30, 10_000])) * MINUTE, []
    for _ in range(draw(st.integers(1, 4))):
        events = []
        for _ in range(draw(st.integers(0, 9))):
            now += draw(st.sampled_from(steps)) * SECOND
            moment = now - draw(st.sampled_from(behind))
            events.append(Event(draw(st.integers(0, 2)), moment, *draw(values)))
        batches.append((events, draw(st.sampled_from([(), (), (0,), (1, 2)]))))
    return batches
