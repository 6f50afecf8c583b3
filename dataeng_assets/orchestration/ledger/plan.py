"""From what waits to the runs that handle it. Values in, values out."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from dataeng_assets.orchestration.ledger.entries import Waiting
from dataeng_assets.orchestration.ledger.targets import Key, Targets

MAX_RUNS = 3
NEAR = timedelta(days=31)
"""Days this near are rebuilt in one run, with what lies between them: a run costs more than a month of quiet days."""


@dataclass(frozen=True)
class PlannedRun:
    """One run: assets, and the days of the daily ones among them (both ends included; None when all are undated)."""

    assets: tuple[Key, ...]
    days: tuple[date, date] | None


@dataclass(frozen=True)
class Plan:
    """What to run now, and which touched days have no partition: `early` never will, `future` wait for theirs.

    `held` names the targets of which something is held back.
    """

    runs: tuple[PlannedRun, ...]
    early: tuple[date, ...] = ()
    future: tuple[date, ...] = ()
    held: tuple[str, ...] = ()


def merge_days(days: Iterable[date], held: Iterable[date] = (), most: int = MAX_RUNS) -> tuple[tuple[date, date], ...]:
    """Join days into contiguous ranges: near ones, and then those with the narrowest gaps between them.

    Rebuilding an unchanged day changes nothing, so a day between two others may go with them, but for a day that is
    held back: it would hold the others back with it. Where such days leave more than `most` ranges, the first ones are
    given; the others wait for their turn.

    Args:
        days: to be rebuilt.
        held: days that stand alone.
        most: how many ranges there may be.
    """
    ordered, alone = sorted(set(days)), sorted(set(held))
    gaps = sorted(pairwise(ordered), key=lambda pair: pair[1] - pair[0], reverse=True)
    wide = {pair for pair in gaps[: most - 1] if pair[1] - pair[0] > NEAR}
    cuts = [pair for pair in pairwise(ordered) if pair in wide or any(pair[0] <= day <= pair[1] for day in alone)]
    starts = [ordered[0], *(right for _, right in cuts)] if ordered else []
    ends = [*(left for left, _ in cuts), ordered[-1]] if ordered else []
    return tuple(zip(starts, ends, strict=True))[:most]


def plan_runs(targets: Targets, found: Waiting, first_day: date, last_day: date) -> Plan:
    """Decide the runs that handle everything that waits.

    Args:
        targets: all targets, in the order in which they are built.
        found: the pending touches, and those held back.
        first_day: of the daily partitions.
        last_day: newest daily partition.

    Returns:
        At most `MAX_RUNS` runs. Each carries everything undated that waits, so that each stands on its own.
    """
    waiting = [touch for touch in found.pending if touch.target in targets.by_name]
    held = {touch.day for touch in found.held if touch.day is not None}
    days = {touch.day for touch in waiting if touch.day is not None}
    undated = {touch.target for touch in waiting if touch.day is None}
    names = tuple(sorted({touch.target for touch in (*found.held, *found.withheld)}))
    ranges = merge_days((day for day in days if first_day <= day <= last_day), held)
    early = tuple(sorted(day for day in days if day < first_day))
    future = tuple(sorted(day for day in days if day > last_day))
    if not ranges:
        return Plan((PlannedRun(_with_views(targets, undated), None),) if undated else (), early, future, names)
    runs = tuple(
        PlannedRun(
            _with_views(
                targets,
                undated | {touch.target for touch in waiting if touch.day and start <= touch.day <= end},
            ),
            (start, end),
        )
        for start, end in ranges
    )
    return Plan(runs, early, future, names)


def _with_views(targets: Targets, names: Iterable[str]) -> tuple[Key, ...]:
    """The named targets and the views that they are made from, in building order."""
    wanted = set(names)
    above = {key for name in wanted for key in targets.by_name[name].ancestors}
    return tuple(target.key for target in targets.all if target.name in wanted or (target.view and target.key in above))
