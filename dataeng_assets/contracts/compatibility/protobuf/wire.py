"""What a reader makes of a field that was written as another type: the wire format's rules, field by field.

Source: https://protobuf.dev/programming-guides/proto3/#updating and /encoding/. The wire takes more than what is called
harmless here: a number that does not fit is cut off without a word, which is a loss.
"""

from typing import Final

from google.protobuf.descriptor import FieldDescriptor

_NAMES: Final = {
    getattr(FieldDescriptor, f"TYPE_{name.upper()}"): name
    for name in (
        "double", "float", "int64", "uint64", "int32", "fixed64", "fixed32", "bool", "string", "group", "message",
        "bytes", "uint32", "enum", "sfixed32", "sfixed64", "sint32", "sint64",
    )
}  # fmt: skip
_VARINTS = frozenset(("int32", "int64", "uint32", "uint64", "bool", "enum"))
_GROUPS = (
    _VARINTS,
    frozenset(("sint32", "sint64")),
    frozenset(("fixed32", "sfixed32")),
    frozenset(("fixed64", "sfixed64")),
)
_KEEPS_VALUES = {
    ("int32", "int64"), ("uint32", "int64"), ("uint32", "uint64"), ("sint32", "sint64"), ("string", "bytes"),
    ("message", "bytes"), ("enum", "int32"), ("enum", "int64"), ("int32", "enum"), ("bool", "enum"),
    *(("bool", name) for name in _VARINTS),
}  # fmt: skip
_LENGTHS = frozenset(("string", "bytes", "message"))
_FOUR, _EIGHT = frozenset(("fixed32", "sfixed32", "float")), frozenset(("fixed64", "sfixed64", "double"))
_WIRES = (_VARINTS | {"sint32", "sint64"}, _LENGTHS, _FOUR, _EIGHT, frozenset(("group",)))


def type_name(field: FieldDescriptor) -> str:
    """The kind of type, such as `int64`, `message` or `enum`."""
    return _NAMES[field.type]


def is_map(field: FieldDescriptor) -> bool:
    """Whether it is a map, which the wire has as a list of entries."""
    return bool(field.message_type and field.message_type.GetOptions().map_entry)


def shown(field: FieldDescriptor) -> str:
    """A field's type as people write it: `repeated int64`, `map<string, Item>`."""
    if is_map(field):
        entry = field.message_type.fields_by_name
        return f"map<{_type_shown(entry['key'])}, {_type_shown(entry['value'])}>"
    label = "repeated " if field.is_repeated else "required " if field.is_required else ""
    return label + _type_shown(field)


def _type_shown(field: FieldDescriptor) -> str:
    named = field.message_type or field.enum_type
    return str(named.name) if named else type_name(field)


def loss_by_label(writer: FieldDescriptor, reader: FieldDescriptor) -> str | None:
    """What a reader loses because a field is there once, many times or always; None when nothing."""
    if writer.is_repeated and not reader.is_repeated:
        packed = writer.is_packed
        return "find nothing in a packed list" if packed else "take the last of several values, or merge them"
    if is_map(reader) and not is_map(writer):
        return "drop all but one value of a key that is there twice"
    if reader.is_required and not writer.is_required:
        return "refuse a message without it"
    return None


def loss_by_type(writer: FieldDescriptor, reader: FieldDescriptor) -> str | None:
    """What happens to a value that was written as one type and is read as another; None when it keeps its meaning."""
    written, read = type_name(writer), type_name(reader)
    if written == read:
        return None
    if (written, read) in _KEEPS_VALUES:
        is_closed = read == "enum" and reader.enum_type.is_closed
        return f"drop numbers that {reader.enum_type.name} does not have" if is_closed else None
    if any({written, read} <= group for group in _GROUPS):
        return f"cut off values that are no {read}, or change their sign"
    if written == "bytes" and read in _LENGTHS:
        return "refuse bytes that are not UTF-8" if read == "string" else "refuse bytes that are no such message"
    if any({written, read} <= wire for wire in _WIRES):
        return "take the same bytes for another value"
    return "find nothing: the bytes are set aside as an unknown field"
