"""The first record of delimited text: the delimiter, and the names of the columns.

Reading the records after it belongs in `delimited`.
"""

import csv
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dataeng_assets.quality.inputs.files import ByteStream, read_fully, suffix
from dataeng_assets.quality.inputs.opened import SAFE, InputUnreadable, check_names
from dataeng_assets.quality.inputs.quotes import MAX_LINE_BYTES

_DELIMITERS = (",", ";", "\t", "|")
_SNIFFED_BYTES = 64 * 1024
_SNIFFED_RECORDS = 100


@dataclass(frozen=True)
class Header:
    """How a file is to be read, and its columns.

    Attributes:
        names: of the columns.
        delimiter: between fields.
        length: bytes of the header, with its line end and the empty lines before it.
        lines: how many lines these are.
    """

    names: tuple[str, ...]
    delimiter: str
    length: int
    lines: int


def read_header(path: Path, stream: ByteStream) -> tuple[Header, bytes]:
    """The header of a stream of UTF-8, and the bytes that were read to find it.

    Raises:
        InputUnreadable: there is none, or its names cannot be told apart.
    """
    start, ended = b"", False
    record = None
    while record is None:
        if ended:
            raise _no_header(path, start)
        if len(start) > MAX_LINE_BYTES:
            raise _too_long(path)
        wanted = max(len(start), _SNIFFED_BYTES)
        more = read_fully(stream, wanted)
        start += more
        ended = len(more) < wanted
        text = start.decode("utf-8", "replace" if ended else "ignore")
        delimiter = _delimiter(path, text[:_SNIFFED_BYTES])
        record = _first_record(text, delimiter, ended)
    if len(record) > MAX_LINE_BYTES:
        raise _too_long(path)
    _check_text(path, record)
    with long_fields():
        names = next(csv.reader(io.StringIO(record.lstrip("\r\n"), newline=""), delimiter=delimiter))
    check_names(f"{path}: the header", names)
    return Header(tuple(names), delimiter, len(record.encode()), record.count("\n")), start


@contextmanager
def long_fields() -> Iterator[None]:
    """Let Python's csv module take fields as long as a line may be."""
    limit = csv.field_size_limit(MAX_LINE_BYTES)
    try:
        yield
    finally:
        csv.field_size_limit(limit)


def _first_record(text: str, delimiter: str, ended: bool) -> str | None:
    """The empty lines at the start, and the first record with its line end; None when that is not in the text."""
    separators = re.escape(delimiter) + r"\r\n"
    field = rf"""(?:"(?:[^"]++|"")*+"(?=[{separators}]|\Z)|[^"{separators}][^{separators}]*+|)"""
    found = re.match(rf"[\r\n]*+{field}(?:{re.escape(delimiter)}{field})*+(?:\r\n|\n|\r|\Z)", text)
    if found is None or not found.group().strip("\r\n") or (found.end() == len(text) and not ended):
        return None
    return found.group()


def _delimiter(path: Path, text: str) -> str:
    """The delimiter that gives the widest header whose width the records after it have."""
    best, score = ("\t" if suffix(path) in (".tsv", ".tab") else ","), (False, 1)
    for delimiter in _DELIMITERS:
        widths = _widths(text, delimiter)
        if widths and widths[0] > 1:
            fits = all(width == widths[0] for width in widths)
            if (fits, widths[0]) > score:
                best, score = delimiter, (fits, widths[0])
    return best


def _widths(text: str, delimiter: str) -> list[int]:
    """How many fields the first records have; the last, which may be cut, only if it is the only one."""
    records = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    widths = []
    with long_fields():
        for fields in records:
            if fields:
                widths.append(len(fields))
            if len(widths) > _SNIFFED_RECORDS:
                break
    return widths[:-1] if len(widths) > 1 and not text.endswith(("\n", "\r")) else widths


def _check_text(path: Path, record: str) -> None:
    if "\ufffd" in record:
        raise InputUnreadable(
            f"{path}: line 1 is not UTF-8. {SAFE} Convert the file, for instance with "
            f"`iconv -f WINDOWS-1252 -t UTF-8 {path.name}`."
        )
    if "\0" in record:
        raise InputUnreadable(f"{path}: line 1 has a NUL byte. {SAFE} Save the file as UTF-8 text.")


def _too_long(path: Path) -> InputUnreadable:
    return InputUnreadable(
        f"{path}: line 1 is longer than {MAX_LINE_BYTES:,} bytes. {SAFE} See whether it has line ends at all, and "
        "whether a quote in it is never closed."
    )


def _no_header(path: Path, start: bytes) -> InputUnreadable:
    if not start.strip(b"\r\n"):
        return InputUnreadable(
            f"{path} is empty, without even a header. {SAFE} See whether whatever writes it has finished."
        )
    return InputUnreadable(
        f"{path}: line 1 has a quote that is never closed, or text between a closing quote and the next field. {SAFE} "
        'Write a quote inside a quoted field twice (""), and close each field that begins with one.'
    )
