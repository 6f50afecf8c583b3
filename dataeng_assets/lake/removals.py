"""Which commits removed rows from a table, by its log, and what stood in the files that they removed.

Compaction removes files and no rows, and is not among them. Whether rows that are gone may be gone is the caller's to
say. What commits appended belongs in `changes`.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq
from deltalake import DeltaTable
from deltalake.fs import DeltaStorageHandler

from dataeng_assets.lake.changes import ChangesGone
from dataeng_assets.lake.location import Lake


@dataclass(frozen=True)
class Removal:
    """One commit that removed rows, or wrote them anew.

    Attributes:
        operation: as the writer called it, such as RESTORE, DELETE or WRITE.
        files: paths of the removed files, below the table.
        app_ids: of the transactions that the commit carries.
    """

    version: int
    operation: str
    at: datetime | None
    files: tuple[str, ...]
    app_ids: frozenset[str]


def removals(lake: Lake, table: DeltaTable, after: int) -> list[Removal]:
    """The commits that removed rows, after a version and up to that of the handle. Reads one small file per commit.

    Raises:
        ChangesGone: the log of one of these versions was cleaned up.
    """
    files = _files(lake, table)
    found = []
    for version in range(after + 1, table.version() + 1):
        try:
            with files.open_input_stream(f"_delta_log/{version:020}.json") as stream:
                commit = stream.read()
        except FileNotFoundError as error:
            raise ChangesGone(
                f"{table.table_uri} no longer tells what version {version} did. The table itself is safe."
            ) from error
        # most commits only add, and need not be parsed
        if b'"remove"' in commit and (removal := _removal(version, commit)):
            found.append(removal)
    return found


def removed_rows(
    lake: Lake, table: DeltaTable, removed: Sequence[Removal], schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    """The rows of the removed files, a row group at a time, in these columns; one that a file lacks is null.

    Raises:
        ChangesGone: a file is no longer there.
    """
    files = _files(lake, table)
    for path in dict.fromkeys(path for one in removed for path in one.files):
        try:
            source = files.open_input_file(path)
        except FileNotFoundError as error:
            raise ChangesGone(
                f"{table.table_uri} no longer has the file {path}, whose rows were removed. The table itself is safe."
            ) from error
        with pq.ParquetFile(source) as file:
            names = [name for name in schema.names if name in file.schema_arrow.names]
            for batch in file.iter_batches(columns=names):
                yield _in_schema(batch, schema)


def _in_schema(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    columns = [
        batch.column(column.name).cast(column.type)
        if column.name in batch.schema.names
        else pa.nulls(batch.num_rows, column.type)
        for column in schema
    ]
    return pa.record_batch(columns, schema=schema)


def _removal(version: int, commit: bytes) -> Removal | None:
    actions = _actions(commit)
    removes = [action["remove"] for action in actions if "remove" in action]
    paths = tuple(unquote(remove["path"]) for remove in removes if remove.get("dataChange", True))
    if not paths:
        return None
    info = next((action["commitInfo"] for action in actions if "commitInfo" in action), {})
    moment = info.get("timestamp")
    return Removal(
        version,
        str(info.get("operation", "unknown")),
        datetime.fromtimestamp(moment / 1000, UTC) if moment else None,
        paths,
        frozenset(action["txn"]["appId"] for action in actions if "txn" in action),
    )


def _actions(commit: bytes) -> list[dict[str, dict[str, Any]]]:
    return [json.loads(line) for line in commit.splitlines() if line.strip()]


def _files(lake: Lake, table: DeltaTable) -> pafs.FileSystem:
    return pafs.PyFileSystem(DeltaStorageHandler(table.table_uri, dict(lake.options)))
