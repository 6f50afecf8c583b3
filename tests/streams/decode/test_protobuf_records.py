"""Protobuf: presence, well-known types, what nobody knows, and the header's way to a message."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from decode_kit import FakeRegistry, column, decoded
from google.protobuf import message_factory
from hypothesis import given, settings
from hypothesis import strategies as st

from dataeng_assets.contracts.compatibility.protobuf.document import read_protobuf
from dataeng_assets.contracts.errors import ContractError
from dataeng_assets.contracts.record_format import RecordFormat
from dataeng_assets.kafka.registry.schemas import Kind
from dataeng_assets.streams.decode.framed import RegistryMissing
from dataeng_assets.streams.decode.protobuf import ProtobufDecoder

TEXT = """
syntax = "proto3";
package shop;
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
message Other { int32 x = 1; message Inner { string id = 1; } }
message Event {
  string id = 1;
  int64 count = 2;
  optional int64 user = 3;
  google.protobuf.Timestamp at = 4;
  google.protobuf.StringValue campaign = 5;
  enum Kind { NONE = 0; CLICK = 1; }
  Kind kind = 6;
  oneof how { string web = 7; bytes app = 8; }
  repeated string tags = 9;
  map<string, uint64> props = 10;
  Other.Inner inner = 11;
  double score = 12;
  bool ok = 13;
  uint64 big = 14;
}
"""
FILE = read_protobuf(TEXT, Path("event.proto"), {})
EVENT = message_factory.GetMessageClass(FILE.message_types_by_name["Event"])
OTHER = message_factory.GetMessageClass(FILE.message_types_by_name["Other"])
INNER = message_factory.GetMessageClass(FILE.message_types_by_name["Other"].nested_types_by_name["Inner"])
COLUMNS = tuple(
    column(name, physical, nullable=nullable)
    for name, physical, nullable in (
        ("id", "string", False), ("count", "bigint", False), ("user", "bigint", True), ("at", "timestamp", False),
        ("campaign", "string", True), ("kind", "string", False), ("web", "string", True), ("app", "bytes", True),
        ("tags", "json", True), ("props", "json", True), ("inner", "json", True), ("score", "double", False),
        ("ok", "boolean", False), ("big", "bigint", False),
    )
)  # fmt: skip
PLAIN = RecordFormat("protobuf", schema="event.proto", text=TEXT, message="shop.Event")
CONFLUENT = RecordFormat("protobuf", wire="confluent")
MOMENT = datetime(2026, 3, 1, 10, 0, 0, 500, UTC)


def event(**fields: Any) -> Any:
    made = EVENT(id="e1", **fields)
    made.at.FromDatetime(MOMENT)
    return made


def plain(*values: bytes, columns: Any = COLUMNS) -> list[dict[str, Any]]:
    return decoded(ProtobufDecoder(columns, PLAIN), values)


def test_what_is_not_on_the_wire_is_its_default_or_null_as_the_schema_says() -> None:
    [row] = plain(event().SerializeToString())
    assert row["reason"] is None
    assert (row["id"], row["count"], row["user"], row["at"]) == ("e1", 0, None, MOMENT)
    assert (row["campaign"], row["kind"], row["web"], row["app"]) == (None, "NONE", None, None)
    assert (row["tags"], row["props"], row["inner"], row["ok"], row["_rescued"]) == ("[]", "{}", None, False, None)


def test_every_kind_of_value_arrives_exactly() -> None:
    made = event(
        count=-(2**63), user=0, campaign={"value": ""}, kind=1, app=b"\xff", tags=["a", "é"], props={"n": 2**64 - 1},
        inner={"id": "i"}, score=0.1, ok=True, big=2**63 - 1,
    )  # fmt: skip
    [row] = plain(made.SerializeToString())
    assert (row["count"], row["user"], row["campaign"], row["kind"]) == (-(2**63), 0, "", "CLICK")
    assert (row["web"], row["app"], row["tags"], row["props"]) == (None, b"\xff", '["a","é"]', f'{{"n":{2**64 - 1}}}')
    assert (row["inner"], row["score"], row["ok"], row["big"]) == ('{"id":"i"}', 0.1, True, 2**63 - 1)


def test_fields_that_the_contract_or_the_schema_does_not_know_are_rescued() -> None:
    value = event(count=5, tags=["a"]).SerializeToString() + b"\xa0\x06\x07" + b"\xaa\x06\x01x"
    [row] = plain(value, columns=(column("id", "string"), column("at", "timestamp")))
    rescued = json.loads(row["_rescued"])
    assert (rescued["count"], rescued["tags"], rescued["#100"], rescued["#101"]) == (5, ["a"], 7, "eA==")
    assert "user" not in rescued


def test_an_unknown_field_within_a_part_is_kept() -> None:
    made = event()
    made.inner.MergeFromString(b"\x0a\x01i\x10\x05")
    assert plain(made.SerializeToString())[0]["inner"] == '{"id":"i","#2":5}'


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (event().SerializeToString()[:-1], "not_protobuf"),
        (b"\x0a\x02\xff\xff", "not_protobuf"),
        (b"\x0b" * 500, "not_protobuf"),
        (b"", "empty"),
        (EVENT(id="x").SerializeToString(), "missing:at"),
        (event(kind=7).SerializeToString(), "type:kind"),
        (event(big=2**63).SerializeToString(), "type:big"),
        (event().SerializeToString() + b"\x12\x01x", "type:count"),
        (EVENT(id="x", at={"seconds": 1, "nanos": 1}).SerializeToString(), "type:at"),
        (EVENT(id="x", at={"seconds": 1, "nanos": -1}).SerializeToString(), "not_protobuf"),
        (EVENT(id="x", at={"seconds": 2**62}).SerializeToString(), "type:at"),
    ],
)
def test_a_broken_record_is_named_and_its_neighbours_live(value: bytes, reason: str) -> None:
    good = event().SerializeToString()
    before, row, after = plain(good, value, good)
    assert (before["reason"], row["reason"], after["reason"]) == (None, reason, None)
    assert row["detail"]


@pytest.mark.parametrize(
    ("name", "physical"),
    [("count", "double"), ("count", "string"), ("id", "uuid"), ("score", "bigint"), ("kind", "bigint")],
)
def test_nothing_is_cast_in_silence(name: str, physical: str) -> None:
    value = event(count=2**53 + 1, score=1.0, kind=1).SerializeToString()
    assert plain(value, columns=(column(name, physical),))[0]["reason"] == f"type:{name}"


def test_the_header_names_schema_and_message() -> None:
    registry = FakeRegistry({7: TEXT, 8: "message", 9: 'syntax = "proto3"; message A {}'}, kind=Kind.PROTOBUF)
    good = event().SerializeToString()
    inner, other = INNER(id="i").SerializeToString(), OTHER(x=1).SerializeToString()
    columns, seven = (column("id", "string"),), b"\0\0\0\0\x07"
    rows = decoded(
        ProtobufDecoder(columns, CONFLUENT, registry),
        [
            seven + b"\x02\x02" + good, seven + b"\x04\x00\x00" + inner, seven + b"\x00" + other,
            seven + b"\x02\x10" + good, seven + b"\x01", seven + b"\x02", b"\0\0\0\0\x08\x00", b"\0\0\0\0\x0a\x00",
            seven + b"\xff\xff\xff\xff\xff\xff", seven + b"\x02\x02", seven + b"\x04\x00\x08" + inner,
        ],
    )  # fmt: skip
    assert [row["reason"] or row["id"] for row in rows] == [
        "e1", "i", "missing:id", "bad_header", "bad_header", "bad_header", "unsupported_schema", "unknown_schema",
        "bad_header", "", "bad_header",
    ]  # fmt: skip
    with pytest.raises(RegistryMissing):
        decoded(ProtobufDecoder(columns, CONFLUENT), [b"\0\0\0\0\x07\x00"])


def test_a_schema_may_import_others() -> None:
    uses = 'syntax = "proto3"; import "shop/money.proto"; message Order { string id = 1; Money price = 2; }'
    money = 'syntax = "proto3"; message Money { int64 cents = 1; }'
    registry = FakeRegistry(
        {5: uses}, kind=Kind.PROTOBUF, uses={5: {"shop/money.proto": ("money", 3)}}, subjects={("money", 3): money}
    )
    columns = (column("id", "string"), column("price", "json"))
    [row] = decoded(ProtobufDecoder(columns, CONFLUENT, registry), [b"\0\0\0\0\x05\x00\x0a\x01a\x12\x02\x08\x05"])
    assert (row["id"], row["price"], row["reason"]) == ("a", '{"cents":5}', None)


def test_defaults_and_requirements_of_proto2_count() -> None:
    fields = "required string id = 1; optional int32 n = 2 [default = 7]; optional int32 m = 3;"
    text = f'syntax = "proto2"; message R {{ {fields} }}'
    said = RecordFormat("protobuf", schema="r.proto", text=text)
    columns = (column("id", "string"), column("n", "bigint"), column("m", "bigint", nullable=True))
    rows = decoded(ProtobufDecoder(columns, said), [b"\x0a\x01a", b"\x10\x01"])
    assert [(row["id"], row["n"], row["m"], row["reason"]) for row in rows] == [
        ("a", 7, None, None), (None, None, None, "not_protobuf"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "message"), [("message {", ""), (TEXT, ""), (TEXT, "shop.Gone"), ('import "gone.proto";', "")]
)
def test_a_schema_beside_the_contract_must_compile_and_have_the_message(text: str, message: str) -> None:
    with pytest.raises(ContractError):
        ProtobufDecoder(COLUMNS, RecordFormat("protobuf", schema="e.proto", text=text, message=message))


events = st.builds(
    event, count=st.integers(-(2**63), 2**63 - 1), user=st.integers(-(2**63), 2**63 - 1),
    kind=st.integers(0, 1), web=st.text(max_size=4), tags=st.lists(st.text(max_size=3), max_size=3),
    props=st.dictionaries(st.text(max_size=3), st.integers(0, 2**64 - 1), max_size=3),
    score=st.floats(allow_nan=False), ok=st.booleans(), big=st.integers(0, 2**63 - 1),
)  # fmt: skip


@settings(max_examples=40)
@given(st.lists(events, min_size=1, max_size=4))
def test_what_was_written_is_what_is_read(made: list[Any]) -> None:
    for one, row in zip(made, plain(*(item.SerializeToString() for item in made)), strict=True):
        assert row["reason"] is None
        for name in ("id", "count", "user", "web", "score", "ok", "big"):
            assert row[name] == getattr(one, name)
        assert (json.loads(row["tags"]), json.loads(row["props"])) == (list(one.tags), dict(one.props))


@settings(max_examples=60)
@given(st.lists(st.binary(max_size=40) | st.builds(
    lambda one, at, junk: (data := one.SerializeToString())[: at % len(data)] + junk + data[at % len(data) :],
    events, st.integers(0, 200), st.binary(max_size=3),
), max_size=5))  # fmt: skip
def test_hostile_bytes_are_read_or_set_aside(values: list[bytes]) -> None:
    for row in plain(*values):
        assert (row["reason"] is None) == (row["detail"] is None)
        assert row["reason"] or (row["id"] is not None and row["at"] is not None)
