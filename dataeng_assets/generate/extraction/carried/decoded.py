"""A record of plain JSON as a row of its topic's table, or the reason why it is none. Nothing is cast in silence.

Which columns there are stands in `extraction.yaml`; what is done with a dead letter belongs to the destination.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from .config import Column

_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# finer than microseconds would be cut off
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_EXACT_IN_DOUBLE = 2**53


class Unreadable(Exception):
    """Why a record is no row; it names a field and never a value."""


def decode(
    value: bytes | None, of_record: Mapping[str, Any], columns: Iterable[Column], values: Mapping[str, Iterable[str]]
) -> dict[str, Any]:
    """The fields of a record, and in `_rescued` those that the contract does not name, as JSON.

    Args:
        value: of the record.
        of_record: what columns take from the record itself, by name.
        columns: of the contract.
        values: by column, those that it may have.

    Raises:
        Unreadable: it does not keep the contract.
    """
    try:
        fields = _fields(value)
        row = {one.name: _value(one, of_record[one.name] if one.name in of_record else fields.pop(one.name, None))
               for one in columns}  # fmt: skip
        row["_rescued"] = json_text(fields) if fields else None
    except RecursionError:
        raise Unreadable("json: nested too deep") from None
    for name, allowed in values.items():
        if row[name] is not None and row[name] not in allowed:
            raise Unreadable(f"values: {name} is none of the contract's")
    return row


def json_text(value: Any) -> str:
    """A value as JSON; no digit of a number is lost."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(name)}: {json_text(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(json_text, value)) + "]"
    return str(value) if isinstance(value, Decimal) else json.dumps(value)


def _fields(value: bytes | None) -> dict[str, Any]:
    try:
        found = json.loads(
            (value or b"").decode("utf-8"),
            parse_float=Decimal,
            parse_constant=_no_number,
            object_pairs_hook=_each_once,
        )
    except (ValueError, InvalidOperation):
        # a Decimal has an end too: 1e99999999999999999999 is beyond it
        found = None
    if not isinstance(found, dict):
        raise Unreadable("json: no JSON object in UTF-8")
    return found


def _no_number(name: str) -> Any:
    raise ValueError(name)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands twice")
    return found


def _value(column: Column, given: Any) -> Any:
    if given is None:
        if column.required:
            raise Unreadable(f"missing: {column.name}")
        return None
    try:
        found = _READ[column.type](given)
    except (ValueError, OverflowError):
        found = None
    if found is None:
        raise Unreadable(f"type: {column.name} is no {column.type}")
    return found


def _text(given: Any) -> str | None:
    if not isinstance(given, str) or "\0" in given:
        # no text of Postgres holds NUL
        return None
    given.encode("utf-8")
    return given


def _bigint(given: Any) -> int | None:
    return given if type(given) is int and -(2**63) <= given < 2**63 else None


def _double(given: Any) -> float | None:
    if type(given) is int:
        return float(given) if abs(given) <= _EXACT_IN_DOUBLE else None
    found = float(given) if isinstance(given, Decimal) else math.inf
    return found if math.isfinite(found) else None


def _moment(given: Any) -> datetime | None:
    return datetime.fromisoformat(given).astimezone(UTC) if _matching(_MOMENT, given) else None


def _matching(pattern: re.Pattern[str], given: Any) -> bool:
    return isinstance(given, str) and pattern.fullmatch(given) is not None


_READ: Mapping[str, Callable[[Any], Any]] = {
    "string": _text,
    "uuid": lambda given: given.lower() if _matching(_UUID, given) else None,
    "json": json_text,
    "bigint": _bigint,
    "double": _double,
    "boolean": lambda given: given if isinstance(given, bool) else None,
    "timestamp": lambda given: given if isinstance(given, datetime) else _moment(given),
}
