"""Whatever the batches, the partitions and the order of arrival: of each key the events that repeat none."""

import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bronze_kit import EPOCH, MINUTE, SECOND, Committed, Event, stream_of
from history_kit import histories
from hypothesis import given, settings
from hypothesis import strategies as st

from dataeng_assets.lake.location import Lake
from dataeng_assets.streams.derived import pieces
from dataeng_assets.streams.derived.deduplicate import Deduplicated
from dataeng_assets.streams.derived.tables import TableReport, publish
from dataeng_assets.streams.derived.whole import DerivedRefused

HORIZON = 2 * MINUTE


def reference(definition: Deduplicated, events: Iterable[Event], closed: int) -> list[tuple[int, int]]:
    """The rule in plain words, over every pair of events."""
    rows = sorted(events, key=lambda one: one.place)
    return sorted(
        (event.partition, event.offset)
        for number, event in enumerate(rows)
        if event.moment < closed
        and (
            None in _key(definition, event)
            or not any(
                _key(definition, other) == _key(definition, event) and event.moment - other.moment < definition.horizon
                for other in rows[:number]
            )
        )
    )


def _key(definition: Deduplicated, event: Event) -> tuple[Any, ...]:
    return tuple(getattr(event, name) for name in definition.key)


def published(of: Committed, definition: Deduplicated) -> list[tuple[int, int]]:
    stored = of.stream.lake.open(of.stream.window_table(definition.name)).to_pyarrow_dataset().to_table()
    places: list[Any] = stored.select(["_kafka_partition", "_kafka_offset"]).to_pylist()
    return sorted((place["_kafka_partition"], place["_kafka_offset"]) for place in places)


def told(report: TableReport) -> int:
    return -(1 << 62) if report.published_to is None else (report.published_to - EPOCH) // (EPOCH.resolution)


# times often lie a horizon apart
HISTORIES = histories(
    st.tuples(st.sampled_from(["a", "a", "b", None]), st.sampled_from([1, 1, 2, None])),
    steps=[0, 0, 1, 60, 119, 120, 400],
    behind=[0, 0, 0, 1, 60 * SECOND, 2 * MINUTE, 10 * MINUTE],
)


@given(data=st.data())
@settings(max_examples=15)
def test_what_is_kept_is_a_function_of_the_committed_events(data: st.DataObject, tmp_path_factory: Any) -> None:
    definition = Deduplicated(data.draw(st.sampled_from([("who",), ("who", "n")])), HORIZON)
    lake = Lake(str(tmp_path_factory.mktemp("lake")))
    of = Committed(stream_of("clicks", lake), allowed=data.draw(st.sampled_from([0, 8 * MINUTE])))
    for events, behind in data.draw(HISTORIES):
        of.drain(events)
        report = publish(of.stream, definition, of.topic(behind), "run")
        assert published(of, definition) == reference(definition, of.main, told(report))
    report = publish(of.stream, definition, of.topic(), "run")
    kept = reference(definition, of.main, told(report))
    assert published(of, definition) == kept
    shutil.rmtree(Path(lake.at(report.key)))
    again = publish(of.stream, definition, of.topic(), "rebuild")
    assert published(of, definition) == kept
    within = [event for event in of.main if event.moment < told(again)]
    assert (again.rows, again.repeats) == (len(kept), len(within) - len(kept))


@pytest.fixture
def clicks(tmp_path: Path) -> Committed:
    return Committed(stream_of("clicks", Lake(str(tmp_path / "lake"))))


def keep(of: Committed, *events: Event, definition: Deduplicated | None = None) -> list[tuple[int, int]]:
    """What stands of events after they came in one batch, and a last one that closes them."""
    definition = definition or Deduplicated(("who",), HORIZON)
    of.drain([*events, Event(9, max(event.moment for event in events) + 60 * MINUTE, "last")])
    publish(of.stream, definition, of.topic(), "run")
    return [place for place in published(of, definition) if place[0] != 9]


def test_an_event_exactly_a_horizon_after_another_stays(clicks: Committed) -> None:
    assert keep(clicks, Event(0, 0), Event(0, HORIZON - 1), Event(0, 2 * HORIZON - 1)) == [(0, 0), (0, 2)]


def test_a_key_that_goes_on_being_repeated_stays_away_until_it_has_paused(clicks: Committed) -> None:
    assert keep(clicks, *(Event(0, number * MINUTE) for number in range(6))) == [(0, 0)]


def test_of_events_at_one_moment_the_lowest_partition_and_offset_stays(clicks: Committed) -> None:
    assert keep(clicks, Event(2, 0), Event(1, 0), Event(1, 0)) == [(1, 0)]


def test_an_event_without_a_key_repeats_none(clicks: Committed) -> None:
    assert keep(clicks, Event(0, 0, None), Event(0, 0, None)) == [(0, 0), (0, 1)]


def test_an_earlier_event_that_comes_later_takes_the_place_of_the_one_that_stood(clicks: Committed) -> None:
    definition = Deduplicated(("who",), HORIZON)
    assert keep(clicks, Event(0, 1), definition=definition) == [(0, 0)]
    clicks.drain([Event(1, 0)])
    report = publish(clicks.stream, definition, clicks.topic(), "run")
    assert [place for place in published(clicks, definition) if place[0] != 9] == [(1, 0)]
    assert (report.rows, report.repeats) == (1, 1)


def test_rows_are_the_events_with_all_their_columns(clicks: Committed) -> None:
    keep(clicks, Event(0, 0, "a", 2**62, -0.0), Event(1, 5, "b", None, None))
    lake, key = clicks.stream.lake, clicks.stream.window_table("deduplicated")
    stored = lake.open(key).to_pyarrow_dataset().to_table().sort_by("event_id").to_pylist()
    main = lake.open(clicks.stream.main).to_pyarrow_dataset().to_table().sort_by("event_id").to_pylist()
    assert stored == main[: len(stored)]
    assert len(stored) == 2


def test_a_table_that_is_made_in_many_pieces_is_the_same(clicks: Committed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "ROWS_AT_ONCE", 3)
    definition = Deduplicated(("who",), 90 * MINUTE)
    events = [Event(number % 3, number * 7 * MINUTE, "ab"[number % 5 == 0]) for number in range(60)]
    clicks.drain(events)
    report = publish(clicks.stream, definition, clicks.topic(), "run")
    assert len(report.replaced) > 3
    assert published(clicks, definition) == reference(definition, clicks.main, told(report))


def test_another_definition_leaves_no_row_of_the_one_before(clicks: Committed) -> None:
    keep(clicks, Event(0, 0), Event(0, MINUTE), Event(0, 3 * MINUTE))
    wider = Deduplicated(("who",), 10 * MINUTE)
    publish(clicks.stream, wider, clicks.topic(), "run")
    assert [place for place in published(clicks, wider) if place[0] != 9] == [(0, 0)]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (Deduplicated(("event",), HORIZON), "no column 'event'; did you mean 'event_id'"),
        (Deduplicated(("x",), HORIZON), "x is double"),
        (Deduplicated((), HORIZON), "no column says which events are the same"),
        (replace(Deduplicated(("who",), HORIZON), horizon=0), "longer than nothing"),
    ],
)
def test_what_cannot_be_told_is_refused_by_name(clicks: Committed, wrong: Deduplicated, says: str) -> None:
    with pytest.raises(DerivedRefused, match=says):
        wrong.check(clicks.stream)
