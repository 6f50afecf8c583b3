"""What is said of a value and of what was expected, in plain words. Deciding belongs in `detect`."""

import math
from collections.abc import Sequence

from dataeng_assets.quality.anomalies.baseline import MIN_POINTS, WEEKDAYS, Expected

NOT_ZERO = "not 0"
"""The baseline of what there is, where there often is nothing."""
_BARS = "▁▂▃▄▅▆▇█"
_OF = {"null_share": "of {} without a value", "distinct_share": "distinct values in {}", "mean": "on average in {}"}


def told(metric: str, value: float) -> str:
    """A value as people write it."""
    if metric == "row_count":
        return f"{value:,.0f} rows"
    if metric == "hours_old":
        return f"{value:,.1f} hours old" if abs(value) < 48 else f"{value / 24:,.1f} days old"
    return _percent(value) if metric.endswith("_share") else _number(value)


def subject(metric: str, column: str | None, value: float) -> str:
    """A value with what it is of."""
    return " ".join(filter(None, (told(metric, value), _OF.get(metric, "").format(column))))


def sentence(metric: str, column: str | None, value: float, expected: Expected) -> str:
    """A value beside what its baseline had: `12,034 rows; Saturdays had 48,000 to 52,100 in the last 8 weeks`."""
    return f"{subject(metric, column, value)}; {_past(metric, expected)}"


def too_little(metric: str, column: str | None, value: float | None, points: int) -> str:
    """That a value could not be judged, and why."""
    if value is None:
        return f"{metric}{f' of {column}' if column else ''} could not be measured: there was nothing to measure it of"
    return f"{subject(metric, column, value)}; not enough history: {points} of {MIN_POINTS} earlier measurements"


def sparkline(values: Sequence[float | None], width: int = 20) -> str:
    """The newest values as a line of bars between the smallest and the largest of them; a gap where there is none."""
    shown = values[-width:]
    there = [value for value in shown if value is not None]
    if not there:
        return ""
    low, span = min(there), max(there) - min(there)
    bars = [" " if value is None else _BARS[round((value - low) / span * 7) if span else 3] for value in shown]
    return "".join(bars)


def _past(metric: str, expected: Expected) -> str:
    had = _range(metric, *expected.seen)
    name, _, weekday = expected.way.partition(", ")
    if name == "growth":
        when = f"on {weekday} " if weekday else ""
        change = _range("", *expected.seen) if metric != "row_count" else had
        return f"{when}it changed by {change} a day in the last 8 weeks, so {_usual(metric, expected)} was expected"
    if name == "trend":
        when = f" on {weekday}" if weekday else ""
        return f"the trend of the last 8 weeks leads to {_usual(metric, expected)}{when}"
    if name in WEEKDAYS:
        return f"{name} had {had} in the last 8 weeks"
    if name == NOT_ZERO:
        return f"the {expected.points} measurements before it that were not 0 had {had}"
    since = name.removeprefix("level").strip()
    if weekday:
        return f"{weekday} had {had} {since}"
    return f"the {expected.points} measurements {since or 'before it'} had {had}"


def _usual(metric: str, expected: Expected) -> str:
    if math.isinf(expected.low):
        return f"at most {told(metric, expected.high)}"
    return _range(metric, expected.low, expected.high)


def _range(metric: str, low: float, high: float) -> str:
    first, last = (_bare(metric, value) for value in (low, high))
    return first if first == last else f"{first} to {last}"


def _bare(metric: str, value: float) -> str:
    return told(metric, value).removesuffix(" rows").removesuffix(" old")


def _percent(share: float) -> str:
    """A share in percent; what is not all or nothing is never rounded to it."""
    if 0 < share < 0.0001:
        return "less than 0.01 %"
    if 0.9999 < share < 1:
        return "more than 99.99 %"
    return f"{100 * share:.4g} %"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
