"""Changes of a stream: a row is written when a state is not as it was, and a change is the difference of two rows."""

import tempfile
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import groupby, pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stream_kit import stream

from dataeng_assets.lake.location import Lake
from dataeng_assets.streams.health.changes import Change, Kind, changes, note
from dataeng_assets.streams.stream import Stream

State = dict[str, str]
states = st.dictionaries(st.sampled_from("0123"), st.sampled_from(["runs", "a", "b"]), min_size=1)


@pytest.fixture
def events(lake: Lake) -> Stream:
    return stream(lake, "topic")


def tell(events: Stream, state: State, kind: Kind = Kind.OWNERS) -> None:
    note(events, kind, lambda _: state, told_by="test")


@settings(max_examples=10)
@given(st.lists(states, max_size=6))
def test_what_is_told_is_each_step_from_one_state_to_another_once(seen: list[State]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        events = stream(Lake(folder), "topic")
        for state in seen:
            tell(events, state)
        told = changes(events)
        steps = [state for state, _ in groupby(seen)]
        assert [(one.before, one.after) for one in told] == list(pairwise(steps))
        assert [one.number for one in told] == list(range(2, len(steps) + 1))
        assert all(set(one.parts) == {p for p in "0123" if one.before.get(p) != one.after.get(p)} for one in told)


def test_states_of_one_kind_are_not_mixed_with_those_of_another(events: Stream) -> None:
    for kind in Kind:
        tell(events, {"0": kind.value}, kind)
    assert changes(events) == ()
    tell(events, {"0": "other"}, Kind.SCHEMAS)
    [one] = changes(events)
    assert (one.kind, one.before, one.after) == (Kind.SCHEMAS, {"0": "registry schema"}, {"0": "other"})
    assert (datetime.now(UTC) - one.at).total_seconds() < 60


def test_of_several_that_see_the_same_at_once_one_tells(events: Stream) -> None:
    tell(events, {"0": "a"})
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: tell(events, {"0": "b"}), range(4)))
    assert [one.after for one in changes(events)] == [{"0": "b"}]


@pytest.mark.parametrize(
    ("kind", "before", "after", "offsets", "says"),
    [
        (
            Kind.OWNERS,
            {"0": "a", "1": "a", "2": "b"},
            {"0": "a", "1": "b", "2": "b", "10": "a"},
            {},
            "2 of 4 partitions changed hands: 1 from a to b; 10 (added to the topic) to a.",
        ),
        (
            Kind.READ_BY,
            {"contract": "1.0.0", "rules": "x", "column a": "int", "column b": "int", "column c": "int"},
            {"contract": "1.1.0", "rules": "y", "column a": "bigint", "column b": "int", "column d": "string"},
            {0: 7, 1: 9},
            (
                "Records are read by contract 1.1.0, rules y; before, by 1.0.0, x. Columns: a (int to bigint), "
                "c (gone), d (new, string). From offset 7 of partition 0, offset 9 of partition 1."
            ),
        ),
        (
            Kind.SCHEMAS,
            {"7": "met", "12": "met"},
            {"7": "met", "12": "met", "13": "met"},
            {1: 4},
            "Records came with schema 13 of the registry; before, with 7, 12. From offset 4 of partition 1.",
        ),
    ],
)
def test_a_change_says_what_from_what_to_what_and_from_where(
    kind: Kind, before: State, after: State, offsets: dict[int, int], says: str
) -> None:
    assert Change(2, kind, datetime.now(UTC), "run", before, after, offsets).says == says
