"""From a value and the type that its schema gives it to the type of the contract, or to why not.

Nothing is cast in silence: what changes a value, or only may, is refused. Reading values belongs to each format.
"""

import base64
import datetime as dt
import json
import math
import re
import uuid
from collections.abc import Callable, Mapping
from decimal import Decimal, localcontext
from typing import Any, NamedTuple

from dataeng_assets.contracts.model import Column
from dataeng_assets.streams.decode.document import Unreadable

FIRST_MICROSECOND, LAST_MICROSECOND = -62_135_596_800_000_000, 253_402_300_799_999_999  # years 1 to 9999
FIRST_DAY, LAST_DAY = -719_162, 2_932_896
EXACT_IN_DOUBLE = 2**53
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_DAY = dt.date(1970, 1, 1)
_DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")


class Value(NamedTuple):
    """A value as its schema means it.

    Attributes:
        kind: null, boolean, integer, float, text, bytes, uuid, micros, millis, nanos, local (a time without an
            offset), days, decimal, or json for everything that has parts.
        value: of the Python type that goes with it; for json one that can be written as such.
    """

    kind: str
    value: Any


class Misfit(Exception):
    """A value does not fit its column."""


def typed(column: Column, value: Value) -> Any:
    """The value in the column's type: a text, number, boolean or bytes; microseconds or days since 1970 for times.

    Raises:
        Unreadable: with the reason `missing:` or `type:` and the column's name.
    """
    if value.kind == "null":
        if column.nullable:
            return None
        raise Unreadable(f"missing:{column.name}", "the field is required")
    name = "decimal" if column.physical.startswith("decimal") else column.physical
    try:
        if name == "decimal":
            return _decimal(column.physical, value)
        return _CONVERT[name](value)
    except Misfit as misfit:
        found = f"found {misfit}"
        raise Unreadable(f"type:{column.name}", f"expected {column.physical}, {found}") from None


def json_text(value: Value) -> str:
    """A value as JSON, the same for the same value: integers exact, bytes in base64, decimals and times as texts."""
    return json.dumps(plain(value), ensure_ascii=False, separators=(",", ":"))


def rescued(fields: Mapping[str, Value]) -> str | None:
    """Fields that the contract does not know, as one JSON object; None when there are none."""
    if not fields:
        return None
    return json.dumps({name: plain(value) for name, value in fields.items()}, ensure_ascii=False, separators=(",", ":"))


def plain(value: Value) -> Any:
    """A value as what `json` can write."""
    kind, said = value
    match kind:
        case "float":
            return said if math.isfinite(said) else {math.inf: "Infinity", -math.inf: "-Infinity"}.get(said, "NaN")
        case "bytes":
            return base64.b64encode(said).decode()
        case "decimal":
            return format(said, "f")
        case "uuid":
            return str(said)
        case "micros" | "millis" | "nanos":
            return _moment_text(kind, said)
        case "days":
            return (_DAY + dt.timedelta(days=said)).isoformat() if FIRST_DAY <= said <= LAST_DAY else said
    return said


def _moment_text(kind: str, said: int) -> Any:
    """RFC 3339; the number itself where no date says it exactly."""
    micros = {"millis": said * 1000, "nanos": said // 1000}.get(kind, said)
    if not FIRST_MICROSECOND <= micros <= LAST_MICROSECOND or (kind == "nanos" and said % 1000):
        return said
    return (_EPOCH + dt.timedelta(microseconds=micros)).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _text(value: Value) -> str:
    return str(_of(value, "text"))


def _uuid(value: Value) -> str:
    if value.kind == "uuid":
        return str(value.value)
    text = str(_of(value, "text"))
    if not _UUID.fullmatch(text):
        raise Misfit("a text of another form")
    return text


def _bigint(value: Value) -> int:
    number = int(_of(value, "integer"))
    if not _SMALLEST <= number <= _LARGEST:
        raise Misfit("a number that does not fit")
    return number


def _double(value: Value) -> float:
    if value.kind == "integer" and abs(value.value) > EXACT_IN_DOUBLE:
        raise Misfit("a number that does not fit")
    return float(_of(value, "float", "integer"))


def _boolean(value: Value) -> bool:
    return bool(_of(value, "boolean"))


def _bytes(value: Value) -> bytes:
    return bytes(_of(value, "bytes"))


def _timestamp(value: Value) -> int:
    said = int(_of(value, "micros", "millis", "nanos"))
    if value.kind == "nanos" and said % 1000:
        raise Misfit("a time with parts of a microsecond")
    micros = {"millis": said * 1000, "nanos": said // 1000}.get(value.kind, said)
    if not FIRST_MICROSECOND <= micros <= LAST_MICROSECOND:
        raise Misfit("a time outside the years 1 to 9999")
    return micros


def _date(value: Value) -> int:
    days = int(_of(value, "days"))
    if not FIRST_DAY <= days <= LAST_DAY:
        raise Misfit("a day outside the years 1 to 9999")
    return days


def _decimal(physical: str, value: Value) -> Decimal:
    match = _DECIMAL.fullmatch(physical)
    if match is None:
        raise ValueError(f"{physical} is no decimal")
    precision, scale = int(match[1]), int(match[2])
    number = Decimal(_of(value, "decimal", "integer"))
    with localcontext() as context:
        context.prec = 200
        units = number.scaleb(scale)
    if units != units.to_integral_value() or abs(units) >= 10**precision:
        raise Misfit("a number that does not fit")
    return number


_CONVERT: dict[str, Callable[[Value], Any]] = {
    "string": _text,
    "uuid": _uuid,
    "json": json_text,
    "bigint": _bigint,
    "double": _double,
    "boolean": _boolean,
    "bytes": _bytes,
    "timestamp": _timestamp,
    "date": _date,
}
_NAMES = {
    "boolean": "a boolean", "integer": "an integer", "float": "a floating number", "text": "a text", "bytes": "bytes",
    "uuid": "a UUID", "micros": "a time", "millis": "a time", "nanos": "a time", "days": "a date",
    "local": "a time without an offset", "decimal": "a decimal", "json": "something with parts",
}  # fmt: skip


def _of(value: Value, *kinds: str) -> Any:
    if value.kind not in kinds:
        raise Misfit(_NAMES[value.kind])
    return value.value


def uuid_of(data: bytes) -> str:
    """The usual text of 16 bytes."""
    return str(uuid.UUID(bytes=data))
