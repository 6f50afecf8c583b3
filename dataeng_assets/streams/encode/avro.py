"""Avro records from JSON objects, written as `decode.values.plain` shows them: the inverse of `decode.avro_record`.

Bytes are base64, decimals numbers or texts, moments RFC 3339 with an offset or the number of their unit. Nothing is
cast in silence: what the type cannot hold is refused, and a field that the schema lacks is not left out. Only a number
is rounded to the nearest that a float or double has, because hardly a decimal fraction would fit one.
"""

import base64
import datetime as dt
import re
import struct
import uuid
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from dataeng_assets.streams.decode.avro_default import default_value
from dataeng_assets.streams.decode.avro_schema import Field, Node, SchemaUnusable
from dataeng_assets.streams.decode.document import Unreadable
from dataeng_assets.streams.decode.values import EXACT_IN_DOUBLE, plain
from dataeng_assets.streams.encode.members import members

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_DAY = dt.date(1970, 1, 1)
_DATE = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
# with an offset, and no more digits than a datetime keeps: further ones would be cut off
_MOMENT = re.compile(rf"{_DATE.pattern}[Tt ]\d\d:\d\d:\d\d(\.\d{{1,6}})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
_UNITS = {"millis": 1_000, "micros": 1, "nanos": 1}
_BITS = {"int": 31, "long": 63}


class _Misfit(Exception):
    """A value is none of the type."""


class AvroWriter:
    """Writes records of one schema.

    Args:
        node: a record.
    """

    def __init__(self, node: Node) -> None:
        self._node = node

    def write(self, document: bytes) -> bytes:
        """The bytes of a record.

        Raises:
            Unreadable: the document is no JSON object, or does not fit the schema: `missing:`, `type:` or `unknown:`
                and the field's name.
        """
        given = members(document)
        written = [_field(field, given) for field in self._node.fields]
        if more := given.keys() - {field.name for field in self._node.fields}:
            raise Unreadable(f"unknown:{min(more)}", "the schema has no such field, so that it would be lost")
        return b"".join(written)


def _field(field: Field, given: Mapping[str, Any]) -> bytes:
    try:
        if field.name in given:
            return _write(field.node, given[field.name])
        return _absent(field)
    except _Misfit:
        raise Unreadable(f"type:{field.name}", f"it is no {field.node.kind} as the schema has it") from None


def _absent(field: Field) -> bytes:
    if field.has_default:
        try:
            return _write(field.node, _exact(plain(default_value(field.node, field.default))))
        except SchemaUnusable:
            raise Unreadable(f"missing:{field.name}", "its default in the schema is no value of its type") from None
    try:
        return _write(field.node, None)
    except _Misfit:
        raise Unreadable(f"missing:{field.name}", "the schema requires it") from None


def _exact(said: Any) -> Any:
    return Decimal(repr(said)) if isinstance(said, float) else said


def _write(node: Node, said: Any) -> bytes:
    if node.kind == "union":
        for number, branch in enumerate(node.parts):
            try:
                return _long(number) + _write(branch, said)
            except _Misfit:
                continue
        raise _Misfit
    return _WRITE[node.kind](node, said)


def _long(number: int) -> bytes:
    rest, out = (number << 1) ^ (number >> 63), bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    return bytes([*out, rest])


def _null(_: Node, said: Any) -> bytes:
    if said is not None:
        raise _Misfit
    return b""


def _boolean(_: Node, said: Any) -> bytes:
    return bytes([_of(said, bool)])


def _integer(node: Node, said: Any) -> bytes:
    if node.means in _UNITS and isinstance(said, str):
        said = _moment(node.means, said)
    elif node.means == "days" and isinstance(said, str):
        said = _days(said)
    number: int = _of(said, int)
    if not -(2 ** _BITS[node.kind]) <= number < 2 ** _BITS[node.kind]:
        raise _Misfit
    return _long(number)


def _moment(means: str, said: str) -> int:
    if not _MOMENT.fullmatch(said):
        raise _Misfit
    when = _parsed(lambda: dt.datetime.fromisoformat(said))
    micros: int = (when - _EPOCH) // dt.timedelta(microseconds=1)
    if means == "nanos":
        return micros * 1_000
    if micros % _UNITS[means]:
        raise _Misfit
    return micros // _UNITS[means]


def _days(said: str) -> int:
    if not _DATE.fullmatch(said):
        raise _Misfit
    return int((_parsed(lambda: dt.date.fromisoformat(said)) - _DAY).days)


def _float(node: Node, said: Any) -> bytes:
    if isinstance(said, str) and said in ("NaN", "Infinity", "-Infinity"):
        number = float(said)
    elif isinstance(said, Decimal):
        number = float(said)
        if number in (float("inf"), float("-inf")):
            raise _Misfit
    else:
        whole: int = _of(said, int)
        if abs(whole) > EXACT_IN_DOUBLE:
            raise _Misfit
        number = float(whole)
    try:
        return struct.pack("<f" if node.kind == "float" else "<d", number)
    except OverflowError:
        raise _Misfit from None


def _text(said: Any) -> bytes:
    data: bytes = _of(said, str).encode()
    return _long(len(data)) + data


def _bytes(node: Node, said: Any) -> bytes:
    data: bytes
    if node.means == "decimal":
        data = _decimal(node, said)
    elif node.means == "uuid":
        data = _parsed(lambda: uuid.UUID(_of(said, str)).bytes)
    else:
        data = _parsed(lambda: base64.b64decode(_of(said, str), validate=True))
    if node.kind == "bytes":
        return _long(len(data)) + data
    if len(data) != node.size:
        raise _Misfit
    return data


def _decimal(node: Node, said: Any) -> bytes:
    if isinstance(said, bool) or not isinstance(said, int | str | Decimal):
        raise _Misfit
    sign, digits, exponent = _parsed(lambda: Decimal(said)).as_tuple()
    if not isinstance(exponent, int):  # NaN and infinities
        raise _Misfit
    # by integers: arithmetic of decimals rounds, and takes what is very small for nothing
    whole, shift = int("".join(map(str, digits))), exponent + node.scale
    if whole and (shift > node.precision or -shift >= len(digits)):
        raise _Misfit
    whole, rest = (whole * 10**shift, 0) if shift >= 0 and whole else divmod(whole, 10 ** (-shift if whole else 0))
    if rest or whole >= 10**node.precision:
        raise _Misfit
    whole = -whole if sign else whole
    size = node.size if node.kind == "fixed" else (whole + (whole < 0)).bit_length() // 8 + 1
    data: bytes = _parsed(lambda: whole.to_bytes(size, "big", signed=True))
    return data


def _enum(node: Node, said: Any) -> bytes:
    if said not in node.symbols:
        raise _Misfit
    return _long(node.symbols.index(said))


def _array(node: Node, said: Any) -> bytes:
    items = [_write(node.parts[0], item) for item in _of(said, list)]
    return b"".join([_long(len(items)), *items, b"\0"]) if items else b"\0"


def _map(node: Node, said: Any) -> bytes:
    items = [_text(key) + _write(node.parts[0], item) for key, item in _of(said, dict).items()]
    return b"".join([_long(len(items)), *items, b"\0"]) if items else b"\0"


def _record(node: Node, said: Any) -> bytes:
    given: dict[str, Any] = _of(said, dict)
    if given.keys() - {field.name for field in node.fields}:
        raise _Misfit
    try:
        return b"".join(_field(field, given) for field in node.fields)
    except Unreadable:  # named by the field of the whole record
        raise _Misfit from None


def _of(said: Any, kind: type) -> Any:
    if not isinstance(said, kind) or (isinstance(said, bool) and kind is not bool):
        raise _Misfit
    return said


def _parsed(parse: Callable[[], Any]) -> Any:
    try:
        return parse()
    except (ValueError, ArithmeticError):
        raise _Misfit from None


_WRITE: Mapping[str, Callable[[Node, Any], bytes]] = {
    "null": _null, "boolean": _boolean, "int": _integer, "long": _integer, "float": _float, "double": _float,
    "string": lambda _, said: _text(said), "bytes": _bytes, "fixed": _bytes, "enum": _enum, "array": _array,
    "map": _map, "record": _record, "error": _record,
}  # fmt: skip
