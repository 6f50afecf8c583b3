"""Compaction keeps every row once, whoever else is at it."""

import multiprocessing
import random
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from dataeng_assets.lake import compact as room
from dataeng_assets.lake.append import append, progress
from dataeng_assets.lake.compact import compact
from dataeng_assets.lake.location import Lake
from dataeng_assets.lake.replace import replace_range

KEY = ("bronze", "small")
FIELDS: "list[pa.Field[pa.DataType]]" = [
    pa.field("number", pa.int64(), nullable=False),
    pa.field("day", pa.string(), nullable=False),
]
SCHEMA = pa.schema(FIELDS)


def rows(*numbers: int) -> pa.Table:
    return pa.table({"number": list(numbers), "day": [f"d{n % 2}" for n in numbers]}, schema=SCHEMA)


def filled(lake: Lake, count: int) -> DeltaTable:
    table = lake.create(KEY, SCHEMA, partition_by=["day"], description="Small files.")
    for number in range(count):
        append(table, rows(number), transactions={"app": number + 1})
    return table


def stored(lake: Lake) -> list[int]:
    return sorted(lake.open(KEY).to_pyarrow_dataset().to_table()["number"].to_pylist())


def test_files_become_few_and_rows_and_progress_stay(lake: Lake) -> None:
    table = filled(lake, 10)
    assert compact(table) == 10
    assert stored(lake) == list(range(10))
    opened = lake.open(KEY)
    assert len(opened.file_uris()) == 2
    assert progress(opened, "app") == 10


def test_only_the_files_of_a_partition_when_so_asked(lake: Lake) -> None:
    assert compact(filled(lake, 10), partition=[("day", "=", "d1")]) == 5
    assert len(lake.open(KEY).file_uris()) == 6


def test_a_handle_that_is_behind_another_compaction_writes_no_row_twice(lake: Lake) -> None:
    filled(lake, 10)
    behind, first = lake.open(KEY), lake.open(KEY)
    compact(first)
    compact(behind)
    assert stored(lake) == list(range(10))


def test_while_one_compacts_another_leaves_it_alone(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    table, other = filled(lake, 4), lake.open(KEY)
    found = []
    real = DeltaTable.optimize.fget

    def meanwhile(self: DeltaTable) -> object:
        if self is table:
            found.append(compact(other))
        return real(self)

    monkeypatch.setattr(DeltaTable, "optimize", property(meanwhile))
    assert compact(table) == 4
    assert found == [0]
    assert stored(lake) == list(range(4))


def test_a_lease_that_was_never_given_back_is_void_after_a_day(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    table = filled(lake, 4)
    assert room._take(table)
    assert compact(lake.open(KEY)) == 0
    later = time.time_ns() + int(room.LEASE.total_seconds() * 1e9) + 1
    monkeypatch.setattr(time, "time_ns", lambda: later)
    assert compact(lake.open(KEY)) == 4
    assert stored(lake) == list(range(4))


def test_a_brief_lease_of_a_killed_process_is_void_for_who_has_watched_it_and_not_for_others(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert room._take(filled(lake, 4), brief=True)
    assert compact(lake.open(KEY), brief=True) == 0, "it is seen for the first time"
    monkeypatch.setattr(room, "WATCHED", timedelta(0))
    assert compact(lake.open(KEY)) == 0, "one that does not come again cannot watch"
    assert compact(lake.open(KEY), brief=True) == 4
    assert compact(lake.open(KEY), brief=True) == 0
    assert stored(lake) == list(range(4))


def test_a_brief_compaction_and_a_long_one_leave_a_table_to_each_other(lake: Lake) -> None:
    lease = room._take(filled(lake, 4))
    assert lease is not None
    assert compact(lake.open(KEY), brief=True) == 0
    room._give_back(lake.open(KEY), room._APP, lease)
    both = [lake.open(KEY), lake.open(KEY)]
    assert room._take(both[0], brief=True)
    assert room._take(both[1]) is None
    assert compact(lake.open(KEY)) == 0


def test_who_was_taken_for_dead_does_not_give_back_the_lease_of_another(lake: Lake) -> None:
    table = filled(lake, 4)
    lease = room._take(table, brief=True)
    assert lease is not None
    append(lake.open(KEY), rows(), transactions={room._BRIEF: lease + 2})  # as one that has watched it would
    room._give_back(table, room._BRIEF, lease)
    assert progress(lake.open(KEY), room._BRIEF) == lease + 2


def test_a_compaction_whose_rows_were_replaced_meanwhile_gives_the_lease_back(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, other = filled(lake, 4), lake.open(KEY)
    real = DeltaTable.optimize.fget

    def meanwhile(self: DeltaTable) -> object:
        replace_range(other, rows(7), "number", 0, 10, transactions={"replaced": 1})
        return real(self)

    monkeypatch.setattr(DeltaTable, "optimize", property(meanwhile))
    with pytest.raises(Exception, match="concurrent"):
        compact(table)
    monkeypatch.undo()
    assert stored(lake) == [7]
    append(lake.open(KEY), rows(9), transactions={"app": 9})
    assert compact(lake.open(KEY)) == 2


def _work(uri: str, seed: int) -> None:
    lake, chance = Lake(uri), random.Random(seed)
    for number in range(12):
        append(lake.open(KEY), rows(seed * 100 + number), transactions={f"app{seed}": number + 1})
        if chance.random() < 0.5:
            compact(lake.open(KEY), brief=chance.random() < 0.5)


def test_processes_that_append_and_compact_all_the_time_lose_and_double_nothing(lake: Lake) -> None:
    filled(lake, 1)
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_work, args=(lake.uri, seed)) for seed in (1, 2, 3)]
    for worker in workers:
        worker.start()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda seed: _work(lake.uri, seed), (4, 5)))
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    assert stored(lake) == [0, *(seed * 100 + number for seed in range(1, 6) for number in range(12))]
