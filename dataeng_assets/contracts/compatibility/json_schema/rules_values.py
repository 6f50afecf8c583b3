"""What types, enums, numbers and strings demand of a pair of schemas."""

from typing import Any

from dataeng_assets.contracts.compatibility.json_schema.containment import Judged
from dataeng_assets.contracts.compatibility.json_schema.document import shown
from dataeng_assets.contracts.compatibility.json_schema.node import INTEGER_OF_DRAFT_4, TYPES
from dataeng_assets.contracts.compatibility.json_schema.shape import ALL_TYPES, Shape, both
from dataeng_assets.contracts.compatibility.json_schema.shapes import limit
from dataeng_assets.contracts.compatibility.json_schema.values import covers, key, kind_of
from dataeng_assets.contracts.compatibility.json_schema.words import listed

NUMBERS = frozenset({"integer", "number", INTEGER_OF_DRAFT_4})


def judge_types(judged: Judged) -> frozenset[str]:
    """Every type of the source must be one of the target's; what is in both is judged further."""
    source, target = judged.source, judged.target
    missing = {one for one in source.types if not any(covers(other, one) for other in target.types)}
    if "number" in missing and "integer" in target.types and source.multiple and source.multiple.denominator == 1:
        missing.discard("number")
    if missing == {"integer"} and INTEGER_OF_DRAFT_4 in target.types:
        judged.report(
            "integer_reading_narrowed", "integer", "whole numbers, 1.0 too", "whole numbers without a point",
            "may write 1 as 1.0",
        )  # fmt: skip
    elif missing:
        report_types(judged, source.types, missing)
    return both(source.types, target.types)


def report_types(judged: Judged, found: frozenset[str], missing: set[str]) -> None:
    """Say that values of some types are refused."""
    allowed = judged.target.types
    narrower = all(any(covers(one, other) for one in found) for other in allowed)
    kind = "type_narrowed" if narrower and allowed else "type_changed" if allowed else "all_values_refused"
    judged.report(
        kind, "`type`", type_names(found), type_names(allowed), f"may hold values of type {type_names(missing)}"
    )


def type_names(types: frozenset[str] | set[str]) -> str:
    """Types in words."""
    if types >= ALL_TYPES:
        return "any type"
    if not types:
        return "none"
    order = [*TYPES[1:], INTEGER_OF_DRAFT_4, TYPES[0]]
    return " or ".join(sorted(types, key=order.index))


def judge_listed(judged: Judged, values: list[Any]) -> None:
    """The source has few values: each must be valid under the target."""
    source, target = judged.source, judged.target
    said = {key(one): judged.engine.shapes.admits(target.nodes, one, source.types) for one in values}
    refused = [one for one in values if said[key(one)] is False]
    unknown = [shown(one) for one in values if said[key(one)] is None]
    if unknown:
        judged.report("undecided_values", "the rule on the listed values", "", "", listed(unknown))
    if not refused:
        return
    harm = f"may hold {listed([shown(one) for one in refused])}"
    divided = next((word for word in ("anyOf", "oneOf") for node in target.nodes if word in node.lists), None)
    mistyped = {kind_of(one) for one in refused if not any(covers(t, kind_of(one)) for t in target.types)}
    if mistyped and target.enum is None:
        report_types(judged, frozenset(kind_of(one) for one in values), mistyped)
    elif target.enum is not None:
        allowed = [shown(one) for one in target.enum.values()]
        gone = listed([shown(one) for one in values])
        judged.report("enum_values_removed", "`enum`", gone, listed(allowed), harm)
    elif divided is not None:
        judged.report("branch_removed", f"a branch of `{divided}`", "", None, harm, judged.branch or f"/{divided}")
    else:
        judged.report("listed_value_refused", "the rule on the listed values", "looser", "stricter", harm)


def judge_enum(judged: Judged) -> None:
    """The target lists its values, the source does not."""
    if judged.target.enum is not None:
        allowed = listed([shown(one) for one in judged.target.enum.values()])
        judged.report("enum_added", "`enum`", None, allowed, "may hold other values")


def judge_numbers(judged: Judged) -> None:
    """Bounds and multiples."""
    for side, word, direction in (("lower", "minimum", "increased"), ("upper", "maximum", "decreased")):
        demanded, given = judged.target.bounds.get(side), limit(judged.source, side)
        if demanded is None or (given is not None and _within(side, given, demanded)):
            continue
        written = judged.source.bounds.get(side)
        beyond = "below" if side == "lower" else "above"
        harm = f"may hold numbers {beyond} {shown(demanded[0])}" + (", or that number" if demanded[1] else "")
        kind = f"{word}_{direction}" if written else f"{word}_added"
        judged.report(kind, f"`{word}`", _bound(written), _bound(demanded), harm)
    _judge_multiples(judged)


def _within(side: str, given: tuple[Any, bool], demanded: tuple[Any, bool]) -> bool:
    if given[0] == demanded[0]:
        return given[1] or not demanded[1]
    return bool((given[0] > demanded[0]) == (side == "lower"))


def _bound(bound: tuple[Any, bool] | None) -> str | None:
    return None if bound is None else shown(bound[0]) + (" (exclusive)" if bound[1] else "")


def _judge_multiples(judged: Judged) -> None:
    given = judged.source.multiple
    for node in judged.target.nodes:
        demanded = node.limits.get("multipleOf")
        if demanded is None or (given is not None and (given / demanded).denominator == 1):
            continue
        written = [one.limits["multipleOf"] for one in judged.source.nodes if "multipleOf" in one.limits]
        kind = "multiple_of_changed" if written else "multiple_of_added"
        before = shown(float(given)) if written and given is not None else None
        judged.report(kind, "`multipleOf`", before, f"{float(demanded):g}", "may hold numbers between the steps")


def judge_strings(judged: Judged) -> None:
    """Lengths and patterns."""
    counts = judged.source.counts
    judge_counts(judged, "Length", counts.get("minLength", 0), counts.get("maxLength"), "texts", "shorter", "longer")
    new = [pattern for pattern in judged.target.patterns if pattern not in judged.source.patterns]
    if new:
        before = listed([shown(pattern) for pattern in judged.source.patterns]) or None
        kind = "undecided_pattern" if before else "pattern_added"
        after = listed([shown(pattern) for pattern in judged.target.patterns])
        judged.report(kind, "`pattern`", before, after, "may hold texts that do not match it")


def judge_counts(
    judged: Judged, what: str, least: int, most: int | None, things: str, fewer: str, more: str
) -> None:  # fmt: skip
    """The lengths of strings, arrays and objects: `least` and `most` are those of the source."""
    target: Shape = judged.target
    snake = what.lower()
    demanded = target.counts.get(f"min{what}", 0)
    if demanded > least:
        written = judged.source.counts.get(f"min{what}")
        kind = f"min_{snake}_added" if written is None else f"min_{snake}_increased"
        before = None if written is None else str(written)
        judged.report(kind, f"`min{what}`", before, str(demanded), f"may hold {things} {fewer} than {demanded}")
    allowed = target.counts.get(f"max{what}")
    if allowed is not None and (most is None or most > allowed):
        written = judged.source.counts.get(f"max{what}")
        kind = f"max_{snake}_added" if written is None else f"max_{snake}_decreased"
        before = None if written is None else str(written)
        judged.report(kind, f"`max{what}`", before, str(allowed), f"may hold {things} {more} than {allowed}")
