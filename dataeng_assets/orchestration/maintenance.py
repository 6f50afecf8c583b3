"""Upkeep at night: what runs leave behind on the disk and in the instance. The lake has its own: `lake_upkeep`.

Nothing that the newest state of an asset rests on is removed: not the run of its newest materialization or attempt.
"""

import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
from dagster._core.scheduler.instigation import TickStatus

from dataeng_assets.extract.staging import staging_folder
from dataeng_assets.orchestration.in_flight import IN_FLIGHT
from dataeng_assets.settings import Settings, state_folder

KEEP_RUNS = timedelta(days=30)
KEEP_FILES = timedelta(days=1)
_RUNS_AT_ONCE = 500


@dataclass(frozen=True)
class Removed:
    """How many things were removed, and how many bytes they took."""

    count: int
    bytes: int


def remove_dbt_targets(instance: dg.DagsterInstance) -> Removed:
    """Remove the folder that each dbt command left below the target, a day after it and never of a run under way."""
    target = state_folder() / "dbt"
    running = {run.run_id[:7] for run in instance.get_runs(filters=dg.RunsFilter(statuses=IN_FLIGHT))}
    left = (path for path in target.glob("dbt_*-*-*/") if path.name.split("-")[1] not in running)
    return _remove(path for path in left if _is_old(path))


def remove_staged() -> Removed:
    """Remove the rows that killed extracts have staged."""
    folder = state_folder() / "staging"
    before = _size(folder)
    with staging_folder():
        pass  # making one removes what nobody holds
    return Removed(0, max(0, before - _size(folder)))


def remove_readable_copy() -> Removed:
    """Remove the copy of the warehouse that people read, when it was made long ago: the next reader makes another."""
    warehouse = Settings.load().warehouse_file
    copies = [warehouse.with_suffix(".copy.duckdb"), Path(f"{warehouse.with_suffix('.copy.duckdb')}.wal")]
    return _remove(path for path in copies if path.exists() and _is_old(path))


def remove_runs(instance: dg.DagsterInstance, *, keep: timedelta = KEEP_RUNS) -> Removed:
    """Remove the runs that ended long ago and that no asset's newest state rests on, with their events and logs."""
    before = datetime.now(UTC) - keep
    needed = newest_runs(instance)
    old = instance.get_run_records(
        filters=dg.RunsFilter(created_before=before), limit=_RUNS_AT_ONCE, order_by="create_timestamp", ascending=True
    )
    gone = [record.dagster_run for record in old if record.dagster_run.is_finished]
    gone = [run for run in gone if run.run_id not in needed]
    return Removed(len(gone), sum(_remove_run(instance, run.run_id) for run in gone))


def newest_runs(instance: dg.DagsterInstance) -> frozenset[str]:
    """The runs of the newest materialization and of the newest attempt of each partition of each asset.

    What a check has found last is kept beside the runs, so it outlives them.
    """
    needed: set[str] = set()
    for key in instance.all_asset_keys():
        newest = instance.get_latest_materialization_event(key)
        needed |= {newest.run_id} if newest else set()
        attempts = (
            instance.event_log_storage.get_latest_asset_partition_materialization_attempts_without_materializations(key)
        )
        needed |= {run_id for run_id, _ in attempts.values()}
        by_partition = instance.get_latest_storage_id_by_partition(key, dg.DagsterEventType.ASSET_MATERIALIZATION)
        needed |= set(_runs_of(instance, key, list(by_partition.values())))
    return frozenset(needed)


def purge_ticks(instance: dg.DagsterInstance, *, keep: timedelta = KEEP_RUNS) -> Removed:
    """Remove old ticks, also of schedules and sensors that are no longer declared, which nothing else purges."""
    before = (datetime.now(UTC) - keep).timestamp()
    count = 0
    for state in instance.all_instigator_state():
        origin, selector = state.instigator_origin_id, state.selector_id
        old = instance.get_ticks(origin, selector, before=before)
        if old:
            instance.purge_ticks(origin, selector, before, tick_statuses=list(TickStatus))
        count += len(old)
    return Removed(count, 0)


def _runs_of(instance: dg.DagsterInstance, key: dg.AssetKey, storage_ids: Sequence[int]) -> Iterator[str]:
    for start in range(0, len(storage_ids), _RUNS_AT_ONCE):
        some = storage_ids[start : start + _RUNS_AT_ONCE]
        asked = dg.AssetRecordsFilter(asset_key=key, storage_ids=some)
        yield from (record.run_id for record in instance.fetch_materializations(asked, limit=len(some)).records)


def _remove_run(instance: dg.DagsterInstance, run_id: str) -> int:
    """Remove a run with its events, and the files that carry its id; how many bytes those took."""
    instance.delete_run(run_id)
    folder = state_folder() / "dagster"
    files = [
        *(folder / "storage" / "history" / "runs").glob(f"{run_id}.db*"),
        folder / "logs" / run_id,
        folder / "artifacts" / "storage" / run_id,
    ]
    return _remove(path for path in files if path.exists()).bytes


def _remove(paths: Iterable[Path]) -> Removed:
    count = size = 0
    for path in paths:
        count, size = count + 1, size + _size(path)
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)
    return Removed(count, size)


def _size(path: Path) -> int:
    """Bytes of a file, or of all files below a folder; what vanishes meanwhile counts nothing."""
    if not path.is_dir():
        return path.stat().st_size if path.exists() else 0
    return sum(_size(inner) for inner in path.iterdir())


def _is_old(path: Path) -> bool:
    # not the time of the last change, which a copy takes over from its original
    return path.stat().st_ctime < time.time() - KEEP_FILES.total_seconds()
