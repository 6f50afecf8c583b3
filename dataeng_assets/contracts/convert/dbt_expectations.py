"""The tests of dbt-expectations, by name, as what they demand of a table. Their groups become queries.

Those that set a table beside another belong in `dbt_two_tables`.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from dataeng_assets.contracts.checks.kinds import (
    Between,
    Check,
    Compare,
    DistinctValues,
    HasColumns,
    Holds,
    IsNull,
    Length,
    Like,
    Matches,
    Measure,
    Metric,
    MostCommon,
    NoRows,
    NotNull,
    Nulls,
    OneOf,
    Operator,
    Query,
    TupleOneOf,
    Unique,
    ZScore,
)
from dataeng_assets.contracts.checks.names import METRICS, UNSAID
from dataeng_assets.contracts.checks.rule import Bounds
from dataeng_assets.contracts.checks.sql import listed, literal, quoted
from dataeng_assets.contracts.convert import dbt_queries as queries
from dataeng_assets.contracts.convert import dbt_two_tables as two_tables
from dataeng_assets.contracts.convert.conditions import all_of, any_of
from dataeng_assets.contracts.convert.dbt_arguments import NotSaid, TestArguments
from dataeng_assets.contracts.convert.dbt_tests import Demanded, Reader, recent
from dataeng_assets.contracts.convert.gx_types import of_type, of_types


def _rows(made: Callable[[TestArguments], Check]) -> Reader:
    return lambda said: Demanded(made(said), where=said.where)


def _bounds(said: TestArguments) -> Bounds:
    low, high = said.get("min_value"), said.get("max_value")
    is_open = bool(said.get("strictly", False))
    if low is None and high is None:
        raise NotSaid("neither bound has a value, so nothing is demanded")
    if not isinstance(low, int | float | None) or not isinstance(high, int | float | None):
        raise NotSaid("its bounds are no numbers; compare with an SQL query")
    return Bounds(low, high, is_open and low is not None, is_open and high is not None)


def _value(said: TestArguments) -> int | float:
    value: int | float = said.need("value", (int, float), "a number")
    return value


def _equal_value(said: TestArguments, name: str = "value") -> Bounds:
    value = said.need(name, (int, float), "a number")
    return Bounds(value, value)


def _measured(metric: Metric, sql: str, bounds: Callable[[TestArguments], Bounds] = _bounds) -> Reader:
    """A metric within bounds, in each group when there are groups; `sql` is its aggregate over `{}`."""
    table = metric in (Metric.ROW_COUNT, Metric.COLUMN_COUNT)

    def read(said: TestArguments) -> Demanded:
        by, limit, where = said.texts("group_by", default=[]), bounds(said), said.where
        said.get("compare_column")
        if not by:
            return Demanded(Measure(metric, "" if table else said.one_column), limit, where)
        inside = all_of(_inside(limit))
        column = "" if table else said.name
        return Demanded(NoRows(queries.aggregate_outside(sql.format(column), inside, by=by, where=where)))

    return read


def _inside(bounds: Bounds) -> list[str]:
    low = f"value >{'' if bounds.lower_open else '='} {literal(bounds.lower)}" if bounds.lower is not None else ""
    high = f"value <{'' if bounds.upper_open else '='} {literal(bounds.upper)}" if bounds.upper is not None else ""
    return [low, high]


def _between(said: TestArguments) -> Check:
    low, high, is_open = said.bound("min_value"), said.bound("max_value"), bool(said.get("strictly", False))
    if low is None and high is None:
        raise NotSaid("neither bound has a value, so nothing is demanded")
    if isinstance(low, str) or isinstance(high, str):
        sign = "" if is_open else "="
        texts = [bound if isinstance(bound, str) else literal(bound) for bound in (low, high)]
        parts = [f"{said.name} >{sign} {texts[0]}" if low is not None else ""]
        return Holds(all_of([*parts, f"{said.name} <{sign} {texts[1]}" if high is not None else ""]))
    return Between(said.one_column, low, high, is_open and low is not None, is_open and high is not None)


def _lengths(said: TestArguments) -> Check:
    bounds = _bounds(said)
    low = None if bounds.lower is None else int(bounds.lower) + bounds.lower_open
    return Length(said.one_column, low, None if bounds.upper is None else int(bounds.upper) - bounds.upper_open)


def _pattern(said: TestArguments, *, negated: bool = False) -> Check:
    said.get("is_raw")
    return Matches(said.one_column, (said.pattern(said.need("regex", str, "a regular expression")),), negated=negated)


def _patterns(said: TestArguments, *, negated: bool = False) -> Check:
    said.get("is_raw")
    any_one = not negated and said.get("match_on", "any") != "all"
    return Matches(said.one_column, tuple(map(said.pattern, said.values("regex_list"))), any_one, negated)


def _likes(said: TestArguments, *, negated: bool = False) -> Check:
    any_one = not negated and said.get("match_on", "any") != "all"
    return Like(said.one_column, tuple(map(str, said.values("like_pattern_list"))), any_one, negated)


def _like(said: TestArguments, *, negated: bool = False) -> Check:
    return Like(said.one_column, (str(said.need("like_pattern", str, "a LIKE pattern")),), negated=negated)


def _set(said: TestArguments) -> tuple[Any, ...]:
    said.get("quote_values")
    return said.values("value_set")


def _ordered(sign: str) -> Reader:
    def read(said: TestArguments) -> Demanded:
        order, by = said.texts("sort_column", default=[]), said.texts("group_by", default=[])
        if said.get("step") is not None:
            raise NotSaid("a step between values; demand it with dbt_utils.sequential_values")
        sign_now = sign if said.get("strictly", True) else f"{sign}="
        order_by = order[0] if order else ""
        sql = queries.not_in_steps(said.one_column, "", by, order=order_by, sign=sign_now, where=said.where)
        return Demanded(NoRows(sql))

    return read


def _types(said: TestArguments) -> Demanded:
    names = [str(name) for name in said.values("column_type_list")]
    return _known(of_types(said.one_column, names), ", ".join(names))


def _type(said: TestArguments) -> Demanded:
    name = str(said.need("column_type", str, "the name of a type"))
    return _known(of_type(said.one_column, name), name)


def _known(check: Check | None, names: str) -> Demanded:
    if check is None:
        raise NotSaid(f"{names} is no one type in the words of ODCS; demand one")
    return Demanded(check)


def _same_case(said: TestArguments) -> Demanded:
    said.get("display_inconsistent_columns")
    sql = f"select lower({said.name}) from {{table}} group by 1 having count(distinct {said.name}) > 1"
    return Demanded(NoRows(sql))


def _columns(said: TestArguments, *, ordered: bool = False, exactly: bool = True) -> Check:
    if said.get("transform", "upper") not in ("upper", "lower"):
        raise NotSaid("names of columns are compared as they stand")
    return HasColumns(said.texts("column_list"), ordered=ordered, exactly=exactly)


def _exists(said: TestArguments) -> Check:
    said.get("transform")
    if said.get("column_index") is not None:
        raise NotSaid("column_index demands a place; demand the order of all columns instead")
    return HasColumns((said.one_column,))


def _recent(said: TestArguments) -> Demanded:
    part, count = str(said.need("datepart", str, "day, hour …")), said.need("interval", (int, float), "a number")
    column = said.get("timestamp_column") or said.one_column
    by, where = said.texts("group_by", default=[]), said.where
    if not by:
        found = recent(column, part, count)
        return Demanded(found.check, found.bounds, where)
    inside = f"value >= now() - interval {literal(f'{count} {part}')}"
    return Demanded(NoRows(queries.aggregate_outside(f"max({quoted(column)})", inside, by=by, where=where)))


def _sum(bounds: Callable[[TestArguments], Bounds]) -> Reader:
    """The sum of several columns over all rows."""

    def read(said: TestArguments) -> Demanded:
        total = " + ".join(f"sum({quoted(name)})" for name in said.texts("column_list"))
        by, limit, where = said.texts("group_by", default=[]), bounds(said), said.where
        if by:
            return Demanded(NoRows(queries.aggregate_outside(total, all_of(_inside(limit)), by=by, where=where)))
        return Demanded(Query(f"select {total} from {{table}}{f' where {where}' if where else ''}"), limit)

    return read


def _compound(said: TestArguments) -> Demanded:
    columns, ignored = said.texts("column_list"), str(said.get("ignore_row_if", "all_values_are_missing"))
    said.get("quote_columns")
    present = any_of([f"{quoted(name)} is not null" for name in columns]) if ignored.startswith("all") else ""
    nulls = Nulls.IGNORED if ignored.startswith("any") else Nulls.EQUAL
    return Demanded(Unique(columns, nulls), where=all_of([present, said.where]))


def _differ(said: TestArguments) -> Demanded:
    columns, ignored = said.texts("column_list"), str(said.get("ignore_row_if", "all_values_are_missing"))
    said.get("quote_columns")
    values = [f"coalesce(cast({quoted(name)} as varchar), chr(0))" for name in columns]
    join = any_of if ignored.startswith("all") else all_of
    present = join([f"{quoted(name)} is not null" for name in columns]) if ignored != "never" else ""
    check = Holds(f"len(list_distinct([{listed(values)}])) = {len(values)}")
    return Demanded(check, where=all_of([present, said.where]))


def _pair(said: TestArguments) -> tuple[str, str]:
    return said.texts("column_A")[0], said.texts("column_B")[0]


def _greater(said: TestArguments) -> Check:
    left, right = _pair(said)
    return Compare(left, Operator.AT_LEAST if said.get("or_equal", False) else Operator.GREATER, right)


def _equal_pair(said: TestArguments) -> Check:
    return Compare(_pair(said)[0], Operator.EQUAL, _pair(said)[1])


def _pairs(said: TestArguments) -> Check:
    pairs = said.need("value_pairs_set", list, "a list of pairs")
    return TupleOneOf(_pair(said), tuple(map(tuple, pairs)))


def _quantile(said: TestArguments) -> Demanded:
    quantile = said.need("quantile", (int, float), "a share from 0 to 1")
    if said.texts("group_by", default=[]):
        raise NotSaid("quantiles are taken of the whole table, not of each group")
    return Demanded(Measure(Metric.QUANTILE, said.one_column, float(quantile)), _bounds(said), said.where)


def _most_common(said: TestArguments) -> Demanded:
    if said.get("top_n", 1) != 1:
        raise NotSaid("only the most frequent value is judged, not the first few")
    return Demanded(MostCommon(said.one_column, _set(said)), where=said.where)


def _stdevs(said: TestArguments) -> Demanded:
    if said.texts("group_by", default=[]):
        raise NotSaid("deviations are taken in the whole table, not in each group")
    return Demanded(ZScore(said.one_column, said.get("sigma_threshold", 3)), where=said.where)


def _never(reason: str) -> Reader:
    def read(said: TestArguments) -> Demanded:  # noqa: ARG001  # called as all readers are
        raise NotSaid(reason)

    return read


_AGGREGATES = {
    Metric.MAXIMUM: "max({})",
    Metric.MEAN: "avg({})",
    Metric.MEDIAN: "median({})",
    Metric.MINIMUM: "min({})",
    Metric.STDEV: "stddev_samp({})",
    Metric.SUM: "sum({})",
}


def _distinct(relation: str) -> Reader:
    return _rows(lambda said: DistinctValues(said.one_column, _set(said), relation))


EXPECTATIONS: Mapping[str, Reader] = MappingProxyType(
    {
        **{METRICS[metric].dbt_expectations[0]: _measured(metric, sql) for metric, sql in _AGGREGATES.items()},
        **{name: _never(reason) for name, reason in UNSAID.items()},
        "expect_column_to_exist": _rows(_exists),
        "expect_row_values_to_have_recent_data": _recent,
        "expect_grouped_row_values_to_have_recent_data": _recent,
        "expect_table_aggregation_to_equal_other_table": two_tables.aggregation,
        "expect_table_column_count_to_be_between": _measured(Metric.COLUMN_COUNT, ""),
        "expect_table_column_count_to_equal": _measured(Metric.COLUMN_COUNT, "", _equal_value),
        "expect_table_columns_to_contain_set": _rows(lambda said: _columns(said, exactly=False)),
        "expect_table_columns_to_match_ordered_list": _rows(lambda said: _columns(said, ordered=True)),
        "expect_table_columns_to_match_set": _rows(_columns),
        "expect_table_row_count_to_be_between": _measured(Metric.ROW_COUNT, "count(*)"),
        "expect_table_row_count_to_equal": _measured(Metric.ROW_COUNT, "count(*)", _equal_value),
        "expect_table_row_count_to_equal_other_table": two_tables.same_row_count,
        "expect_table_row_count_to_equal_other_table_times_factor": two_tables.same_row_count,
        "expect_column_values_to_be_null": _rows(lambda said: IsNull(said.one_column)),
        "expect_column_values_to_not_be_null": _rows(lambda said: NotNull(said.one_column)),
        "expect_column_values_to_be_unique": _rows(lambda said: Unique((said.one_column,))),
        "expect_column_values_to_be_of_type": _type,
        "expect_column_values_to_be_in_type_list": _types,
        "expect_column_values_to_have_consistent_casing": _same_case,
        "expect_column_values_to_be_in_set": _rows(lambda said: OneOf(said.one_column, _set(said))),
        "expect_column_values_to_not_be_in_set": _rows(lambda said: OneOf(said.one_column, _set(said), negated=True)),
        "expect_column_values_to_be_between": _rows(_between),
        "expect_column_values_to_be_decreasing": _ordered("<"),
        "expect_column_values_to_be_increasing": _ordered(">"),
        "expect_column_value_lengths_to_be_between": _rows(_lengths),
        "expect_column_value_lengths_to_equal": _rows(
            lambda said: Length(said.one_column, int(_value(said)), int(_value(said)))
        ),
        "expect_column_values_to_match_like_pattern": _rows(_like),
        "expect_column_values_to_not_match_like_pattern": _rows(lambda said: _like(said, negated=True)),
        "expect_column_values_to_match_like_pattern_list": _rows(_likes),
        "expect_column_values_to_not_match_like_pattern_list": _rows(lambda said: _likes(said, negated=True)),
        "expect_column_values_to_match_regex": _rows(_pattern),
        "expect_column_values_to_not_match_regex": _rows(lambda said: _pattern(said, negated=True)),
        "expect_column_values_to_match_regex_list": _rows(_patterns),
        "expect_column_values_to_not_match_regex_list": _rows(lambda said: _patterns(said, negated=True)),
        "expect_column_distinct_count_to_be_greater_than": _measured(
            Metric.DISTINCT_COUNT, "count(distinct {})", lambda said: Bounds(lower=_value(said), lower_open=True)
        ),
        "expect_column_distinct_count_to_be_less_than": _measured(
            Metric.DISTINCT_COUNT, "count(distinct {})", lambda said: Bounds(upper=_value(said), upper_open=True)
        ),
        "expect_column_distinct_count_to_equal": _measured(Metric.DISTINCT_COUNT, "count(distinct {})", _equal_value),
        "expect_column_distinct_count_to_equal_other_table": two_tables.same_distinct_count,
        "expect_column_distinct_values_to_be_in_set": _distinct("within"),
        "expect_column_distinct_values_to_contain_set": _distinct("contains"),
        "expect_column_distinct_values_to_equal_set": _distinct("equals"),
        "expect_column_most_common_value_to_be_in_set": _most_common,
        "expect_column_proportion_of_unique_values_to_be_between": _measured(
            Metric.DISTINCT_SHARE, "count(distinct {0}) / count({0})"
        ),
        "expect_column_quantile_values_to_be_between": _quantile,
        "expect_column_unique_value_count_to_be_between": _measured(Metric.DISTINCT_COUNT, "count(distinct {})"),
        "expect_column_pair_values_A_to_be_greater_than_B": _rows(_greater),
        "expect_column_pair_values_to_be_equal": _rows(_equal_pair),
        "expect_column_pair_values_to_be_in_set": _rows(_pairs),
        "expect_compound_columns_to_be_unique": _compound,
        "expect_multicolumn_sum_to_equal": _sum(lambda said: _equal_value(said, "sum_total")),
        "expect_multicolumn_sum_to_be_between": _sum(_bounds),
        "expect_select_column_values_to_be_unique_within_record": _differ,
        "expect_column_values_to_be_within_n_stdevs": _stdevs,
        "expression_is_true": _rows(lambda said: Holds(str(said.need("expression", str, "an SQL expression")))),
    }
)
"""By the name that the package gives them."""
