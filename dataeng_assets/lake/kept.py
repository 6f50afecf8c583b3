"""Tables that are kept open between commits, and brought to their newest version by what came since.

Opening one reads its log from the last checkpoint on: 5 to 25 ms, or a request to an object store for each commit. A
handle that is kept needs one look whether the next commit is there, and a listing of the log only where it is. What is
read from such a handle and then written through it is guarded against other writers as on a fresh one. For who commits
every few tenths of a second; not for several threads.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow.fs as pafs
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError
from deltalake.fs import DeltaStorageHandler

from dataeng_assets.lake.location import Lake

_USES = 100  # a handle keeps the names of all commits since it was opened, and each commit through it looks at them


@dataclass
class _Kept:
    """A handle.

    Attributes:
        first: the commit that was the newest when it was opened, as the store describes it; None when it is not there.
    """

    table: DeltaTable
    log: pafs.FileSystem
    at: str
    first: tuple[int, int | None] | None
    uses: int = 0


class KeptTables:
    """Handles on tables of one lake, by key."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._kept: dict[tuple[str, ...], _Kept] = {}

    def open(self, key: Sequence[str]) -> DeltaTable:
        """A handle on the table's newest version, as `Lake.open` gives it.

        Raises:
            TableMissing: with the address and the next step.
        """
        name = tuple(key)
        kept = self._kept.pop(name, None)
        if kept is None or kept.uses >= _USES or not _brought_up(kept):
            kept = self._opened(name)
        kept.uses += 1
        self._kept[name] = kept
        return kept.table

    def forget(self, key: Sequence[str]) -> None:
        """Open the table anew the next time, such as after a commit that failed."""
        self._kept.pop(tuple(key), None)

    def _opened(self, key: tuple[str, ...]) -> _Kept:
        table = self._lake.open(key)
        log = pafs.PyFileSystem(DeltaStorageHandler(table.table_uri, dict(self._lake.options)))
        at = _commit(table.version())
        return _Kept(table, log, at, _described(log, at))


def _brought_up(kept: _Kept) -> bool:
    """Whether it is the same table still, and on its newest version now.

    delta-rs goes on from the version that it has: of a table that was deleted and made again under its address it would
    take the commits after that one for the old table's.
    """
    try:
        if kept.first is None or _described(kept.log, kept.at) != kept.first:
            return False
        # bringing it up lists the log; where nobody else writes there is nothing to bring. Clearing the log of old
        # commits takes the oldest first: were the next one gone by that, so would be the one just looked at
        if _described(kept.log, _commit(kept.table.version() + 1)) is not None:
            kept.table.update_incremental()
    except (DeltaError, OSError):
        return False  # whatever it is, opening the table anew tells
    return True


def _commit(version: int) -> str:
    return f"_delta_log/{version:020}.json"


def _described(log: pafs.FileSystem, path: str) -> tuple[int, int | None] | None:
    found = log.get_file_info(path)
    return None if found.type == pafs.FileType.NotFound else (int(found.size), found.mtime_ns)
