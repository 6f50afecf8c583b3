"""Merging the small files that a resident worker makes, on the day that is still open.

Five commits a second make 18,000 files an hour. Once a minute those of each day become few, by size: files of one class
are merged into one of the next when there are enough of them, so that a row is written again a few times and not once a
minute. Days that are closed, and what is merged there, belong in the nightly upkeep.
"""

import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Self

from deltalake.exceptions import CommitFailedError

from dataeng_assets.lake.compact import compact
from dataeng_assets.lake.layout import file_sizes, sizes_by
from dataeng_assets.lake.location import Lake
from dataeng_assets.streams.lease import Lease
from dataeng_assets.streams.stream import EVENT_DATE, Stream

MERGE_EVERY = timedelta(minutes=1)
ENOUGH = 16
"""Files of one class and day that are worth merging. Of each class there are hardly more after a round."""
_MB = 1024 * 1024
_CLASSES = ((0, _MB // 2), (_MB // 2, 4 * _MB), (4 * _MB, 32 * _MB))
"""Bytes from and to. What is merged has twice the upper end as its target, which lifts it out of the class."""
_DAYS = 4  # of a table in a round, those with most files first; what is left waits a minute


def merge_open(stream: Stream, over: Callable[[], bool] = lambda: False) -> int:
    """Merge the small files of a stream's tables once, whatever their day.

    Safe beside drains and readers; a table that another process is compacting is left alone. Rows, progress and change
    feed stay as they are.

    Args:
        stream: whose tables these are.
        over: asked before each day; what is left is left when it is so.

    Returns:
        How many files were replaced by larger ones.
    """
    merged = 0
    for key in (stream.main, stream.late, stream.dead_letters):
        if not stream.lake.exists(key):
            continue
        for day, target in _worth_merging(stream.lake, key):
            if over():
                return merged
            merged += _merge(stream.lake, key, day, target)
    return merged


class Merging:
    """Merges beside a worker's batches, which never wait. Use it as a context.

    Args:
        stream: whose tables these are.
        lease: of the worker; only the first of several merges.
        trouble: told why a round failed; the next one comes all the same.
        every: how often.
    """

    def __init__(
        self, stream: Stream, lease: Lease, trouble: Callable[[str], None], every: timedelta = MERGE_EVERY
    ) -> None:
        self._stream, self._lease, self._trouble, self._every = stream, lease, trouble, every
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="merging", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._ended.wait(self._every.total_seconds()):
            if not self._lease.is_first:
                continue
            try:
                merge_open(self._stream, self._ended.is_set)
            except Exception as error:  # noqa: BLE001  # the tables are right without it, and the next round may succeed
                self._trouble(f"Small files of {self._stream.name} were not merged: {error}")


def _worth_merging(lake: Lake, key: Sequence[str]) -> list[tuple[Any, int]]:
    """Days and the size to merge their files towards, those with most files first; None for a table without days."""
    table = lake.open(key)
    daily = EVENT_DATE in table.metadata().partition_columns
    sizes: dict[Any, list[int]] = sizes_by(table, EVENT_DATE) if daily else {None: list(file_sizes(table))}
    targets = {day: _target(found) for day, found in sizes.items()}
    days = sorted((day for day, target in targets.items() if target), key=lambda day: -len(sizes[day]))
    return [(day, targets[day]) for day in days[:_DAYS]]


def _target(sizes: Sequence[int]) -> int:
    """Towards which size these files are to be merged: that of the largest class with enough of them; 0 for none."""
    found = [2 * end for begin, end in _CLASSES if sum(begin <= size < end for size in sizes) >= ENOUGH]
    return max(found, default=0)


def _merge(lake: Lake, key: Sequence[str], day: Any, target: int) -> int:
    partition = [] if day is None else [(EVENT_DATE, "=", day.isoformat())]
    try:
        return compact(lake.open(key), partition=partition, target_bytes=target, brief=True)
    except CommitFailedError:
        return 0  # rows of these files were replaced meanwhile, such as by going back to a savepoint
