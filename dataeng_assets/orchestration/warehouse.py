"""The DuckDB file: who may open it, and how people read it without locking anyone out.

DuckDB lets nobody read beside a writer. Writers and the gold publisher hold an exclusive lock on a file beside the
warehouse (inside Dagster the pool `duckdb` comes before it). Readers never open the warehouse: they get a copy that is
made under a shared lock when no writer is at work, and the last copy while one is.
"""

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

POOL = "duckdb"


@contextmanager
def exclusively(warehouse: Path) -> Iterator[Path]:
    """Wait for the warehouse and keep everyone else out for as long as the block runs."""
    warehouse.parent.mkdir(parents=True, exist_ok=True)
    with _lock_file(warehouse).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield warehouse


def readable_copy(warehouse: Path) -> tuple[Path, datetime] | None:
    """A copy of the warehouse that nobody writes to.

    Returns:
        The copy and the instant whose state it holds; None when there is no warehouse yet. While a writer is at work
        it is the last copy made, if there is one; else this waits for the writer.
    """
    copy = warehouse.with_suffix(".copy.duckdb")
    if not warehouse.exists() and not copy.exists():
        return None
    with _lock_file(warehouse).open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | (fcntl.LOCK_NB if copy.exists() else 0))
        except BlockingIOError:
            return copy, changed_at(copy)
        if not copy.exists() or changed_at(warehouse) > changed_at(copy):
            _copy(warehouse, copy)
        return copy, changed_at(copy)


def changed_at(path: Path) -> datetime:
    """When a file was written last, in microseconds: what file systems count below that is no difference."""
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _copy(warehouse: Path, copy: Path) -> None:
    fresh = copy.with_suffix(".new")
    shutil.copy2(warehouse, fresh)
    log = Path(f"{warehouse}.wal")
    if log.exists():
        shutil.copy2(log, Path(f"{copy}.wal"))
    else:
        Path(f"{copy}.wal").unlink(missing_ok=True)
    fresh.replace(copy)


def _lock_file(warehouse: Path) -> Path:
    return warehouse.with_suffix(".lock")
