"""What value was to be expected, by the values before it: several ways to foretell it, and the one that does it best.

A way foretells each past value as it foretells the next one, and how far it was off is its spread. The way with the
narrowest range is taken, a simpler one where the others are not clearly narrower. Pure functions of numbers; whether a
value is an anomaly is said in `detect`.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from itertools import pairwise
from statistics import median

from dataeng_assets.quality.anomalies.robust import by_weekday, left_out, newest_level, slope, spread
from dataeng_assets.quality.anomalies.scales import Scale

MIN_POINTS = 7
WEEKDAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")
_CLEARLY = 0.75
_TREND_POINTS = 14
_WEEKDAY_POINTS = 4
_BACKWARDS = 0.1
"""The largest share of steps that go against the typical one, in what is said to grow."""


@lru_cache(4096)
def _calendar(at: datetime) -> tuple[float, int]:
    """Kept, because all series of a table have the same moments."""
    return at.timestamp() / 86_400, at.weekday()


@dataclass(frozen=True)
class Past:
    """A value that counts for the baseline, with its day (a count, with its fraction) and the weekday in its zone."""

    at: datetime
    value: float
    day: float = field(init=False)
    weekday: int = field(init=False)

    def __post_init__(self) -> None:
        day, weekday = _calendar(self.at)
        object.__setattr__(self, "day", day)
        object.__setattr__(self, "weekday", weekday)


@dataclass(frozen=True)
class Expected:
    """What was to be expected at a moment.

    Attributes:
        center: the likeliest value, on the scale.
        spread: a standard deviation around it, on the scale.
        allowed: how many of those are usual.
        low: the least value that is usual.
        high: the largest value that is usual.
        points: how many past values speak of it.
        way: `level`, `level since 2026-03-01`, `Saturdays`, `trend`, `trend, Saturdays`, `growth`, `growth, Saturdays`.
        seen: the smallest and the largest of those past values; of growth, what it was in a day.
    """

    center: float
    spread: float
    allowed: float
    scale: Scale
    low: float
    high: float
    points: int
    way: str
    seen: tuple[float, float]

    @property
    def width(self) -> float:
        """How much the usual values differ, also where they have no end."""
        reach = self.spread * self.allowed
        return self.scale.back(self.center + reach) - self.scale.back(self.center - reach)


@dataclass(frozen=True)
class _Way:
    """A way to foretell: `off` is by how much it was wrong of each past value, on the scale."""

    name: str
    scale: Scale
    center: float
    off: Sequence[float]
    of: Sequence[float]
    stretch: float = 1.0
    floor: float | None = None


def expect(past: Sequence[Past], at: datetime, scale: Scale, limit: float, *, fluctuates: bool = False) -> Expected:
    """Foretell the value at a moment.

    Args:
        past: at least `MIN_POINTS` values, by time, all before the moment.
        at: the moment.
        scale: where equal distances mean equally much.
        limit: how many spreads are usual where many values are known.
        fluctuates: that the series is known to, even if these values of it do not.
    """
    now = Past(at, 0.0)
    best, narrowest = None, math.inf
    for way in _ways(past, now, scale):
        found = _range(way, limit, fluctuates)
        width = found.width
        if best is None or width < _CLEARLY * narrowest:
            best, narrowest = found, width
    assert best is not None  # noqa: S101  # the level is always a way
    return best


def allowance(limit: float, points: int) -> float:
    """How many spreads are usual when that many values are known: from few, the spread itself is uncertain."""
    return limit * (1 + 6 / points)


def _range(way: _Way, limit: float, fluctuates: bool) -> Expected:
    fluctuates = fluctuates or sum(map(bool, way.off)) > len(way.off) / 20
    floor = way.scale.floor(way.center, fluctuates) if way.floor is None else way.floor
    size = max(spread(way.off) * way.stretch, floor)
    allowed = allowance(limit, len(way.off))
    low, high = way.scale.bounds(way.center, size * allowed)
    seen = min(way.of), max(way.of)
    return Expected(way.center, size, allowed, way.scale, low, high, len(way.of), way.name, seen)


def _ways(past: Sequence[Past], now: Past, scale: Scale) -> Iterator[_Way]:
    places = [scale.to(point.value) for point in past]
    yield from _levels(past, places, now, scale, "level")
    if min(places) == max(places):
        return  # nothing foretells a constant better
    start = newest_level(places, MIN_POINTS, scale.floor(median(places), True))
    if start:
        yield from _levels(past[start:], places[start:], now, scale, f"level since {past[start].at:%Y-%m-%d}")
    if len(past) >= _TREND_POINTS:
        rise = slope([point.day for point in past], places)
        # each value where it would be now
        moved = [place + rise * (now.day - point.day) for point, place in zip(past, places, strict=True)]
        yield from _levels(past, moved, now, scale, "trend")
    yield from _growths(past, now, scale)


def _levels(past: Sequence[Past], places: Sequence[float], now: Past, scale: Scale, name: str) -> Iterator[_Way]:
    center = median(places)
    yield _Way(name, scale, center, [place - center for place in places], [point.value for point in past])
    week = by_weekday([point.weekday for point in past], places, _WEEKDAY_POINTS)
    if now.weekday in week:
        off = [far for group in week.values() for far in left_out(group)]
        same = [point.value for point in past if point.weekday == now.weekday]
        yield _Way(_on_weekday(name, now), scale, median(week[now.weekday]), off, same)


def _growths(past: Sequence[Past], now: Past, scale: Scale) -> Iterator[_Way]:
    """Of what only grows, such as a log of versions, the steps are foretold, from the last value on."""
    spans = [b.day - a.day for a, b in pairwise(past)]
    rates = [(b.value - a.value) / span for (a, b), span in zip(pairwise(past), spans, strict=True)]
    rate, since = median(rates), now.day - past[-1].day
    if not rate or sum(one * rate < 0 for one in rates) > _BACKWARDS * len(rates):
        return
    linear, root = scale.linear(), math.sqrt(since)
    floor = scale.step_floor(past[-1].value, rate * max(since, root))
    off = [(one - rate) * math.sqrt(span) for one, span in zip(rates, spans, strict=True)]
    yield _Way("growth", linear, past[-1].value + rate * since, off, rates, root, floor)
    week = by_weekday([point.weekday for point in past[1:]], rates, _WEEKDAY_POINTS)
    if now.weekday in week and all(0.5 < span < 1.5 for span in (*spans, since)):
        off = [far for group in week.values() for far in left_out(group)]
        same = week[now.weekday]
        center = past[-1].value + median(same) * since
        yield _Way(_on_weekday("growth", now), linear, center, off, same, root, floor)


def _on_weekday(name: str, now: Past) -> str:
    return WEEKDAYS[now.weekday] if name == "level" else f"{name}, {WEEKDAYS[now.weekday]}"
