"""ODCS' own words for bounds, units, severities and dimensions, both ways."""

import math
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from dataeng_assets.contracts.checks.as_mapping import CheckRefused, plain, scalar
from dataeng_assets.contracts.checks.rule import NONE, Bounds, Number, Severity, Unit

OPERATORS = (
    "mustBe", "mustNotBe", "mustBeGreaterThan", "mustBeGreaterOrEqualTo", "mustBeLessThan", "mustBeLessOrEqualTo",
    "mustBeBetween", "mustNotBeBetween",
)  # fmt: skip
OUTSIDE = "mustBeOutside"
"""Ours, beside the standard's: what the other operators say is what must not be."""
ANYTHING = "anything"
"""Ours, as the value of `mustBe`: it is measured, and nothing is demanded."""

_UNITS = {"rows": Unit.ROWS, "row": Unit.ROWS, "count": Unit.ROWS, "percent": Unit.PERCENT, "%": Unit.PERCENT}
_SEVERITIES = {
    **dict.fromkeys(
        ("error", "critical", "high", "blocker", "fatal", "severe", "major", "fail", "must", "blocking"), Severity.ERROR
    ),
    **dict.fromkeys(
        ("warning", "warn", "info", "information", "low", "medium", "minor", "notice", "should"), Severity.WARNING
    ),
}
DIMENSIONS: Mapping[str, str] = MappingProxyType(
    {
        "ac": "accuracy", "cp": "completeness", "cf": "conformity", "cs": "consistency", "cv": "coverage",
        "tm": "timeliness", "uq": "uniqueness",
    }
)  # fmt: skip
"""The standard's dimensions by their short names."""


def bounds_of(words: Mapping[str, Any], unit: Unit = Unit.ROWS, *, counts_failures: bool) -> Bounds | None:
    """The bounds that operators say; None when there is none.

    `mustBeBetween` leaves both ends out, by the standard's text; two operators together say two ends of one range.

    Args:
        words: operators with their values; others are passed over.
        unit: of the bounds.
        counts_failures: whether they bound a number of failures, of which `mustBe: 0` is the same as at most none.

    Raises:
        CheckRefused: a value is no number, or the operators contradict each other.
    """
    said = {word: words[word] for word in OPERATORS if words.get(word) is not None}
    outside = _is_outside(words.get(OUTSIDE))
    if not said:
        if outside:
            raise CheckRefused(OUTSIDE, outside, f"beside one of {', '.join(OPERATORS)}")
        return None
    if said == {"mustBe": ANYTHING}:
        found = Bounds(unit=unit)
    elif len(said) == 1:
        ((word, value),) = said.items()
        found = _one(word, value, unit)
        if counts_failures and word == "mustBe" and found.lower == 0:
            found = Bounds(upper=found.upper, unit=unit)
    else:
        found = _together(said, unit)
    _refuse_empty(found, said)
    return Bounds(found.lower, found.upper, found.lower_open, found.upper_open, unit, found.excluded != outside)


def words_of(bounds: Bounds, *, counts_failures: bool) -> dict[str, Any]:
    """The operators that say the bounds, unit aside; several when no single one does."""
    lower, upper = plain(bounds.lower), plain(bounds.upper)
    if bounds.lower is not None and bounds.lower == bounds.upper and not (bounds.lower_open or bounds.upper_open):
        if repr(lower) == repr(upper) and not (counts_failures and bounds.lower == 0):
            return {"mustNotBe" if bounds.excluded else "mustBe": lower}
    elif counts_failures and bounds in (NONE, Bounds(upper=0, unit=bounds.unit)):
        return {"mustBe": 0}
    elif None not in (lower, upper) and bounds.lower_open and bounds.upper_open:
        return {"mustNotBeBetween" if bounds.excluded else "mustBeBetween": [lower, upper]}
    said: dict[str, Any] = {OUTSIDE: True} if bounds.excluded else {}
    if lower is None and upper is None:
        said["mustBe"] = ANYTHING
    if lower is not None:
        said["mustBeGreaterThan" if bounds.lower_open else "mustBeGreaterOrEqualTo"] = lower
    if upper is not None:
        said["mustBeLessThan" if bounds.upper_open else "mustBeLessOrEqualTo"] = upper
    return said


def unit_of(word: object) -> Unit | None:
    """The unit of a word, `rows` for none; None for a word that is not known."""
    return Unit.ROWS if word is None else _UNITS.get(str(word).strip().lower())


def severity_of(word: str | None) -> Severity | None:
    """The severity of a word, an error for none; None for a word that is not known."""
    return Severity.ERROR if word is None else _SEVERITIES.get(word.strip().lower())


def _one(word: str, value: Any, unit: Unit) -> Bounds:
    if word in ("mustBeBetween", "mustNotBeBetween"):
        if not isinstance(value, list | tuple) or len(value) != 2:
            raise CheckRefused(word, value, "two numbers, the smaller one first")
        low, high = (_number(word, item) for item in value)
        return Bounds(low, high, True, True, unit, word == "mustNotBeBetween")
    number = _number(word, value)
    match word:
        case "mustBe" | "mustNotBe":
            return Bounds(number, number, unit=unit, excluded=word == "mustNotBe")
        case "mustBeGreaterThan" | "mustBeGreaterOrEqualTo":
            return Bounds(lower=number, lower_open=word == "mustBeGreaterThan", unit=unit)
        case _:
            return Bounds(upper=number, upper_open=word == "mustBeLessThan", unit=unit)


def _together(said: Mapping[str, Any], unit: Unit) -> Bounds:
    lower = [word for word in said if word.startswith("mustBeGreater")]
    upper = [word for word in said if word.startswith("mustBeLess")]
    if len(said) != 2 or len(lower) != 1 or len(upper) != 1:
        raise CheckRefused(list(said)[1], ", ".join(said), "one operator, or one for each end of a range")
    low, high = _one(lower[0], said[lower[0]], unit), _one(upper[0], said[upper[0]], unit)
    return Bounds(low.lower, high.upper, low.lower_open, high.upper_open, unit)


def _refuse_empty(bounds: Bounds, said: Mapping[str, Any]) -> None:
    if bounds.lower is None or bounds.upper is None:
        return
    is_open = bounds.lower_open or bounds.upper_open
    if bounds.lower > bounds.upper or (bounds.lower == bounds.upper and is_open):
        raise CheckRefused(next(iter(said)), f"{bounds.lower} to {bounds.upper}", "the smaller number first")


def _number(word: str, value: Any) -> Number:
    value = scalar(value, word)
    if isinstance(value, bool):
        return int(value)  # a query may answer true
    if not isinstance(value, int | float | Decimal) or not math.isfinite(value):
        raise CheckRefused(word, value, "a number")
    return value


def _is_outside(value: Any) -> bool:
    if value not in (None, True, False):
        raise CheckRefused(OUTSIDE, value, "true or false")
    return bool(value)
