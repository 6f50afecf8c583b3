"""Reading one Avro record exactly: its fields as values, or why it cannot be read.

This is the full definition of what a readable Avro record is. It is stricter than the usual readers, which take a
negative length, index or size for one counted from the end, and cut numbers that are too long. It is slow (a
microsecond for each field), so `avro_columns` comes here only with records that it does not prove to be plain.
"""

import struct
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from dataeng_assets.streams.decode.avro_schema import Node
from dataeng_assets.streams.decode.document import Unreadable
from dataeng_assets.streams.decode.values import Value, plain, uuid_of

LARGEST_DECIMAL = 64
"""Bytes of the longest decimal that is read."""
_INT = 2**31
_NULL = Value("null", None)


def read_record(node: Node, body: bytes) -> dict[str, Value]:
    """The fields of a record that must fill the body.

    Args:
        node: of the writer's schema, a record.
        body: the value without header.

    Raises:
        Unreadable: with the reason truncated, trailing_bytes, not_utf8, duplicate_key or not_avro.
    """
    fields: dict[str, Value] = {}
    at = 0
    for field in node.fields:
        fields[field.name], at = read_value(field.node, body, at)
    if at != len(body):
        raise Unreadable("trailing_bytes", f"the record ends {len(body) - at} bytes before its value does")
    return fields


def read_value(node: Node, body: bytes, at: int) -> tuple[Value, int]:
    """One value, and where the next begins."""
    if node.kind == "union":
        branch, at = _long(body, at)
        if not 0 <= branch < len(node.parts):
            raise Unreadable("not_avro", "a union names a branch that it has not")
        return read_value(node.parts[branch], body, at)
    if node.kind == "null":
        return _NULL, at
    value, at = _READ[node.kind](node, body, at)
    return Value(node.means, value), at


def _long(body: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        if at >= len(body):
            raise _truncated()
        byte = body[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            break
        shift += 7
        if shift > 63:
            raise Unreadable("not_avro", "a number of more than ten bytes")
    if number >> 64:
        raise Unreadable("not_avro", "a number of more than 64 bits")
    return (number >> 1) ^ -(number & 1), at


def _int(node: Node, body: bytes, at: int) -> tuple[int, int]:
    number, at = _long(body, at)
    if node.kind == "int" and not -_INT <= number < _INT:
        raise Unreadable("not_avro", "an int of more than 32 bits")
    return number, at


def _bool(_: Node, body: bytes, at: int) -> tuple[bool, int]:
    data, at = _take(body, at, 1)
    if data[0] > 1:
        raise Unreadable("not_avro", "a boolean that is neither 0 nor 1")
    return data == b"\x01", at


def _float(node: Node, body: bytes, at: int) -> tuple[float, int]:
    data, at = _take(body, at, 4 if node.kind == "float" else 8)
    return struct.unpack("<f" if node.kind == "float" else "<d", data)[0], at


def _bytes(node: Node, body: bytes, at: int) -> tuple[Any, int]:
    length, at = (node.size, at) if node.kind == "fixed" else _long(body, at)
    data, at = _take(body, at, length)
    if node.means == "uuid":
        return uuid_of(data), at
    return (_decimal(node, data) if node.means == "decimal" else data), at


def _decimal(node: Node, data: bytes) -> Decimal:
    units = int.from_bytes(data, "big", signed=True) if len(data) <= LARGEST_DECIMAL else None
    if units is None or abs(units) >= 10 ** min(node.precision, 200) or not data:
        raise Unreadable("not_avro", "a decimal with more digits than its schema allows, or none")
    return Decimal((0 if units >= 0 else 1, tuple(map(int, str(abs(units)))), -node.scale))


def _string(_: Node, body: bytes, at: int) -> tuple[str, int]:
    length, at = _long(body, at)
    data, at = _take(body, at, length)
    try:
        return data.decode("utf-8"), at
    except UnicodeDecodeError:
        raise Unreadable("not_utf8", "a string is not UTF-8") from None


def _enum(node: Node, body: bytes, at: int) -> tuple[str, int]:
    index, at = _long(body, at)
    if not 0 <= index < len(node.symbols):
        raise Unreadable("not_avro", "an enum names a symbol that it has not")
    return node.symbols[index], at


def _array(node: Node, body: bytes, at: int) -> tuple[list[Any], int]:
    items: list[Any] = []

    def item(at: int) -> int:
        value, at = read_value(node.parts[0], body, at)
        items.append(plain(value))
        return at

    return items, _blocks(body, at, item)


def _map(node: Node, body: bytes, at: int) -> tuple[dict[str, Any], int]:
    items: dict[str, Any] = {}

    def item(at: int) -> int:
        key, at = _string(node, body, at)
        if key in items:
            raise Unreadable("duplicate_key", "a key occurs more than once; readers disagree on which one counts")
        value, at = read_value(node.parts[0], body, at)
        items[key] = plain(value)
        return at

    return items, _blocks(body, at, item)


def _blocks(body: bytes, at: int, item: Callable[[int], int]) -> int:
    """Call `item` for each item of a list or map; each is told where it begins, and tells where it ends."""
    while True:
        count, at = _long(body, at)
        if not count:
            return at
        ends = None
        if count < 0:
            size, at = _long(body, at)
            count, ends = -count, at + size
        for _ in range(count):
            at = item(at)
        if ends is not None and at != ends:
            raise Unreadable("not_avro", "a block is not as long as it says")


def _record(node: Node, body: bytes, at: int) -> tuple[dict[str, Any], int]:
    fields: dict[str, Any] = {}
    for field in node.fields:
        value, at = read_value(field.node, body, at)
        fields[field.name] = plain(value)
    return fields, at


def _take(body: bytes, at: int, length: int) -> tuple[bytes, int]:
    if length < 0:
        raise Unreadable("not_avro", "a length below zero")
    if at + length > len(body):
        raise _truncated()
    return body[at : at + length], at + length


def _truncated() -> Unreadable:
    return Unreadable("truncated", "the value ends within the record")


_READ: dict[str, Callable[[Node, bytes, int], tuple[Any, int]]] = {
    "boolean": _bool,
    "int": _int,
    "long": _int,
    "float": _float,
    "double": _float,
    "bytes": _bytes,
    "fixed": _bytes,
    "string": _string,
    "enum": _enum,
    "array": _array,
    "map": _map,
    "record": _record,
}
