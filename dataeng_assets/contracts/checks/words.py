"""A check in words, for people who read results: its kind, and what it demands.

What it means exactly is written in `kinds`, what is said of a result in `quality.written.words`.
"""

from collections.abc import Iterable

from dataeng_assets.contracts.checks.as_mapping import kind_name
from dataeng_assets.contracts.checks.kinds import (
    Between,
    Check,
    Compare,
    DifferInRow,
    DistinctValues,
    Format,
    HasColumns,
    Holds,
    IsNull,
    JsonSchema,
    Length,
    Like,
    Literal,
    Matches,
    Measure,
    Metric,
    MostCommon,
    MultipleOf,
    NoRows,
    NotNull,
    OfType,
    OneOf,
    Ordered,
    Query,
    Reconciles,
    References,
    SameResult,
    SumsTo,
    TupleOneOf,
    Unique,
    ZScore,
)
from dataeng_assets.contracts.checks.rule import Rule

_SHOWN = 6


def kind_of(check: Check) -> str:
    """The kind of a check as contracts name it, such as `not_null`; of a measure, what is measured."""
    return check.metric.value if isinstance(check, Measure) else kind_name(type(check))


def demanded(rule: Rule) -> str:
    """What a rule demands, and of which rows; what its bounds tolerate is not told."""
    return in_words(rule.check) + (f", where {rule.where}" if rule.where else "")


def in_words(check: Check) -> str:
    """What the check demands, as a phrase such as `amount is at least 0`."""
    match check:
        case Unique():
            return f"{_list(check.columns)} {'is' if len(check.columns) == 1 else 'are together'} unique"
        case References():
            return f"{_list(check.columns)} stands in {check.table}{f' at {check.as_of.at}' if check.as_of else ''}"
        case Ordered():
            way = ("falls" if check.descending else "rises") if check.strictly else None
            never = f"never {'rises' if check.descending else 'falls'}"
            return f"{check.column} {way or never} from row to row"
        case ZScore():
            return f"{check.column} lies within {check.limit} standard deviations of its mean"
        case OfType():
            empty = {None: "", True: ", may be empty", False: ", may not be empty"}[check.nullable]
            return f"{check.column} has the type {check.physical or check.logical}{empty}"
        case Query():
            return f"the query gives the number: {_short(check.sql)}"
        case NoRows():
            return f"no row comes from: {_short(check.sql)}"
        case SameResult():
            return f"both queries give the same rows: {_short(check.sql)}"
    return _whole(check)


def _whole(check: Check) -> str:
    match check:
        case Measure():
            return _measure(check)
        case MostCommon():
            return f"the most frequent {check.column} is {_any(check.values)}"
        case DistinctValues():
            relation = {"within": "are all among", "contains": "include", "equals": "are exactly"}[check.relation]
            return f"the values of {check.column} {relation} {_list(check.values)}"
        case HasColumns():
            order = " in this order" if check.ordered else ""
            return f"the columns {_list(check.columns)}{order}{' and no others' if check.exactly else ''} are there"
        case Reconciles():
            of = f" of {_list(check.columns)}" if check.columns else ""
            return f"{check.measure}{of} equals that of {check.table}"
    return _row(check)


def _row(check: Check) -> str:
    match check:
        case NotNull():
            return f"{check.column} has a value"
        case IsNull():
            return f"{check.column} has no value"
        case OneOf():
            return f"{check.column} is {'not ' if check.negated else ''}{_any(check.values)}"
        case Between():
            return f"{check.column} {_range(check)}"
        case MultipleOf():
            return f"{check.column} is a multiple of {check.divisor}"
        case Length():
            return f"{check.column} has a length of {_span(check.minimum, check.maximum)}"
        case Matches() | Like():
            verb = "does not match" if check.negated else "matches"
            return f"{check.column} {verb} {_list(check.patterns, ' or ' if check.any_of else ', ')}"
        case Format():
            return f"{check.column} is written as {check.format}"
        case JsonSchema():
            return f"{check.column} is valid under its JSON Schema"
    return _across(check)


def _across(check: Check) -> str:
    match check:
        case Compare():
            return f"{check.left} {check.operator.value} {check.right}"
        case TupleOneOf():
            return f"{_list(check.columns)} are together one of {len(check.values)} combinations"
        case SumsTo():
            return f"{_list(check.columns, ' + ')} = {check.total}"
        case DifferInRow():
            return f"{_list(check.columns)} differ from each other"
        case Holds():
            return _short(check.condition)
    raise TypeError(f"no words for {type(check).__name__}")


def _measure(check: Measure) -> str:
    name = check.metric.value.replace("_", " ")
    match check.metric:
        case Metric.QUANTILE:
            return f"the {check.argument} quantile of {check.column}"
        case Metric.LATENCY_HOURS:
            return f"hours from {check.since} to {check.column}"
        case Metric.HOURS_OLD:
            return f"age in hours of the newest {check.column}"
    return f"the {name} of {check.column}" if check.column else f"the {name}"


def _range(check: Between) -> str:
    parts = []
    if check.minimum is not None:
        parts.append(f"{'more than' if check.minimum_open else 'at least'} {check.minimum}")
    if check.maximum is not None:
        parts.append(f"{'less than' if check.maximum_open else 'at most'} {check.maximum}")
    return f"is {' and '.join(parts) or 'a number'}"


def _span(minimum: int | None, maximum: int | None) -> str:
    if minimum == maximum:
        return str(minimum)
    if maximum is None:
        return f"at least {minimum}"
    return f"at most {maximum}" if minimum is None else f"{minimum} to {maximum}"


def _any(values: Iterable[Literal]) -> str:
    shown = list(values)
    return f"one of {_list(shown)}" if len(shown) != 1 else str(shown[0])


def _list(values: Iterable[object], between: str = ", ") -> str:
    shown = [str(value) for value in values]
    more = f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
    return between.join(shown[:_SHOWN]) + more


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 100 else f"{line[:97]}..."
