"""From a text that stands for a value, as in CSV or a key, to the type of a column.

The forms are those of JSON, without quotes around texts. Nothing is cast in silence, and nothing is trimmed.
"""

import datetime as dt
import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NoReturn

from dataeng_assets.contracts.model import Column
from dataeng_assets.streams.decode.document import Unreadable
from dataeng_assets.streams.decode.values import Value, typed

INTEGER = r"-?(0|[1-9][0-9]*)"
NUMBER = INTEGER + r"(\.[0-9]+)?([eE][+\-]?[0-9]+)?"
# RFC 3339 to the microsecond: more digits could not be kept, a leap second has no place in the type
TIMESTAMP = (
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?"
    r"([Zz]|[+\-]([01][0-9]|2[0-3]):[0-5][0-9])"
)
_INTEGER, _NUMBER = re.compile(INTEGER, re.ASCII), re.compile(NUMBER, re.ASCII)
_DECIMAL = re.compile(INTEGER + r"(\.[0-9]+)?", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_TIMESTAMP = re.compile(TIMESTAMP, re.ASCII)
_LONGEST_NUMBER = 400
_IN_QUOTES = frozenset(("string", "uuid", "timestamp"))
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_DAY = dt.date(1970, 1, 1)


def typed_text(column: Column, text: str) -> Any:
    """The value that a text stands for, as `values.typed` gives it.

    Raises:
        Unreadable: with the reason `type:` and the column's name.
    """
    name = "decimal" if column.physical.startswith("decimal") else column.physical
    value = _READ[name](text)
    if value is None:
        raise Unreadable(f"type:{column.name}", f"expected {column.physical}, found a text of another form")
    if name == "json":
        return value.value
    return typed(column, value)


def typed_json(column: Column, text: str) -> Any:
    """The value that one value of JSON stands for: as `typed_text`, with texts in their quotes.

    Raises:
        Unreadable: with the reason `type:` and the column's name, or `missing:` for a null.
    """
    bare = text.strip(" \t\r\n")
    if bare == "null":
        return typed(column, Value("null", None))
    if column.physical not in _IN_QUOTES:
        return typed_text(column, text if column.physical == "json" else bare)
    try:
        said = json.loads(bare) if bare.startswith('"') else None
        if isinstance(said, str) and said.encode() is not None:
            return typed_text(column, said)
    except ValueError:  # also of half a surrogate pair
        pass
    raise Unreadable(f"type:{column.name}", f"expected {column.physical}, found no text of JSON")


def _bigint(text: str) -> Value | None:
    return Value("integer", int(text)) if len(text) < _LONGEST_NUMBER and _INTEGER.fullmatch(text) else None


def _double(text: str) -> Value | None:
    if not _NUMBER.fullmatch(text):
        return None
    if len(text) < _LONGEST_NUMBER and text != "-0" and _INTEGER.fullmatch(text):
        return Value("integer", int(text))
    number = float(text)
    return None if number in (float("inf"), float("-inf")) else Value("float", number)


def _decimal(text: str) -> Value | None:
    fits = len(text) < _LONGEST_NUMBER and _DECIMAL.fullmatch(text)
    return Value("decimal", Decimal(text)) if fits else None


def _boolean(text: str) -> Value | None:
    return Value("boolean", text == "true") if text in ("true", "false") else None


def _timestamp(text: str) -> Value | None:
    if not _TIMESTAMP.fullmatch(text):
        return None
    try:
        moment = dt.datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    return Value("micros", (moment - _EPOCH) // dt.timedelta(microseconds=1))


def _date(text: str) -> Value | None:
    if not _DATE.fullmatch(text):
        return None
    try:
        return Value("days", (dt.date.fromisoformat(text) - _DAY).days)
    except ValueError:
        return None


def _json(text: str) -> Value | None:
    """The text as it stands, where it is JSON."""

    def refuse(name: str) -> NoReturn:
        raise ValueError(name)

    try:
        json.dumps(json.loads(text, parse_constant=refuse, parse_int=str, parse_float=str)).encode()
    except (ValueError, RecursionError):
        return None
    return Value("json", text)


_READ: dict[str, Callable[[str], Value | None]] = {
    "string": lambda text: Value("text", text),
    "uuid": lambda text: Value("text", text),
    "json": _json,
    "bigint": _bigint,
    "double": _double,
    "decimal": _decimal,
    "boolean": _boolean,
    "timestamp": _timestamp,
    "date": _date,
}
