"""The text of a CSV on its way to the parser: everything that the parser would let pass or complain of without a place.

Checked as it streams by: the encoding, NUL bytes, the length of lines, quotes that are never closed or closed inside a
field. Every complaint names the line. What the text means belongs in `delimited`.
"""

import codecs
from pathlib import Path

from dataeng_assets.quality.inputs.files import ByteStream
from dataeng_assets.quality.inputs.opened import SAFE, InputUnreadable
from dataeng_assets.quality.inputs.quotes import MAX_LINE_BYTES, BadQuote, Quotes
from dataeng_assets.quality.inputs.text import Bytes


class Guard(Bytes):
    """A stream of UTF-8 CSV that refuses what could not be read for certain.

    Args:
        stream: begins at the start of a record.
        name: the file, for messages.
        delimiter: between fields.
        line: number of the first line.
        offset: how many bytes were before it.
    """

    def __init__(self, stream: ByteStream, name: Path, delimiter: str, line: int, offset: int) -> None:
        self._stream, self._name, self._line, self._offset = stream, name, line, offset
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._since_newline = 0
        self._quotes = Quotes(delimiter)

    def read(self, size: int = -1) -> bytes:
        """The next bytes, as many as asked for unless these are the last; the parser needs whole blocks."""
        parts = []
        while size and (piece := self._stream.read(size)):
            self._check(piece)
            parts.append(piece)
            size -= len(piece)
        if size:
            self._finish()
        return b"".join(parts)

    def _check(self, piece: bytes) -> None:
        self._check_bytes(piece)
        first = piece.find(b"\n")
        self._since_newline += len(piece) if first < 0 else first
        if self._since_newline > MAX_LINE_BYTES:
            raise self._refused(
                self._line, f"is longer than {MAX_LINE_BYTES:,} bytes", "See whether it has line ends at all."
            )
        if first >= 0:
            self._since_newline = len(piece) - piece.rfind(b"\n") - 1
        self._check_quotes(piece)
        self._line += piece.count(b"\n")
        self._offset += len(piece)

    def _check_bytes(self, piece: bytes) -> None:
        pending = len(self._decoder.getstate()[0])
        try:
            self._decoder.decode(piece)
        except UnicodeDecodeError as error:
            at = error.start - pending
            raise self._not_utf8(self._line + piece.count(b"\n", 0, max(at, 0)), self._offset + at) from None
        nul = piece.find(b"\0")
        if nul >= 0:
            line = self._line + piece.count(b"\n", 0, nul)
            raise self._refused(
                line,
                f"has a NUL byte (byte {self._offset + nul:,} of the file)",
                "Remove it, as with `tr -d '\\000'`; where every second byte is one, the file is UTF-16: save it as "
                "UTF-8.",
            )

    def _check_quotes(self, piece: bytes) -> None:
        before = self._quotes.carried_lines
        try:
            self._quotes.feed(piece)
        except BadQuote as bad:
            raise self._bad_quote(self._line - before + bad.lines) from None

    def _finish(self) -> None:
        if self._decoder.getstate()[0]:
            raise self._not_utf8(self._line, self._offset)
        before = self._quotes.carried_lines
        try:
            self._quotes.finish()
        except BadQuote as bad:
            raise self._bad_quote(self._line - before + bad.lines) from None

    def _bad_quote(self, line: int) -> InputUnreadable:
        return self._refused(
            line,
            "has a quote that is never closed, or text between a closing quote and the next field",
            'Write a quote inside a quoted field twice (""), and close each field that begins with one.',
        )

    def _not_utf8(self, line: int, offset: int) -> InputUnreadable:
        return self._refused(
            line,
            f"is not UTF-8 (byte {offset:,} of the file)",
            f"Convert the file, for instance with `iconv -f WINDOWS-1252 -t UTF-8 {self._name.name}`, if it has one "
            "encoding throughout; correct the line if it alone has another.",
        )

    def _refused(self, line: int, problem: str, way_on: str) -> InputUnreadable:
        return InputUnreadable(f"{self._name}: line {line:,} {problem}. {SAFE} {way_on}")
