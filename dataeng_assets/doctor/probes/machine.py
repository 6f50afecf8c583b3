"""This machine: room on its disks, and how long dbt's models took here."""

import shutil
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from statistics import median

from dataeng_assets.doctor.finding import Finding, Looked, NotLooked, Said
from dataeng_assets.doctor.scope import Scope
from dataeng_assets.orchestration.dbt import model_times
from dataeng_assets.settings import Settings, state_folder

FREE_BYTES = 5 * 1024**3
FREE_SHARE = 0.05
SLOW_SECONDS = 600.0
LONGER_SECONDS = 10.0
TIMES_AS_LONG = 3
_GIB = 1024**3


def full_disks(scope: Scope, *, free_bytes: int = FREE_BYTES, free_share: float = FREE_SHARE) -> Iterator[Said]:
    """The disks of state, lake and warehouse, as far as they are on this machine.

    Args:
        scope: where.
        free_bytes: a disk with more left is well.
        free_share: and so is one with a larger share left.
    """
    folders = {"state": state_folder(), "warehouse": Settings.load().warehouse_file.parent}
    if scope.lake.folder is not None:
        folders["lake"] = scope.lake.folder
    disks: dict[int, list[str]] = defaultdict(list)
    for name, folder in folders.items():
        there = _nearest(folder)
        disks[there.stat().st_dev].append(f"{name} ({there})")
    for places in disks.values():
        at = places[0].partition("(")[2].rstrip(")")
        total, _, free = shutil.disk_usage(at)
        if free < free_bytes and free < total * free_share:
            proof = (
                f"{free / _GIB:,.1f} of {total / _GIB:,.1f} GiB are free ({free / total:.1%})",
                f"it holds {', '.join(places)}",
            )
            yield Finding("disk-full", f"disk of {at}", proof, scope.now, {"FOLDER": at})
    yield Looked(len(disks), "disks")


def slow_models(scope: Scope, *, longer_seconds: float = LONGER_SECONDS) -> Iterator[Said]:
    """The newest time of each dbt model against those before it.

    Args:
        scope: where.
        longer_seconds: than usual, or it is no trouble however many times as long it took.
    """
    by_model: dict[str, list[tuple[datetime, float]]] = defaultdict(list)
    times = model_times()
    keys = {key.rpartition(".")[2]: key for key in scope.assets if not key.startswith("gold.")}
    for one in times.models:
        by_model[keys.get(one.name, one.name)].append((one.at, one.seconds))
    for key, runs in by_model.items():
        if scope.concerns({key}):
            yield from _slow(key, sorted(runs), longer_seconds)
    for path, why in times.unread:
        yield NotLooked(f"dbt's results in {path.name}", why)
    yield Looked(times.runs, "dbt runs whose results are on this machine")


def _slow(key: str, runs: list[tuple[datetime, float]], longer: float) -> Iterator[Finding]:
    at, newest = runs[-1]
    before = [seconds for _, seconds in runs[:-1]]
    if before:
        usual = median(before)
        is_slow = newest >= usual + longer and newest >= usual * TIMES_AS_LONG
        said = f"the median of {len(before)} runs before is {usual:,.1f} s"
    else:
        is_slow, said = newest >= SLOW_SECONDS, "nothing is known of runs before"
    if is_slow:
        proof = (f"it took {newest:,.1f} s at {at:%Y-%m-%d %H:%M} UTC; {said}",)
        yield Finding("slow-dbt-model", key, proof, at, {"ASSET": key}, frozenset({key}))


def _nearest(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    return next(path for path in (folder, *folder.parents) if path.exists())
