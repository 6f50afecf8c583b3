"""Making many small files few, one process at a time: two at once would write every row twice.

delta-rs lets a compaction commit beside another one that has already replaced the same files, whatever properties the
commit carries (since its pull request 3982). So whoever compacts takes a lease first, in the table's own transactions.
Which files are worth it, and when, is the caller's.
"""

import time
from collections.abc import Sequence
from datetime import timedelta

from deltalake import CommitProperties, DeltaTable

from dataeng_assets.lake import encoding
from dataeng_assets.lake.append import ProgressGoesBack, Superseded, append, progress
from dataeng_assets.lake.strict import table_schema

LEASE = timedelta(days=1)
"""Void after it is a lease that a killed process never gave back. Far longer than any compaction takes."""
_COMMIT_RETRIES = 100  # each commit of a writer meanwhile takes one
_APP = "v1/compaction"
"""Its number is the moment in milliseconds, doubled, plus one while the lease is held: it only grows."""


def compact(
    table: DeltaTable,
    *,
    partition: Sequence[tuple[str, str, str | list[str]]] | None = None,
    target_bytes: int | None = None,
    commit_every: timedelta | None = None,
) -> int:
    """Rewrite small files into large ones; rows, progress and change feed stay as they are.

    Safe beside writers and readers: a writer that replaces the same rows makes this one fail, and nothing is written.

    Args:
        table: afterwards on the version that was written.
        partition: only files of these partitions, as conditions of column, `=` or `in`, and a value or values.
        target_bytes: of a file; the table's setting when None.
        commit_every: what is done so far is committed this often; all of it at the end when None.

    Returns:
        How many files were replaced; 0 too when another process is compacting the table.

    Raises:
        deltalake.exceptions.CommitFailedError: rows were replaced meanwhile; nothing was written.
    """
    if not _take(table):
        return 0
    try:
        done = table.optimize.compact(
            partition_filters=list(partition or ()) or None,
            target_size=target_bytes,
            max_concurrent_tasks=1,  # the bound of memory
            min_commit_interval=commit_every,
            writer_properties=encoding.COMPACTED,
            commit_properties=CommitProperties(max_commit_retries=_COMMIT_RETRIES),
        )
    finally:
        _give_back(table)
    return int(done["numFilesRemoved"])


def _take(table: DeltaTable) -> bool:
    """Whether the lease is ours now; the table is then on a version that has every earlier compaction."""
    table.update_incremental()
    last, now = progress(table, _APP) or 0, _milliseconds()
    if last % 2 and now - last // 2 < LEASE // timedelta(milliseconds=1):
        return False
    try:
        _note(table, max(now, last // 2 + 1) * 2 + 1)
    except (Superseded, ProgressGoesBack):
        return False  # another process has just taken it
    return True


def _give_back(table: DeltaTable) -> None:
    table.update_incremental()
    _note(table, (progress(table, _APP) or 0) + 1)


def _note(table: DeltaTable, number: int) -> None:
    append(table, table_schema(table).empty_table(), transactions={_APP: number})


def _milliseconds() -> int:
    return time.time_ns() // 1_000_000
