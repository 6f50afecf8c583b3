"""Arrow files (Feather 2) and streams: spilled batch by batch, because a stream can be read only once.

Which types arrive as they are is decided in `typed`.
"""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa

from dataeng_assets.quality.inputs.files import ByteStream, compression, head, uncompressed, unpack
from dataeng_assets.quality.inputs.opened import SAFE, Input, InputUnreadable
from dataeng_assets.quality.inputs.text import Bytes
from dataeng_assets.quality.inputs.typed import Rows, open_rows

_SLICE_ROWS = 65_536
FILE_MAGIC = b"ARROW1"


def open_arrow(where: str, paths: Sequence[Path], connection: duckdb.DuckDBPyConnection) -> Input:
    """Open Arrow files or streams of one schema.

    Raises:
        InputUnreadable: one is cut or damaged, they differ, or a type has no counterpart.
    """
    return open_rows(where, paths, connection, _rows)


@contextmanager
def _rows(path: Path) -> Iterator[Rows]:
    with ExitStack() as held, _damaged(path):
        if head(path, len(FILE_MAGIC)) == FILE_MAGIC:
            reader = pa.ipc.open_file(held.enter_context(pa.OSFile(str(_plain(path, held)), "rb")))
            yield Rows(reader.schema, _slices(map(reader.get_batch, range(reader.num_record_batches))))
        else:
            stream = _Ended(held.enter_context(uncompressed(path)))
            batches = pa.ipc.open_stream(stream)
            yield Rows(batches.schema, _slices(batches))
            if not stream.ended:
                raise _cut(path)


def _plain(path: Path, held: ExitStack) -> Path:
    """The file, or what is in it if it is compressed: its directory is at its end."""
    if compression(path) is None:
        return path
    folder = held.enter_context(tempfile.TemporaryDirectory(prefix="dataeng-input-"))
    return unpack(path, Path(folder, "unpacked"))


def _slices(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for start in range(0, batch.num_rows, _SLICE_ROWS):
            yield batch.slice(start, _SLICE_ROWS)


class _Ended(Bytes):
    """A stream that knows whether the mark of its end was read: a cut between two batches shows by nothing else."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._last = b""

    @property
    def ended(self) -> bool:
        """Whether a message of no length was the last that was read."""
        return self._last.endswith(b"\0\0\0\0")

    def read(self, size: int = -1) -> bytes:
        """The next bytes; none at the end."""
        given = self._stream.read(size)
        self._last = given[-8:]
        return given


@contextmanager
def _damaged(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, EOFError) as error:
        raise _cut(path, type(error).__name__) from None


def _cut(path: Path, found: str = "its end mark is missing") -> InputUnreadable:
    return InputUnreadable(
        f"{path} begins as Arrow and cannot be read to its end ({found}): it is cut or damaged. {SAFE} Copy it again, "
        "or see whether whatever writes it has finished and closed it."
    )
