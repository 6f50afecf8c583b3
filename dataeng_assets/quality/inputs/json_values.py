"""JSON records out of a stream: an array, one per line, or one after another; each with the line that it begins in.

Strict where Python's parser is not: a key that comes twice, NaN and endless nesting are refused. Numbers stay as they
are written. What becomes of records belongs in `json_rows`.
"""

import codecs
import json
import re
from collections.abc import Callable, Iterable, Iterator
from json.encoder import encode_basestring
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from dataeng_assets.quality.inputs.files import CHUNK_BYTES, ByteStream
from dataeng_assets.quality.inputs.opened import SAFE, InputUnreadable, shown

MAX_RECORD = 16 * 1024 * 1024
_SPACE = re.compile(r"[ \t\r\n]*")

Record = dict[str, Any]


class Found(NamedTuple):
    """A record, the line that it begins in, and how many characters it has."""

    line: int
    length: int
    record: Record


class Number(str):
    """A number as it is written."""

    __slots__ = ()


class _Refused(Exception):
    """What JSON allows or not, and no reader takes alike."""


def _unique(pairs: list[tuple[str, Any]]) -> Record:
    record = dict(pairs)
    if len(record) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _Refused(f"has the key {shown(twice)} twice")
    return record


def _constant(name: str) -> NoReturn:
    raise _Refused(f"holds {name}, which is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_float=Number, parse_int=Number, parse_constant=_constant)


class Records:
    """The records of a file, one after another.

    Args:
        path: for messages.
        stream: UTF-8 without a byte order mark.
    """

    def __init__(self, path: Path, stream: ByteStream) -> None:
        self._path, self._stream = path, stream
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._text, self._at = "", 0
        self._ended = False
        self._bytes_line = 1
        self._line = 1

    def __iter__(self) -> Iterator[Found]:
        """Each record.

        Raises:
            InputUnreadable: something is not JSON, or not a record; names the line.
        """
        in_array = self._peek() == "["
        if in_array:
            self._step(1)
            if self._peek() == "]":
                self._step(1)
                return self._end()
        while self._peek():
            line = self._line
            record, length = self._record()
            yield Found(line, length, record)
            if in_array and self._between():
                break
        return self._end()

    def _between(self) -> bool:
        """Pass the comma after a record of an array; whether the array ends instead."""
        sign = self._peek()
        if sign not in (",", "]"):
            raise self._broken(self._line, "has neither a comma nor the end of the array after a record")
        self._step(1)
        if sign == "," and not self._peek():
            raise self._broken(self._line, "ends inside of the array")
        return sign == "]"

    def _end(self) -> None:
        if self._peek():
            raise self._broken(self._line, "has something after the end of the array")

    def _record(self) -> tuple[Record, int]:
        while True:
            try:
                value, after = _DECODER.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if self._ended:
                    raise self._not_json(error) from None
                if len(self._text) - self._at > MAX_RECORD:
                    raise self._broken(
                        self._line, f"begins a record that is longer than {MAX_RECORD:,} characters, or never ends"
                    ) from None
                self._more()
            except RecursionError:
                raise self._broken(self._line, "begins a record that is nested too deeply") from None
            except _Refused as error:
                raise self._broken(self._line, f"begins a record that {error}") from None
            else:
                break
        if type(value) is not dict:
            raise self._broken(self._line, "holds a value that is no object, so it has no columns")
        length = after - self._at
        self._step(length)
        return value, length

    def _peek(self) -> str:
        """The next sign that is no space; none at the end."""
        while True:
            self._step(_SPACE.match(self._text, self._at).end() - self._at)  # type: ignore[union-attr]  # it matches the empty text
            if self._at < len(self._text) or self._ended:
                return self._text[self._at : self._at + 1]
            self._more()

    def _step(self, length: int) -> None:
        self._line += self._text.count("\n", self._at, self._at + length)
        self._at += length

    def _more(self) -> None:
        """At least as much again as is left, so that a long record is not begun too often."""
        left = self._text[self._at :]
        piece = self._stream.read(max(CHUNK_BYTES, len(left)))
        self._ended = not piece
        try:
            self._text = left + self._decoder.decode(piece, final=self._ended)
        except UnicodeDecodeError as error:
            line = self._bytes_line + piece.count(b"\n", 0, max(error.start, 0))
            raise self._broken(line, "is not UTF-8") from None
        self._bytes_line += piece.count(b"\n")
        self._at = 0

    def _not_json(self, error: json.JSONDecodeError) -> InputUnreadable:
        line = self._line + self._text.count("\n", self._at, error.pos)
        column = error.pos - self._text.rfind("\n", 0, error.pos)
        problem = f"begins a record that is not JSON (line {line:,}, column {column:,}: {error.msg})"
        return self._broken(self._line, problem)

    def _broken(self, line: int, problem: str) -> InputUnreadable:
        return InputUnreadable(
            f"{self._path}: line {line:,} {problem}. {SAFE} Correct it, or see whether the file was copied whole."
        )


def json_texts(values: Iterable[Any]) -> list[str | None]:
    """The JSON text of each value, numbers as they were written; None for null."""
    return [None if value is None else _TEXTS[type(value)](value) for value in values]


def _object(value: Record) -> str:
    return "{" + ",".join(f"{encode_basestring(name)}:{_TEXTS[type(part)](part)}" for name, part in value.items()) + "}"


def _array(value: list[Any]) -> str:
    return "[" + ",".join([_TEXTS[type(part)](part) for part in value]) + "]"


_TEXTS: dict[type, Callable[[Any], str]] = {
    Number: str,
    str: encode_basestring,
    bool: {True: "true", False: "false"}.__getitem__,
    type(None): lambda _: "null",
    dict: _object,
    list: _array,
}
