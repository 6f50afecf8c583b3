"""On which scale the values of a metric are compared, so that equal distances mean equally much.

Counts lie on a logarithmic scale, shares on one that is bounded by 0 and 1, ages and means on their own. What is usual
belongs in `baseline`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

_COUNT_NOISE = 0.0125
"""The least spread of a count, as a share of it: a day of 23 or 25 hours, 4 % more or less, is no anomaly."""
_SHARE_NOISE = 0.01
"""The least spread of a share, on its scale: 1.5 thousandths are an anomaly of what was 0, 4 hundredths of a half."""
_MEAN_NOISE = 0.005
_STEP_NOISE = 0.05
_LEVEL_NOISE = 0.001
_LEAST_HOURS = 0.25
_TINY = 1e-12


@dataclass(frozen=True)
class Scale:
    """How the values of a metric are compared.

    Attributes:
        to: a value on the scale.
        back: the value of a place on the scale.
        floor: the least spread at a place on the scale, given whether the metric has ever fluctuated.
        step_floor: the least spread of a step, given the value it starts from and its size; of metrics that grow.
        least: no value is below it.
        most: no value is above it.
        only_high: a value below what is usual is good news.
    """

    to: Callable[[float], float]
    back: Callable[[float], float]
    floor: Callable[[float, bool], float]
    step_floor: Callable[[float, float], float]
    least: float = -math.inf
    most: float = math.inf
    only_high: bool = False

    def bounds(self, center: float, reach: float) -> tuple[float, float]:
        """The values that lie within a reach of a place on the scale."""
        low = -math.inf if self.only_high else self.back(center - reach)
        return max(self.least, low), min(self.most, self.back(center + reach))

    def linear(self) -> Self:
        """The same metric with its values as they are, for steps."""
        return replace(self, to=_itself, back=_itself)


def _of_count(count: float) -> float:
    return math.log1p(max(0.0, count))


def _count_of(place: float) -> float:
    return math.expm1(min(max(0.0, place), 700.0))


def _count_floor(place: float, fluctuates: bool) -> float:
    if not fluctuates:
        return _COUNT_NOISE
    # Poisson: what comes by itself varies by the root of its number; a table that stays as it is does not
    count = _count_of(place)
    return math.hypot(_COUNT_NOISE, math.sqrt(max(count, 0.25)) / (1 + count))


def _count_step_floor(_count: float, step: float) -> float:
    return math.hypot(_STEP_NOISE * step, math.sqrt(abs(step)))


def _step_floor(value: float, step: float) -> float:
    return math.hypot(_STEP_NOISE * step, _LEVEL_NOISE * value)


def _of_share(share: float) -> float:
    return math.asin(math.sqrt(min(max(share, 0.0), 1.0)))


def _share_of(place: float) -> float:
    return math.sin(min(max(place, 0.0), math.pi / 2)) ** 2


def _itself(value: float) -> float:
    return value


def _share_floor(_place: float, _fluctuates: bool) -> float:
    return _SHARE_NOISE


def _age_floor(hours: float, _fluctuates: bool) -> float:
    return max(_LEAST_HOURS, abs(hours) / 10)


def _mean_floor(mean: float, _fluctuates: bool) -> float:
    return max(_TINY, _MEAN_NOISE * abs(mean))


COUNT = Scale(_of_count, _count_of, _count_floor, _count_step_floor, least=0.0)
SHARE = Scale(_of_share, _share_of, _share_floor, _step_floor, least=0.0, most=1.0)
AGE = Scale(_itself, _itself, _age_floor, _step_floor, only_high=True)
VALUE = Scale(_itself, _itself, _mean_floor, _step_floor)

_SCALES = {"row_count": COUNT, "null_share": SHARE, "distinct_share": SHARE, "hours_old": AGE}


def scale_of(metric: str) -> Scale:
    """The scale of a metric; its own where it is none of those that are known."""
    return _SCALES.get(metric, VALUE)
