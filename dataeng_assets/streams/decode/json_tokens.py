"""Reading JSON documents one by one: the texts of their values, and what those stand for.

The rules of types are those of the query in `json_documents`, to the letter of what is told: a query costs as much as
some hundred documents, so it is not made for fewer.
"""

import datetime as dt
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from dataeng_assets.contracts.model import Column
from dataeng_assets.streams.decode.decoder import DETAIL, REASON, RESCUED
from dataeng_assets.streams.decode.document import Field, Unreadable, read_document
from dataeng_assets.streams.decode.rows import array_of, table
from dataeng_assets.streams.decode.texts import INTEGER, NUMBER, TIMESTAMP
from dataeng_assets.streams.decode.values import EXACT_IN_DOUBLE, FIRST_MICROSECOND, LAST_MICROSECOND

Tokens = Mapping[str, Sequence[str | None]]
"""By column the text that stands for its value, None for null; and the texts of `_rescued`, `reason` and `detail`."""

UUID = r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"
_INTEGER, _NUMBER = re.compile(INTEGER, re.ASCII), re.compile(NUMBER, re.ASCII)
_TIMESTAMP, _UUID = re.compile(TIMESTAMP, re.ASCII), re.compile(UUID, re.ASCII)
_LONGEST_BIGINT = 20
_SMALLEST, _LARGEST = -(2**63), 2**63 - 1
_EPOCH, _MICROSECOND = dt.datetime(1970, 1, 1, tzinfo=dt.UTC), dt.timedelta(microseconds=1)
_FOUND = {'"': "a string of another form", "{": "an object", "[": "an array", "t": "a boolean", "f": "a boolean"}


def read_tokens(columns: Sequence[Column], values: Iterable[bytes | None]) -> Tokens:
    """Take documents apart; what is unreadable has its reason, and no values."""
    names = [column.name for column in columns]
    out: dict[str, list[str | None]] = {name: [] for name in (*names, RESCUED, REASON, DETAIL)}
    known = set(names)
    for value in values:
        fields: dict[str, Field] = {}
        reason = detail = None
        try:
            fields = read_document(value)
        except Unreadable as error:
            reason, detail = error.reason, error.detail
        for name in names:
            field = fields.get(name)
            out[name].append(None if field is None or field.text == "null" else field.text)
        out[RESCUED].append(_rescued(field for key, field in fields.items() if key not in known))
        out[REASON].append(reason)
        out[DETAIL].append(detail)
    return out


def type_each(columns: Sequence[Column], tokens: Tokens) -> pa.Table:
    """What the tokens stand for, as `Decoder.decode`; a column that is broken gives the reason, the first of them."""
    reasons, details = list(tokens[REASON]), list(tokens[DETAIL])
    arrays = {}
    for column in columns:
        read, values = _READ[column.physical], list[Any]()
        for row, token in enumerate(tokens[column.name]):
            value = None if token is None else read(token)
            values.append(value)
            if value is None and reasons[row] is None and not (token is None and column.nullable):
                reasons[row], details[row] = _why(column, token)
        arrays[column.name] = array_of(column, values)
    return table(columns, arrays, {RESCUED: tokens[RESCUED], REASON: reasons, DETAIL: details})


def _rescued(fields: Iterable[Field]) -> str | None:
    texts = [f"{field.key_text}:{field.text}" for field in fields]
    return "{" + ",".join(texts) + "}" if texts else None


def _why(column: Column, token: str | None) -> tuple[str, str]:
    if token is None:
        return f"missing:{column.name}", "the field is required"
    found = _FOUND.get(token[0], "a number that does not fit")
    return f"type:{column.name}", f"expected {column.physical}, found {found}"


def _text(token: str) -> str | None:
    return str(json.loads(token)) if token.startswith('"') else None


def _uuid(token: str) -> str | None:
    text = _text(token)
    return text if text is not None and _UUID.fullmatch(text) else None


def _bigint(token: str) -> int | None:
    if len(token) > _LONGEST_BIGINT or not _INTEGER.fullmatch(token):
        return None
    number = int(token)
    return number if _SMALLEST <= number <= _LARGEST else None


def _double(token: str) -> float | None:
    if not _NUMBER.fullmatch(token):
        return None
    number = float(token)
    if not math.isfinite(number):
        return None
    if not _INTEGER.fullmatch(token):
        return number
    # float(int()) makes -0 a plain 0; the first comparison keeps thousands of digits from int()
    is_exact = abs(number) <= EXACT_IN_DOUBLE and abs(int(token)) <= EXACT_IN_DOUBLE
    return float(int(token)) if is_exact else None


def _boolean(token: str) -> bool | None:
    return {"true": True, "false": False}.get(token)


def _timestamp(token: str) -> int | None:
    text = _text(token)
    if text is None or not _TIMESTAMP.fullmatch(text):
        return None
    try:
        micros = (dt.datetime.fromisoformat(text.upper()) - _EPOCH) // _MICROSECOND
    except ValueError:  # there is no such day
        return None
    return micros if FIRST_MICROSECOND <= micros <= LAST_MICROSECOND else None


def _json(token: str) -> str:
    return token


_READ: Mapping[str, Callable[[str], Any]] = {
    "string": _text,
    "uuid": _uuid,
    "bigint": _bigint,
    "double": _double,
    "boolean": _boolean,
    "timestamp": _timestamp,
    "json": _json,
}
