"""The lines of a log file, in bounded memory, compressed or not. What they mean belongs in `judge`."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

LONGEST_LINE = 64 * 1024
"""Characters of a line that are looked at; what follows in the line is passed over."""
_BLOCK = 1024 * 1024
_PROBE = 8 * 1024
_MAGIC = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\x00": lzma.open}
_ZSTD = b"\x28\xb5\x2f\xfd"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class LogRefused(Exception):
    """A file that is no log, or cannot be read; says why, and what to do."""


def lines(path: Path) -> Iterator[str]:
    """The lines of a log without their ends; compressed by gzip, bzip2, xz or zstd or not at all.

    Bytes that are no UTF-8 are replaced. Memory follows the longest line, up to `LONGEST_LINE`.

    Raises:
        LogRefused: there is no such file, it may not be read, it is empty or binary, or its compression is broken.
    """
    try:
        with _opened(path) as file:
            begin = file.read(_PROBE)
            _refuse_binary(path, begin)
            yield from _split(file, begin)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise LogRefused(f"{path} cannot be read: {said}. What was read before that is told.") from error


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    if not path.is_file():
        what = "is a folder: name one file in it" if path.is_dir() else "is not there"
        raise LogRefused(f"{path} {what}.")
    with path.open("rb") as file:
        magic = file.read(6)
    if magic.startswith(_ZSTD):
        import pyarrow as pa

        # unlike others it tells a stream that was cut off
        unpacked: Any = pa.CompressedInputStream(str(path), "zstd")
        with unpacked as file:
            yield file
        return
    compressed: Any = next((open_ for sign, open_ in _MAGIC.items() if magic.startswith(sign)), None)
    with compressed(path, "rb") if compressed else path.open("rb") as file:
        yield file


def _refuse_binary(path: Path, begin: bytes) -> None:
    if not begin:
        raise LogRefused(f"{path} is empty: there is nothing to look at.")
    if begin.startswith(_UTF16):
        raise LogRefused(f"{path} is UTF-16. Make it UTF-8 first: iconv -f UTF-16 -t UTF-8 {path}")
    if b"\0" in begin:
        raise LogRefused(
            f"{path} is binary, not a log. Name a text file, or one compressed by gzip, bzip2, xz or zstd."
        )


def _split(file: IO[bytes], begin: bytes) -> Iterator[str]:
    """Lines of bounded length: of a longer one the rest is read and dropped."""
    rest, is_cut = b"", False
    block = begin
    while block:
        *whole, tail = (rest + block).split(b"\n")
        for line in whole:
            if not is_cut:
                yield _text(line)
            is_cut = False
        if is_cut:
            tail = b""
        elif len(tail) > LONGEST_LINE:
            yield _text(tail)
            tail, is_cut = b"", True
        rest, block = tail, file.read(_BLOCK)
    if rest:
        yield _text(rest)


def _text(line: bytes) -> str:
    return line[:LONGEST_LINE].decode("utf-8", "replace").rstrip("\r")
