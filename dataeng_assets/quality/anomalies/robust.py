"""Statistics that a few wild values do not move. What they are used for belongs in `baseline`."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import accumulate
from statistics import median

_MAD = 1.4826
"""A normal distribution's standard deviation, in median absolute deviations."""
_NINE_TENTHS = 1.6449
"""What nine in ten of a normal distribution's deviations stay below, in standard deviations."""
_SLOPE_POINTS = 30


def spread(deviations: Sequence[float]) -> float:
    """How far values lie from what was foretold, as a standard deviation.

    The larger of two estimates: by the median absolute deviation, which is blind to rare outliers and to all that
    happens in less than half of the cases, and by what nine in ten stay below, which sees what happens every week.
    """
    far = sorted(map(abs, deviations))
    place = 0.9 * (len(far) - 1)
    below, above = far[math.floor(place)], far[math.ceil(place)]
    return max(_MAD * median(far), (below + (above - below) * (place % 1)) / _NINE_TENTHS)


def slope(days: Sequence[float], values: Sequence[float]) -> float:
    """The median of the slopes between any two points (Theil 1950, Sen 1968); of many points, of some of them."""
    step = math.ceil(len(days) / _SLOPE_POINTS)
    points = sorted(zip(days, values, strict=True))[::step]
    return median(
        (value - other) / (day - before)
        for at, (day, value) in enumerate(points)
        for before, other in points[:at]
        if day > before
    )


def by_weekday(weekdays: Sequence[int], values: Sequence[float], least: int) -> Mapping[int, Sequence[float]]:
    """The values of each weekday that has at least so many."""
    groups: dict[int, list[float]] = defaultdict(list)
    for weekday, value in zip(weekdays, values, strict=True):
        groups[weekday].append(value)
    return {weekday: found for weekday, found in groups.items() if len(found) >= least}


def left_out(values: Sequence[float]) -> list[float]:
    """How far each value lies from the median of the others, which in a group of few is not its own doing."""
    ordered = sorted(values)
    places = {value: at for at, value in enumerate(ordered)}
    # of the others, the two in the middle, which are one and the same where their number is odd
    low, high = (len(ordered) - 2) // 2, (len(ordered) - 1) // 2
    return [
        value - (ordered[low + (places[value] <= low)] + ordered[high + (places[value] <= high)]) / 2
        for value in values
    ]


def newest_level(values: Sequence[float], least: int, floor: float) -> int:
    """Where the newest level of a series begins, if its level has ever shifted; 0 where it has not.

    A first guess is where the sum of the deviations up to it is furthest from what it would be without a shift (CUSUM);
    each counts for at most three spreads, so that a single value shifts nothing. From there the place is moved to where
    most values are nearer to the median of their own side. It counts when both sides are long enough and their medians
    stand further apart than their spreads explain.
    """
    middle = median(values)
    most = 3 * max(_MAD * median(abs(value - middle) for value in values), floor)
    sums = list(accumulate(max(-most, min(most, value - middle)) for value in values))
    share = sums[-1] / len(sums)
    place = max(range(1, len(sums)), key=lambda at: abs(sums[at - 1] - share * at))
    old, new = median(values[:place]), median(values[place:])
    nearer = list(accumulate(1 if abs(value - old) < abs(value - new) else -1 for value in values))
    place = nearer.index(max(nearer)) + 1
    if not least <= place <= len(values) - least:
        return 0
    before, after = values[:place], values[place:]
    old, new = median(before), median(after)
    within = max(spread([value - old for value in before]), spread([value - new for value in after]), floor)
    return place if abs(new - old) > 3 * within else 0
