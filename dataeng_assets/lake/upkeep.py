"""Keeping tables small and quick to open: checkpoints, and removing files that no version within retention needs.

Nothing here changes a row. Dropping versions on purpose, such as erasing a person, does not belong here.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta

import pyarrow.fs as pafs
from deltalake import DeltaTable
from deltalake.fs import DeltaStorageHandler

from dataeng_assets.lake.location import Lake, TableMissing

RETENTION = timedelta(days=7)
"""How long a file outlives the version that dropped it. Longer than any run may take: a run reads pinned versions."""
COMMITS_BETWEEN_CHECKPOINTS = 20


@dataclass(frozen=True)
class Upkeep:
    """What was done to one table.

    Attributes:
        expired: files that the dry run found.
        removed: files that were removed.
        bytes: how long those were.
        checkpointed: whether a checkpoint was written.
    """

    key: tuple[str, ...]
    expired: int
    removed: int
    bytes: int
    checkpointed: bool


def tend(lake: Lake, key: Sequence[str], *, retention: timedelta = RETENTION, keep: Collection[int] = ()) -> Upkeep:
    """Write a checkpoint when commits have gathered, drop the log's expired part, and remove expired files.

    Safe beside readers and writers: a file is removed when no version that was the newest within the retention needs
    it, or when it belongs to no version and is older than that.

    Args:
        lake: where the table is.
        key: the table.
        retention: at least `RETENTION`.
        keep: versions whose files stay, however old; one that the log no longer tells of is passed over.

    Raises:
        ValueError: the retention is too short.
        TableMissing: the table is not there.
    """
    if retention < RETENTION:
        raise ValueError(
            f"A retention of {retention} is shorter than {RETENTION}: runs may still read the files that would go. "
            "Nothing was removed."
        )
    table = lake.open(key)
    checkpointed = _checkpoint(lake, table)
    hours = int(retention.total_seconds() // 3600)
    versions = [version for version in sorted(set(keep)) if _is_told(lake, key, version)]
    expired = table.vacuum(hours, dry_run=True, full=True, keep_versions=versions)
    removed = table.vacuum(hours, dry_run=False, full=True, keep_versions=versions) if expired else []
    size = _bytes_removed(table) if removed else 0
    return Upkeep(tuple(key), len(expired), len(removed), size, checkpointed)


def _is_told(lake: Lake, key: Sequence[str], version: int) -> bool:
    try:
        lake.open(key, version)
    except TableMissing:
        return False
    return True


def _checkpoint(lake: Lake, table: DeltaTable) -> bool:
    """Write one when commits have gathered since the last, and drop what of the log is past its own retention."""
    if commits_since_checkpoint(lake, table) < COMMITS_BETWEEN_CHECKPOINTS:
        return False
    table.create_checkpoint()
    table.cleanup_metadata()
    return True


def commits_since_checkpoint(lake: Lake, table: DeltaTable) -> int:
    """How many commits a reader of the handle's version opens beside the last checkpoint."""
    return int(table.version()) - _last_checkpoint(lake, table)


def checkpoint(lake: Lake, key: Sequence[str]) -> int:
    """Write a checkpoint of a table's newest version; which version that is. Nothing else is changed or removed.

    Raises:
        TableMissing: the table is not there.
    """
    table = lake.open(key)
    table.create_checkpoint()
    return int(table.version())


def _last_checkpoint(lake: Lake, table: DeltaTable) -> int:
    files = pafs.PyFileSystem(DeltaStorageHandler(table.table_uri, dict(lake.options)))
    try:
        with files.open_input_stream("_delta_log/_last_checkpoint") as pointer:
            return int(json.loads(pointer.read())["version"])
    except FileNotFoundError:
        return -1


def _bytes_removed(table: DeltaTable) -> int:
    """As the vacuum that has just ended wrote into the table's history."""
    for commit in table.history(limit=5):
        if commit["operation"] == "VACUUM START":
            return int(commit["operationMetrics"]["sizeOfDataToDelete"])
    return 0
