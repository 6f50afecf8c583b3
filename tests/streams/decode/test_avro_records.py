"""Avro by columns against Avro record by record, and both against fastavro where it is right."""

import io
import json
import struct
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import fastavro
import pyarrow as pa
import pytest
from decode_kit import FakeRegistry, column, decoded
from hypothesis import given, settings
from hypothesis import strategies as st

from dataeng_assets.contracts.errors import ContractError
from dataeng_assets.contracts.record_format import RecordFormat
from dataeng_assets.kafka.registry.errors import RegistryUnreachable
from dataeng_assets.streams.decode.avro import AvroDecoder
from dataeng_assets.streams.decode.framed import RegistryMissing

MICROS = {"type": "long", "logicalType": "timestamp-micros"}
FIELDS: list[tuple[str, Any, str, bool]] = [
    ("id", "string", "string", False),
    ("session", {"type": "string", "logicalType": "uuid"}, "uuid", False),
    ("user", ["null", "long"], "bigint", True),
    ("count", "int", "bigint", False),
    ("kind", {"type": "enum", "name": "Kind", "symbols": ["click", "view"]}, "string", False),
    ("at", MICROS, "timestamp", False),
    ("seen", ["null", {"type": "long", "logicalType": "timestamp-millis"}], "timestamp", True),
    ("day", {"type": "int", "logicalType": "date"}, "date", False),
    ("price", {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}, "decimal(12,2)", False),
    ("score", ["double", "null"], "double", True),
    ("ratio", "float", "double", False),
    ("ok", "boolean", "boolean", False),
    ("blob", ["null", "bytes"], "bytes", True),
    ("four", {"type": "fixed", "name": "Four", "size": 4}, "bytes", False),
    ("either", ["null", "long", "string"], "json", True),
    ("tags", {"type": "array", "items": "string"}, "json", False),
    ("props", {"type": "map", "values": ["null", "double"]}, "json", False),
    ("inner", {"type": "record", "name": "Inner", "fields": [{"name": "at", "type": MICROS}]}, "json", False),
    ("beta", ["null", "string"], "", True),
]
COLUMNS = tuple(column(name, physical, nullable=nullable) for name, _, physical, nullable in FIELDS if physical)
SCHEMA = {"type": "record", "name": "Event", "fields": [{"name": n, "type": t} for n, t, _, _ in FIELDS]}
PARSED = fastavro.parse_schema(SCHEMA)
PLAIN = RecordFormat("avro", schema="event.avsc", text=json.dumps(SCHEMA))
CONFLUENT = RecordFormat("avro", wire="confluent")
MOMENT = datetime(2026, 3, 1, 10, 0, 0, 500, UTC)
GOOD: dict[str, Any] = {
    "id": "e1", "session": UUID(int=7), "user": 1, "count": -3, "kind": "view", "at": MOMENT, "seen": None,
    "day": date(2026, 3, 1), "price": Decimal("1.10"), "score": 0.1, "ratio": 0.5, "ok": True, "blob": b"\xff",
    "four": b"abcd", "either": "x", "tags": ["a", "é"], "props": {"n": 1.5, "z": None}, "inner": {"at": MOMENT},
    "beta": None,
}  # fmt: skip


def written(schema: Any = PARSED, **fields: Any) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, {**GOOD, **fields})
    return out.getvalue()


def both(values: list[bytes], said: RecordFormat = PLAIN, columns: Any = COLUMNS) -> list[dict[str, Any]]:
    """Decode by columns, and see that one by one gives the same."""
    with AvroDecoder(columns, said) as decoder:
        fast = decoder.decode(pa.chunked_array([pa.array(values, pa.binary())]))
        slow = decoder.decode_each(None, pa.array(values, pa.large_binary()))
    # floats that are no numbers do not equal themselves
    assert repr(fast.to_pylist()) == repr(slow.to_pylist())
    return fast.to_pylist()  # type: ignore[no-any-return]


def test_every_kind_of_value_arrives_exactly() -> None:
    [row] = both([written()])
    assert row["reason"] is None
    assert {name: row[name] for name in ("id", "session", "user", "count", "kind", "at", "seen", "day")} == {
        **{name: GOOD[name] for name in ("id", "user", "count", "kind", "at", "seen", "day")},
        "session": str(GOOD["session"]),
    }
    assert (row["price"], row["score"], row["ratio"], row["ok"]) == (Decimal("1.10"), 0.1, 0.5, True)
    assert (row["blob"], row["four"], row["either"]) == (b"\xff", b"abcd", '"x"')
    assert (row["tags"], row["props"]) == ('["a","é"]', '{"n":1.5,"z":null}')
    assert row["inner"] == '{"at":"2026-03-01T10:00:00.000500Z"}'
    assert row["_rescued"] == '{"beta":null}'


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b"", "empty"),
        (written()[:-1], "truncated"),
        (written() + b"\x00", "trailing_bytes"),
        (b"\x01" + written()[1:], "not_avro"),
        (b"\xff" * 9 + b"\x7f", "not_avro"),
        (b"\xfe" + b"\xff" * 8 + b"\x01", "truncated"),
        (written(id="é").replace("é".encode(), b"\xc3\x28"), "not_utf8"),
        (written(session="x"), "type:session"),
    ],
)
def test_a_broken_record_is_named_and_its_neighbours_live(value: bytes, reason: str) -> None:
    if value == b"":
        [row] = decoded(AvroDecoder(COLUMNS, PLAIN), [value])
        assert row["reason"] == reason
        return
    before, row, after = both([written(id="a"), value, written(id="b")])
    assert (before["id"], before["reason"], after["id"], after["reason"]) == ("a", None, "b", None)
    assert row["reason"] == reason
    assert row["detail"]


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ({"type": "enum", "name": "K", "symbols": ["a"]}, b"\x02"),
        ({"type": "enum", "name": "K", "symbols": ["a"]}, b"\x01"),
        (["null", "long"], b"\x04"),
        (["null", "long"], b"\x01"),
        ("boolean", b"\x02"),
        ("int", b"\x80\x80\x80\x80\x10"),
        ("long", b"\x80" * 9 + b"\x02"),
        ("long", b"\x80" * 10 + b"\x00"),
        ("string", b"\x01"),
        ("bytes", b"\x01"),
    ],
)
def test_numbers_that_point_nowhere_are_no_avro(kind: Any, value: bytes) -> None:
    schema = {"type": "record", "name": "R", "fields": [{"name": "x", "type": kind}]}
    said = RecordFormat("avro", schema="r.avsc", text=json.dumps(schema))
    physical = {"boolean": "boolean", "int": "bigint", "long": "bigint", "bytes": "bytes"}.get(str(kind), "string")
    columns = (column("x", "bigint" if isinstance(kind, list) else physical, nullable=True),)
    assert [row["reason"] for row in both([value], said, columns)] == ["not_avro"]


def test_two_halves_of_one_character_in_two_records_are_no_text() -> None:
    schema = {"type": "record", "name": "R", "fields": [{"name": "id", "type": "string"}]}
    said = RecordFormat("avro", schema="r.avsc", text=json.dumps(schema))
    rows = both([b"\x02\xc3", b"\x02\xa9", b"\x02a"], said, (column("id", "string"),))
    assert [row["reason"] for row in rows] == ["not_utf8", "not_utf8", None]


def test_a_list_that_claims_more_items_than_it_has_costs_nothing() -> None:
    schema = {"type": "record", "name": "R", "fields": [{"name": "x", "type": {"type": "array", "items": "long"}}]}
    said = RecordFormat("avro", schema="r.avsc", text=json.dumps(schema))
    huge = b"\xfe" + b"\xff" * 8 + b"\x01"
    rows = both([huge, b"\x01\x04\x02\x00", b"\x03\x04\x02\x04\x00", b"\x00"], said, (column("x", "json"),))
    assert [(row["reason"], row["x"]) for row in rows] == [
        ("truncated", None), ("not_avro", None), (None, "[1,2]"), (None, "[]"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "physical", "value", "found"),
    [
        ("long", "bigint", 2**63 - 1, 2**63 - 1),
        ("long", "double", 2**53, float(2**53)),
        ("long", "double", 2**53 + 1, "type:x"),
        ("double", "bigint", 1.0, "type:x"),
        ("int", "string", 1, "type:x"),
        ("boolean", "bigint", True, "type:x"),
        ("long", "timestamp", 0, "type:x"),
        (MICROS, "bigint", 0, "type:x"),
        (MICROS, "timestamp", 2**62, "type:x"),
        ({"type": "long", "logicalType": "timestamp-millis"}, "timestamp", 2**62, "type:x"),
        ({"type": "long", "logicalType": "timestamp-nanos"}, "timestamp", 1500, "type:x"),
        ({"type": "long", "logicalType": "local-timestamp-micros"}, "timestamp", 0, "type:x"),
        ({"type": "int", "logicalType": "date"}, "date", 2**30, "type:x"),
        ("long", "decimal(5,2)", 999, Decimal(999)),
        ("long", "decimal(5,2)", 1000, "type:x"),
        ("string", "decimal(5,2)", "1.5", "type:x"),
        ("string", "json", "a\n", '"a\\n"'),
        ("double", "json", float("nan"), '"NaN"'),
        ({"type": "fixed", "size": 16, "name": "U", "logicalType": "uuid"}, "uuid", b"\0" * 16, str(UUID(int=0))),
    ],
)
def test_nothing_is_cast_in_silence(kind: Any, physical: str, value: Any, found: Any) -> None:
    schema = {"type": "record", "name": "R", "fields": [{"name": "x", "type": kind}]}
    said = RecordFormat("avro", schema="r.avsc", text=json.dumps(schema))
    out = io.BytesIO()
    raw = kind if isinstance(kind, str) else {key: item for key, item in kind.items() if key != "logicalType"}
    fastavro.schemaless_writer(out, {**schema, "fields": [{"name": "x", "type": raw}]}, {"x": value})
    [row] = both([out.getvalue()], said, (column("x", physical),))
    assert (row["reason"] or row["x"]) == found


def test_a_value_that_is_missing_and_required_is_named() -> None:
    columns = (column("user", "bigint"), column("later", "string", nullable=True), column("never", "string"))
    rows = both([written(user=None), written()], columns=columns)
    assert [row["reason"] for row in rows] == ["missing:user", "missing:never"]


def test_aliases_and_defaults_of_the_readers_schema_count() -> None:
    reader = {
        "type": "record", "name": "Event", "fields": [
            {"name": "event_id", "type": "string", "aliases": ["id"]},
            {"name": "channel", "type": ["string", "null"], "default": "web"},
            {"name": "cents", "type": GOOD and FIELDS[8][1], "default": "n"},
        ],
    }  # fmt: skip
    registry = FakeRegistry({7: json.dumps(SCHEMA)})
    columns = (column("event_id", "string"), column("channel", "string"), column("cents", "decimal(9,2)"))
    said = RecordFormat("avro", wire="confluent", schema="reader.avsc", text=json.dumps(reader))
    [row] = decoded(AvroDecoder(columns, said, registry), [b"\0\0\0\0\x07" + written()])
    assert (row["event_id"], row["channel"], row["cents"], row["reason"]) == ("e1", "web", Decimal("1.10"), None)
    assert "id" not in json.loads(row["_rescued"])


def test_records_of_several_schemas_keep_their_order() -> None:
    narrow = {"type": "record", "name": "Event", "fields": SCHEMA["fields"][:2]}
    wide = {"type": "record", "name": "Event", "fields": [*SCHEMA["fields"][:2], {"name": "new", "type": "int"}]}
    registry = FakeRegistry({1: json.dumps(narrow), 2: json.dumps(wide), 3: '"string"', 4: "{"})
    columns = (column("id", "string"), column("session", "uuid"))
    one = written(fastavro.parse_schema(narrow), id="a")
    two = written(fastavro.parse_schema(wide), id="b", new=5)
    values = [
        b"\0\0\0\0\x02" + two, b"\0\0\0\0\x01" + one, b"\0\0\0\0\x09" + one, b"\0\0\0\0\x03" + one, None, b"{}",
        b"\0\0\0\0\x04", b"\0\0", b"\0\0\0\0\x02" + two, b"\0\0\0\0\x01",
    ]  # fmt: skip
    rows = decoded(AvroDecoder(columns, CONFLUENT, registry), values)
    assert [row["reason"] or row["id"] for row in rows] == [
        "b", "a", "unknown_schema", "unsupported_schema", "empty", "bad_header", "unsupported_schema", "bad_header",
        "b", "truncated",
    ]  # fmt: skip
    assert rows[0]["_rescued"] == '{"new":5}'
    assert registry.asked == [1, 2, 3, 4, 9], "each schema is asked for once"


def test_a_registry_that_does_not_answer_stops_the_stream_and_sets_nothing_aside() -> None:
    registry = FakeRegistry({}, answers=False)
    with pytest.raises(RegistryUnreachable):
        decoded(AvroDecoder(COLUMNS, CONFLUENT, registry), [b"\0\0\0\0\x07" + written()])
    with pytest.raises(RegistryMissing):
        decoded(AvroDecoder(COLUMNS, CONFLUENT), [b"\0\0\0\0\x07" + written()])


def test_a_schema_that_comes_later_is_found_by_the_next_batch() -> None:
    schemas: dict[int, str] = {}
    registry = FakeRegistry(schemas)
    values = pa.chunked_array([pa.array([b"\0\0\0\0\x07" + written()] * 2, pa.binary())])
    with AvroDecoder(COLUMNS, CONFLUENT, registry) as decoder:
        assert decoder.decode(values)["reason"].to_pylist() == ["unknown_schema"] * 2
        assert registry.asked == [7]
        schemas[7] = json.dumps(SCHEMA)
        assert decoder.decode(values)["reason"].to_pylist() == [None, None]


def test_a_schema_may_use_others() -> None:
    kind = json.dumps({"type": "enum", "name": "shop.Kind", "symbols": ["a", "b"]})
    schema = {"type": "record", "name": "R", "fields": [{"name": "kind", "type": "shop.Kind"}]}
    registry = FakeRegistry(
        {5: json.dumps(schema)}, uses={5: {"shop.Kind": ("kinds", 1)}}, subjects={("kinds", 1): kind}
    )
    columns = (column("kind", "string"),)
    [row] = decoded(AvroDecoder(columns, CONFLUENT, registry), [b"\0\0\0\0\x05\x02"])
    assert row["kind"] == "b"
    lacking = FakeRegistry({5: json.dumps(schema)}, uses={5: {"shop.Kind": ("kinds", 2)}})
    [row] = decoded(AvroDecoder(columns, CONFLUENT, lacking), [b"\0\0\0\0\x05\x02"])
    assert row["reason"] == "unsupported_schema"


def test_single_objects_carry_the_fingerprint_of_their_schema() -> None:
    said = RecordFormat("avro", wire="single-object", schema="n.avsc", text='{"type":"record","name":"R","fields":[]}')
    mark = bytes.fromhex(fastavro.schema.fingerprint('{"name":"R","type":"record","fields":[]}', "CRC-64-AVRO"))
    rows = decoded(AvroDecoder((), said), [b"\xc3\x01" + mark, b"\xc3\x01" + mark[::-1], b"\xc3\x02" + mark])
    assert [row["reason"] for row in rows] == [None, "unknown_schema", "bad_header"]


@pytest.mark.parametrize(
    "text",
    [
        "{", '"string"', '{"type":"record","name":"R","fields":[{"name":"x","type":"Y"}]}',
        '{"type":"record","name":"R","fields":[{"name":"x","type":["null","R"]}]}',
        '{"type":"record","name":"R","fields":[{"name":"x","type":{"type":"array","items":"null"}}]}',
    ],
)  # fmt: skip
def test_a_schema_that_is_none_or_costs_without_bound_is_refused(text: str) -> None:
    with pytest.raises(ContractError):
        AvroDecoder((column("x", "json", nullable=True),), RecordFormat("avro", schema="r.avsc", text=text))


def test_a_schema_whose_names_grow_without_bound_is_refused() -> None:
    kind: Any = "int"
    for level in range(40):
        fields = [{"name": "a", "type": kind}, {"name": "b", "type": f"L{level - 1}" if level else "int"}]
        kind = {"type": "record", "name": f"L{level}", "fields": fields}
    with pytest.raises(ContractError):
        AvroDecoder((), RecordFormat("avro", schema="r.avsc", text=json.dumps(kind)))


moments = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)).map(lambda moment: moment.replace(tzinfo=UTC))  # noqa: DTZ001
events = st.fixed_dictionaries(
    {},
    optional={
        "id": st.text(max_size=5), "user": st.none() | st.integers(-(2**63), 2**63 - 1),
        "count": st.integers(-(2**31), 2**31 - 1), "at": moments, "score": st.none() | st.floats(),
        "price": st.integers(-(10**9) + 1, 10**9 - 1).map(lambda units: Decimal(units).scaleb(-2)),
        "either": st.none() | st.integers(-9, 9) | st.text(max_size=3),
        "tags": st.lists(st.text(max_size=3), max_size=3),
        "props": st.dictionaries(st.text(max_size=3), st.none() | st.floats(), max_size=3), "beta": st.text(max_size=3),
        "blob": st.none() | st.binary(max_size=4), "ok": st.booleans(), "ratio": st.floats(width=32),
        "day": st.dates(date(1, 1, 1), date(9999, 12, 31)),
    },
).map(lambda fields: written(**fields))  # fmt: skip
broken = st.builds(
    lambda value, at, junk, cut: value[: at % len(value)] + junk + value[at % len(value) + cut :],
    events,
    st.integers(0, 300),
    st.sampled_from([b"", b"\x00", b"\x01", b"\xff", b"\x80\x00", b"\xff" * 9 + b"\x01", b"\xc3\x28"])
    | st.binary(max_size=3),
    st.integers(0, 3),
)


@settings(max_examples=60)
@given(st.lists(events | broken | st.binary(min_size=1, max_size=80), max_size=6))
def test_by_columns_and_one_by_one_give_the_same_on_hostile_records(values: list[bytes]) -> None:
    both(values)


@settings(max_examples=40)
@given(st.lists(events, min_size=1, max_size=5))
def test_what_fastavro_wrote_is_what_is_read(values: list[bytes]) -> None:
    for value, row in zip(values, both(values), strict=True):
        told: Any = fastavro.schemaless_reader(io.BytesIO(value), PARSED)
        assert row["reason"] is None
        for name in ("id", "user", "count", "kind", "at", "day", "price", "ok", "blob", "four"):
            assert row[name] == told[name]
        assert struct.pack("<d", row["ratio"]) == struct.pack("<d", told["ratio"])
        assert json.loads(row["tags"]) == told["tags"]


def test_ten_megabytes_are_read_like_ten_bytes() -> None:
    text = "é" * 5_000_000
    rows = both([written(id=text), written()])
    assert [len(row["id"]) for row in rows] == [5_000_000, 2]
