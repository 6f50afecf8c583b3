"""Upkeep of all tables: small files of closed days merged, checkpoints, files that nobody needs removed; all is told.

The tables of a stream are merged behind its published watermark only, where its drains hardly write; its dead letters,
which have no event time, are merged whole. What is done to one table belongs in the room `lake`; when it runs stands in
`automation`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from deltalake.exceptions import CommitFailedError

from dataeng_assets.lake.append import TARGET_FILE_BYTES, append
from dataeng_assets.lake.compact import compact
from dataeng_assets.lake.layout import SMALL_BYTES, Files, file_sizes, look, small_files_by
from dataeng_assets.lake.location import Lake
from dataeng_assets.lake.upkeep import Upkeep, tend
from dataeng_assets.orchestration.dbt import targets
from dataeng_assets.orchestration.ledger.cover import cover
from dataeng_assets.streams.closed import closed_before
from dataeng_assets.streams.rewind import kept_versions
from dataeng_assets.streams.stream import EVENT_DATE, Stream

FILES_KEY = ("operations", "lake_files")
SMALL_FILES_WORTH_MERGING = 4
"""Of one day. Fewer would rewrite a large file for the sake of one late event."""
SMALL_DEAD_LETTERS_WORTH_MERGING = 20
"""They lie by no day, so that each merging takes up all that is small."""
COMMIT_EVERY = timedelta(minutes=1)
ORPHAN_BUDGET_BYTES = 256 * 1024 * 1024
ORPHAN_BUDGET_SHARE = 0.1
"""Of what the lake holds. More orphans than either mean that writers are killed or refused again and again."""

_WHOLE = "all"
_MOMENT = pa.timestamp("us", tz="UTC")
_FIELDS: "list[pa.Field[Any]]" = [
    pa.field("table", pa.string(), nullable=False),
    pa.field("files", pa.int64(), nullable=False),
    pa.field("bytes", pa.int64(), nullable=False),
    pa.field("median_bytes", pa.int64(), nullable=False),
    pa.field("small", pa.int64(), nullable=False),
    pa.field("unmerged", pa.int64(), nullable=False),
    pa.field("orphans", pa.int64(), nullable=False),
    pa.field("orphan_bytes", pa.int64(), nullable=False),
    pa.field("merged", pa.int64(), nullable=False),
    pa.field("removed", pa.int64(), nullable=False),
    pa.field("removed_bytes", pa.int64(), nullable=False),
    pa.field("checkpointed", pa.bool_(), nullable=False),
    pa.field("measured_at", _MOMENT, nullable=False),
    pa.field("_run_id", pa.string(), nullable=False),
]
FILES_SCHEMA = pa.schema(_FIELDS)
"""One row for each table and upkeep: how it lay afterwards, and what was done to it."""


@dataclass(frozen=True)
class Tended:
    """One table after its upkeep.

    Attributes:
        files: how it lies now.
        merged: files that were merged into larger ones.
        unmerged: small files of closed days that are still worth merging.
    """

    key: tuple[str, ...]
    files: Files
    upkeep: Upkeep
    merged: int
    unmerged: int


def tend_lake(lake: Lake, streams: Sequence[Stream], run_id: str) -> tuple[Tended, ...]:
    """Tend every table, after the ledger has taken in what the versions up to now have touched.

    Safe beside every reader and writer; a table whose rows are replaced meanwhile is merged the next time.

    Args:
        lake: all tables of which are tended.
        streams: whose tables are merged where they are closed.
        run_id: told in the ledger.
    """
    cover(lake, targets(), run_id=run_id)
    by_table = {key: stream for stream in streams for key in (stream.main, stream.late, stream.dead_letters)}
    return tuple(_tend(lake, key, by_table.get(key)) for key in lake.tables())


def note_files(lake: Lake, tended: Sequence[Tended], run_id: str) -> int:
    """Add what was found to the table of files; its new version."""
    table = lake.create(FILES_KEY, FILES_SCHEMA, description="How each table lay after each upkeep.")
    now = datetime.now(UTC)
    rows = [{**figures(one), "table": ".".join(one.key), "measured_at": now, "_run_id": run_id} for one in tended]
    return append(table, pa.Table.from_pylist(rows, schema=FILES_SCHEMA), transactions={})


def figures(one: Tended) -> Mapping[str, int | bool]:
    """What is told of one table."""
    files, done = one.files, one.upkeep
    return {
        "files": files.files, "bytes": files.bytes, "median_bytes": files.median_bytes, "small": files.small,
        "unmerged": one.unmerged, "orphans": files.orphans, "orphan_bytes": files.orphan_bytes,
        "merged": one.merged, "removed": done.removed, "removed_bytes": done.bytes, "checkpointed": done.checkpointed,
    }  # fmt: skip


def orphan_budget(tended: Sequence[Tended]) -> int:
    """Bytes that files in no version may take, over the whole lake."""
    held = sum(one.files.bytes for one in tended)
    return max(ORPHAN_BUDGET_BYTES, int(held * ORPHAN_BUDGET_SHARE))


def merge_closed(lake: Lake, key: Sequence[str], stream: Stream) -> int:
    """Merge the small files of a stream's closed days, where there are enough of them.

    Args:
        lake: where the table is.
        key: one of the stream's tables.
        stream: whose published watermark says which days are closed.

    Returns:
        How many files were replaced by larger ones; 0 too when another process was quicker.

    Raises:
        TableMissing: it is not there.
    """
    days = worth_merging(lake, key, stream)
    if not days:
        return 0
    partition = [] if _WHOLE in days else [(EVENT_DATE, "in", sorted(days))]
    try:
        return compact(lake.open(key), partition=partition, target_bytes=TARGET_FILE_BYTES, commit_every=COMMIT_EVERY)
    except CommitFailedError:
        return 0  # rows of these files were replaced meanwhile; what was committed before stays


def _tend(lake: Lake, key: tuple[str, ...], stream: Stream | None) -> Tended:
    merged = merge_closed(lake, key, stream) if stream else 0
    upkeep = tend(lake, key, keep=kept_versions(stream)[tuple(key)] if stream else ())
    unmerged = sum(worth_merging(lake, key, stream).values()) if stream else 0
    return Tended(key, look(lake, key), upkeep, merged, unmerged)


def worth_merging(lake: Lake, key: Sequence[str], stream: Stream) -> dict[str, int]:
    """Small files by closed day, of the days that have enough of them; of the whole table where it lies by no day."""
    table = lake.open(key)
    if EVENT_DATE not in table.metadata().partition_columns:
        small = sum(size < SMALL_BYTES for size in file_sizes(table))
        return {_WHOLE: small} if small >= SMALL_DEAD_LETTERS_WORTH_MERGING else {}
    first_open = closed_before(lake, stream)
    if first_open is None:
        return {}
    return {
        day.isoformat(): count
        for day, count in small_files_by(table, EVENT_DATE).items()
        if day < first_open and count >= SMALL_FILES_WORTH_MERGING
    }
