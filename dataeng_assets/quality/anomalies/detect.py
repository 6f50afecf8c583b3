"""Whether a newly measured value is an anomaly, in numbers and in plain words.

The tested point is never part of what it is compared with, nor is anything later, anything before an acknowledged
change, or what a person has called an anomaly. Pure functions of points; what is usual is found in `baseline`, what was
measured lies in `history`, how often the rule would have been wrong is found by `backtest`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from dataeng_assets.quality.anomalies.baseline import MIN_POINTS, Expected, Past, expect
from dataeng_assets.quality.anomalies.scales import COUNT, scale_of
from dataeng_assets.quality.anomalies.schemas import changes
from dataeng_assets.quality.anomalies.wording import NOT_ZERO, sentence, too_little

SCHEMA = "schema"
LIMIT = 4.0
"""How many spreads from the expected value are usual; 4 of them make one false alarm in some hundred points."""
WINDOW = timedelta(weeks=8)
DENSE = 14 * 24
"""So many points are two weeks of hours. Of more, one of each 24 hours counts: that is enough, and time follows it."""
_MOST = 0.9
"""The share of values that are not 0 from which on a 0 is a rare event."""
_HIGHEST_SCORE = 1e6


class Outcome(StrEnum):
    """What can be said of a point; too little history is not a pass."""

    USUAL = "usual"
    ANOMALY = "anomaly"
    NOT_ENOUGH_HISTORY = "not enough history"


@dataclass(frozen=True)
class Point:
    """One value of a series.

    Attributes:
        at: what it is of: the start of its day, or when it was measured; with a zone, which gives the weekday.
        value: None when it could not be measured, such as the share of nothing.
        text: in place of a value, for what is no number: a schema.
        is_anomaly: a person has called it one, so it is no example of what is usual.
    """

    at: datetime
    value: float | None = None
    text: str | None = None
    is_anomaly: bool = False


@dataclass(frozen=True)
class Rate:
    """How often the rule has raised an alarm that nobody has confirmed, over a series' own past.

    Attributes:
        alarms: that were raised without an anomaly.
        points: that were judged and are no anomalies.
        low: the least rate that this is compatible with (Wilson's interval of 95 %).
        high: the largest such rate.
    """

    alarms: int
    points: int
    low: float
    high: float

    @property
    def per_100(self) -> float | None:
        """False alarms in a hundred points; None when no point could be judged."""
        return 100 * self.alarms / self.points if self.points else None


@dataclass(frozen=True)
class Finding:
    """What is said of one point.

    Attributes:
        low: the least value that would be usual; None where nothing was expected, or where it has no end.
        high: the largest such value.
        score: distance from the expected value, in spreads; its sign is the direction.
        allowed: the score up to which a value is usual.
        points: how many past points the baseline rests on.
        baseline: which one: `level`, `not 0`, `Saturdays`, `trend`, `growth` …; empty where there is none.
        sentence: all of it in plain words.
        false_alarms: how often this rule would have been wrong on this series; None until it was back-tested.
    """

    metric: str
    column: str | None
    at: datetime
    outcome: Outcome
    value: float | None
    low: float | None
    high: float | None
    score: float | None
    allowed: float | None
    points: int
    baseline: str
    sentence: str
    false_alarms: Rate | None = None


def judge(
    history: Sequence[Point],
    point: Point,
    *,
    metric: str,
    column: str | None = None,
    changed_at: datetime | None = None,
    limit: float = LIMIT,
) -> Finding:
    """Compare a point with those before it.

    Of several values within one hour only the last counts, so that a repeated run is no history. Of a series that has
    many a day, what counts of each day is its last value before the time of day of the point.

    Args:
        history: any points of the series, in any order; those that must not count are left out here.
        point: what is judged.
        metric: such as `row_count`; decides how values are compared.
        column: what the metric is of, for the words.
        changed_at: the newest change that was acknowledged; the baseline begins with the point of that moment.
        limit: how many spreads are usual. A larger one is silent more often.
    """
    if metric == SCHEMA:
        return _judge_schema(_counting(history, point.at, point.at, changed_at), point)
    hour = point.at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    before = _counting(history, point.at, hour, changed_at)
    return _judge_value(before, point, metric, column, limit)


def _counting(history: Sequence[Point], at: datetime, until: datetime, changed_at: datetime | None) -> list[Point]:
    newest: dict[int, Point] = {}
    since = max(filter(None, (changed_at, at - WINDOW)))
    there = [one for one in history if since <= one.at < until and not one.is_anomaly]
    for other in sorted(there, key=lambda one: (one.at, one.value or 0.0, one.text or "")):
        if other.value is not None or other.text is not None:
            newest[int(other.at.timestamp() // 3600)] = other
    if len(newest) > DENSE:
        newest = {-int((until - one.at) / timedelta(days=1)): one for one in newest.values()}
    return list(newest.values())


def _judge_value(before: Sequence[Point], point: Point, metric: str, column: str | None, limit: float) -> Finding:
    past = [Past(other.at, other.value) for other in before if other.value is not None]
    if point.value is None or len(past) < MIN_POINTS:
        said = too_little(metric, column, point.value, len(past))
        return _finding(point, metric, column, Outcome.NOT_ENOUGH_HISTORY, len(past), said)
    expected = _expected(past, point.at, point.value, metric, limit)
    is_usual = expected.low <= point.value <= expected.high
    return Finding(
        metric,
        column,
        point.at,
        Outcome.USUAL if is_usual else Outcome.ANOMALY,
        point.value,
        _finite(expected.low),
        _finite(expected.high),
        _score(expected, point.value),
        expected.allowed,
        expected.points,
        expected.way,
        sentence(metric, column, point.value, expected),
    )


def _expected(past: Sequence[Past], at: datetime, value: float, metric: str, limit: float) -> Expected:
    """What was to be expected: of something, where nothing is usual too, what there was when there was something."""
    scale = scale_of(metric)
    expected = expect(past, at, scale, limit)
    some = [other for other in past if other.value]
    if scale is COUNT and value and expected.way == "level" and MIN_POINTS <= len(some) < _MOST * len(past):
        of_some = expect(some, at, scale, limit, fluctuates=True)
        if of_some.high < expected.high:
            return replace(of_some, way=NOT_ZERO)
    return expected


def _finite(bound: float) -> float | None:
    return bound if math.isfinite(bound) else None


def _score(expected: Expected, value: float) -> float:
    far = (expected.scale.to(value) - expected.center) / expected.spread
    return max(-_HIGHEST_SCORE, min(_HIGHEST_SCORE, far))


def _judge_schema(before: Sequence[Point], point: Point) -> Finding:
    texts = [other.text for other in before if other.text is not None]
    if point.text is None or not texts:
        said = "the columns could not be read" if point.text is None else "the first measurement of the columns"
        return _finding(point, SCHEMA, None, Outcome.NOT_ENOUGH_HISTORY, len(texts), said)
    found = changes(texts[-1], point.text)
    if found:
        return _finding(
            point, SCHEMA, None, Outcome.ANOMALY, len(texts), f"The columns have changed: {found}", "newest"
        )
    said = f"the columns are as in the {len(texts)} measurements before"
    return _finding(point, SCHEMA, None, Outcome.USUAL, len(texts), said, "newest")


def _finding(
    point: Point, metric: str, column: str | None, outcome: Outcome, points: int, said: str, baseline: str = ""
) -> Finding:
    return Finding(metric, column, point.at, outcome, point.value, None, None, None, None, points, baseline, said)
