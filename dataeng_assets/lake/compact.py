"""Making many small files few, one process at a time: two at once would write every row twice.

delta-rs lets a compaction commit beside another one that has already replaced the same files, whatever properties the
commit carries (since its pull request 3982). So whoever compacts takes a lease first, in the table's own transactions.
Which files are worth it, and when, is the caller's.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import timedelta

from deltalake import CommitProperties, DeltaTable

from dataeng_assets.lake import encoding
from dataeng_assets.lake.append import ProgressGoesBack, Superseded, append, progress
from dataeng_assets.lake.strict import table_schema

LEASE = timedelta(days=1)
"""Void after it is a lease that a killed process never gave back. Far longer than any compaction takes."""
WATCHED = timedelta(minutes=30)
"""Void after it is a brief lease, for a process that has seen it held all the time."""
_COMMIT_RETRIES = 100  # each commit of a writer meanwhile takes one
_APP = "v1/compaction"
"""Its number is the moment in milliseconds, doubled, plus one while the lease is held: it only grows."""
_BRIEF = "v1/compaction/brief"
"""The same of a brief lease. Who takes it moves the other name as well, so that of two who take any one is refused."""
_seen: dict[str, tuple[int, float]] = {}  # by table, the brief lease that another holds, and since when it was seen


def compact(
    table: DeltaTable,
    *,
    partition: Sequence[tuple[str, str, str | list[str]]] | None = None,
    target_bytes: int | None = None,
    commit_every: timedelta | None = None,
    brief: bool = False,
) -> int:
    """Rewrite small files into large ones; rows, progress and change feed stay as they are.

    Safe beside writers and readers: a writer that replaces the same rows makes this one fail, and nothing is written.

    Args:
        table: afterwards on the version that was written.
        partition: only files of these partitions, as conditions of column, `=` or `in`, and a value or values.
        target_bytes: of a file; the table's setting when None.
        commit_every: what is done so far is committed this often; all of it at the end when None.
        brief: it takes seconds. If this process is killed, others that compact briefly wait half an hour, not a day.

    Returns:
        How many files were replaced; 0 too when another process is compacting the table.

    Raises:
        deltalake.exceptions.CommitFailedError: rows were replaced meanwhile; nothing was written.
    """
    lease = _take(table, brief=brief)
    if lease is None:
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
        _give_back(table, _BRIEF if brief else _APP, lease)
    return int(done["numFilesRemoved"])


def _take(table: DeltaTable, *, brief: bool = False) -> int | None:
    """The lease, ours now, with the table on a version that has every earlier compaction; None when it is another's."""
    table.update_incremental()
    last, last_brief, now = progress(table, _APP) or 0, progress(table, _BRIEF) or 0, _milliseconds()
    if _holds(last, now) or (_holds(last_brief, now) and not (brief and _watched_out(table, last_brief))):
        return None
    number = _after(last, now)
    taken = {_APP: number, _BRIEF: _after(last_brief, now) + 1} if brief else {_APP: number + 1}
    try:
        _note(table, taken)
    except (Superseded, ProgressGoesBack):
        return None  # another process has just taken it
    return taken[_BRIEF if brief else _APP]


def _holds(number: int, now: int) -> bool:
    return number % 2 == 1 and now - number // 2 < LEASE // timedelta(milliseconds=1)


def _after(last: int, now: int) -> int:
    return max(now, last // 2 + 1) * 2


def _watched_out(table: DeltaTable, number: int) -> bool:
    """Whether its holder is gone: this process has watched it for long, by a clock that rests while the host does."""
    known, since = _seen.get(str(table.metadata().id), (0, 0.0))
    if known != number:
        _seen[str(table.metadata().id)] = number, time.monotonic()
        return False
    return time.monotonic() - since >= WATCHED.total_seconds()


def _give_back(table: DeltaTable, name: str, lease: int) -> None:
    table.update_incremental()
    if progress(table, name) == lease:  # else it was void, and is another's
        _note(table, {name: lease + 1})


def _note(table: DeltaTable, numbers: Mapping[str, int]) -> None:
    append(table, table_schema(table).empty_table(), transactions=numbers)


def _milliseconds() -> int:
    return time.time_ns() // 1_000_000
