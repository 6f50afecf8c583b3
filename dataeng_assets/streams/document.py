"""Reading one JSON document exactly: its top-level fields as the text that stood there, or why it cannot be read.

This is the full definition of what a readable record is. It is slow (some microseconds per record), so `decode` comes
here only with documents that it cannot prove to be plain. Types are not judged here.
"""

import json
import re
from dataclasses import dataclass

MAX_DEPTH = 100
"""Deepest nesting that is read. A fixed number, so that the verdict never depends on how much stack is left."""

_SPACE = re.compile(r"[ \t\n\r]*")
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]]', re.DOTALL)
_MAY_HOLD_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class Unreadable(Exception):
    """The record is no document that a contract could speak about.

    Attributes:
        reason: code for the dead letter table: not_utf8, not_json, not_object, too_deep or duplicate_key.
        detail: one sentence without any value of the record.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True)
class Field:
    """One top-level field: the text of its key with quotes, and the text of its value, both as they stood."""

    key_text: str
    text: str


def _refuse_constant(name: str) -> str:
    raise Unreadable("not_json", f"{name} is not JSON")


# numbers stay text: nothing is rounded, and a number of 5,000 digits does not meet Python's limit on integers
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_refuse_constant)


def read_document(value: bytes) -> dict[str, Field]:
    """Split a document into its top-level fields.

    Args:
        value: bytes of a record, neither missing nor empty.

    Returns:
        Fields by decoded key, in the order of the document.

    Raises:
        Unreadable: with the reason code.
    """
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable("not_utf8", f"byte {error.start} is not UTF-8") from None
    _refuse_depth(text)
    start = _skip(text, 0)
    if text[start : start + 1] != "{":
        _whole(text, start)
        raise Unreadable("not_object", "the document is JSON, but not an object")
    fields = _fields(text, start)
    if _MAY_HOLD_SURROGATE.search(text):
        _refuse_lone_surrogate(text, start)
    return fields


def _skip(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _value_end(text: str, at: int) -> tuple[object, int]:
    try:
        return _DECODER.raw_decode(text, at)
    except (json.JSONDecodeError, IndexError):
        raise Unreadable("not_json", f"no JSON value at character {at}") from None


def _whole(text: str, start: int) -> object:
    value, end = _value_end(text, start)
    if _skip(text, end) != len(text):
        raise Unreadable("not_json", f"text after the end of the document, at character {end}")
    return value


def _expect(text: str, at: int, wanted: str) -> int:
    at = _skip(text, at)
    if text[at : at + 1] not in wanted or at >= len(text):
        raise Unreadable("not_json", f"expected one of {wanted} at character {at}")
    return at


def _fields(text: str, start: int) -> dict[str, Field]:
    fields: dict[str, Field] = {}
    at = _expect(text, start + 1, '"}')
    repeated = ""
    while text[at] == '"':
        key, key_end = _value_end(text, at)
        value_start = _skip(text, _expect(text, key_end, ":") + 1)
        _, value_end = _value_end(text, value_start)
        if key in fields:
            repeated = repeated or str(key)
        fields[str(key)] = Field(text[at:key_end], text[value_start:value_end])
        at = _expect(text, value_end, ",}")
        if text[at] == ",":
            at = _expect(text, at + 1, '"')
    if _skip(text, at + 1) != len(text):
        raise Unreadable("not_json", f"text after the end of the document, at character {at + 1}")
    if repeated:
        raise Unreadable("duplicate_key", "a key occurs more than once; readers disagree on which one counts")
    return fields


def _refuse_lone_surrogate(text: str, start: int) -> None:
    try:
        json.dumps(_whole(text, start), ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise Unreadable("not_json", "half of a surrogate pair is no character") from None


def _refuse_depth(text: str) -> None:
    if text.count("{") + text.count("[") <= MAX_DEPTH:
        return
    depth = 0
    for match in _BRACKETS.finditer(text):
        token = match.group()
        depth += 1 if token in "{[" else -1 if token in "}]" else 0
        if depth > MAX_DEPTH:
            raise Unreadable("too_deep", f"nested deeper than {MAX_DEPTH} levels")
