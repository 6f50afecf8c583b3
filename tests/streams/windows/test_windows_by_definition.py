"""Whatever the batches, the partitions and the order: every kind of window equals a plain reading of the rules."""

import shutil
from pathlib import Path

import pytest
from bronze_kit import MINUTE, SECOND
from history_kit import histories
from hypothesis import given, settings
from hypothesis import strategies as st
from window_kit import aggregates, bronze, reference

from dataeng_assets.streams.windows.definition import Windows
from dataeng_assets.streams.windows.kinds import Grid, Panes, Session

OFFSETS = st.sampled_from([0, SECOND, 7 * MINUTE])
KINDS = {
    "tumbling": st.builds(lambda offset: Grid(2 * MINUTE, 2 * MINUTE, offset), OFFSETS),
    "sliding": st.builds(Grid, st.just(7 * MINUTE), st.sampled_from([2 * MINUTE, 3 * MINUTE]), OFFSETS),
    "session": st.builds(Session, st.sampled_from([MINUTE, 2 * MINUTE]), st.sampled_from([2 * MINUTE, 8 * MINUTE])),
    "panes": st.builds(
        Panes, st.sampled_from([MINUTE, 5 * MINUTE]), st.sampled_from([None, 1, 3]), st.sampled_from(["", "n = 3"])
    ),
}
DOUBLES = [None, 0.0, -0.0, 0.1, 0.2, 1e16, -1e16, 1.5, 3e-9]


# half of all times lie on borders
HISTORIES = histories(
    st.tuples(st.sampled_from(["a", "b", None]), st.sampled_from([None, 1, 2, 3, 2**62]), st.sampled_from(DOUBLES)),
    steps=[0, 0, 30, 60, 90, 120, 400],
    behind=[0, 0, 0, 1, 60 * SECOND, 3 * MINUTE, 10 * MINUTE],
)


@pytest.mark.parametrize("kind", sorted(KINDS))
@given(data=st.data())
@settings(max_examples=12)
def test_windows_are_a_function_of_committed_events(kind: str, data: st.DataObject) -> None:
    by, where = data.draw(st.sampled_from([(), ("who",)])), data.draw(st.sampled_from(["", "n > 1"]))
    windows = Windows("w", data.draw(KINDS[kind]), aggregates(), by, where)
    with bronze(allowed=data.draw(st.sampled_from([0, 0, 8 * MINUTE]))) as of:
        for events, behind in data.draw(HISTORIES):
            of.drain(events)
            report = of.publish(windows, behind)
            assert of.rows(windows) == reference(windows, of.main, report.published_to)
        report = of.publish(windows)
        assert of.rows(windows) == reference(windows, of.main, report.published_to)
        shutil.rmtree(Path(of.stream.lake.at(of.stream.window_table("w"))))
        again = of.publish(windows)
        assert of.rows(windows) == reference(windows, of.main, report.published_to)
        assert again.published_to == report.published_to
