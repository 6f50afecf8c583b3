"""Avro from JSON: what is written is what is read again, and what does not fit is refused by its field."""

import base64
import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataeng_assets.streams.decode.avro_record import read_record
from dataeng_assets.streams.decode.avro_schema import read_avro_schema
from dataeng_assets.streams.decode.document import Unreadable
from dataeng_assets.streams.decode.values import plain
from dataeng_assets.streams.encode.avro import AvroWriter

Typed = tuple[Any, Any]
"""A type of Avro, and a value of it as JSON."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
moments = st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999).map(lambda one: EPOCH + timedelta(0, 0, one))


def long(logical: str) -> dict[str, str]:
    return {"type": "long", "logicalType": logical}


def shown(when: datetime) -> str:
    return when.isoformat(timespec="microseconds").replace("+00:00", "Z")


def decimals(precision: int, scale: int) -> st.SearchStrategy[Typed]:
    schema = {"type": "bytes", "logicalType": "decimal", "precision": precision, "scale": scale}
    units = st.integers(1 - 10**precision, 10**precision - 1)
    return units.map(lambda one: (schema, f"{'-' * (one < 0)}{abs(one) // 10**scale}.{abs(one) % 10**scale:0{scale}}"))


leaves = st.one_of(
    st.just(("null", None)),
    st.booleans().map(lambda one: ("boolean", one)),
    st.integers(-(2**31), 2**31 - 1).map(lambda one: ("int", one)),
    st.integers(-(2**63), 2**63 - 1).map(lambda one: ("long", one)),
    st.floats(allow_nan=False, allow_infinity=False).map(lambda one: ("double", one)),
    st.floats(width=32, allow_nan=False, allow_infinity=False).map(lambda one: ("float", one)),
    st.sampled_from(["NaN", "Infinity", "-Infinity"]).map(lambda one: ("double", one)),
    st.text().map(lambda one: ("string", one)),
    st.binary().map(lambda one: ("bytes", base64.b64encode(one).decode())),
    st.uuids().map(lambda one: ({"type": "string", "logicalType": "uuid"}, str(one))),
    moments.map(lambda one: (long("timestamp-micros"), shown(one))),
    moments.map(lambda one: (long("timestamp-millis"), shown(one.replace(microsecond=one.microsecond // 1000 * 1000)))),
    st.dates(date(1, 1, 1)).map(lambda one: ({"type": "int", "logicalType": "date"}, one.isoformat())),
    decimals(9, 2),
    decimals(38, 10),
)


def around(inner: st.SearchStrategy[Typed]) -> st.SearchStrategy[Typed]:
    return st.one_of(
        inner.filter(lambda one: one[0] != "null").flatmap(
            lambda one: st.integers(0, 3).map(lambda n: ({"type": "array", "items": one[0]}, [one[1]] * n))
        ),
        inner.flatmap(
            lambda one: st.sets(st.text(), max_size=3).map(
                lambda names: ({"type": "map", "values": one[0]}, dict.fromkeys(names, one[1]))
            )
        ),
        inner.filter(lambda one: one[0] != "null" and not isinstance(one[0], list)).flatmap(
            lambda one: st.booleans().map(lambda there: (["null", one[0]], one[1] if there else None))
        ),
    )


values = st.recursive(leaves, around, max_leaves=4)


def writer(*types: Any, **more: Any) -> AvroWriter:
    fields = [{"name": f"f{number}", "type": one, **more} for number, one in enumerate(types)]
    return AvroWriter(read_avro_schema(json.dumps({"type": "record", "name": "R", "fields": fields})))


@given(st.lists(values, max_size=4))
def test_what_is_written_is_what_is_read(fields: list[Typed]) -> None:
    wanted = {f"f{number}": value for number, (_, value) in enumerate(fields)}
    written = writer(*(schema for schema, _ in fields))
    found = read_record(written._node, written.write(json.dumps(wanted).encode()))
    assert {name: plain(value) for name, value in found.items()} == wanted


@given(st.lists(values, min_size=1, max_size=3), st.lists(values, max_size=3))
def test_a_document_of_another_schema_is_refused_or_fits(fields: list[Typed], others: list[Typed]) -> None:
    document = json.dumps({f"f{number}": value for number, (_, value) in enumerate(others)}).encode()
    written = writer(*(schema for schema, _ in fields))
    try:
        body = written.write(document)
    except Unreadable:
        return
    read_record(written._node, body)


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ("int", "2147483648"), ("int", "1.0"), ("int", "true"), ("int", '"1"'), ("long", "9223372036854775808"),
        ("long", "1e3"), ("double", "9007199254740993"), ("double", "1e400"), ("float", "1e39"), ("double", '"1.5"'),
        ("string", "1"), ("string", "null"), ("boolean", "1"), ("bytes", '"?"'), ("bytes", '"YQ"'),
        ({"type": "fixed", "name": "F", "size": 2}, '"YQ=="'),
        ({"type": "enum", "name": "E", "symbols": ["A"]}, '"B"'),
        ({"type": "enum", "name": "E", "symbols": ["A"]}, "[]"),
        (long("timestamp-micros"), '"2026-03-01T12:00:00"'), (long("timestamp-micros"), '"2026-03-01"'),
        (long("timestamp-micros"), '"2026-03-01T12:00:00.1234567Z"'),
        (long("timestamp-millis"), '"2026-03-01T12:00:00.0001Z"'),
        (long("timestamp-micros"), '"2026-02-30T12:00:00Z"'), ({"type": "int", "logicalType": "date"}, '"20260301"'),
        ({"type": "bytes", "logicalType": "decimal", "precision": 3, "scale": 1}, '"1.25"'),
        ({"type": "bytes", "logicalType": "decimal", "precision": 3, "scale": 1}, "100.0"),
        ({"type": "bytes", "logicalType": "decimal", "precision": 3, "scale": 1}, '"NaN"'),
        ({"type": "bytes", "logicalType": "decimal", "precision": 3, "scale": 1}, "1e-999999999"),
        ({"type": "bytes", "logicalType": "decimal", "precision": 3, "scale": 1}, "1e999999999"),
        ({"type": "bytes", "logicalType": "decimal", "precision": 3, "scale": 1}, f"1.{'0' * 300}1"),
        ({"type": "array", "items": "int"}, "[1, null]"), (["null", "long"], '"x"'),
        ({"type": "record", "name": "I", "fields": [{"name": "a", "type": "int"}]}, '{"a": 1, "b": 2}'),
        ({"type": "record", "name": "I", "fields": [{"name": "a", "type": "int"}]}, "{}"),
    ],
)  # fmt: skip
def test_nothing_is_cast_or_left_out_in_silence(schema: Any, said: str) -> None:
    with pytest.raises(Unreadable) as refused:
        writer(schema).write(b'{"f0": %s}' % said.encode())
    assert refused.value.reason == "type:f0"
    assert said not in refused.value.detail


def test_a_field_that_is_not_there_has_its_default_or_is_null_or_is_missing() -> None:
    for more, schema, wanted in [
        ({"default": 7}, "long", 7),
        ({"default": 0.5}, "double", 0.5),
        ({"default": "\u00ff"}, "bytes", "/w=="),
        ({"default": None}, ["null", "long"], None),
        ({}, ["long", "null"], None),
    ]:
        written = writer(schema, **more)
        assert plain(read_record(written._node, written.write(b"{}"))["f0"]) == wanted
    with pytest.raises(Unreadable, match="missing:f0"):
        writer("long").write(b"{}")


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (b'{"f0":1,"f1":2}', "unknown:f1"), (b'{"f0":1,"f0":1}', "duplicate_key"), (b"[]", "not_object"),
        (b"", "empty"), (b"\xff", "not_utf8"), (b'{"f0":{"a":1,"a":1}}', "duplicate_key"),
        (b'{"f0":' + b"9" * 5000 + b"}", "not_json"),
    ],
)  # fmt: skip
def test_a_document_that_is_none_is_named(document: bytes, reason: str) -> None:
    with pytest.raises(Unreadable) as refused:
        writer("long").write(document)
    assert refused.value.reason == reason
