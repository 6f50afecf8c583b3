"""How a table lies on the disk, as it is counted."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa

from dataeng_assets.lake.append import append
from dataeng_assets.lake.compact import compact
from dataeng_assets.lake.layout import ORPHANED_AFTER, look, small_files_by
from dataeng_assets.lake.location import Lake

KEY = ("bronze", "numbers")
SCHEMA = pa.schema({"n": pa.int64(), "day": pa.string()})


def put(lake: Lake, day: str, number: int) -> None:
    table = lake.create(KEY, SCHEMA, partition_by=["day"], change_feed=True)
    append(table, pa.table({"n": [number], "day": [day]}, schema=SCHEMA), transactions={})


def leave(lake: Lake, name: str, age: timedelta, size: int = 1000) -> None:
    path = Path(lake.at(KEY)) / "day=a" / name
    path.write_bytes(b"x" * size)
    then = (datetime.now(UTC) - age).timestamp()
    os.utime(path, (then, then))


def test_files_are_counted_with_their_sizes_and_days(lake: Lake) -> None:
    for number, day in enumerate("aab"):
        put(lake, day, number)
    found = look(lake, KEY)
    assert (found.files, found.small, found.orphans) == (3, 3, 0)
    assert 0 < found.median_bytes <= found.bytes
    assert small_files_by(lake.open(KEY), "day") == {"a": 2, "b": 1}


def test_an_orphan_is_old_and_in_no_version_and_what_compaction_dropped_is_none(lake: Lake) -> None:
    for number in range(5):
        put(lake, "a", number)
    assert compact(lake.open(KEY)) == 5
    leave(lake, "killed.parquet", ORPHANED_AFTER + timedelta(hours=1), size=1234)
    leave(lake, "being_written.parquet", timedelta(minutes=1))
    for _ in range(2):
        found = look(lake, KEY)
        assert (found.files, found.orphans, found.orphan_bytes) == (1, 1, 1234)
        lake.open(KEY).create_checkpoint()


def test_an_empty_table_has_no_files(lake: Lake) -> None:
    lake.create(KEY, SCHEMA, partition_by=["day"])
    assert look(lake, KEY).files == look(lake, KEY).median_bytes == 0
