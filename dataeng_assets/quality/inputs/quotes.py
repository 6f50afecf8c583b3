"""Where the quoted fields of delimited text begin and end, and which of them do not end where they should.

Parsers disagree on text after a closing quote and take a quote that is never closed for the rest of the file; here both
are found. Which line that is belongs in `guard`.
"""

import re

MAX_LINE_BYTES = 4 * 1024 * 1024


class BadQuote(Exception):
    """A quote that cannot stand where it does, some lines after the start of what was carried."""

    def __init__(self, lines: int) -> None:
        self.lines = lines
        super().__init__(lines)


class Quotes:
    """Where quoted fields begin and end, over pieces of any length.

    A quote inside a field that does not begin with one means itself, as in `5" pipe`.
    """

    def __init__(self, delimiter: str) -> None:
        separators = re.escape(delimiter.encode()) + rb"\r\n"
        field = rb'"(?:[^"]++|"")*+"(?=[' + separators + rb"])"
        self._fields = re.compile(rb"(?:[^\"]*+(?<![^" + separators + rb"])" + field + rb")*+[^\"]*+")
        self._separator = re.compile(rb"[" + separators + rb"]")
        self._open = re.compile(rb'"(?:[^"]++|"")*+"?')
        self._separators = frozenset((delimiter.encode(), b"\r", b"\n"))
        self._carried = b""

    @property
    def carried_lines(self) -> int:
        """How many line ends are in what was not decided yet."""
        return self._carried.count(b"\n")

    def feed(self, piece: bytes) -> None:
        """Look at the next bytes.

        Raises:
            BadQuote: a quoted field is followed by other text.
        """
        text = self._carried + piece
        at = 0
        while True:
            at = self._fields.match(text, at).end()  # type: ignore[union-attr]  # it matches the empty text
            if at == len(text):
                self._carried = b"" if text[-1:] in self._separators else b"x"
                return
            if at and text[at - 1 : at] not in self._separators:
                ends = self._separator.search(text, at)
                if ends is None:
                    self._carried = b"x"
                    return
                at = ends.start()
                continue
            break
        if self._open.fullmatch(text, at) is None or len(text) - at > MAX_LINE_BYTES:
            raise BadQuote(text.count(b"\n", 0, at))
        self._carried = text[at:]

    def finish(self) -> None:
        """Say that there are no more bytes.

        Raises:
            BadQuote: a quoted field was not closed.
        """
        self.feed(b"\n")
        if self._carried:
            raise BadQuote(0)
