"""Whether a check, or several of one column, can hold at all; and which columns a check names.

Nothing is known of data here: a check that no row breaks is as good as one that every row does.
"""

import json
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from dataeng_assets.contracts.checks.as_mapping import CheckRefused
from dataeng_assets.contracts.checks.conditions import SqlRefused, columns_in, refuse_no_query
from dataeng_assets.contracts.checks.formats import FORMATS
from dataeng_assets.contracts.checks.kinds import (
    Between,
    Check,
    Compare,
    DifferInRow,
    Format,
    HasColumns,
    Holds,
    JsonSchema,
    Length,
    Like,
    Matches,
    Measure,
    Metric,
    MostCommon,
    MultipleOf,
    NoRows,
    OneOf,
    Query,
    References,
    SameResult,
    SumsTo,
    TupleOneOf,
    Unique,
)
from dataeng_assets.contracts.checks.rule import NONE, Rule, Severity
from dataeng_assets.contracts.errors import did_you_mean

_AT_LEAST: tuple[tuple[tuple[type[Check], ...], str, int], ...] = (
    ((Unique, References, TupleOneOf, SumsTo, HasColumns), "columns", 1),
    ((DifferInRow,), "columns", 2),
    ((Matches, Like), "patterns", 1),
    ((OneOf, MostCommon), "values", 1),
)
_OF_THE_TABLE = (Metric.ROW_COUNT, Metric.COLUMN_COUNT)


def named_columns(check: Check) -> tuple[str, ...]:
    """The columns of the table itself that a check speaks of; those of other tables and of queries are not known.

    Raises:
        SqlRefused: a condition that is none.
    """
    if isinstance(check, HasColumns):
        return ()  # it asks whether they are there
    if isinstance(check, Holds):
        return tuple(sorted(columns_in(check.condition)))
    if isinstance(check, Compare):
        return (check.left, check.right)
    names = [getattr(check, "column", ""), *getattr(check, "columns", ()), getattr(check, "since", "")]
    if isinstance(check, References) and check.as_of:
        names.append(check.as_of.at)
    return tuple(name for name in names if name)


def refuse_contradiction(check: Check) -> None:
    """Raise when a check cannot be judged or cannot hold, whatever the table.

    Raises:
        CheckRefused: names the field, what stands there and what may.
    """
    match check:
        case Between() | Length():
            _refuse_empty_range(check)
        case MultipleOf():
            if not math.isfinite(check.divisor) or check.divisor <= 0:
                raise CheckRefused("divisor", check.divisor, "a number above 0")
        case Format():
            if "%" not in check.format and check.format not in FORMATS:
                names = list(FORMATS)
                hint = did_you_mean(check.format, names)
                raise CheckRefused("format", check.format, f"{', '.join(names)}, or a strftime pattern{hint}")
        case JsonSchema():
            _refuse_no_json(check)
        case Holds() | Query() | NoRows() | SameResult():
            _refuse_sql(check)
        case Measure():
            _refuse_measure(check)
        case _:
            _refuse_counts(check)


def pattern_problem(pattern: str) -> str:
    """Why RE2, which takes linear time, cannot read a regular expression; empty when it can."""
    try:
        pc.match_substring_regex(pa.array([""]), pattern=pattern)
    except (pa.ArrowInvalid, UnicodeError) as broken:
        said = str(broken).rpartition("regular expression: ")[2]
        return f"RE2, which takes linear time, does not know it: {said}"
    return ""


def contradictions(rules: Iterable[Rule]) -> Iterator[tuple[Rule, str]]:
    """Rules that no value can keep beside another one of the same column, each with what contradicts it."""
    firm = [rule for rule in rules if rule.bounds == NONE and not rule.where and rule.severity is Severity.ERROR]
    ranges = defaultdict[str, list[Rule]](list)
    for rule in firm:
        if isinstance(rule.check, Between | Length):
            ranges[rule.check.column].append(rule)
    for rule in firm:
        check = rule.check
        if isinstance(check, OneOf) and not check.negated:
            for other in ranges[check.column]:
                outside = [value for value in check.values if _lies_outside(value, other.check)]
                if outside:
                    yield rule, f"{outside[0]!r}, which the rule {other.name} never allows"


def _refuse_empty_range(check: Between | Length) -> None:
    low, high = check.minimum, check.maximum
    is_open = isinstance(check, Between) and (check.minimum_open or check.maximum_open)
    if isinstance(check, Length) and min(check.minimum or 0, check.maximum or 0) < 0:
        raise CheckRefused("minimum", f"{low} to {high}", "a length of 0 or more")
    if low is None or high is None:
        return
    try:
        is_empty = low > high or (low == high and is_open)  # type: ignore[operator]  # kinds that differ are caught
    except TypeError:
        raise CheckRefused("minimum", f"{low!r} to {high!r}", "two values of one kind") from None
    if is_empty:
        raise CheckRefused("minimum", f"{low} to {high}", "a minimum that is no larger than the maximum")


def _refuse_no_json(check: JsonSchema) -> None:
    try:
        schema = json.loads(check.schema)
    except ValueError:
        schema = None
    if not isinstance(schema, dict | bool):
        raise CheckRefused("schema", check.schema[:80], "a JSON Schema, as JSON")


def _refuse_sql(check: Holds | Query | NoRows | SameResult) -> None:
    for key, sql in vars(check).items():
        try:
            if key == "condition":
                columns_in(sql)
            else:
                refuse_no_query(sql.replace("{table}", "table_judged"))
        except SqlRefused as refused:
            wanted = "a condition" if key == "condition" else "one query"
            raise CheckRefused(key, sql, f"{wanted} in DuckDB's SQL; {refused}") from None


def _refuse_measure(check: Measure) -> None:
    metric, quantile = check.metric, check.argument
    if (metric in _OF_THE_TABLE) == bool(check.column):
        wanted = "none: it is measured of the table" if check.column else "the column that is measured"
        raise CheckRefused("column", check.column or None, wanted)
    if metric is Metric.QUANTILE and (quantile is None or not 0 <= quantile <= 1):
        raise CheckRefused("argument", quantile, "the quantile, 0 to 1")
    if metric is Metric.LATENCY_HOURS and not check.since:
        raise CheckRefused("since", None, "the earlier time")
    if metric is Metric.KL_DIVERGENCE and not check.shares:
        raise CheckRefused("shares", None, "the expected share of each value")


def _refuse_counts(check: Check) -> None:
    """Lists that must hold something, or as many as another one."""
    for kinds, key, least in _AT_LEAST:
        if isinstance(check, kinds) and len(getattr(check, key)) < least:
            raise CheckRefused(key, list(getattr(check, key)), f"at least {least}")
    if isinstance(check, Matches):
        for pattern in check.patterns:
            if problem := pattern_problem(pattern):
                raise CheckRefused("patterns", pattern, f"a regular expression; {problem}")
    if isinstance(check, References) and len(check.columns) != len(check.to):
        raise CheckRefused("to", list(check.to), f"as many columns as there are in columns: {len(check.columns)}")
    if isinstance(check, TupleOneOf):
        for row in check.values:
            if len(row) != len(check.columns):
                raise CheckRefused("values", list(row), f"{len(check.columns)} values in each")


def _lies_outside(value: Any, check: Any) -> bool:
    if isinstance(check, Length):
        value = len(value) if isinstance(value, str) else None
    low, high = check.minimum, check.maximum
    low_open, high_open = getattr(check, "minimum_open", False), getattr(check, "maximum_open", False)
    try:
        below = low is not None and (value < low or (value == low and low_open))
        above = high is not None and (value > high or (value == high and high_open))
    except TypeError:
        return False  # of different kinds: which is right depends on the column's type
    return below or above
