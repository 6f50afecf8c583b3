"""Files on disk: which ones an address means, and their bytes without compression.

What a file's bytes mean belongs in `formats`.
"""

import glob
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, Protocol

import pyarrow as pa

from dataeng_assets.quality.inputs.opened import SAFE, InputUnreadable

Compression = Literal["gzip", "zstd"]
COMPRESSIONS: dict[str, Compression] = {".gz": "gzip", ".zst": "zstd"}
_MAGIC: dict[bytes, Compression] = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
CHUNK_BYTES = 1 << 20


class ByteStream(Protocol):
    """What bytes are read from."""

    def read(self, size: int = -1, /) -> bytes:
        """The next bytes, at most so many; none at the end."""
        ...


def find_files(where: str) -> tuple[Path, ...]:
    """The files of an address, in order: a file, a glob, or a folder with everything below it.

    Of a folder, what begins with a dot or an underscore is left out, as other tools do: writers leave it beside their
    data.

    Raises:
        InputUnreadable: there is none.
    """
    path = Path(where)
    missing = "is not there"
    files: list[Path] = []
    if path.is_file():
        return (path,)
    if path.is_dir():
        missing = "is a folder without data files"
        files = [below for below in path.rglob("*") if below.is_file() and not _hidden(below.relative_to(path))]
    elif glob.has_magic(where):
        missing = "matches no file"
        # Path.glob would need the part before the pattern taken off
        names = glob.iglob(where, recursive=True)  # noqa: PTH207
        files = [found for found in map(Path, names) if found.is_file()]
    if not files:
        raise InputUnreadable(
            f"{where} {missing}. {SAFE} Name a file, a folder, a glob in quotes, or an address such as "
            "`duckdb:file.duckdb#schema.table`; for a table of this platform use --table."
        )
    return tuple(sorted(files))


def suffix(path: Path) -> str:
    """The extension that tells the format, in lower case, below that of the compression."""
    last = path.suffix.lower()
    return Path(path.stem).suffix.lower() if last in COMPRESSIONS else last


def size(paths: Sequence[Path]) -> int:
    """How many bytes lie on the disk."""
    return sum(path.stat().st_size for path in paths)


def changed(paths: Sequence[Path]) -> str:
    """When the newest was changed, as people and programs read it."""
    newest = max(path.stat().st_mtime for path in paths)
    return datetime.fromtimestamp(newest, UTC).isoformat(timespec="seconds")


def compression(path: Path) -> Compression | None:
    """What a file is compressed with, by its first bytes; None if with nothing that is known."""
    with readable(path), path.open("rb") as file:
        head = file.read(4)
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)


@contextmanager
def uncompressed(path: Path) -> Iterator[ByteStream]:
    """The file's bytes without its compression, to be read from the start.

    Raises:
        InputUnreadable: it cannot be opened, or its compressed stream is cut or damaged.
    """
    kind = compression(path)
    with readable(path):
        if kind is None:
            with path.open("rb") as file:
                yield file
        else:
            with pa.CompressedInputStream(pa.OSFile(str(path), "rb"), kind) as stream:
                yield stream


def unpack(path: Path, target: Path) -> Path:
    """Write the file without its compression to the target, for what has to be read from its end; gives the target."""
    with uncompressed(path) as packed, target.open("wb") as plain:
        while piece := packed.read(CHUNK_BYTES):
            plain.write(piece)
    return target


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Name the file in what the system says of it."""
    try:
        yield
    except OSError as error:
        said = error.strerror or "its compressed stream is cut or damaged"
        raise InputUnreadable(
            f"{path} cannot be read to its end: {said}. {SAFE} See whether the file is there, may be read by you, and "
            "was copied whole."
        ) from None


def head(path: Path, count: int) -> bytes:
    """The first bytes without compression: fewer if there are no more."""
    with uncompressed(path) as stream:
        return read_fully(stream, count)


def read_fully(stream: ByteStream, count: int) -> bytes:
    """As many bytes as asked for, unless the stream ends before."""
    parts = []
    while count > 0 and (part := stream.read(count)):
        parts.append(part)
        count -= len(part)
    return b"".join(parts)


def _hidden(relative: Path) -> bool:
    return any(part.startswith((".", "_")) for part in relative.parts)
