"""How far every app has come in a table, read in one pass over the table's log.

delta-rs answers for one app at a time, and reads each commit since the last checkpoint again for each answer: 4 ms, or
a hundred requests to an object store, times the partitions of a topic. The log never changes, so what was read of it is
kept and only newer commits are read. What a commit may move, and the guard against other writers, belong in `append`.
"""

import json
import threading
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.fs import DeltaStorageHandler

_LOG = "_delta_log"
_TABLES = 64
_known: "OrderedDict[str, tuple[int, Mapping[str, int]]]" = OrderedDict()
_lock = threading.Lock()


class _LogUnreadable(Exception):
    """The log has another form than delta-rs writes, or is being tidied at this moment."""


def transactions(table: DeltaTable) -> Mapping[str, int] | None:
    """The progress of each app, as of the version that the handle is on.

    Returns:
        By app id; None when the log has a form that is not known here, so that delta-rs must be asked.
    """
    version, table_id = table.version(), str(table.metadata().id)
    with _lock:
        before, found = _known.get(table_id, (-1, {}))
    if before == version:
        return found
    try:
        log = _Log(table)
        if before > version or before < 0:
            before, found = log.checkpoint(version)
        found = {**found, **log.since(before, version)}
    except (_LogUnreadable, OSError, KeyError, ValueError, pa.ArrowException):
        return None
    with _lock:
        if _known.get(table_id, (-1, {}))[0] < version:
            _known[table_id] = version, found
        _known.move_to_end(table_id)
        while len(_known) > _TABLES:
            _known.popitem(last=False)
    return found


class _Log:
    """The files of one table's log."""

    def __init__(self, table: DeltaTable) -> None:
        options = dict(table._storage_options or {})  # what the handle was opened with is kept nowhere else
        self._files = pafs.PyFileSystem(DeltaStorageHandler(str(table.table_uri), options))

    def checkpoint(self, version: int) -> tuple[int, dict[str, int]]:
        """The newest checkpoint that is not newer than a version, and what it says; -1 when there is none."""
        try:
            newest = json.loads(self._read(f"{_LOG}/_last_checkpoint"))
        except FileNotFoundError:
            return -1, {}
        at = int(newest["version"])
        if at > version or newest.get("parts") or newest.get("v2Checkpoint"):
            raise _LogUnreadable
        with self._files.open_input_file(f"{_LOG}/{at:020}.checkpoint.parquet") as file:
            rows: list[Any] = pq.read_table(file, columns=["txn"])["txn"].drop_null().to_pylist()
        return at, {str(row["appId"]): int(row["version"]) for row in rows}

    def since(self, before: int, version: int) -> dict[str, int]:
        """What the commits after one and up to another say."""
        found: dict[str, int] = {}
        for number in range(before + 1, version + 1):
            for line in self._read(f"{_LOG}/{number:020}.json").splitlines():
                # most lines are those of files, and long
                said: dict[str, Any] | None = json.loads(line).get("txn") if b'"txn"' in line else None
                if said:
                    found[str(said["appId"])] = int(said["version"])
        return found

    def _read(self, path: str) -> bytes:
        with self._files.open_input_stream(path) as file:
            return file.read()
