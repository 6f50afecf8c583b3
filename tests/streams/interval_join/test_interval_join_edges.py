"""Where the edges of an interval join lie, when its rows appear, and what changes them afterwards."""

import tempfile
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest
from bronze_kit import EPOCH, LATE_AFTER, MINUTE, Event
from join_kit import Two, a_join, two
from stream_kit import column, contract

from dataeng_assets.lake.append import append
from dataeng_assets.lake.location import Lake
from dataeng_assets.streams.derived import pieces
from dataeng_assets.streams.derived.events import Events
from dataeng_assets.streams.derived.interval_join.compute import rows_of
from dataeng_assets.streams.derived.interval_join.definition import IntervalJoin, Side
from dataeng_assets.streams.derived.interval_join.publish import together
from dataeng_assets.streams.ingest import make_main
from dataeng_assets.streams.stream import Stream

HOUR = 60 * MINUTE
FAR = Event(0, 100 * HOUR, who="far")


def at(moment: int) -> datetime:
    return EPOCH + timedelta(microseconds=moment)


def pairs(both: Two) -> list[tuple[Any, Any]]:
    """Times on both sides, in microseconds."""
    told = [(row["left_time"], row["right_time"]) for row in both.rows()]
    return [tuple(None if one is None else (one - EPOCH) // timedelta(microseconds=1) for one in row) for row in told]  # type: ignore[misc]  # two of each


def published(join: IntervalJoin, lefts: list[Event], rights: list[Event]) -> list[tuple[Any, Any]]:
    with two() as both:
        both.left.drain([*lefts, FAR])
        both.right.drain(rights)
        both.publish(join)
        return [pair for pair in pairs(both) if pair[0] < HOUR]


def test_both_ends_of_the_interval_are_in_it() -> None:
    rights = [Event(number, moment) for number, moment in enumerate([8, 9, 10, 12, 13])]
    assert published(a_join(before=1, after=2), [Event(0, 10)], rights) == [(10, 9), (10, 10), (10, 12)]


def test_an_interval_without_length_joins_equal_times() -> None:
    assert published(a_join(0, 0), [Event(0, 10), Event(0, 11)], [Event(0, 11), Event(1, 11)]) == [(11, 11), (11, 11)]


def test_a_missing_key_equals_nothing_not_even_a_missing_key() -> None:
    lefts, rights = [Event(0, 10, who=None)], [Event(0, 10, who=None)]
    assert published(a_join(1, 1), lefts, rights) == []
    assert published(a_join(1, 1, "left"), lefts, rights) == [(10, None)]


def test_all_pairs_of_a_key_are_rows() -> None:
    lefts, rights = [Event(0, 10), Event(1, 10)], [Event(0, 10), Event(1, 10), Event(2, 11)]
    assert len(published(a_join(5, 5), lefts, rights)) == 6


def test_events_before_1970_are_joined_as_others_are() -> None:
    assert published(a_join(3, 3), [Event(0, -10)], [Event(0, -13), Event(1, -7), Event(2, -14)]) == [
        (-10, -13),
        (-10, -7),
    ]


def test_an_event_on_the_left_appears_when_no_match_can_come_any_more() -> None:
    join = a_join(MINUTE, 10 * MINUTE, "left")
    with two() as both:
        both.left.drain([Event(0, 0), Event(0, 13 * MINUTE)])
        report = both.publish(join)
        assert (report.published_to, pairs(both)) == (at(13 * MINUTE - LATE_AFTER - 10 * MINUTE), [])
        both.left.drain([Event(0, 13 * MINUTE + 1)])
        assert both.publish(join).published_to == at(1)
        assert pairs(both) == [(0, None)]


def test_a_stream_with_unread_records_holds_rows_back_and_an_idle_one_does_not() -> None:
    join = a_join(0, 0, "left")
    with two() as both:
        both.left.drain([Event(0, 0), Event(0, HOUR)])
        both.right.drain([Event(1, MINUTE)])
        report = both.publish(join, ((), (1,)))
        assert report.published_to == at(MINUTE - LATE_AFTER)
        assert (dict(report.held_back_by), pairs(both)) == ({"payments": (1,)}, [])
        report = both.publish(join)
        assert (report.published_to, dict(report.held_back_by)) == (at(HOUR - LATE_AFTER), {})
        assert pairs(both) == [(0, None)]


def test_nothing_appears_while_a_stream_has_records_of_which_none_was_read() -> None:
    assert together([(5, ()), (None, (0,))]) is None
    assert together([(None, ()), (None, ())]) is None
    assert together([(5, ()), (None, ())]) == 5
    assert together([(9, (1,)), (7, (0,))]) == 7
    assert together([(9, (1,)), (7, ())]) == 9


def test_a_match_that_comes_after_its_row_takes_the_place_of_the_missing_one() -> None:
    join = a_join(MINUTE, MINUTE, "left")
    with two(allowed=200 * HOUR) as both:
        both.left.drain([Event(0, 0), Event(0, 50 * HOUR), FAR])
        both.right.drain([FAR])
        both.publish(join)
        assert pairs(both) == [(0, None), (50 * HOUR, None)]
        both.right.drain([Event(0, -MINUTE), Event(0, MINUTE + 1)])
        report = both.publish(join)
        assert pairs(both) == [(0, -MINUTE), (50 * HOUR, None)]
        assert all(end <= HOUR for _, end in report.replaced), "rows that no event touched are left alone"


def test_an_event_on_the_left_that_comes_after_its_time_was_published_is_joined() -> None:
    join = a_join(MINUTE, MINUTE)
    with two(allowed=200 * HOUR) as both:
        both.left.drain([FAR])
        both.right.drain([Event(0, 50 * HOUR), FAR])
        both.publish(join)
        both.left.drain([Event(0, 50 * HOUR)])
        both.publish(join)
        assert pairs(both) == [(50 * HOUR, 50 * HOUR)]


def test_publishing_again_changes_nothing_and_commits_nothing() -> None:
    with two() as both:
        both.left.drain([Event(0, 0), FAR])
        both.right.drain([Event(0, 0)])
        first = both.publish(a_join(1, 1))
        second = both.publish(a_join(1, 1))
        assert (second.version, second.replaced, second.covered) == (first.version, (), first.covered)


def test_rows_of_another_definition_never_stay() -> None:
    with two() as both:
        both.left.drain([Event(0, 0), Event(0, 1), FAR])
        both.right.drain([Event(0, 0)])
        both.publish(a_join(0, 1, "left"))
        assert pairs(both) == [(0, 0), (1, None)]
        both.publish(a_join(1, 1))
        assert pairs(both) == [(0, 0), (1, 0)]


def test_a_stream_joined_with_itself_pairs_each_event_with_itself_too() -> None:
    with two() as both:
        both.left.drain([Event(0, 0), Event(0, 1), FAR])
        alone = Two(both.left, both.left)
        alone.publish(a_join(0, 1))
        assert pairs(alone) == [(0, 0), (0, 1), (1, 1)]


def test_a_long_stream_is_joined_in_bounded_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "ROWS_AT_ONCE", 10)
    lefts = [Event(number % 3, number * 20 * MINUTE) for number in range(100)]
    rights = [Event(number % 3, number * 20 * MINUTE + MINUTE) for number in range(100)]
    with two(allowed=1_000 * HOUR) as both:
        both.left.drain(lefts)
        both.right.drain(rights)
        report = both.publish(a_join(20 * MINUTE, MINUTE, "left"))
        assert len(report.replaced) > 10
        assert all(before[1] == after[0] for before, after in zip(report.replaced, report.replaced[1:], strict=False))
        assert report.most_events <= 2 * 10 + 2
        assert both.rows() == both.expected(a_join(20 * MINUTE, MINUTE, "left"), report.published_to)


def test_events_of_one_key_are_compared_with_those_near_them_alone() -> None:
    """Twenty thousand on each side: all of them with all others would be four hundred million comparisons."""
    number, near = 20_000, 1_000
    with two(allowed=1_000 * HOUR) as both:
        both.left.drain([*(Event(0, near * place) for place in range(number)), FAR])
        both.right.drain([Event(0, near * place) for place in range(number)])
        report = both.publish(a_join(near, near))
        assert report.rows == 3 * number - 2


def test_rows_go_with_the_events_that_a_person_removes_from_either_stream() -> None:
    join = a_join(MINUTE, MINUTE, "left")
    with two() as both:
        both.left.drain([Event(0, 0), Event(0, MINUTE), FAR])
        both.right.drain([Event(0, 0), Event(1, 2 * MINUTE)])
        both.publish(join)
        assert pairs(both) == [(0, 0), (MINUTE, 0), (MINUTE, 2 * MINUTE)]
        for of, place in ((both.right, 0), (both.left, 1)):
            table = of.stream.lake.open(of.stream.main)
            table.delete(f"_kafka_partition = 0 and _kafka_offset = {place}")
            both.publish(join)
        assert pairs(both) == [(0, None)]


def test_every_type_of_an_event_goes_through_a_join_as_it_is() -> None:
    types = ("bigint", "boolean", "bytes", "date", "decimal(38,9)", "double", "json", "string", "timestamp", "uuid")
    columns = [column(f"c{number}", kind, nullable=True) for number, kind in enumerate(types)]
    shown = tuple((f"left_{one.name}", one.name) for one in columns), tuple((one.name, one.name) for one in columns)
    when = datetime(2026, 3, 1, tzinfo=UTC)
    values = (
        2**63 - 1,
        True,
        b"\x00\xff",
        when.date(),
        Decimal("1e-9"),
        -0.0,
        '{"a": 1}',
        "\u0000é",
        when,
        str(UUID(int=1)),
    )
    row = {one.name: value for one, value in zip(columns, values, strict=True)}
    with tempfile.TemporaryDirectory() as folder:
        lake = Lake(str(Path(folder) / "lake"))
        made = contract([column("event_id", "string"), column("timestamp", "timestamp"), *columns])
        stream = Stream("all", "all", "events", made, lake)
        origin = {"_kafka_partition": 0, "_ingested_at": when, "_run_id": "run", "event_date": when.date()}
        rows = [
            {**origin, **part, "event_id": "e", "timestamp": when, "_kafka_offset": n}
            for n, part in enumerate([row, {}])
        ]
        schema = pa.schema([one.with_nullable(True) for one in stream.main_schema()])
        append(make_main(stream), pa.Table.from_pylist(rows, schema=schema), transactions={})
        join = IntervalJoin("same", Side(("event_id",), shown[0]), Side(("event_id",), shown[1]), 0, 0)
        events = Events(stream, lake.open(stream.main))
        span = (int(when.timestamp() * 1_000_000), int(when.timestamp() * 1_000_000) + 1)
        first, *_, last = rows_of(join, events, events, span).read_all().to_pylist()
    for one, value in zip(columns, values, strict=True):
        assert (first[one.name], first[f"left_{one.name}"]) == (value, value)
        assert (last[one.name], last[f"left_{one.name}"]) == (None, None)


@pytest.mark.parametrize(
    ("before", "after", "left", "right"),
    [
        (10 * HOUR, 0, 50 * HOUR, 40 * HOUR),
        (0, 10 * HOUR, 40 * HOUR, 50 * HOUR),
        (0, 10 * HOUR, 87 * HOUR, 97 * HOUR),  # the row is published, and the time of its match is not
    ],
)
def test_a_match_that_comes_late_reaches_rows_as_far_away_as_the_interval(
    before: int, after: int, left: int, right: int
) -> None:
    join = a_join(before, after, "left")
    with two() as both:
        both.left.drain([Event(0, left), FAR])
        report = both.publish(join)
        assert report.published_to == at(100 * HOUR - LATE_AFTER - after)
        assert pairs(both)[0] == (left, None)
        both.right.drain([Event(0, right)])
        both.publish(join)
        assert pairs(both)[0] == (left, right)
