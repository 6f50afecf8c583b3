"""What is called compatible keeps its meaning: messages of one version are parsed by the other, by Google's runtime."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataeng_assets.contracts.compatibility.protobuf.compare import compare_protobuf_files
from dataeng_assets.contracts.compatibility.protobuf.wire import is_map, type_name
from dataeng_assets.contracts.compatibility.verdict import Breaks

TYPES = {
    value.name.removeprefix("TYPE_").lower(): value.number
    for value in FieldDescriptorProto.DESCRIPTOR.enum_types_by_name["Type"].values
    if value.name != "TYPE_GROUP"
}
LABELS = {"": 1, "optional": 1, "required": 2, "repeated": 3}
NAMES = ("Outer", "Inner")


@dataclass(frozen=True)
class Field:
    """A field, before there is a descriptor: a map has the type of its values, and texts for keys."""

    number: int
    type: str
    label: str
    in_oneof: bool = False
    is_map: bool = False


@dataclass(frozen=True)
class File:
    """A file with the messages Outer and Inner and the enum E."""

    is_proto2: bool
    fields: Mapping[str, tuple[Field, ...]]
    enum: tuple[int, ...]

    def descriptor(self) -> Any:
        """As protoc would have compiled it."""
        file = FileDescriptorProto(name="f.proto", syntax="proto2" if self.is_proto2 else "proto3")
        file.enum_type.append(EnumDescriptorProto(name="E"))
        for number in self.enum:
            file.enum_type[0].value.add(name=f"V{number + 1}", number=number)
        for name, fields in self.fields.items():
            file.message_type.append(self._message(name, fields))
        pool = DescriptorPool()
        pool.AddSerializedFile(file.SerializeToString())
        return pool.FindFileByName("f.proto")

    def _message(self, name: str, fields: tuple[Field, ...]) -> DescriptorProto:
        message = DescriptorProto(name=name)
        if any(field.in_oneof for field in fields):
            message.oneof_decl.add(name="choice")
        for field in fields:
            made = message.field.add(name=f"f{field.number}", number=field.number, label=LABELS[field.label])
            if field.is_map:
                entry = message.nested_type.add(name=f"F{field.number}Entry")
                entry.options.map_entry = True
                key = entry.field.add(name="key", number=1, label=1)
                self._typed(key, "string")
                # a map takes no enum that does not begin with 0
                kind = "int32" if field.type == "enum" and self.enum[0] else field.type
                self._typed(entry.field.add(name="value", number=2, label=1), kind)
                made.label, made.type, made.type_name = 3, TYPES["message"], f".{name}.{entry.name}"
                continue
            self._typed(made, field.type)
            if field.in_oneof:
                made.oneof_index = 0
        if not self.is_proto2:
            for made, field in zip(message.field, fields, strict=True):
                if field.label == "optional":
                    made.proto3_optional = True
                    made.oneof_index = len(message.oneof_decl)
                    message.oneof_decl.add(name=f"_{made.name}")
        return message

    @staticmethod
    def _typed(made: FieldDescriptorProto, kind: str) -> None:
        made.type = TYPES[kind]
        if kind in ("enum", "message"):
            made.type_name = ".E" if kind == "enum" else ".Inner"


@st.composite
def fields_of(draw: st.DrawFn, types: list[str], *, is_proto2: bool) -> tuple[Field, ...]:
    labels = ["optional", "required", "repeated"] if is_proto2 else ["", "optional", "repeated"]
    fields = []
    for number in sorted(draw(st.sets(st.integers(1, 3), max_size=3))):
        label, kind = draw(st.sampled_from(labels)), draw(st.sampled_from(types))
        place = draw(st.sampled_from(["", "", "oneof", "map"]))
        if place == "oneof" and label != "repeated":
            fields.append(Field(number, kind, "optional" if is_proto2 else "", in_oneof=True))
        elif place == "map":
            fields.append(Field(number, kind, "repeated", is_map=True))
        else:
            fields.append(Field(number, kind, label))
    return tuple(fields)


@st.composite
def files(draw: st.DrawFn) -> File:
    is_proto2 = draw(st.booleans())
    simple = sorted(set(TYPES) - {"message"})
    outer = draw(fields_of(["enum", "message", *simple], is_proto2=is_proto2))
    inner = draw(fields_of(simple, is_proto2=is_proto2))
    enum = draw(st.lists(st.integers(-1, 2), min_size=1, max_size=3, unique=True))
    enum = enum if is_proto2 else [0, *(number for number in enum if number)]
    return File(is_proto2, dict(zip(NAMES, (outer, inner), strict=True)), tuple(enum))


NEAR = (
    {"int32", "int64", "uint32", "uint64", "bool", "enum"}, {"sint32", "sint64"}, {"string", "bytes", "message"},
    {"fixed32", "sfixed32"}, {"fixed64", "sfixed64"},
)  # fmt: skip


@st.composite
def pairs(draw: st.DrawFn) -> tuple[File, File]:
    """Two files, often near enough to be compatible: fields stay, or their types move within a group."""
    old = draw(files())
    if draw(st.booleans()):
        return old, draw(files())
    changed = {}
    for name, fields in old.fields.items():
        kept = []
        for field in fields:
            near = next((sorted(group) for group in NEAR if field.type in group), [field.type])
            near = [kind for kind in near if kind != "message" or name == "Outer"]
            kind = draw(st.sampled_from([field.type, *near]))
            free = not field.in_oneof and not field.is_map and field.label != "required"
            label = draw(st.sampled_from([field.label, "repeated"])) if free else field.label
            kept.append(Field(field.number, kind, label, field.in_oneof and draw(st.booleans()), field.is_map))
        changed[name] = tuple(kept)
    return old, File(old.is_proto2, changed, draw(st.sampled_from([old.enum, (*old.enum, 9)])))


def bits(low: int, high: int) -> st.SearchStrategy[int]:
    return st.sampled_from([low, 0, 1, high]) | st.integers(low, high)


SIGNED, UNSIGNED = bits(-(2**31), 2**31 - 1), bits(0, 2**32 - 1)
LONG, UNSIGNED_LONG = bits(-(2**63), 2**63 - 1), bits(0, 2**64 - 1)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "int32": SIGNED, "sint32": SIGNED, "sfixed32": SIGNED, "uint32": UNSIGNED, "fixed32": UNSIGNED,
    "int64": LONG, "sint64": LONG, "sfixed64": LONG, "uint64": UNSIGNED_LONG, "fixed64": UNSIGNED_LONG,
    "bool": st.booleans(), "string": st.text(max_size=3), "bytes": st.binary(max_size=3),
    "float": st.floats(width=32, allow_nan=False), "double": st.floats(allow_nan=False),
}  # fmt: skip


def fill(message: Message, data: st.DataObject) -> Message:
    """Random values in random fields; what is required is there."""
    for field in message.DESCRIPTOR.fields:
        if not field.is_required and data.draw(st.integers(0, 3)) == 0:
            continue
        if is_map(field):
            value = field.message_type.fields_by_name["value"]
            for key in data.draw(st.lists(st.text(max_size=2), max_size=2, unique=True)):
                if value.message_type:
                    fill(getattr(message, field.name)[key], data)
                else:
                    getattr(message, field.name)[key] = one_of(value, data)
        elif field.is_repeated:
            for _ in range(data.draw(st.integers(0, 2))):
                if field.message_type:
                    fill(getattr(message, field.name).add(), data)
                else:
                    getattr(message, field.name).append(one_of(field, data))
        elif field.message_type:
            getattr(message, field.name).SetInParent()
            fill(getattr(message, field.name), data)
        else:
            setattr(message, field.name, one_of(field, data))
    return message


def one_of(field: FieldDescriptor, data: st.DataObject) -> Any:
    if field.enum_type:
        known = [value.number for value in field.enum_type.values]
        return data.draw(st.sampled_from(known if field.enum_type.is_closed else [*known, 77]))
    return data.draw(VALUES[type_name(field)])


def expected(message: Message, writer: FieldDescriptor, reader: FieldDescriptor) -> Any:
    """What the reader must find: the value as it was meant, alone in a list where the reader has a list."""
    value = getattr(message, writer.name)
    if is_map(writer):
        inner = writer.message_type.fields_by_name["value"], reader.message_type.fields_by_name["value"]
        return {key: meant(one, *inner) for key, one in value.items()}
    if writer.is_repeated:
        return [meant(one, writer, reader) for one in value]
    is_there = message.HasField(writer.name) if writer.has_presence else value != writer.default_value
    if reader.is_repeated:
        return [meant(value, writer, reader)] if is_there else []
    if writer.message_type and not is_there:
        return None if reader.message_type else b""
    return meant(value, writer, reader)


def meant(value: Any, writer: FieldDescriptor, reader: FieldDescriptor) -> Any:
    if writer.message_type:
        return by_number(value, reader.message_type) if reader.message_type else value.SerializeToString()
    return value.encode() if isinstance(value, str) else value


def found(message: Message, reader: FieldDescriptor) -> Any:
    value = getattr(message, reader.name)
    if is_map(reader):
        inner = reader.message_type.fields_by_name["value"]
        return {key: taken(one, inner) for key, one in value.items()}
    if reader.is_repeated:
        return [taken(one, reader) for one in value]
    if reader.message_type and not message.HasField(reader.name):
        return None
    return taken(value, reader)


def taken(value: Any, reader: FieldDescriptor) -> Any:
    if reader.message_type:
        return value
    return value.encode() if isinstance(value, str) else value


def by_number(message: Message, reader: Descriptor) -> dict[int, Any]:
    """What a reader must find in a message, in the fields that both versions have."""
    fields = message.DESCRIPTOR.fields_by_number
    return {n: expected(message, fields[n], one) for n, one in reader.fields_by_number.items() if n in fields}


def assert_found(message: Message, wanted: dict[int, Any]) -> None:
    for number, value in wanted.items():
        field = message.DESCRIPTOR.fields_by_number[number]
        assert_same(found(message, field), value)


def assert_same(value: Any, wanted: Any) -> None:
    if isinstance(value, Message):
        assert_found(value, wanted)
    elif isinstance(wanted, list):
        assert len(value) == len(wanted)
        for one, other in zip(value, wanted, strict=True):
            assert_same(one, other)
    elif isinstance(wanted, dict):
        assert set(value) == set(wanted)
        for key, one in value.items():
            assert_same(one, wanted[key])
    else:
        assert value == wanted


def hold(old: File, new: File, fills: Callable[[Message], Iterable[Message]]) -> None:
    """Each message that `fills` makes keeps its meaning in each direction that is called compatible."""
    before, now = old.descriptor(), new.descriptor()
    breaks = frozenset().union(*(change.breaks for change in compare_protobuf_files(before, now)))
    for writer, reader, direction in ((before, now, Breaks.BACKWARD), (now, before, Breaks.FORWARD)):
        for name in () if direction in breaks else NAMES:
            for message in fills(GetMessageClass(writer.message_types_by_name[name])()):
                target = reader.message_types_by_name[name]
                parsed = GetMessageClass(target).FromString(message.SerializeToString())
                assert parsed.IsInitialized()
                assert_found(parsed, by_number(message, target))


def edges(message: Message) -> Iterator[Message]:
    """The message without values, and with one field at each of its extremes, alone and in lists."""
    if message.IsInitialized():
        yield message
    for field in message.DESCRIPTOR.fields:
        for value in extremes(field):
            made = type(message)()
            target = getattr(made, field.name)
            if field.is_repeated:
                target.extend([value, value])
            elif field.message_type:
                target.CopyFrom(value)
            else:
                setattr(made, field.name, value)
            yield made


def extremes(field: FieldDescriptor) -> Sequence[Any]:
    if field.message_type:
        inner = GetMessageClass(field.message_type)
        return [inner(), *(inner(**{one.name: True}) for one in field.message_type.fields)]
    if field.enum_type:
        known = [value.number for value in field.enum_type.values]
        return known if field.enum_type.is_closed else [*known, 77, -1]
    bits = {"32": 31, "64": 63}.get(type_name(field)[-2:], 0)
    if bits:
        unsigned = type_name(field) in ("uint32", "uint64", "fixed32", "fixed64")
        return [0, 1, 2, 2 ** (bits + 1) - 1] if unsigned else [0, 1, -1, -(2**bits), 2**bits - 1]
    return {"bool": [False, True], "string": ["", "\u00e9"], "bytes": [b"", b"\xff", b"\x08\x01"]}.get(
        type_name(field), [0.0, 0.5, -1e30]
    )


def one_field(kind: str, label: str, *, is_proto2: bool, enum: tuple[int, ...] = (0, 1)) -> File:
    return File(is_proto2, {"Outer": (Field(1, kind, label),), "Inner": (Field(1, "bool", "optional"),)}, enum)


@pytest.mark.parametrize("is_proto2", [False, True])
@pytest.mark.parametrize("label", ["optional", "repeated"])
@pytest.mark.parametrize("kind", sorted(TYPES))
def test_every_pair_of_types_called_compatible_keeps_its_meaning(kind: str, label: str, is_proto2: bool) -> None:
    old = one_field(kind, label, is_proto2=is_proto2)
    for other in sorted(TYPES):
        hold(old, one_field(other, label, is_proto2=is_proto2), edges)


@pytest.mark.parametrize("kind", ["int32", "string", "message", "enum"])
@pytest.mark.parametrize("is_proto2", [False, True])
def test_every_pair_of_labels_called_compatible_keeps_its_meaning(kind: str, is_proto2: bool) -> None:
    labels = ["optional", "required", "repeated"] if is_proto2 else ["", "optional", "repeated"]
    for label, other in product(labels, labels):
        hold(one_field(kind, label, is_proto2=is_proto2), one_field(kind, other, is_proto2=is_proto2), edges)


@pytest.mark.parametrize("kinds", [("enum", "enum"), ("enum", "int32"), ("bool", "enum")])
def test_every_pair_of_enums_called_compatible_keeps_its_meaning(kinds: tuple[str, str]) -> None:
    enums = [(True, (0, 1)), (True, (1, 0)), (True, (0,)), (True, (1,)), (False, (0, 1)), (False, (0,)), (True, (0, 2))]
    for (is_proto2, enum), (also, other) in product(enums, enums):
        old, new = ("optional" if proto2 else "" for proto2 in (is_proto2, also))
        before = one_field(kinds[0], old, is_proto2=is_proto2, enum=enum)
        hold(before, one_field(kinds[1], new, is_proto2=also, enum=other), edges)


def test_every_way_into_and_out_of_a_oneof_called_compatible_keeps_its_meaning() -> None:
    def file(inside: tuple[bool | None, ...]) -> File:
        fields = [Field(n, "int32", "", in_oneof=is_in) for n, is_in in enumerate(inside, 1) if is_in is not None]
        return File(False, {"Outer": tuple(fields), "Inner": ()}, (0,))

    def all_set(message: Message) -> Iterator[Message]:
        for field in message.DESCRIPTOR.fields:
            setattr(message, field.name, 7)
        yield message

    choices = list(product([None, False, True], repeat=3))
    for old, new in product(choices, choices):
        hold(file(old), file(new), all_set)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(pair=pairs(), data=st.data())
def test_random_files_called_compatible_keep_their_meaning(pair: tuple[File, File], data: st.DataObject) -> None:
    hold(*pair, lambda message: [fill(message, data)])
