"""Whom a change of a Protobuf file breaks, from text compiled by protoc."""

from pathlib import Path

import pytest
from google.protobuf.descriptor import FileDescriptor

from dataeng_assets.contracts.compatibility.protobuf.compare import compare_protobuf_files
from dataeng_assets.contracts.compatibility.protobuf.document import read_protobuf
from dataeng_assets.contracts.compatibility.verdict import Breaks, Change
from dataeng_assets.contracts.errors import ContractError

BACKWARD, FORWARD = frozenset({Breaks.BACKWARD}), frozenset({Breaks.FORWARD})
BOTH, NOBODY = BACKWARD | FORWARD, frozenset()


def compiled(text: str, **given: str) -> FileDescriptor:
    others = {name.replace("__", "/") + ".proto": content.encode() for name, content in given.items()}
    return read_protobuf(text, Path("order.proto"), others)


def changes(old: str, new: str) -> dict[str, Change]:
    return {change.kind: change for change in compare_protobuf_files(compiled(old), compiled(new))}


def three(body: str, more: str = "") -> str:
    return f'syntax = "proto3"; package shop; {more} message Order {{ {body} }}'


def two(body: str, more: str = "") -> str:
    return f'syntax = "proto2"; package shop; {more} message Order {{ {body} }}'


def enum(values: str, syntax: str = "proto3") -> str:
    label = "optional " if syntax == "proto2" else ""
    return f'syntax = "{syntax}"; enum S {{ {values} }} message Order {{ {label}S s = 1; }}'


@pytest.mark.parametrize(
    ("old", "new", "breaks", "kinds"),
    [
        (three(""), three("int32 a = 1;"), NOBODY, {"field_added"}),
        (two(""), two("required int32 a = 1;"), BACKWARD, {"field_added"}),
        (three("int32 a = 1;"), three(""), BACKWARD, {"field_removed"}),
        (three("int32 a = 1;"), three('reserved 1; reserved "a";'), NOBODY, {"field_removed"}),
        (two("required int32 a = 1;"), two("reserved 1;"), FORWARD, {"field_removed"}),
        (three("reserved 1;"), three(""), BACKWARD, {"reservation_removed"}),
        (three("reserved 1 to 5;"), three("reserved 2 to 5; int32 b = 1;"), BACKWARD,
         {"reservation_removed", "field_added"}),
        (three("reserved 1 to 5;"), three("reserved 1 to 3, 4 to max;"), NOBODY, set()),
        (three("int32 a = 1;"), three("int32 b = 1;"), NOBODY, {"field_renamed"}),
        (three("int32 a = 1;"), three("int32 a = 2;"), BOTH, {"number_changed"}),
        (three("int32 a = 1;"), three("int64 a = 1;"), FORWARD, {"type_changed"}),
        (three("int64 a = 1;"), three("bool a = 1;"), BACKWARD, {"type_changed"}),
        (three("int32 a = 1;"), three("uint32 a = 1;"), BOTH, {"type_changed"}),
        (three("int32 a = 1;"), three("sint32 a = 1;"), BOTH, {"type_changed"}),
        (three("sint32 a = 1;"), three("sint64 a = 1;"), FORWARD, {"type_changed"}),
        (three("fixed32 a = 1;"), three("sfixed32 a = 1;"), BOTH, {"type_changed"}),
        (three("fixed32 a = 1;"), three("float a = 1;"), BOTH, {"type_changed"}),
        (three("string a = 1;"), three("bytes a = 1;"), FORWARD, {"type_changed"}),
        (three("string a = 1;"), three("int32 a = 1;"), BOTH, {"type_changed"}),
        (three("Order a = 1;"), three("bytes a = 1;"), FORWARD, {"type_changed"}),
        (three("Order a = 1;"), three("string a = 1;"), BOTH, {"type_changed"}),
        (two("optional group G = 1 {}"), two("message G {} optional G g = 1;"), BOTH, {"type_changed"}),
        (three("int32 a = 1;"), three("optional int32 a = 1;"), NOBODY, set()),
        (three("int32 a = 1;"), three("repeated int32 a = 1;"), FORWARD, {"label_changed"}),
        (three("repeated string a = 1;"), three("string a = 1;"), BACKWARD, {"label_changed"}),
        (two("optional int32 a = 1;"), two("required int32 a = 1;"), BACKWARD, {"label_changed"}),
        (two("required int32 a = 1;"), two("repeated int32 a = 1;"), FORWARD, {"label_changed"}),
        (two("repeated int32 a = 1;"), two("repeated int32 a = 1 [packed = true];"), NOBODY, set()),
        (three("map<string, int32> a = 1;"), three("map<string, int64> a = 1;"), FORWARD, {"type_changed"}),
        (three("map<string, int32> a = 1;"),
         three("message E { string key = 1; int32 value = 2; } repeated E a = 1;"), FORWARD,
         {"label_changed", "message_renamed", "message_added"}),
        (two("optional int32 a = 1;"), two("optional int32 a = 1 [default = 5];"), BOTH, {"default_changed"}),
        (two("optional int32 a = 1;"), three("int32 a = 1;"), NOBODY, set()),
        (enum("A = 0; B = 1;"), enum("A = 0;"), BACKWARD, {"enum_value_removed"}),
        (enum("A = 0; B = 1;"), enum("A = 0; reserved 1;"), NOBODY, {"enum_value_removed"}),
        (enum("A = 0; B = 1;", "proto2"), enum("A = 0; reserved 1;", "proto2"), BACKWARD, {"enum_value_removed"}),
        (enum("A = 0;"), enum("A = 0; B = 1;"), NOBODY, {"enum_value_added"}),
        (enum("A = 0;", "proto2"), enum("A = 0; B = 1;", "proto2"), FORWARD, {"enum_value_added"}),
        (enum("A = 0; B = 1;"), enum("A = 0; C = 1;"), NOBODY, {"enum_value_renamed"}),
        (enum("A = 0; B = 1; C = 2;"), enum("A = 0; C = 1; B = 2;"), BOTH, {"enum_number_changed"}),
        (enum("A = 0;", "proto2"), enum("A = 0;"), FORWARD, {"enum_openness_changed"}),
        (enum("A = 0; B = 1;", "proto2"), enum("B = 1; A = 0;", "proto2"), BOTH, {"default_changed"}),
        (enum("A = 0; reserved 5 to 9;"), enum("A = 0;"), BACKWARD, {"reservation_removed"}),
        (three("int32 a = 1;"), three("oneof o { int32 a = 1; }"), NOBODY, set()),
        (three("int32 a = 1;"), three("oneof o { int32 a = 1; string b = 2; }"), NOBODY, {"field_added"}),
        (three("int32 a = 1; int32 b = 2;"), three("oneof o { int32 a = 1; int32 b = 2; }"), BACKWARD,
         {"oneof_changed"}),
        (three("oneof o { int32 a = 1; int32 b = 2; }"), three("int32 a = 1; oneof o { int32 b = 2; }"), FORWARD,
         {"oneof_changed"}),
        (three("int32 c = 3; oneof o { int32 a = 1; }"), three("oneof o { int32 a = 1; int32 c = 3; }"), BACKWARD,
         {"oneof_changed"}),
        (three("optional int32 a = 1; optional int32 b = 2;"), three("int32 a = 1; int32 b = 2;"), NOBODY, set()),
        (three("", "message Gone {}"), three(""), BACKWARD, {"message_removed"}),
        (three(""), three("", "message New {}"), NOBODY, {"message_added"}),
        (three("message Item { int32 a = 1; } Item i = 1;"), three("Item i = 1;", "message Item { int32 a = 1; }"),
         NOBODY, {"message_added"}),
        (three("message Item { int32 a = 1; } Item i = 1;"), three("Part i = 1;", "message Part { string a = 1; }"),
         BOTH, {"message_added", "message_renamed", "type_changed"}),
        ('syntax = "proto3"; package a; message M { int32 x = 1; }',
         'syntax = "proto3"; package b; message M { int64 x = 1; }', FORWARD, {"package_changed", "type_changed"}),
        (two("extensions 5 to 9;", "extend Order { optional int32 e = 5; }"),
         two("extensions 5 to 9;", "extend Order { optional string e = 5; }"), BOTH, {"type_changed"}),
        (three("", "service S { rpc Get(Order) returns (Order); }"), three("", "service S {}"), FORWARD,
         {"method_removed"}),
        (three("", "service S { rpc Get(Order) returns (Order); }"),
         three("", "service S { rpc Get(Order) returns (stream Order); }"), BOTH, {"method_changed"}),
        ('edition = "2024"; message M { int32 x = 1; }', 'edition = "2024"; message M { int64 x = 1; }', FORWARD,
         {"type_changed"}),
        ('edition = "2023"; message M { int32 x = 1; }',
         'edition = "2023"; message M { int32 x = 1 [features.field_presence = LEGACY_REQUIRED]; }', BACKWARD,
         {"label_changed"}),
    ],
)  # fmt: skip
def test_whom_a_change_breaks(old: str, new: str, breaks: frozenset[Breaks], kinds: set[str]) -> None:
    found = changes(old, new)
    assert set(found) == kinds
    assert frozenset().union(*(change.breaks for change in found.values())) == breaks
    assert all(bool(change.migration) == bool(change.breaks) for change in found.values())


def test_a_message_that_holds_itself_is_compared_once() -> None:
    found = compare_protobuf_files(
        compiled(three("Order next = 1; int32 a = 2;")), compiled(three("Order next = 1; int64 a = 2;"))
    )
    assert [change.place for change in found] == ["Order.a"]


def test_an_error_in_an_imported_file_names_that_file() -> None:
    with pytest.raises(ContractError) as caught:
        compiled(three("", 'import "bad.proto";'), bad="message {")
    assert (caught.value.place, caught.value.found) == ("import bad.proto", "Expected message name. (line 1)")


def test_what_is_compiled_may_import_googles_types_and_what_was_given() -> None:
    body = 'import "google/protobuf/timestamp.proto"; import "shop/money.proto";'
    text = three("google.protobuf.Timestamp at = 1; Money price = 2;", body)
    money = 'syntax = "proto3"; package shop; message Money {{ {} cents = 1; }}'
    old, new = (compiled(text, shop__money=money.format(kind)) for kind in ("int32", "int64"))
    (change,) = compare_protobuf_files(old, new)
    assert (change.place, change.breaks) == ("Money.cents", FORWARD)


@pytest.mark.parametrize(
    ("text", "place", "found", "line"),
    [
        (three("", 'import "other.proto";'), "import", "other.proto", None),
        (three("", 'import "/etc/passwd";'), "import", "/etc/passwd", None),
        (three("", 'import "../secret.proto";'), "import", "../secret.proto", None),
        ('syntax = "proto3";\nmessage Order { int32 a = 1 }', "", 'Expected ";"', 2),
        ('syntax = "proto3"; message A { B b = 1; }', "", '"B" is not defined', 1),
        ('syntax = "proto9";', "", "proto9", 1),
        ('import "_compared_.proto";', "", "recursively", 1),
    ],
)
def test_what_does_not_compile_is_refused_with_what_protoc_says(
    text: str, place: str, found: str, line: int | None
) -> None:
    with pytest.raises(ContractError) as caught:
        compiled(text)
    assert caught.value.place == place
    assert found in caught.value.found
    assert caught.value.line == line
