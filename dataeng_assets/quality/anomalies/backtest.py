"""How often the rule of `detect` is right on a series: it is replayed over every point, each with only what was known
before it.

Without labels every alarm counts as false that no person has confirmed; with labels, alarms are matched with what truly
was wrong.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dataeng_assets.quality.anomalies.detect import LIMIT, Finding, Outcome, Point, Rate, judge

_SURE = 1.96  # 95 %
_REPLAYED = 100
"""A finding tells the false alarms of so many points before it: each takes as long as to judge the series once."""


@dataclass(frozen=True)
class Event:
    """Something that truly was wrong: the points from the first to the last are part of it."""

    first: datetime
    last: datetime


@dataclass(frozen=True)
class Replay:
    """The rule over a series.

    Attributes:
        findings: of every point, by time.
        false_alarms: alarms outside of events, of the points that were judged and lie outside of them.
        alarms: all alarms.
        true_alarms: those inside of an event.
        events: how many events have a point that was judged.
        detected: how many of those raised an alarm.
        delays: from the first point of each detected event to its first alarm.
    """

    findings: tuple[Finding, ...]
    false_alarms: Rate
    alarms: int
    true_alarms: int
    events: int
    detected: int
    delays: tuple[timedelta, ...]

    @property
    def precision(self) -> float | None:
        """The share of alarms that were right; None without any."""
        return self.true_alarms / self.alarms if self.alarms else None

    @property
    def recall(self) -> float | None:
        """The share of events that were found; None without any."""
        return self.detected / self.events if self.events else None


Rule = Callable[[Sequence[Point], Point], Finding]


def wilson(hits: int, tries: int) -> tuple[float, float]:
    """The shares that are compatible with so many hits, at 95 % (Wilson 1927); all of them without a try."""
    if not tries:
        return 0.0, 1.0
    share, weight = hits / tries, _SURE**2 / tries
    middle = (share + weight / 2) / (1 + weight)
    reach = _SURE / (1 + weight) * math.sqrt(share * (1 - share) / tries + weight / (4 * tries))
    # exact at the ends, where rounding would leave a little
    return (0.0 if not hits else middle - reach), (1.0 if hits == tries else middle + reach)


def replay(points: Iterable[Point], rule: Rule, events: Sequence[Event] = (), *, newest: int | None = None) -> Replay:
    """Judge every point by those before it.

    Args:
        points: the series, in any order. One that a person has called an anomaly is an event of its own.
        rule: judges a point by those before it.
        events: what truly was wrong.
        newest: of a long series only so many points are judged.
    """
    ordered = sorted(points, key=lambda point: point.at)
    every = [*events, *(Event(point.at, point.at) for point in ordered if point.is_anomaly)]
    first = 0 if newest is None else max(0, len(ordered) - newest)
    findings = tuple(rule(ordered[:at], ordered[at]) for at in range(first, len(ordered)))
    judged = [found for found in findings if found.outcome is not Outcome.NOT_ENOUGH_HISTORY]
    alarms = [found for found in judged if found.outcome is Outcome.ANOMALY]
    calm = [found for found in judged if not any(event.first <= found.at <= event.last for event in every)]
    wrong = sum(found.outcome is Outcome.ANOMALY for found in calm)
    seen = [event for event in every if any(event.first <= found.at <= event.last for found in judged)]
    hits = [[found.at for found in alarms if event.first <= found.at <= event.last] for event in seen]
    return Replay(
        findings,
        Rate(wrong, len(calm), *wilson(wrong, len(calm))),
        len(alarms),
        len(alarms) - wrong,
        len(seen),
        sum(map(bool, hits)),
        tuple(found[0] - event.first for event, found in zip(seen, hits, strict=True) if found),
    )


def backtest(
    points: Iterable[Point],
    *,
    metric: str,
    column: str | None = None,
    changes: Sequence[datetime] = (),
    limit: float = LIMIT,
    events: Sequence[Event] = (),
    newest: int | None = None,
) -> Replay:
    """Replay `judge` over a series, knowing of each acknowledged change from its moment on.

    Args:
        points: the series.
        metric: as for `judge`.
        column: as for `judge`.
        changes: when changes were acknowledged; the point of that moment is no false alarm.
        limit: as for `judge`.
        events: what truly was wrong, where that is known.
        newest: of a long series only so many points are judged.
    """

    def rule(before: Sequence[Point], point: Point) -> Finding:
        known = [change for change in changes if change < point.at]
        return judge(before, point, metric=metric, column=column, changed_at=max(known, default=None), limit=limit)

    known_events = [*events, *(Event(change, change) for change in changes)]
    return replay(points, rule, known_events, newest=newest)


def with_false_alarms(
    finding: Finding, points: Iterable[Point], *, changes: Sequence[datetime] = (), limit: float = LIMIT
) -> Finding:
    """A finding that carries how often the rule was wrong on the points of the same series shortly before it."""
    before = [point for point in points if point.at < finding.at]
    past = backtest(
        before, metric=finding.metric, column=finding.column, changes=changes, limit=limit, newest=_REPLAYED
    )
    return replace(finding, false_alarms=past.false_alarms)
