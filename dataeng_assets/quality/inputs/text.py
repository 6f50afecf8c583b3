"""The bytes of a text file as UTF-8 without a byte order mark.

Whether they are UTF-8 is found in `guard`, what they mean in `delimited` and `json_rows`.
"""

import codecs
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from dataeng_assets.quality.inputs.files import ByteStream, read_fully, uncompressed
from dataeng_assets.quality.inputs.formats import BOMS
from dataeng_assets.quality.inputs.opened import SAFE, InputUnreadable

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer


class Bytes(io.RawIOBase):
    """A stream that is defined by `read`."""

    def readable(self) -> bool:
        """Whether it can be read."""
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Fill a buffer, as far as there are bytes."""
        view = memoryview(buffer)
        given = self.read(len(view)) or b""
        view[: len(given)] = given
        return len(given)


class Joined(Bytes):
    """Bytes that were read already, and the stream that they were read from."""

    def __init__(self, start: bytes, stream: ByteStream) -> None:
        self._start, self._stream = start, stream

    def read(self, size: int = -1) -> bytes:
        """The next bytes; none at the end."""
        if not self._start:
            return self._stream.read(size)
        cut = len(self._start) if size < 0 else size
        given, self._start = self._start[:cut], self._start[cut:]
        return given


class Recoded(Bytes):
    """Bytes of a stream in another encoding, as UTF-8."""

    def __init__(self, stream: ByteStream, encoding: str, name: Path) -> None:
        self._stream, self._encoding, self._name = stream, encoding, name
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._ready = b""
        self._lines = 1
        self._ended = False

    def read(self, size: int = -1) -> bytes:
        """The next bytes; none at the end."""
        while not self._ready and not self._ended:
            piece = self._stream.read(size)
            self._ended = not piece
            try:
                text = self._decoder.decode(piece, final=self._ended)
                self._ready = text.encode()
            except UnicodeError:
                raise InputUnreadable(
                    f"{self._name} begins as {self._encoding.upper()} and is something else in line {self._lines:,} or "
                    f"soon after. {SAFE} Write it again, as UTF-8."
                ) from None
            self._lines += text.count("\n")
        cut = len(self._ready) if size < 0 else size
        given, self._ready = self._ready[:cut], self._ready[cut:]
        return given


@contextmanager
def utf8(path: Path) -> Iterator[tuple[ByteStream, int]]:
    """The text as UTF-8 without its byte order mark, and how many bytes that mark has."""
    with uncompressed(path) as stream:
        start = read_fully(stream, 4)
        for mark, encoding in BOMS:
            if start.startswith(mark):
                rest = Joined(start[len(mark) :], stream)
                yield (rest if encoding == "utf-8" else Recoded(rest, encoding, path)), len(mark)
                return
        yield Joined(start, stream), 0
