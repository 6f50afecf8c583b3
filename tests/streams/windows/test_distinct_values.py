"""Values that stand alone are counted without being compared; the counts are those of comparing every one."""

import pytest
from bronze_kit import MINUTE, SECOND, Event
from hypothesis import given, settings
from hypothesis import strategies as st
from window_kit import aggregates, bronze, reference

from dataeng_assets.streams.windows import compute, distinct
from dataeng_assets.streams.windows.definition import Windows
from dataeng_assets.streams.windows.kinds import Grid

COUNTS = {"records": "count", "kinds": "distinct(n)", "amounts": "distinct(x)", "people": "distinct(who)"}
TOGETHER = {"pairs": "distinct(n, x)", "triples": "distinct(who, n, x)"}
EVENTS = st.lists(
    st.builds(
        Event,
        st.integers(0, 1),
        st.integers(0, 9).map(lambda number: number * 40 * SECOND),
        st.sampled_from(["a", "b", "c", "d", None]),
        st.sampled_from([None, 1, 2, 3, 2**62]),
        st.sampled_from([None, 0.0, -0.0, 0.1, float("inf"), 1e16]),
    ),
    max_size=25,
)


@pytest.mark.parametrize("bits", [1, 20])
@given(events=EVENTS, kind=st.sampled_from([Grid(2 * MINUTE, 2 * MINUTE), Grid(3 * MINUTE, MINUTE)]), data=st.data())
@settings(max_examples=15)
def test_values_that_stand_alone_and_values_that_repeat_are_counted_once_each(
    bits: int, events: list[Event], kind: Grid, data: st.DataObject
) -> None:
    by, where = data.draw(st.sampled_from([(), ("who",)])), data.draw(st.sampled_from(["", "n > 1"]))
    windows = Windows("w", kind, aggregates(COUNTS | TOGETHER), by, where)
    with bronze() as of, pytest.MonkeyPatch.context() as patch:
        patch.setattr(distinct, "_BITS", bits)
        of.drain(events)
        report = of.publish(windows)
        assert of.rows(windows) == reference(windows, of.main, report.published_to)


def test_windows_of_more_events_than_are_held_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    windows = Windows("w", Grid(2 * MINUTE, 2 * MINUTE), aggregates(), ("who",), "n > 1")
    with bronze() as of:
        of.drain([Event(n % 3, n * 7 * SECOND, "ab"[n % 2], n % 5, n / 4) for n in range(60)])
        monkeypatch.setattr(compute, "MOST_HELD", 0)
        report = of.publish(windows)
        assert report.rows
        assert of.rows(windows) == reference(windows, of.main, report.published_to)
