"""Noticing that somebody removed rows from a stream's tables, whose progress still says that they are there.

Delta keeps a table's transactions when the table is restored, overwritten or deleted from, so rows would be gone and
never come again. Each commit of the stream says up to which version the log was looked through; the few commits since
then are looked through before the next. One that removes rows and carries none of the stream's transactions is
somebody's. It stops the stream if an offset went with it; rows that were only written anew stop nothing.
"""

from collections.abc import Collection, Sequence

import duckdb
from deltalake import DeltaTable

from dataeng_assets.lake.append import progress
from dataeng_assets.lake.changes import ChangesGone
from dataeng_assets.lake.removals import Removal, removals, removed_rows
from dataeng_assets.streams.errors import GO_ON, RowsRemoved
from dataeng_assets.streams.stored import PLACE, Run, gone
from dataeng_assets.streams.stream import Stream

_NAMED = 5  # runs of offsets that a message names


def refuse_removed(stream: Stream, partitions: Collection[int]) -> None:
    """Look through the log of each table; `partitions` are those of the topic.

    Raises:
        RowsRemoved: names the table, the commit and the offsets.
    """
    for key in (stream.dead_letters, stream.late, stream.main):
        refuse_removed_from(stream, key, stream.lake.open(key), partitions)


def refuse_removed_from(stream: Stream, key: tuple[str, ...], table: DeltaTable, partitions: Collection[int]) -> None:
    """Look through the log of one table, up to the version of the handle; `partitions` are those of the topic.

    Raises:
        RowsRemoved: names the table, the commit and the offsets.
    """
    name = ".".join(key)
    try:
        found = foreign_removals(stream, table, partitions)
        lost = lost_by(stream, table, found) if found else []
    except ChangesGone as error:
        raise RowsRemoved(
            f"Rows may have been removed from {name} since the stream last wrote to it, and it cannot be told which: "
            f"{error} Nothing was committed. {GO_ON.format(stream.name)}"
        ) from error
    if not lost:
        return
    commits = ", ".join(
        f"version {r.version} ({r.operation}{f' at {r.at:%Y-%m-%d %H:%M:%S} UTC' if r.at else ''})" for r in found
    )
    total = sum(run.end - run.start for run in lost)
    places = "; ".join(f"partition {run.partition}: offsets {run.start} to {run.end - 1}" for run in lost[:_NAMED])
    more = f"; and {len(lost) - _NAMED} more" if len(lost) > _NAMED else ""
    raise RowsRemoved(
        f"Somebody removed {total} records of the stream from {name}, in {commits}: {places}{more}. Its progress "
        "stands beyond them, so they would not come again. Nothing was committed. To undo it, restore the table to "
        f"version {found[0].version - 1}. {GO_ON.format(stream.name)}"
    )


def foreign_removals(stream: Stream, table: DeltaTable, partitions: Collection[int]) -> list[Removal]:
    """Commits that removed rows since the stream last looked, and are not the stream's own.

    Raises:
        ChangesGone: the log since then was cleaned up.
    """
    checked = [at for p in partitions if (at := progress(table, stream.checked(p))) is not None]
    if not checked:  # the stream has not written here yet
        return []
    found = removals(stream.lake, table, max(checked))
    return [one for one in found if not any(name.startswith(stream.progress) for name in one.app_ids)]


def lost_by(stream: Stream, table: DeltaTable, found: Sequence[Removal]) -> list[Run]:
    """What these commits removed and the table does not hold.

    Raises:
        ChangesGone: a removed file is no longer there.
    """
    with duckdb.connect(config={"threads": 2}) as connection:
        return gone(connection, removed_rows(stream.lake, table, found, PLACE), table)
