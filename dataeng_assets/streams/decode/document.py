"""Reading one JSON document exactly: its top-level fields as the text that stood there, or why it cannot be read.

This is the full definition of what a readable record is. It is slow (some microseconds per record), so
`json_documents` comes here only with documents that it cannot prove to be plain. Types are not judged here.
"""

import json
import re
from typing import NamedTuple

MAX_DEPTH = 100
"""Deepest nesting that is read. A fixed number, so that the verdict never depends on how much stack is left."""

_S = r"[ \t\n\r]*+"
# possessive, so that a broken string costs one pass and not an exponential search
_STRING = r'"(?:[^"\\\x00-\x1f]++|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*+"'
_SCALAR = rf"{_STRING}|-?(?:0|[1-9][0-9]*+)(?:\.[0-9]++)?(?:[eE][+\-]?[0-9]++)?|true|false|null"
_SPACE = re.compile(_S)
_MEMBER = re.compile(rf"{_S}({_STRING}){_S}:{_S}(?:({_SCALAR}){_S}([,}}])|(?=[\[{{]))")
_NEXT = re.compile(rf"{_S}([,}}])")
_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*+"|[{}\[\]]', re.DOTALL)
_MAY_HOLD_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class Unreadable(Exception):
    """The record is no document that a contract could speak about.

    Attributes:
        reason: code for the dead letter table: empty, not_utf8, not_json, not_object, too_deep or duplicate_key.
        detail: one sentence without any value of the record.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class Field(NamedTuple):
    """One top-level field: the text of its key with quotes, and the text of its value, both as they stood."""

    key_text: str
    text: str


def _refuse_constant(name: str) -> str:
    raise Unreadable("not_json", f"{name} is not JSON")


# numbers stay text: nothing is rounded, and a number of 5,000 digits does not meet Python's limit on integers
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=_refuse_constant)


def read_document(value: bytes | None) -> dict[str, Field]:
    """Split a document into its top-level fields.

    Args:
        value: bytes of a record, None when it has none.

    Returns:
        Fields by decoded key, in the order of the document.

    Raises:
        Unreadable: with the reason code.
    """
    if not value:
        raise Unreadable("empty", "the record has no value")
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
        raise _broken(at) from None


def _whole(text: str, start: int) -> object:
    value, end = _value_end(text, start)
    if _skip(text, end) != len(text):
        raise _broken(end)
    return value


def _broken(at: int) -> Unreadable:
    return Unreadable("not_json", f"not JSON from character {at} on")


def _fields(text: str, start: int) -> dict[str, Field]:
    fields: dict[str, Field] = {}
    count, at, more = 0, start + 1, True
    if text.startswith("}", _skip(text, at)):
        at, more = _skip(text, at) + 1, False
    while more:
        key_text, field_text, at, more = _member(text, at)
        key = json.loads(key_text) if "\\" in key_text else key_text[1:-1]
        fields[key] = Field(key_text, field_text)
        count += 1
    if _skip(text, at) != len(text):
        raise _broken(at)
    if count != len(fields):
        raise Unreadable("duplicate_key", "a key occurs more than once; readers disagree on which one counts")
    return fields


def _member(text: str, at: int) -> tuple[str, str, int, bool]:
    """Key, value, what comes after them, and whether another member follows."""
    match = _MEMBER.match(text, at)
    if match is None:
        raise _broken(at)
    key_text, scalar, mark = match.groups()
    if scalar is not None:
        return key_text, scalar, match.end(), mark == ","
    _, end = _value_end(text, match.end())
    following = _NEXT.match(text, end)
    if following is None:
        raise _broken(end)
    return key_text, text[match.end() : end], following.end(), following[1] == ","


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
        found = match.group()
        depth += (found in "{[") - (found in "}]")
        if depth > MAX_DEPTH:
            raise Unreadable("too_deep", f"nested deeper than {MAX_DEPTH} levels")
