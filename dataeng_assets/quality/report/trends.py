"""A number of a table over time, and what would be usual for its newest value."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from dataeng_assets.quality.anomalies.detect import Outcome, Point, judge
from dataeng_assets.quality.results_store import Judgement

AGE = "hours_old"
"""The metric that says how old the newest row was."""


@dataclass(frozen=True)
class Trend:
    """A series with a verdict on its last point.

    Attributes:
        points: moment and value, oldest first; at least one.
        low: the least value that would be usual now; None where that is not known or has no end.
        high: the largest such value.
        sentence: what is said of the last point, in plain words.
    """

    metric: str
    column: str
    points: tuple[tuple[datetime, float], ...]
    low: float | None = None
    high: float | None = None
    sentence: str = ""
    is_unusual: bool = False

    @property
    def name(self) -> str:
        """The metric and its column as people read them."""
        words = self.metric.replace("_", " ")
        return f"{words} of {self.column}" if self.column else words

    @property
    def moves(self) -> bool:
        """Whether it ever had more than one value."""
        return len({value for _, value in self.points}) > 1


def trend(metric: str, column: str | None, points: Sequence[Point], changes: Sequence[datetime] = ()) -> Trend | None:
    """The numbers of a series with what would be usual for the last of them; None without any number.

    Args:
        metric: as it was measured.
        column: what the metric is of; None for the table.
        points: in any order.
        changes: moments of acknowledged changes; the baseline begins with the newest.
    """
    known = sorted((point for point in points if point.value is not None), key=lambda point: point.at)
    if not known:
        return None
    found = judge(known[:-1], known[-1], metric=metric, column=column, changed_at=max(changes, default=None))
    return Trend(
        metric,
        column or "",
        tuple((point.at, point.value) for point in known if point.value is not None),
        found.low,
        found.high,
        found.sentence,
        found.outcome is Outcome.ANOMALY,
    )


def of_judgements(judgements: Iterable[Judgement]) -> list[Trend]:
    """The number of rows and the age of the newest one, as judgements found them; for tables without metrics."""
    ordered = sorted(judgements, key=lambda one: one.judged_at)
    rows = [Point(one.judged_at, float(one.rows)) for one in ordered]
    ages = [
        Point(one.judged_at, (one.judged_at - one.freshest[1]).total_seconds() / 3600)
        for one in ordered
        if one.freshest is not None
    ]
    found = (trend("row_count", None, rows), trend(AGE, None, ages))
    return [one for one in found if one is not None]


def most_telling(trends: Iterable[Trend], most: int = 12) -> list[Trend]:
    """Those worth a plot: of the table itself, then unusual ones, then what moves; a single value is no series."""
    worth = [one for one in trends if len(one.points) > 1 and (not one.column or one.is_unusual or one.moves)]
    return sorted(worth, key=lambda one: (bool(one.column), not one.is_unusual, one.name))[:most]
