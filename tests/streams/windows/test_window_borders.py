"""Where a window ends, what an edge belongs to, what a later event changes, and what is read for it."""

import contextlib
import itertools
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from bronze_kit import EPOCH, LATE_AFTER, MINUTE, SECOND, Event
from window_kit import Bronze, aggregates, bronze, reference

from dataeng_assets.lake.replace import replace_range
from dataeng_assets.streams.derived import pieces
from dataeng_assets.streams.derived import publish as publish_module
from dataeng_assets.streams.derived.spans import DAY
from dataeng_assets.streams.windows.definition import Windows
from dataeng_assets.streams.windows.kinds import Grid, Kind, Panes, Session

COUNT = aggregates({"records": "count"})
BASE = 20_000 * DAY


def at(minutes: float, partition: int = 0, **more: object) -> Event:
    return replace(Event(partition, BASE + int(minutes * MINUTE)), **more)


def spans(of: Bronze, windows: Windows) -> list[tuple[float, float, int]]:
    """Start and end of each window in minutes, and its events."""
    zero = EPOCH + timedelta(microseconds=BASE)
    return [
        (
            (row["window_start"] - zero) / timedelta(minutes=1),
            (row["window_end"] - zero) / timedelta(minutes=1),
            row["records"],
        )
        for row in of.rows(windows)
    ]


def told(kind: Kind, *batches: list[Event], allowed: int = 0) -> list[tuple[float, float, int]]:
    windows = Windows("w", kind, COUNT)
    with bronze(allowed) as of:
        for events in batches:
            of.drain(events)
            of.publish(windows)
        return spans(of, windows)


def test_an_event_on_a_border_belongs_to_the_window_that_starts_there() -> None:
    assert told(Grid(5 * MINUTE, 5 * MINUTE), [at(0), at(4.99), at(5), at(20)]) == [(0, 5, 2), (5, 10, 1)]


def test_an_offset_moves_the_borders() -> None:
    kind = Grid(5 * MINUTE, 5 * MINUTE, 2 * MINUTE)
    assert told(kind, [at(1.9), at(2), at(20)]) == [(-3, 2, 1), (2, 7, 1)]


def test_a_window_without_an_event_has_no_row() -> None:
    assert told(Grid(MINUTE, MINUTE), [at(0), at(3), at(20)]) == [(0, 1, 1), (3, 4, 1)]


def test_an_event_is_in_every_sliding_window_that_covers_it() -> None:
    kind = Grid(10 * MINUTE, 5 * MINUTE)
    assert told(kind, [at(0), at(7), at(60)]) == [(-5, 5, 1), (0, 10, 2), (5, 15, 1)]


def test_an_event_at_exactly_the_gap_starts_a_new_session() -> None:
    kind = Session(5 * MINUTE)
    assert told(kind, [at(0), at(5), at(30)]) == [(0, 5, 1), (5, 10, 1)]
    assert told(kind, [at(0), at(4.999), at(30)]) == [(0, 9.999, 2)]


def test_a_session_closes_when_the_watermark_reaches_its_end() -> None:
    kind = Session(5 * MINUTE)
    end = LATE_AFTER / MINUTE + 5
    assert told(kind, [at(0), at(end - 0.001)]) == []
    assert told(kind, [at(0), at(end)]) == [(0, 5, 1)]


def test_a_late_event_that_is_allowed_joins_two_sessions_and_replaces_both_rows() -> None:
    first = [at(0), at(8), at(60)]
    assert told(Session(5 * MINUTE), first) == [(0, 5, 1), (8, 13, 1)]
    assert told(Session(5 * MINUTE), first, [at(4)], allowed=DAY) == [(0, 13, 3)]
    assert told(Session(5 * MINUTE), first, [at(4)]) == [(0, 5, 1), (8, 13, 1)]


def test_sessions_go_on_over_midnight_and_over_batches() -> None:
    night = 24 * 60
    batches = [[at(night - 3), at(night - 1)], [at(night + 2)], [at(night + 5), at(night + 30)]]
    assert told(Session(5 * MINUTE), *batches) == [(night - 3, night + 10, 4)]


def test_a_session_without_an_end_is_cut_on_multiples_of_its_longest_length() -> None:
    busy = [at(minutes) for minutes in range(7, 95)]
    cut = told(Session(2 * MINUTE, 30 * MINUTE), busy, [at(200)])
    assert cut == [(7, 60, 53), (60, 90, 30), (90, 96, 5)]
    assert told(Session(2 * MINUTE, 120 * MINUTE), busy, [at(200)]) == [(7, 96, 88)]


def test_a_pane_ends_with_its_last_event_and_the_next_begins_after_it() -> None:
    twins = [at(0), at(0, partition=1), at(0), at(1), at(60)]
    micro = 1 / MINUTE
    found = told(Panes(10 * MINUTE, count=2), twins)
    assert [(start, round(end - start, 9), count) for start, end, count in found] == [
        (0, round(micro, 9), 2),
        (0, round(1 + micro, 9), 2),
    ]


def test_a_pane_that_is_not_full_ends_when_its_time_is_up_and_not_before() -> None:
    assert told(Panes(10 * MINUTE, count=5), [at(0), at(10), at(12)]) == []
    assert told(Panes(10 * MINUTE, count=5), [at(0), at(10), at(14)]) == [(0, 10, 1)]


def test_an_allowed_event_moves_every_pane_after_it() -> None:
    windows = Windows("w", Panes(DAY, count=2), COUNT, ("who",))
    with bronze(DAY) as of:
        of.drain([at(minutes, who=who) for minutes in range(6) for who in ("a", "b")] + [at(60)])
        of.publish(windows)
        of.drain([at(0.5, who="a")])
        report = of.publish(windows)
        assert of.rows(windows) == reference(windows, of.main, report.published_to)
        assert report.replaced[0][0] == EPOCH + timedelta(microseconds=at(0.5).moment + 1)


def test_when_all_partitions_are_idle_the_furthest_decides_and_a_lagging_one_still_corrects() -> None:
    windows = Windows("w", Session(5 * MINUTE), COUNT)
    with bronze() as of:
        of.drain([at(0, 0), at(60, 1)])
        of.publish(windows)
        assert spans(of, windows) == [(0, 5, 1)]
        of.drain([at(3, 0)])  # not late in its own partition
        of.publish(windows, behind=(0,))
        assert spans(of, windows) == [(0, 8, 2)]


def test_another_definition_under_the_same_name_replaces_every_row() -> None:
    short, long = (Windows("w", Session(gap * MINUTE), COUNT) for gap in (2, 30))
    with bronze() as of:
        of.drain([at(0), at(10), at(120)])
        for windows in (short, long, short):
            report = of.publish(windows)
            assert of.rows(windows) == reference(windows, of.main, report.published_to)


@pytest.mark.parametrize("killed_at", [1, 2])
def test_a_crash_within_a_publication_under_another_definition_leaves_no_row_of_either_behind(
    monkeypatch: pytest.MonkeyPatch, killed_at: int
) -> None:
    """Whichever of the two goes on: what the other has replaced is computed anew."""
    monkeypatch.setattr(pieces, "ROWS_AT_ONCE", 1)
    short, long = (Windows("w", Session(gap * MINUTE), COUNT) for gap in (2, 30))
    for first, last in itertools.product((short, long), repeat=2):
        with bronze() as of:
            of.drain([at(0), at(10), at(90), at(100), at(180)])
            of.publish(first)
            of.publish(long if first is short else short)
            of.drain([at(11), at(240)])
            with monkeypatch.context() as crash:
                crash.setattr(publish_module, "replace_range", _dying(killed_at))
                with contextlib.suppress(KeyboardInterrupt):
                    of.publish(first)
            report = of.publish(last)
            assert of.rows(last) == reference(last, of.main, report.published_to)


def _dying(killed_at: int) -> Callable[..., int]:
    """Replaces so many ranges and no more."""
    left = iter(range(killed_at))

    def replace_some(*given: Any, **named: Any) -> int:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return replace_range(*given, **named)

    return replace_some


def test_sums_and_sketches_are_the_same_in_every_order() -> None:
    windows = Windows("w", Grid(DAY, DAY), aggregates({"total": "sum(x)", "about": "approx_distinct(n)"}))
    chance, stored = random.Random(1), set()
    values = [(chance.uniform(-1, 1) * 10 ** chance.randrange(-9, 16), number) for number in range(6000)]
    for _ in range(3):
        chance.shuffle(values)
        with bronze() as of:
            of.drain(Event(0, BASE, n=number, x=x) for x, number in values)
            of.drain([Event(0, BASE + 2 * DAY)])
            of.publish(windows)
            table = of.stream.lake.open(of.stream.window_table("w")).to_pyarrow_dataset().to_table()
            stored.add((table["total"][0].as_py(), table["about"][0].as_py(), table["about_sketch"][0].as_py()))
    [(_, about, _)] = stored
    assert abs(about - 6000) < 6000 * 0.05


@pytest.mark.parametrize(
    "kind",
    [Grid(MINUTE, MINUTE), Grid(10 * MINUTE, MINUTE), Session(MINUTE, 10 * MINUTE), Panes(10 * MINUTE, count=7)],
)
def test_what_is_read_at_once_does_not_grow_with_the_stream(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "ROWS_AT_ONCE", 200)
    windows, most = Windows("w", kind, COUNT), []
    for hours in (5, 15):
        with bronze() as of:
            of.drain(Event(0, BASE + number * 40 * SECOND) for number in range(90 * hours))
            report = of.publish(windows)
            assert of.rows(windows) == reference(windows, of.main, report.published_to)
            most.append(report.most_events)
    assert most[1] <= most[0] * 1.2 + 90
    assert most[1] < 500
