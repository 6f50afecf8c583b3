"""Every expectation of GX core, by name, as what it demands of a table."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from dataeng_assets.contracts.checks.kinds import (
    Between,
    Check,
    DistinctValues,
    Format,
    HasColumns,
    IsNull,
    JsonSchema,
    Length,
    Like,
    Matches,
    Measure,
    Metric,
    MostCommon,
    NoRows,
    NotNull,
    Nulls,
    OfType,
    OneOf,
    Ordered,
    Query,
    Reconciles,
    SameResult,
    Unique,
    ZScore,
)
from dataeng_assets.contracts.checks.names import METRICS
from dataeng_assets.contracts.checks.rule import NONE, Bounds, Rule
from dataeng_assets.contracts.checks.sql import literal, quoted
from dataeng_assets.contracts.convert.conditions import all_of
from dataeng_assets.contracts.convert.gx_arguments import Arguments, NotSaid
from dataeng_assets.contracts.convert.gx_distributions import kl_divergence, outliers
from dataeng_assets.contracts.convert.gx_rows import ACROSS, Reader, present
from dataeng_assets.contracts.convert.gx_types import of_type, of_types
from dataeng_assets.contracts.convert.json_schema_columns import with_re2
from dataeng_assets.contracts.convert.patterns import PatternRefused, re2


def rules_of(expectation: str, said: Arguments) -> list[Rule]:
    """The rules of an expectation, without names.

    Raises:
        KeyError: GX core has no such expectation.
        NotSaid: it cannot become a rule; says why.
        ContractError: an argument is missing or has the wrong type.
    """
    found = list(EXPECTATIONS[expectation](said))
    where = said.where
    said.finish()
    return [replace(rule, where=all_of([rule.where, where])) for rule in found]


def _rows(made: Callable[[Arguments], Check]) -> Reader:
    """An expectation about each row: `mostly` says how many may break it."""
    return lambda said: iter([Rule(made(said), "", said.tolerance)])


def _whole(made: Callable[[Arguments], Check], bounds: Callable[[Arguments], Bounds] = lambda _: NONE) -> Reader:
    """An expectation about the whole column or table."""
    return lambda said: iter([Rule(made(said), "", bounds(said))])


def _measured(metric: Metric) -> Reader:
    table = metric in (Metric.ROW_COUNT, Metric.COLUMN_COUNT)
    return _whole(lambda said: Measure(metric, "" if table else said.column), Arguments.bounds)


def _equal(metric: Metric) -> Reader:
    def bounds(said: Arguments) -> Bounds:
        value = said.need("value", int, "a whole number")
        return Bounds(lower=value, upper=value)

    return _whole(lambda _: Measure(metric), bounds)


def _between(said: Arguments) -> Check:
    return Between(said.column, *said.range())


def _extreme(metric: Metric) -> Reader:
    """Largest or smallest value; a bound that is no number is judged on the values themselves."""

    def read(said: Arguments) -> Iterator[Rule]:
        column, (low, high, low_open, high_open) = said.column, said.range()
        if not any(isinstance(bound, bool) or not isinstance(bound, int | float | None) for bound in (low, high)):
            yield Rule(Measure(metric, column), "", Bounds(low, high, low_open, high_open))
            return
        is_max = metric is Metric.MAXIMUM
        outer = Between(column, None, high, False, high_open) if is_max else Between(column, low, None, low_open, False)
        if (high if is_max else low) is not None:
            yield Rule(outer, "")
        inner, is_open = (low, low_open) if is_max else (high, high_open)
        if inner is not None:
            sign = (">" if is_max else "<") + ("" if is_open else "=")
            condition = all_of([f"{quoted(column)} {sign} {literal(inner)}", said.where])
            yield Rule(Query(f"select count(*) from {{table}} where {condition}"), "", Bounds(lower=1))

    return read


def _filled(said: Arguments) -> Iterator[Rule]:
    """The share of values that are there, as the share of those that are missing."""
    bounds = said.bounds()
    low = None if bounds.upper is None else 1 - bounds.upper
    high = None if bounds.lower is None else 1 - bounds.lower
    yield Rule(Measure(Metric.NULL_SHARE, said.column), "", Bounds(low, high, bounds.upper_open, bounds.lower_open))


def _quantiles(said: Arguments) -> Iterator[Rule]:
    ranges = said.need("quantile_ranges", dict, "a mapping with quantiles and value_ranges")
    quantiles, between = ranges.get("quantiles", []), ranges.get("value_ranges", [])
    if len(quantiles) != len(between):
        raise NotSaid("quantile_ranges has not as many ranges as quantiles")
    for quantile, (low, high) in zip(quantiles, between, strict=True):
        yield Rule(Measure(Metric.QUANTILE, said.column, float(quantile)), "", Bounds(low, high))


def _lengths(said: Arguments) -> Check:
    low, high, low_open, high_open = said.range()
    return Length(said.column, None if low is None else low + low_open, None if high is None else high - high_open)


def _length(said: Arguments) -> Check:
    value = said.need("value", int, "a whole number")
    return Length(said.column, value, value)


def _pattern(said: Arguments, *, negated: bool = False) -> Check:
    return Matches(said.column, (_re2(str(said.need("regex", str, "a regular expression"))),), negated=negated)


def _patterns(said: Arguments, *, negated: bool = False) -> Check:
    patterns = tuple(_re2(pattern) for pattern in said.texts("regex_list"))
    any_one = not negated and said.get("match_on", "any") != "all"
    return Matches(said.column, patterns, any_of=any_one, negated=negated)


def _re2(pattern: str) -> str:
    try:
        return re2(pattern)
    except PatternRefused as refused:
        raise NotSaid(str(refused)) from None


def _like(said: Arguments, *, negated: bool = False) -> Check:
    return Like(said.column, (str(said.need("like_pattern", str, "a LIKE pattern")),), negated=negated)


def _likes(said: Arguments, *, negated: bool = False) -> Check:
    any_one = not negated and said.get("match_on", "any") != "all"
    return Like(said.column, tuple(said.texts("like_pattern_list")), any_of=any_one, negated=negated)


def _json_schema(said: Arguments) -> Check:
    schema = said.get("json_schema")
    try:
        schema = json.loads(schema) if isinstance(schema, str) else schema
        if not isinstance(schema, dict | bool):
            raise NotSaid("json_schema is no JSON Schema")
        return JsonSchema(said.column, json.dumps(with_re2(schema), sort_keys=True))
    except PatternRefused as refused:
        raise NotSaid(str(refused)) from None
    except ValueError:
        raise NotSaid("json_schema is no JSON") from None


def _ordered(said: Arguments, *, descending: bool) -> Check:
    return Ordered(said.column, descending, bool(said.get("strictly", False)))


def _z_score(said: Arguments) -> Check:
    limit = said.need("threshold", (int, float), "a number of standard deviations")
    return ZScore(said.column, limit, one_sided=not said.get("double_sided", True))


def _type(said: Arguments) -> Check:
    name = str(said.need("type_", str, "the name of a type"))
    return _known(of_type(said.column, name), name)


def _types(said: Arguments) -> Check:
    names = said.texts("type_list")
    return _known(of_types(said.column, names), ", ".join(names))


def _known(found: OfType | None, names: str) -> Check:
    if found is None:
        raise NotSaid(f"{names} is no one type in the words of ODCS; demand one")
    return found


def _unique(said: Arguments) -> Check:
    return Unique((said.column,))


def _compound(said: Arguments) -> Iterator[Rule]:
    columns, ignored = said.columns, said.ignored_rows("all")
    nulls = Nulls.IGNORED if ignored == "any" else Nulls.EQUAL
    yield Rule(Unique(columns, nulls), "", said.tolerance, where=present(columns) if ignored == "all" else "")


def _column_exists(said: Arguments) -> Check:
    if said.get("column_index") is not None:
        raise NotSaid("column_index demands a place; demand the order of all columns instead")
    return HasColumns((said.column,))


def _column_list(said: Arguments) -> Check:
    return HasColumns(said.columns, ordered=True, exactly=True)


def _column_set(said: Arguments) -> Check:
    return HasColumns(tuple(said.texts("column_set")), exactly=bool(said.get("exact_match", True)))


def _query(said: Arguments, name: str) -> str:
    text = str(said.need(name, str, "a query"))
    said.get(name)
    return text.replace("{active_batch}", "{table}").replace("{batch}", "{table}").strip().rstrip(";")


def _same_result(said: Arguments) -> Iterator[Rule]:
    said.get("comparison_data_source_name")
    check = SameResult(_query(said, "base_query"), _query(said, "comparison_query"))
    yield Rule(check, "", said.tolerance)


def _with_bounds(made: Callable[[Arguments], tuple[Check, Bounds]]) -> Reader:
    def read(said: Arguments) -> Iterator[Rule]:
        check, bounds = made(said)
        yield Rule(check, "", bounds)

    return read


_PLAIN_METRICS = (
    Metric.SUM, Metric.MEAN, Metric.MEDIAN, Metric.STDEV, Metric.DISTINCT_COUNT, Metric.DISTINCT_SHARE
)  # fmt: skip
EXPECTATIONS: Mapping[str, Reader] = MappingProxyType(
    {
        "expect_column_values_to_not_be_null": _rows(lambda said: NotNull(said.column)),
        "expect_column_values_to_be_null": _rows(lambda said: IsNull(said.column)),
        "expect_column_values_to_be_in_set": _rows(lambda said: OneOf(said.column, said.values())),
        "expect_column_values_to_not_be_in_set": _rows(lambda said: OneOf(said.column, said.values(), negated=True)),
        "expect_column_values_to_be_between": _rows(_between),
        "expect_column_value_lengths_to_be_between": _rows(_lengths),
        "expect_column_value_lengths_to_equal": _rows(_length),
        "expect_column_values_to_match_regex": _rows(_pattern),
        "expect_column_values_to_not_match_regex": _rows(lambda said: _pattern(said, negated=True)),
        "expect_column_values_to_match_regex_list": _rows(_patterns),
        "expect_column_values_to_not_match_regex_list": _rows(lambda said: _patterns(said, negated=True)),
        "expect_column_values_to_match_like_pattern": _rows(_like),
        "expect_column_values_to_not_match_like_pattern": _rows(lambda said: _like(said, negated=True)),
        "expect_column_values_to_match_like_pattern_list": _rows(_likes),
        "expect_column_values_to_not_match_like_pattern_list": _rows(lambda said: _likes(said, negated=True)),
        "expect_column_values_to_match_strftime_format": _rows(
            lambda said: Format(said.column, str(said.need("strftime_format", str, "a strftime pattern")))
        ),
        "expect_column_values_to_be_dateutil_parseable": _rows(lambda said: Format(said.column, "date-or-time")),
        "expect_column_values_to_be_json_parseable": _rows(lambda said: Format(said.column, "json")),
        "expect_column_values_to_match_json_schema": _rows(_json_schema),
        "expect_column_values_to_be_of_type": _rows(_type),
        "expect_column_values_to_be_in_type_list": _rows(_types),
        "expect_column_type_to_be": _whole(_type),
        "expect_column_values_to_be_increasing": _rows(lambda said: _ordered(said, descending=False)),
        "expect_column_values_to_be_decreasing": _rows(lambda said: _ordered(said, descending=True)),
        "expect_column_value_z_scores_to_be_less_than": _rows(_z_score),
        "expect_column_values_to_not_be_outliers": _with_bounds(outliers),
        "expect_column_values_to_be_unique": _rows(_unique),
        "expect_compound_columns_to_be_unique": _compound,
        **ACROSS,
        **{METRICS[metric].gx[0]: _measured(metric) for metric in _PLAIN_METRICS},
        "expect_column_max_to_be_between": _extreme(Metric.MAXIMUM),
        "expect_column_min_to_be_between": _extreme(Metric.MINIMUM),
        "expect_column_proportion_of_non_null_values_to_be_between": _filled,
        "expect_column_quantile_values_to_be_between": _quantiles,
        "expect_column_kl_divergence_to_be_less_than": _with_bounds(kl_divergence),
        "expect_column_most_common_value_to_be_in_set": _whole(
            lambda said: MostCommon(said.column, said.values(), bool(said.get("ties_okay", False)))
        ),
        "expect_column_distinct_values_to_be_in_set": _whole(lambda said: DistinctValues(said.column, said.values())),
        "expect_column_distinct_values_to_contain_set": _whole(
            lambda said: DistinctValues(said.column, said.values(), "contains")
        ),
        "expect_column_distinct_values_to_equal_set": _whole(
            lambda said: DistinctValues(said.column, said.values(), "equals")
        ),
        "expect_column_to_exist": _whole(_column_exists),
        "expect_table_columns_to_match_ordered_list": _whole(_column_list),
        "expect_table_columns_to_match_set": _whole(_column_set),
        "expect_table_column_count_to_be_between": _measured(Metric.COLUMN_COUNT),
        "expect_table_column_count_to_equal": _equal(Metric.COLUMN_COUNT),
        "expect_table_row_count_to_be_between": _measured(Metric.ROW_COUNT),
        "expect_table_row_count_to_equal": _equal(Metric.ROW_COUNT),
        "expect_table_row_count_to_equal_other_table": _whole(
            lambda said: Reconciles(str(said.need("other_table_name", str, "the name of a table")))
        ),
        "unexpected_rows_expectation": _whole(lambda said: NoRows(_query(said, "unexpected_rows_query"))),
        "expect_query_results_to_match_comparison": _same_result,
    }
)
"""By the name that GX 1 gives them."""
