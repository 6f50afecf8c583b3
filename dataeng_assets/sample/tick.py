"""Life after the fill: whole days' worth of changes and events, all of it now.

What a day is made of belongs in `day`.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import psycopg

from dataeng_assets.sample import SampleError, marker
from dataeng_assets.sample import truth as truths
from dataeng_assets.sample.day import Day, spend
from dataeng_assets.sample.fill import Progress, quiet
from dataeng_assets.sample.late import late_transactions
from dataeng_assets.sample.marker import Marker

_LATE = 3


@dataclass(frozen=True)
class TickReport:
    """What happened: row versions, transactions (late ones among them), events sent, and the last day's number."""

    versions: int
    commits: int
    late_commits: int
    events: int
    ticks: int
    seconds: float


def tick(
    url: str,
    bootstrap: str,
    *,
    truth: Path,
    days: int = 1,
    at: datetime | None = None,
    late_seconds: float = 0.0,
    hostile: bool = False,
    progress: Progress = quiet,
) -> TickReport:
    """Let the filled shop live for some days, now.

    What happens is a pure function of the shop, the number of the tick and the instant. Three transactions stay open
    while the others commit, and commit `late_seconds` after them.

    Args:
        url: the database of the shop.
        bootstrap: address of the broker.
        truth: the folder that was given to `fill`.
        days: how many days' worth.
        at: the instant at which it happens, not before the last one; now when None. `updated_at` is always now.
        late_seconds: how long the late transactions outlive the others.
        hostile: whether rows are erased, back-dated and given other keys, too, which no extract by watermark sees.
        progress: told the step, how much of it is done, and how much there is.

    Raises:
        SampleError: there is no filled shop, or `at` lies before what has already happened; nothing was changed.
        TopicError: the broker did not take the records.
    """
    started = time.monotonic()
    with psycopg.connect(url, autocommit=True) as connection, marker.alone(connection):
        _refuse_the_past(marker.read_filled(connection), at)
        reached = truths.Truth(truth).reached()
        with late_transactions(url, truth=truth, count=_LATE, at=at, label="tick") as late:
            a_day = partial(
                spend, connection, bootstrap, truth, movers=late.customers, hostile=hostile, progress=progress
            )
            lived = _live(a_day, days, at, reached)
            time.sleep(late_seconds)
            late_versions = late.commit()
        return TickReport(
            versions=sum(day.versions for day in lived) + len(late_versions),
            commits=sum(day.commits for day in lived) + _LATE,
            late_commits=_LATE,
            events=sum(day.events for day in lived),
            ticks=marker.read_filled(connection).ticks,
            seconds=time.monotonic() - started,
        )


def _live(a_day: Callable[..., Day], days: int, at: datetime | None, reached: Mapping[int, int]) -> list[Day]:
    lived: list[Day] = []
    for _ in range(days):
        lived.append(a_day(at or datetime.now(UTC), reached=reached))
        reached = lived[-1].reached
    return lived


def _refuse_the_past(shop: Marker, at: datetime | None) -> None:
    if at is not None and at < shop.ticked_at:
        raise SampleError(
            f"The shop has already lived until {shop.ticked_at}, so nothing can happen at {at}. Nothing was changed. "
            "Give a later instant, or none for now."
        )
