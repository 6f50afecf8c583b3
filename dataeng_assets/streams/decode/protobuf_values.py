"""From a Protobuf message to values: presence, unknown fields and well-known types. Parsing belongs to `protobuf`.

A field without presence that is not on the wire has its type's default, because that is what its writer said; one with
presence is null. What this reader does not know is kept as JSON: a field by its number, as in `"#7"`.
"""

import base64
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.unknown_fields import UnknownFieldSet

from dataeng_assets.streams.decode.document import Unreadable
from dataeng_assets.streams.decode.values import Value, plain

_KINDS = {
    FieldDescriptor.CPPTYPE_BOOL: "boolean",
    FieldDescriptor.CPPTYPE_INT32: "integer",
    FieldDescriptor.CPPTYPE_INT64: "integer",
    FieldDescriptor.CPPTYPE_UINT32: "integer",
    FieldDescriptor.CPPTYPE_UINT64: "integer",
    FieldDescriptor.CPPTYPE_FLOAT: "float",
    FieldDescriptor.CPPTYPE_DOUBLE: "float",
}
_WRAPPERS = {
    f"google.protobuf.{name}Value"
    for name in ("Bool", "Int32", "Int64", "UInt32", "UInt64", "Float", "Double", "String", "Bytes")
}
_TIMESTAMP = "google.protobuf.Timestamp"
_LENGTH_DELIMITED, _GROUP = 2, 3
_MOST_NANOS = 999_999_999
_NULL = Value("null", None)


def field_value(message: Message, field: Any) -> Value:
    """One field of a message.

    Raises:
        Unreadable: its bytes are of another wire type, or it is no value of its type.
    """
    if field.has_presence and not message.HasField(field.name) and not _has_default(field):
        return _NULL
    found = getattr(message, field.name)
    if field.is_repeated:
        return Value("json", _repeated(field, found))
    return _single(field, found)


def unknown_fields(message: Message) -> dict[str, Value]:
    """What is on the wire and not in the schema, by number.

    Raises:
        Unreadable: a field of the schema, in the bytes of another type.
    """
    known = message.DESCRIPTOR.fields_by_number
    found: dict[str, list[Any]] = {}
    for one in UnknownFieldSet(message):
        if one.field_number in known:
            name = known[one.field_number].name
            raise Unreadable(f"type:{name}", "what is on the wire is no value of the field's type in the schema")
        found.setdefault(f"#{one.field_number}", []).append(_unknown(one))
    for field, value in message.ListFields():
        if field.is_extension:
            said = _repeated(field, value) if field.is_repeated else plain(_single(field, value))
            found[f"[{field.full_name}]"] = [said]
    return {name: Value("json", items[0] if len(items) == 1 else items) for name, items in found.items()}


def _has_default(field: Any) -> bool:
    """Whether the schema names a default, as proto2 can."""
    return field.cpp_type != FieldDescriptor.CPPTYPE_MESSAGE and bool(field.has_default_value)


def _single(field: Any, found: Any) -> Value:
    match field.type:
        case FieldDescriptor.TYPE_STRING:
            return Value("text", found)
        case FieldDescriptor.TYPE_BYTES:
            return Value("bytes", found)
        case FieldDescriptor.TYPE_ENUM:
            symbol = field.enum_type.values_by_number.get(found)
            # a number without a name is no symbol, and goes nowhere but into JSON
            return Value("text", symbol.name) if symbol else Value("json", found)
        case FieldDescriptor.TYPE_MESSAGE | FieldDescriptor.TYPE_GROUP:
            return _message(found)
    return Value(_KINDS[field.cpp_type], found)


def _message(found: Message) -> Value:
    name = found.DESCRIPTOR.full_name
    unknown = unknown_fields(found)
    if name == _TIMESTAMP and not unknown:
        seconds, nanos = found.seconds, found.nanos
        if not 0 <= nanos <= _MOST_NANOS:
            raise Unreadable("not_protobuf", "a Timestamp whose nanos lie outside a second")
        return Value("nanos", seconds * 1_000_000_000 + nanos)
    if name in _WRAPPERS and not unknown:
        return field_value(found, found.DESCRIPTOR.fields_by_name["value"])
    said = {field.name: plain(field_value(found, field)) for field, _ in found.ListFields() if not field.is_extension}
    return Value("json", said | {key: plain(value) for key, value in unknown.items()})


def _repeated(field: Any, found: Any) -> Any:
    if field.message_type is None or not field.message_type.GetOptions().map_entry:
        return [plain(_single(field, item)) for item in found]
    item_field = field.message_type.fields_by_name["value"]
    return {_key(key): plain(_single(item_field, found[key])) for key in found}


def _key(key: Any) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


def _unknown(one: Any) -> Any:
    if one.wire_type == _GROUP:
        return [{f"#{inner.field_number}": _unknown(inner)} for inner in one.data]
    return base64.b64encode(one.data).decode() if one.wire_type == _LENGTH_DELIMITED else one.data
