"""Whether the values that a column may have are more or fewer than before: options of the logical type, enums, quality
rules. Types belong in `types`.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from open_data_contract_standard.model import DataQuality, SchemaProperty

from dataeng_assets.contracts.compatibility.odcs.sets import Moved, changed, moved
from dataeng_assets.contracts.compatibility.verdict import Change

_LOWER = frozenset(("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"))
_UPPER = frozenset(("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties", "precision", "scale"))
_SAYS = {"id", "name", "description", "dimension", "businessImpact", "tags", "customProperties", "severity"}
_SAYS |= {"authoritativeDefinitions", "schedule", "scheduler", "method"}
_TELLS = frozenset(("info", "warn", "warning"))
_THRESHOLDS = ("mustBe", "mustBeGreaterThan", "mustBeGreaterOrEqualTo", "mustBeLessThan", "mustBeLessOrEqualTo",
               "mustBeBetween")  # fmt: skip

Interval = tuple[tuple[float, bool], tuple[float, bool]]


def option_changes(old: SchemaProperty, new: SchemaProperty, place: str) -> Iterator[Change]:
    """Changes of `logicalTypeOptions`."""
    before, now = old.logicalTypeOptions or {}, new.logicalTypeOptions or {}
    for name in sorted({*before, *now}):
        was, becomes = before.get(name), now.get(name)
        # a physical type that is the format itself holds nothing else
        says_nothing = name == "format" and (becomes or was) == old.physicalType == new.physicalType
        if was != becomes and not says_nothing:
            what = f"{name} was {_said(was)} and is {_said(becomes)}"
            yield changed("option_changed", place, what, _option_moved(name, was, becomes))


def _option_moved(name: str, was: Any, becomes: Any) -> Moved:
    if was is None:
        return Moved.NARROWER if becomes is not False else Moved.SAME
    if becomes is None:
        return Moved.WIDER if was is not False else Moved.SAME
    if isinstance(was, bool) and isinstance(becomes, bool):
        return Moved.NARROWER if becomes else Moved.WIDER
    if name in _LOWER | _UPPER and _are_numbers(was, becomes):
        return Moved.WIDER if (becomes < was) == (name in _LOWER) else Moved.NARROWER
    if name == "multipleOf" and _are_numbers(was, becomes) and was and becomes:
        return moved(old_in_new=math.fmod(was, becomes) == 0, new_in_old=math.fmod(becomes, was) == 0)
    if name == "required" and isinstance(was, list) and isinstance(becomes, list):
        return moved(old_in_new=set(map(str, becomes)) <= set(map(str, was)), new_in_old=set(was) <= set(becomes))
    return Moved.OTHER


def enum_changes(old: SchemaProperty, new: SchemaProperty, place: str) -> Iterator[Change]:
    """Values that were added to an enumeration or taken from it."""
    before, now = ([repr(one.value) for one in prop.enum or []] for prop in (old, new))
    if bool(before) != bool(now):
        what = "an enumeration was added" if now else "the enumeration was removed"
        yield changed("enum_changed", place, what, Moved.NARROWER if now else Moved.WIDER)
        return
    for value in before:
        if value not in now:
            yield changed("enum_value_removed", place, f"the value {value} was removed", Moved.NARROWER)
    for value in now:
        if value not in before:
            yield changed("enum_value_added", place, f"the value {value} was added", Moved.WIDER)


def quality_changes(
    old: Sequence[DataQuality] | None, new: Sequence[DataQuality] | None, place: str
) -> Iterator[Change]:
    """Rules that were added, removed, tightened or loosened; known by their id, else their name, else their text."""
    before, now = _named(old or ()), _named(new or ())
    for name in dict.fromkeys([*before, *now]):
        was, becomes = before.get(name), now.get(name)
        if was and becomes:
            yield from _rule_changes(was, becomes, place)
        elif was:
            yield _whole_rule("rule_removed", f"the rule {_shown(was)} was removed", was, Moved.WIDER, place)
        elif becomes:
            yield _whole_rule("rule_added", f"the rule {_shown(becomes)} was added", becomes, Moved.NARROWER, place)


def _whole_rule(kind: str, what: str, rule: DataQuality, how: Moved, place: str) -> Change:
    if not _demands(rule):
        return Change(kind, place, f"{what}: it only tells, and stops no row")
    found = changed(kind, place, what, how)
    if how is Moved.NARROWER:
        return replace(found, migration=f"add it with severity: warning, {found.migration} with severity: error")
    return found


def _demands(rule: DataQuality) -> bool:
    """Whether a row or table that breaks the rule is refused; others are texts, or warn."""
    return rule.type != "text" and (rule.severity or "error").lower() not in _TELLS


def _named(rules: Sequence[DataQuality]) -> Mapping[tuple[str, int], DataQuality]:
    """Rules by what tells them apart; of equal ones, the first of one version is the first of the other."""
    found: dict[tuple[str, int], DataQuality] = {}
    for rule in rules:
        name = rule.id or rule.name or f"{rule.type}:{rule.metric or rule.rule or rule.query or rule.implementation}"
        found[name, sum(1 for known, _ in found if known == name)] = rule
    return found


def _rule_changes(old: DataQuality, new: DataQuality, place: str) -> Iterator[Change]:
    said = {name for name in DataQuality.model_fields if getattr(old, name) != getattr(new, name)}
    what = f"the rule {_shown(old)} became {_shown(new)}"
    if _demands(old) != _demands(new):
        what = f"the severity of {_shown(new)} was {old.severity or 'not said'} and is {new.severity or 'not said'}"
        yield changed("severity_changed", place, what, Moved.NARROWER if _demands(new) else Moved.WIDER)
    elif said - _SAYS - {"unit"} and not _demands(new):
        yield Change("rule_changed", place, f"{what}: it only tells, and stops no row")
    elif said - _SAYS - {*_THRESHOLDS, "unit"}:
        yield changed("rule_changed", place, what, _arguments_moved(old, new, said))
    elif said & {*_THRESHOLDS, "unit"}:
        before, now = _allowed(old), _allowed(new)
        if before is None or now is None or old.unit != new.unit:
            how = Moved.OTHER
        else:
            how = moved(old_in_new=_inside(before, now), new_in_old=_inside(now, before))
        yield changed("rule_changed", place, what, how)


def _arguments_moved(old: DataQuality, new: DataQuality, said: set[str]) -> Moved:
    """A list of valid values is a set that grows or shrinks; of anything else, nothing is known."""
    before, now = ((rule.arguments or {}).get("validValues") for rule in (old, new))
    others = [{**(rule.arguments or {}), "validValues": None} for rule in (old, new)]
    if said - _SAYS != {"arguments"} or others[0] != others[1] or not before or not now:
        return Moved.OTHER
    first, second = set(map(repr, before)), set(map(repr, now))
    return moved(old_in_new=first <= second, new_in_old=second <= first)


def _allowed(rule: DataQuality) -> Interval | None:
    """The numbers that a rule's thresholds allow, each end with whether it belongs to them; None if they are none."""
    given = [name for name in _THRESHOLDS if getattr(rule, name) is not None]
    low, high = (-math.inf, True), (math.inf, True)
    for name in given:
        value = getattr(rule, name)
        ends = value if name == "mustBeBetween" else [value, value]
        if not _are_numbers(*ends):
            return None
        # the standard's "between" is greater than and less than
        closed = name in ("mustBe", "mustBeGreaterOrEqualTo", "mustBeLessOrEqualTo")
        if name in ("mustBe", "mustBeBetween", "mustBeGreaterThan", "mustBeGreaterOrEqualTo"):
            low = max(low, (ends[0], closed), key=lambda end: (end[0], not end[1]))
        if name in ("mustBe", "mustBeBetween", "mustBeLessThan", "mustBeLessOrEqualTo"):
            high = min(high, (ends[1], closed), key=lambda end: (end[0], end[1]))
    return (low, high) if given else None


def _inside(small: Interval, large: Interval) -> bool:
    (low, low_in), (high, high_in) = small
    (least, least_in), (most, most_in) = large
    fits_below = low > least or (low == least and (least_in or not low_in))
    fits_above = high < most or (high == most and (most_in or not high_in))
    return fits_below and fits_above


def _shown(rule: DataQuality) -> str:
    name = rule.name or rule.metric or rule.rule or rule.id or rule.type or "without a name"
    bounds = [f"{one} {getattr(rule, one)}" for one in _THRESHOLDS if getattr(rule, one) is not None]
    return f"{name} ({', '.join(bounds)})" if bounds else name


def _are_numbers(*values: Any) -> bool:
    return all(isinstance(value, int | float) and not isinstance(value, bool) for value in values)


def _said(value: Any) -> str:
    return "not said" if value is None else repr(value)
