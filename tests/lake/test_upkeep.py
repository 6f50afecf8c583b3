"""Upkeep of a table: what no version within retention needs goes, and nothing else changes."""

import json
import os
import time
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from dataeng_assets.lake.append import append, progress
from dataeng_assets.lake.changes import changes
from dataeng_assets.lake.location import Lake
from dataeng_assets.lake.replace import replace_all
from dataeng_assets.lake.upkeep import COMMITS_BETWEEN_CHECKPOINTS, RETENTION, tend

KEY = ("gold", "numbers")
SCHEMA = pa.schema({"n": pa.int64()})
DAY = 86_400


def rows(*numbers: int) -> pa.Table:
    return pa.table({"n": pa.array(numbers, pa.int64())})


def put(lake: Lake, *numbers: int) -> int:
    return replace_all(lake.create(KEY, SCHEMA, change_feed=True), rows(*numbers))


def read(lake: Lake, version: int | None = None) -> list[int]:
    return sorted(lake.open(KEY, version).to_pyarrow_table()["n"].to_pylist())


def age(lake: Lake, days: float) -> None:
    """Let everything in the table's folder have happened that much earlier."""
    folder = Path(lake.at(KEY))
    for commit in (folder / "_delta_log").glob("*.json"):
        actions = [json.loads(line) for line in commit.read_text().splitlines()]
        for action in actions:
            for kind, field in (("remove", "deletionTimestamp"), ("commitInfo", "timestamp")):
                if kind in action:
                    action[kind][field] -= int(days * DAY * 1000)
        commit.write_text("\n".join(json.dumps(action) for action in actions))
    for path in folder.rglob("*"):
        then = path.stat().st_mtime - days * DAY
        os.utime(path, (then, then))


def test_files_of_versions_past_retention_go_and_the_newest_version_is_untouched(lake: Lake) -> None:
    put(lake, 1)
    put(lake, 2)
    age(lake, 8)
    done = tend(lake, KEY)
    assert (done.expired, done.removed) == (1, 1)
    assert done.bytes > 0
    assert read(lake) == [2]


def test_a_version_that_was_the_newest_within_retention_stays_readable(lake: Lake) -> None:
    put(lake, 1)
    age(lake, 300)
    pinned = put(lake, 2)
    age(lake, 6.9)
    put(lake, 3)
    done = tend(lake, KEY)
    assert done.removed == 0
    assert read(lake, pinned) == [2]
    assert read(lake, pinned - 1) == [1]
    age(lake, 1)
    assert tend(lake, KEY).removed == 1
    assert read(lake, pinned) == [2]


def test_a_version_that_is_to_be_kept_outlives_its_retention_and_a_forgotten_one_is_no_obstacle(lake: Lake) -> None:
    kept = put(lake, 1)
    put(lake, 2)
    put(lake, 3)
    age(lake, 8)
    assert tend(lake, KEY, keep=[kept, 99]).removed
    assert read(lake, kept) == [1]
    assert tend(lake, KEY).removed
    assert read(lake) == [3]


def test_what_a_killed_writer_left_goes_after_retention_and_what_one_is_writing_stays(lake: Lake) -> None:
    put(lake, 1)
    left, fresh = (Path(lake.at(KEY)) / name for name in ("left.parquet", "fresh.parquet"))
    for path in (left, fresh):
        path.write_bytes(b"not committed")
    then = time.time() - 8 * DAY
    os.utime(left, (then, then))
    assert tend(lake, KEY).removed == 1
    assert (left.exists(), fresh.exists()) == (False, True)


def test_a_retention_that_runs_may_outlive_is_refused(lake: Lake) -> None:
    put(lake, 1)
    with pytest.raises(ValueError, match="Nothing was removed"):
        tend(lake, KEY, retention=RETENTION - timedelta(hours=1))


def test_upkeep_touches_no_row_so_that_nothing_is_asked_for(lake: Lake) -> None:
    put(lake, 1)
    version = put(lake, 2)
    age(lake, 8)
    assert tend(lake, KEY).removed
    newest = lake.open(KEY).version()
    assert newest > version
    assert changes(lake, KEY, version, newest).read_all().num_rows == 0


def test_a_writer_that_has_begun_before_goes_on_after(lake: Lake) -> None:
    put(lake, 1)
    put(lake, 2)
    age(lake, 8)
    handle = lake.open(KEY)
    assert tend(lake, KEY).removed
    append(handle, rows(3), transactions={"topic": 7})
    assert read(lake) == [2, 3]


def test_a_checkpoint_is_written_once_commits_have_gathered_and_keeps_progress(lake: Lake) -> None:
    table = lake.create(KEY, SCHEMA)
    for number in range(COMMITS_BETWEEN_CHECKPOINTS - 1):
        append(table, rows(number), transactions={"topic": number})
    assert tend(lake, KEY).checkpointed
    assert not tend(lake, KEY).checkpointed
    age(lake, 400)
    for number in range(COMMITS_BETWEEN_CHECKPOINTS):
        append(lake.open(KEY), rows(number), transactions={"other": number})
    assert tend(lake, KEY).checkpointed
    log = Path(lake.at(KEY)) / "_delta_log"
    assert not (log / f"{0:020}.json").exists()
    assert progress(lake.open(KEY), "topic") == COMMITS_BETWEEN_CHECKPOINTS - 2
    assert len(read(lake)) == 2 * COMMITS_BETWEEN_CHECKPOINTS - 1
