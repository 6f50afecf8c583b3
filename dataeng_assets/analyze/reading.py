"""Which texts are judged: a file, the SQL files of a folder, or standard input.

Reading statements out of a text belongs in `statement`.
"""

import sys
from collections.abc import Iterator
from pathlib import Path


class SourceUnreadable(Exception):
    """Nothing can be read there; the message says why and what would do."""


def texts(source: str) -> list[tuple[str, str]]:
    """The names and texts of what is to be judged.

    Args:
        source: a file, a folder, or `-` for standard input.

    Raises:
        SourceUnreadable: there is no such file, no SQL in the folder, or it is not text.
    """
    if source == "-":
        return [("<stdin>", _decoded("<stdin>", sys.stdin.buffer.read()))]
    path = Path(source)
    if path.is_dir():
        found = [(str(file), _read(file)) for file in _sql_files(path)]
        if not found:
            raise SourceUnreadable(f"There is no .sql file in {path}.")
        return found
    if not path.exists():
        raise SourceUnreadable(f"There is no file {path}. Name a .sql file or a folder, or - for standard input.")
    return [(str(path), _read(path))]


def _sql_files(folder: Path) -> Iterator[Path]:
    yield from sorted(path for path in folder.rglob("*.sql") if path.is_file())


def _read(path: Path) -> str:
    try:
        return _decoded(str(path), path.read_bytes())
    except OSError as error:
        raise SourceUnreadable(f"{path} cannot be read: {error.strerror}.") from None


def _decoded(name: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if b"\0" in content:
            raise SourceUnreadable(f"{name} is binary data, not SQL.") from None
        raise SourceUnreadable(f"{name} is not UTF-8 text: byte {error.start} cannot be read.") from None
