"""Series of daily points, for the tests of anomalies."""

import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from dataeng_assets.quality.anomalies.detect import Finding, Point, judge

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)


def daily(values: Sequence[float], start: datetime = MONDAY) -> list[Point]:
    return [Point(start + timedelta(days=day), value) for day, value in enumerate(values)]


def noisy(count: int, level: float = 5000, noise: float = 0.03, seed: int = 1) -> list[float]:
    chance = random.Random(seed)
    return [round(level * (1 + chance.gauss(0, noise))) for _ in range(count)]


def weekly(count: int, seed: int = 1) -> list[float]:
    """From Monday on; weekends have a third."""
    return [value / 3 if day % 7 > 4 else value for day, value in enumerate(noisy(count, seed=seed))]


def newest(values: Sequence[float], metric: str = "row_count", **options) -> Finding:
    """What is said of the last of the values."""
    *history, point = daily(values)
    return judge(history, point, metric=metric, **options)
