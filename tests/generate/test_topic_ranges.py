"""Which offsets are read, and which records are rows: without a server."""

import json
from typing import Any

import pytest
from confluent_kafka import TIMESTAMP_CREATE_TIME, Message

from dataeng_assets.generate.extraction.carried.config import Column, Table
from dataeng_assets.generate.extraction.carried.decoded import Unreadable, decode
from dataeng_assets.generate.extraction.carried.from_kafka import staged_row
from dataeng_assets.generate.extraction.carried.ranges import (
    Offsets,
    OffsetsLost,
    TopicReplaced,
    TopicState,
    plan_ranges,
)

POSITION = {"topic_id": "a", "next": {"0": 10}}
COLUMNS = {kind: Column("it", kind) for kind in ("string", "uuid", "bigint", "double", "boolean", "timestamp", "json")}


def state(*partitions: tuple[int, int], topic_id: str = "a") -> TopicState:
    return TopicState("clicks", topic_id, {n: Offsets(*one) for n, one in enumerate(partitions)})


def test_the_first_run_begins_at_the_oldest_record() -> None:
    assert plan_ranges(None, state((7, 9))).ranges == {0: Offsets(7, 9)}


def test_the_next_run_begins_where_the_last_ended_and_a_new_partition_at_its_beginning() -> None:
    plan = plan_ranges(POSITION, state((2, 12), (0, 3)))
    assert plan.ranges == {0: Offsets(10, 12), 1: Offsets(0, 3)}
    next_ = {"0": 12, "1": 3}
    assert plan.position() == {"topic_id": "a", "follows": {"0": 10}, "first": {"0": 10, "1": 0}, "next": next_}


@pytest.mark.parametrize(
    ("now", "error"),
    [
        (state((11, 12)), OffsetsLost),
        (state((0, 9)), OffsetsLost),
        (state((10, 10), (1, 3)), OffsetsLost),
        (state((0, 12), topic_id="b"), TopicReplaced),
        (state(), TopicReplaced),
    ],
)
def test_records_that_are_gone_are_an_error_of_their_own(now: TopicState, error: type[Exception]) -> None:
    with pytest.raises(error):
        plan_ranges(POSITION, now)


def test_only_what_retention_removed_can_be_accepted_as_lost() -> None:
    plan = plan_ranges(POSITION, state((11, 12)), accept_lost=True)
    assert (plan.ranges, plan.lost) == ({0: Offsets(11, 12)}, ("offsets 10 to 10 of partition 0",))
    assert plan.position()["follows"] == {"0": 10}
    with pytest.raises(OffsetsLost):
        plan_ranges(POSITION, state((0, 9)), accept_lost=True)


@pytest.mark.parametrize(
    ("kind", "given", "text"),
    [
        ("bigint", "9223372036854775807", "9223372036854775807"),
        ("double", "0.1", "0.1"),
        ("double", "9007199254740992", "9007199254740992.0"),
        ("timestamp", '"2026-03-01T12:00:00.123456+02:00"', "2026-03-01 10:00:00.123456+00:00"),
        ("uuid", '"AAAAAAAA-0000-0000-0000-000000000001"', "aaaaaaaa-0000-0000-0000-000000000001"),
        ("json", '{"a": [1.10, null, true]}', '{"a": [1.10, null, true]}'),
        ("boolean", "true", "True"),
    ],
)
def test_a_value_is_carried_exactly(kind: str, given: str, text: str) -> None:
    row = decode(f'{{"it": {given}}}'.encode(), {}, [COLUMNS[kind]], {})
    assert (str(row["it"]), row["_rescued"]) == (text, None)


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("bigint", '"7"'), ("bigint", "7.0"), ("bigint", "true"), ("bigint", "9223372036854775808"),
        ("double", "9007199254740993"), ("double", "1e999"), ("double", '"1"'),
        ("timestamp", '"2026-03-01T12:00:00"'), ("timestamp", '"2026-02-30T12:00:00Z"'), ("timestamp", "1772366400"),
        ("timestamp", '"2026-03-01T12:00:00.1234567Z"'), ("timestamp", '"0001-01-01T00:00:00+02:00"'),
        ("uuid", '"7"'), ("boolean", "1"), ("boolean", '"true"'),
        ("string", "7"), ("string", r'"\u0000"'), ("string", r'"\ud800"'),
    ],
)  # fmt: skip
def test_a_value_of_another_type_is_none(kind: str, given: str) -> None:
    with pytest.raises(Unreadable, match="type: it is no "):
        decode(f'{{"it": {given}}}'.encode(), {}, [COLUMNS[kind]], {})


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "json: no JSON object in UTF-8"),
        (b"[1]", "json: no JSON object in UTF-8"),
        (b'{"it": "a"} {', "json: no JSON object in UTF-8"),
        (b'{"it": "a", "it": "a"}', "json: no JSON object in UTF-8"),
        (b'{"it": "a", "other": NaN}', "json: no JSON object in UTF-8"),
        (b'{"it": "a", "other": 1e99999999999999999999}', "json: no JSON object in UTF-8"),
        (b'{"it": "\xff"}', "json: no JSON object in UTF-8"),
        (b'{"it": ' + b"[" * 100_000, "json: nested too deep"),
        (b'{"it": null}', "missing: it"),
        (b'{"it": "c"}', "values: it is none of the contract's"),
    ],
)
def test_a_broken_record_has_a_reason_that_shows_no_value(value: bytes | None, reason: str) -> None:
    with pytest.raises(Unreadable) as caught:
        decode(value, {}, [Column("it", "string", required=True)], {"it": ["a", "b"]})
    assert str(caught.value) == reason


def test_what_the_contract_does_not_name_is_kept_as_it_was_written() -> None:
    value = b'{"it": "a", "other": {"number": 1.10, "text": "\xc3\xa9"}}'
    rescued: Any = decode(value, {}, [COLUMNS["string"]], {})["_rescued"]
    assert "1.10" in rescued
    assert json.loads(rescued) == {"other": {"number": 1.1, "text": "é"}}


@pytest.mark.parametrize(
    ("key", "milliseconds", "found"),
    [
        (b"", 0, {"it": ""}),
        (None, 0, {"_reason": "missing: it"}),
        (b"\xff", 0, {"_reason": "type: it is no text in UTF-8"}),
        (b"a", 2**60, {"_reason": "timestamp: no moment before the year 10000", "_value": b"{}"}),
    ],
)
def test_what_a_record_says_of_itself_is_no_reason_to_stop(
    key: bytes | None, milliseconds: int, found: dict[str, Any]
) -> None:
    options = {"topic": "clicks", "from_record": {"it": "key"}}
    table = Table("clicks", "", "incremental", None, (), (Column("it", "string", required=True),), options=options)
    sent = (TIMESTAMP_CREATE_TIME, milliseconds)
    row = staged_row(table, Message(topic="clicks", partition=0, offset=7, key=key, value=b"{}", timestamp=sent))
    assert found.items() <= row.items()
    assert (row["_kafka_offset"], "it" in row) == (7, "_reason" not in row)
