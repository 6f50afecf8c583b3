"""How a table lies on the disk: its files and their sizes, and files that belong to no version of it.

Nothing is changed here. Merging files belongs in `compact`, removing them in `upkeep`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median
from typing import Any

import pyarrow as pa
import pyarrow.fs as pafs
from deltalake import DeltaTable
from deltalake.fs import DeltaStorageHandler

from dataeng_assets.lake.append import TARGET_FILE_BYTES
from dataeng_assets.lake.location import Lake

SMALL_BYTES = TARGET_FILE_BYTES // 4
"""Opening a file of less costs a reader more than reading it."""
ORPHANED_AFTER = timedelta(days=1)
"""A file in no version that is younger may be one that a writer is about to commit."""


@dataclass(frozen=True)
class Files:
    """What lies at a table's place.

    Attributes:
        files: of the newest version.
        small: of these, shorter than `SMALL_BYTES`.
        orphans: files in no version, left by writers that were killed or refused.
    """

    files: int
    bytes: int
    median_bytes: int
    small: int
    orphans: int
    orphan_bytes: int


def look(lake: Lake, key: Sequence[str], *, now: datetime | None = None) -> Files:
    """Count a table's files.

    Args:
        lake: where the table is.
        key: the table.
        now: by which a file's age is told.

    Raises:
        TableMissing: it is not there.
    """
    table = lake.open(key)
    sizes = list(file_sizes(table))
    orphans = _orphans(lake, table, now or datetime.now(UTC))
    return Files(
        files=len(sizes),
        bytes=sum(sizes),
        median_bytes=int(median(sizes)) if sizes else 0,
        small=sum(size < SMALL_BYTES for size in sizes),
        orphans=len(orphans),
        orphan_bytes=sum(orphans),
    )


def file_sizes(table: DeltaTable) -> Iterable[int]:
    """Bytes of each file of the handle's version."""
    sizes: list[Any] = pa.table(table.get_add_actions(flatten=True))["size_bytes"].to_pylist()
    return sizes


def newest_files(table: DeltaTable, most_rows: int) -> tuple[frozenset[str], int]:
    """Names of the newest files that have so many rows together, and how many that are; one file at least.

    Merged files are as old as their merging. A file whose rows nobody has counted is taken and counts as none.

    Args:
        table: at the version that is meant.
        most_rows: no further file is taken when it would be more.
    """
    actions = pa.table(table.get_add_actions(flatten=True)).sort_by([("modification_time", "descending")])
    names: set[str] = set()
    rows = 0
    for path, count in zip(actions["path"].to_pylist(), actions["num_records"].to_pylist(), strict=True):
        if names and rows + (count or 0) > most_rows:
            break
        names.add(str(path).rpartition("/")[2])
        rows += count or 0
    return frozenset(names), rows


def small_files_by(table: DeltaTable, partition: str) -> dict[Any, int]:
    """How many small files each value of a partition column has, in the handle's version."""
    sizes = sizes_by(table, partition)
    return {
        value: sum(size < SMALL_BYTES for size in found) for value, found in sizes.items() if min(found) < SMALL_BYTES
    }


def sizes_by(table: DeltaTable, partition: str) -> dict[Any, list[int]]:
    """Bytes of each file of the handle's version, by the value of a partition column."""
    actions = pa.table(table.get_add_actions(flatten=True))
    values: list[Any] = actions[f"partition.{partition}"].to_pylist()
    bytes_: list[Any] = actions["size_bytes"].to_pylist()
    sizes: dict[Any, list[int]] = {}
    for value, size in zip(values, bytes_, strict=True):
        sizes.setdefault(value, []).append(size)
    return sizes


def _orphans(lake: Lake, table: DeltaTable, now: datetime) -> list[int]:
    """Bytes of each old file that no version needs: all that lies there, less what versions hold or held."""
    unused = table.vacuum(0, dry_run=True, enforce_retention_duration=False, full=True)
    dropped = set(table.vacuum(0, dry_run=True, enforce_retention_duration=False, full=False))
    candidates = [path for path in unused if path not in dropped]
    if not candidates:
        return []
    place = pafs.PyFileSystem(DeltaStorageHandler(str(table.table_uri), dict(lake.options)))
    found = place.get_file_info(candidates)
    before = now - ORPHANED_AFTER
    return [info.size or 0 for info in found if info.is_file and info.mtime is not None and info.mtime < before]
