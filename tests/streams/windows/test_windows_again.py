"""What a person broke is put right: rows of windows that were overwritten, events that were removed from bronze."""

import shutil
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pytest
from bronze_kit import EPOCH, MINUTE, Event
from hypothesis import given, settings
from hypothesis import strategies as st
from window_kit import Bronze, aggregates, bronze, reference

from dataeng_assets.lake.append import append
from dataeng_assets.lake.replace import replace_range
from dataeng_assets.streams.derived import pieces
from dataeng_assets.streams.derived import publish as publish_module
from dataeng_assets.streams.derived.spans import DAY, moment
from dataeng_assets.streams.windows import publish_windows_again
from dataeng_assets.streams.windows.definition import Windows
from dataeng_assets.streams.windows.kinds import Grid, Kind, Panes, Session

BASE = 20_000 * DAY
FIRST = EPOCH.date() + timedelta(days=20_000)
COUNT = aggregates({"records": "count", "total": "sum(n)"})
KINDS = {
    "tumbling": Grid(5 * MINUTE, 5 * MINUTE),
    "sliding": Grid(DAY // 2, DAY // 4, 7 * MINUTE),
    "session": Session(5 * MINUTE),
    "panes": Panes(60 * MINUTE, count=3),
}


def windows(kind: Kind) -> Windows:
    return Windows("w", kind, COUNT, ("who",))


def some_days(days: int = 4, every: int = 50) -> list[Event]:
    """Events of whole days, and a last one far behind them that closes everything before it."""
    moments = range(BASE, BASE + days * DAY, every * MINUTE)
    events = [Event(number % 2, at, who="ab"[number % 3 % 2], n=number) for number, at in enumerate(moments)]
    return [*events, Event(0, BASE + (days + 3) * DAY), Event(1, BASE + (days + 3) * DAY)]


def break_by_hand(of: Bronze, day: date, how: str) -> None:
    """What a person might do to the rows of a day: nothing of it carries progress of ours."""
    table = of.stream.lake.open(of.stream.window_table("w"))
    if how == "removed":
        table.delete(f"window_date = '{day}'")
    elif how == "changed":
        table.update({"records": "records + 1000"}, predicate=f"window_date = '{day}'")
    else:
        rows = table.to_pyarrow_dataset().to_table(filter=pc.field("window_date") == day)
        append(table, rows, transactions={})


@pytest.mark.parametrize("kind", sorted(KINDS))
@given(day=st.integers(0, 3), how=st.sampled_from(["removed", "changed", "doubled"]), more=st.booleans())
@settings(max_examples=6)
def test_a_day_that_was_broken_by_hand_is_put_right_and_no_other_row_changes(
    kind: str, day: int, how: str, more: bool
) -> None:
    told = windows(KINDS[kind])
    with bronze(allowed=30 * DAY) as of:
        of.drain(some_days())
        published = of.publish(told).published_to
        break_by_hand(of, FIRST + timedelta(days=day), how)
        assert of.rows(told) != reference(told, of.main, published)
        if more:  # events that no publication has seen yet
            of.drain([Event(0, BASE + MINUTE), Event(1, BASE + 2 * DAY)])
        before = of.stream.lake.open(of.stream.main).version()
        chosen = FIRST + timedelta(days=day)
        report = publish_windows_again(of.stream, (chosen, chosen), run_id="by hand", windows=told)
        assert of.rows(told) == reference(told, of.main, published)
        assert (report.published_to, report.covered) == (published, before)
        assert of.stream.lake.open(of.stream.main).version() == before
        assert not of.publish(told).replaced


def test_only_rows_that_events_of_the_days_are_in_are_replaced() -> None:
    told = windows(KINDS["tumbling"])
    with bronze() as of:
        of.drain(some_days())
        of.publish(told)
        report = publish_windows_again(of.stream, (FIRST, FIRST + timedelta(days=1)), run_id="a", windows=told)
        assert report.replaced == ((moment(BASE), moment(BASE + 2 * DAY)),)


def test_what_has_not_appeared_yet_does_not_appear_by_it() -> None:
    told = windows(KINDS["tumbling"])
    with bronze() as of:
        of.drain([Event(0, BASE), Event(0, BASE + 60 * MINUTE)])
        report = publish_windows_again(of.stream, (FIRST, FIRST), run_id="a", windows=told)
        assert (report.published_to, of.rows(told)) == (None, [])
        published = of.publish(told).published_to
        of.drain([Event(0, BASE + 600 * MINUTE)])
        report = publish_windows_again(of.stream, (FIRST, FIRST), run_id="a", windows=told)
        assert report.published_to == published
        assert of.rows(told) == reference(told, of.main, published)


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_publications_and_drains_meanwhile_cost_another_attempt_and_no_row(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "ROWS_AT_ONCE", 40)
    told = windows(KINDS[kind])
    with bronze(allowed=30 * DAY) as of:
        of.drain(some_days())
        of.publish(told)
        for day in range(4):
            break_by_hand(of, FIRST + timedelta(days=day), "changed")
        overtaken = _overtaken(of, told, monkeypatch)
        publish_windows_again(of.stream, (FIRST, FIRST + timedelta(days=3)), run_id="by hand", windows=told)
        monkeypatch.undo()
        report = of.publish(told)
        assert overtaken[0] > 2
        assert of.rows(told) == reference(told, of.main, report.published_to)


def _overtaken(of: Bronze, told: Windows, patch: pytest.MonkeyPatch) -> list[int]:
    """Before each fourth commit of the backfill the stream drains a few events and publishes its windows."""
    calls, inside = [0], [False]

    def replace_later(*given: Any, **named: Any) -> int:
        if not inside[0]:
            calls[0] += 1
            if calls[0] % 4 == 1:
                inside[0] = True
                of.drain([Event(0, BASE + calls[0] * DAY // 2), Event(1, BASE + (7 + calls[0]) * DAY)])
                of.publish(told)
                inside[0] = False
        return replace_range(*given, **named)

    patch.setattr(publish_module, "replace_range", replace_later)
    return calls


REMOVALS: dict[str, Callable[[Bronze], None]] = {
    "an hour": lambda of: _remove(of, BASE + DAY, BASE + DAY + 60 * MINUTE),
    "the first day": lambda of: _remove(of, BASE, BASE + DAY),
    "a person": lambda of: _remove(of, BASE, BASE + 90 * DAY, who="a"),
    "all": lambda of: _remove(of, BASE, BASE + 90 * DAY),
}


def _remove(of: Bronze, lo: int, hi: int, who: str = "") -> None:
    predicate = f"timestamp >= '{moment(lo).isoformat()}' and timestamp < '{moment(hi).isoformat()}'"
    of.stream.lake.open(of.stream.main).delete(f"{predicate} and who = '{who}'" if who else predicate)
    of.main = [event for event in of.main if not (lo <= event.moment < hi and who in ("", event.who))]


@pytest.mark.parametrize("kind", sorted(KINDS))
@pytest.mark.parametrize("removed", sorted(REMOVALS))
@pytest.mark.parametrize("is_told", [True, False], ids=["told", "forgotten"])
def test_events_that_a_person_removes_leave_their_windows_and_come_back_with_a_restore(
    kind: str, removed: str, is_told: bool
) -> None:
    told = windows(KINDS[kind])
    with bronze() as of:
        of.drain(some_days())
        published = of.publish(told).published_to
        everything, version = list(of.main), of.stream.lake.open(of.stream.main).version()
        REMOVALS[removed](of)
        if not is_told:  # what was removed cannot be told any more
            shutil.rmtree(Path(of.stream.lake.at(of.stream.main)) / "_change_data", ignore_errors=True)
        of.publish(told)
        assert of.rows(told) == reference(told, of.main, published)
        of.stream.lake.open(of.stream.main).restore(version)
        of.publish(told)
        assert of.rows(told) == reference(told, everything, published)
