"""From a suite to a suite of Great Expectations 1.x. Read again, it says the same of what it could say.

A rule that GX has no expectation for, or not for some rows only, becomes a query for the rows that break it.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any, get_args

from dataeng_assets.contracts.checks import kinds
from dataeng_assets.contracts.checks.kinds import Check, Metric, Nulls, Operator, RowCheck
from dataeng_assets.contracts.checks.names import METRICS
from dataeng_assets.contracts.checks.predicates import violation_sql
from dataeng_assets.contracts.checks.rule import NONE, Bounds, NotExecuted, Rule, Severity, Suite, Unit
from dataeng_assets.contracts.convert.column_types import kind_of, sql_type
from dataeng_assets.contracts.convert.written import Written, about, unsaid

Kwargs = dict[str, Any]
Said = tuple[str, Kwargs]
_WHOLE = (kinds.NoRows, kinds.HasColumns, kinds.Reconciles, kinds.MostCommon, kinds.DistinctValues)
_FORM = "Great Expectations"
_ANY = {"ignore_row_if": "any_value_is_missing"}
_EITHER = {"ignore_row_if": "either_value_is_missing"}
TYPE_NAMES: Mapping[str, list[str]] = MappingProxyType(
    {
        "string": ["str", "string", "VARCHAR", "TEXT", "StringType"],
        "integer": ["int", "INTEGER", "IntegerType"],
        "number": ["float", "NUMERIC", "DECIMAL", "FLOAT", "DOUBLE", "DecimalType"],
        "boolean": ["bool", "boolean", "BOOLEAN", "BooleanType"],
        "date": ["date", "DATE", "DateType"],
        "timestamp": ["datetime64", "TIMESTAMP", "DATETIME", "TimestampType"],
        "time": ["time", "TIME"],
        "array": ["list", "ARRAY", "ArrayType"],
        "object": ["dict", "JSON", "StructType"],
    }
)
"""A logical type as the names that pandas, SQLAlchemy and Spark have for it."""
_METRICS = (
    Metric.ROW_COUNT,
    Metric.COLUMN_COUNT,
    Metric.DISTINCT_COUNT,
    Metric.DISTINCT_SHARE,
    Metric.MINIMUM,
    Metric.MAXIMUM,
    Metric.SUM,
    Metric.MEAN,
    Metric.MEDIAN,
    Metric.STDEV,
)
"""Metrics whose value is what the expectation bounds."""


def great_expectations_text(suite: Suite) -> Written:
    """The suite as JSON, and what it could not say."""
    types = {column.name: sql_type(kind, "duckdb").upper() for column in suite.columns if (kind := kind_of(column))}
    said, missing = [], []
    for rule in suite.rules:
        try:
            said += [_expectation(rule, *one) for one in _said(rule, types)]
        except NotSaid as reason:
            missing.append(unsaid(rule, str(reason)))
    meta = {"version": suite.version, "owner": suite.owner}
    document = {
        "name": suite.name,
        "id": suite.id if suite.id != suite.name else "",
        "expectations": said,
        "meta": {name: value for name, value in meta.items() if value},
        "notes": suite.description,
    }
    kept = {name: value for name, value in document.items() if value or name == "expectations"}
    personal = [NotExecuted(name, f"{name} is personal", "GX masks nothing") for name in sorted(suite.personal)]
    text = json.dumps(kept, indent=2, ensure_ascii=False, default=_plain) + "\n"
    return Written(text, (*missing, *personal, *about(suite, _FORM)))


class NotSaid(Exception):
    """A rule that no expectation says; the message is the reason."""


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value.isoformat() if isinstance(value, date) else str(value)


def _expectation(rule: Rule, kind: str, kwargs: Kwargs) -> dict[str, Any]:
    said: dict[str, Any] = {"type": kind, "kwargs": kwargs, "meta": {"rule": rule.name}}
    said["severity"] = "critical" if rule.severity is Severity.ERROR else "warning"
    return {**said, "description": rule.description} if rule.description else said


def _said(rule: Rule, types: Mapping[str, str]) -> Iterator[Said]:
    check = rule.check
    if isinstance(check, kinds.Measure):
        if rule.where:
            raise NotSaid("a metric of some rows only")
        yield _measured(check, rule.bounds)
        return
    found = None if rule.where else _named(check)
    if found and isinstance(check, _WHOLE) and rule.bounds != NONE:
        raise NotSaid("GX tolerates nothing of a table as a whole")
    if found:
        yield found[0], {**found[1], **_mostly(rule.bounds)}
    elif isinstance(check, get_args(RowCheck)) and rule.bounds == NONE and not isinstance(check, kinds.JsonSchema):
        broken = violation_sql(rule, types)
        yield "unexpected_rows_expectation", {"unexpected_rows_query": f"select * from {{batch}} where {broken}"}
    else:
        raise NotSaid("no expectation of GX core says it" if not rule.where else "its condition on rows cannot be said")


def _mostly(bounds: Bounds) -> Kwargs:
    if bounds == NONE:
        return {}
    upper_only = bounds.lower is None and bounds.upper is not None and not bounds.upper_open and not bounds.excluded
    if bounds.unit is not Unit.PERCENT or not upper_only:
        raise NotSaid("GX tolerates a share of the rows, not a number of them")
    return {"mostly": float((100 - Decimal(str(bounds.upper))) / 100)}


def _between(bounds: Bounds) -> Kwargs:
    if bounds.excluded:
        raise NotSaid("GX bounds from within, not from without")
    said = {"min_value": bounds.lower, "max_value": bounds.upper, "strict_min": bounds.lower_open or None}
    said["strict_max"] = bounds.upper_open or None
    return {name: value for name, value in said.items() if value is not None}


def _measured(check: kinds.Measure, bounds: Bounds) -> Said:
    column = {"column": check.column} if check.column else {}
    metric = check.metric
    if metric in _METRICS:
        return METRICS[metric].gx[0], {**column, **_between(bounds)}
    if metric is Metric.NULL_SHARE:
        low = None if bounds.upper is None else 1 - Decimal(str(bounds.upper))
        high = None if bounds.lower is None else 1 - Decimal(str(bounds.lower))
        turned = Bounds(low, high, bounds.upper_open, bounds.lower_open, excluded=bounds.excluded)
        return "expect_column_proportion_of_non_null_values_to_be_between", {**column, **_between(turned)}
    closed = not (bounds.lower_open or bounds.upper_open or bounds.excluded)
    if metric is Metric.QUANTILE and closed:
        ranges = {"quantiles": [check.argument], "value_ranges": [[bounds.lower, bounds.upper]]}
        return "expect_column_quantile_values_to_be_between", {**column, "quantile_ranges": ranges}
    if metric is Metric.KL_DIVERGENCE and closed and bounds.lower is None:
        values, weights = [value for value, _ in check.shares], [weight for _, weight in check.shares]
        partition = {"values": values, "weights": weights}
        kwargs = {**column, "partition_object": partition, "threshold": bounds.upper}
        return "expect_column_kl_divergence_to_be_less_than", kwargs
    raise NotSaid(f"GX core does not measure {metric.value}")


def _named(check: Check) -> Said | None:
    """The expectation of a check; None when there is none."""
    made = _MAKERS.get(type(check))
    return made(check) if made else None


def _one(kind: str, **kwargs: Any) -> Callable[[Any], Said]:
    return lambda check: (kind, {"column": check.column, **kwargs})


def _set(check: kinds.OneOf) -> Said:
    kind = "expect_column_values_to_not_be_in_set" if check.negated else "expect_column_values_to_be_in_set"
    return kind, {"column": check.column, "value_set": list(check.values)}


def _range(check: kinds.Between) -> Said:
    bounds = {"min_value": check.minimum, "max_value": check.maximum}
    said = {name: _moment(value) for name, value in bounds.items() if value is not None}
    opened = {"strict_min": check.minimum_open, "strict_max": check.maximum_open}
    times = {"parse_strings_as_datetimes": True} if any(isinstance(v, date) for v in bounds.values()) else {}
    kwargs = {"column": check.column, **said, **{name: True for name, is_open in opened.items() if is_open}, **times}
    return "expect_column_values_to_be_between", kwargs


def _moment(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _length(check: kinds.Length) -> Said:
    bounds = {"min_value": check.minimum, "max_value": check.maximum}
    said = {name: value for name, value in bounds.items() if value is not None}
    return "expect_column_value_lengths_to_be_between", {"column": check.column, **said}


def _listed(word: str, argument: str) -> Callable[[Any], Said]:
    """Patterns: one has an expectation of its own, several have one with a list."""

    def make(check: kinds.Matches | kinds.Like) -> Said:
        kind = f"expect_column_values_to_{'not_' if check.negated else ''}match_{word}"
        if len(check.patterns) == 1:
            return kind, {"column": check.column, argument: check.patterns[0]}
        match_on = {} if check.negated else {"match_on": "any" if check.any_of else "all"}
        return f"{kind}_list", {"column": check.column, f"{argument}_list": list(check.patterns), **match_on}

    return make


def _format(check: kinds.Format) -> Said | None:
    column = {"column": check.column}
    if "%" in check.format:
        return "expect_column_values_to_match_strftime_format", {**column, "strftime_format": check.format}
    names = {"date-or-time": "dateutil_parseable", "json": "json_parseable"}
    return (f"expect_column_values_to_be_{names[check.format]}", column) if check.format in names else None


def _compare(check: kinds.Compare) -> Said | None:
    left, right = check.left, check.right
    if check.operator in (Operator.LESS, Operator.AT_MOST):
        left, right = right, left
    pair: Kwargs = {"column_A": left, "column_B": right, **_EITHER}
    if check.operator is Operator.EQUAL:
        return "expect_column_pair_values_to_be_equal", pair
    if check.operator is Operator.DIFFERENT:
        return None
    or_equal = {"or_equal": True} if check.operator in (Operator.AT_LEAST, Operator.AT_MOST) else {}
    return "expect_column_pair_values_a_to_be_greater_than_b", {**pair, **or_equal}


def _tuples(check: kinds.TupleOneOf) -> Said | None:
    if len(check.columns) != 2:
        return None
    kwargs = {"column_A": check.columns[0], "column_B": check.columns[1], "value_pairs_set": check.values, **_EITHER}
    return "expect_column_pair_values_to_be_in_set", kwargs


def _type(check: kinds.OfType) -> Said | None:
    if not check.logical or check.nullable is not None:
        return None
    return "expect_column_values_to_be_in_type_list", {"column": check.column, "type_list": TYPE_NAMES[check.logical]}


def _ordered(check: kinds.Ordered) -> Said:
    kind = f"expect_column_values_to_be_{'decreasing' if check.descending else 'increasing'}"
    return kind, {"column": check.column, "strictly": check.strictly}


def _unique(check: kinds.Unique) -> Said | None:
    if check.nulls is Nulls.REFUSED:
        return None
    if len(check.columns) == 1 and check.nulls is Nulls.IGNORED:
        return "expect_column_values_to_be_unique", {"column": check.columns[0]}
    ignored = _ANY if check.nulls is Nulls.IGNORED else {"ignore_row_if": "never"}
    return "expect_compound_columns_to_be_unique", {"column_list": list(check.columns), **ignored}


def _distinct(check: kinds.DistinctValues) -> Said:
    kind = {"within": "be_in_set", "contains": "contain_set", "equals": "equal_set"}[check.relation]
    return f"expect_column_distinct_values_to_{kind}", {"column": check.column, "value_set": list(check.values)}


def _columns(check: kinds.HasColumns) -> Said | None:
    if check.ordered:
        names = {"column_list": list(check.columns)}
        return ("expect_table_columns_to_match_ordered_list", names) if check.exactly else None
    return "expect_table_columns_to_match_set", {"column_set": list(check.columns), "exact_match": check.exactly}


def _reconciled(check: kinds.Reconciles) -> Said | None:
    if check.measure != "row_count":
        return None
    return "expect_table_row_count_to_equal_other_table", {"other_table_name": check.table}


def _same_result(check: kinds.SameResult) -> Said:
    queries = {"base_query": _batch(check.sql), "comparison_query": _batch(check.other_sql)}
    return "expect_query_results_to_match_comparison", {**queries, "comparison_data_source_name": "the same"}


def _batch(sql: str) -> str:
    return sql.replace("{table}", "{batch}")


_MAKERS: Mapping[type, Callable[[Any], Said | None]] = MappingProxyType(
    {
        kinds.NotNull: lambda check: None if check.also_missing else _one("expect_column_values_to_not_be_null")(check),
        kinds.IsNull: _one("expect_column_values_to_be_null"),
        kinds.OneOf: _set,
        kinds.Between: _range,
        kinds.Length: _length,
        kinds.Matches: _listed("regex", "regex"),
        kinds.Like: _listed("like_pattern", "like_pattern"),
        kinds.Format: _format,
        kinds.JsonSchema: lambda check: (
            "expect_column_values_to_match_json_schema",
            {"column": check.column, "json_schema": json.loads(check.schema)},
        ),
        kinds.Compare: _compare,
        kinds.TupleOneOf: _tuples,
        kinds.SumsTo: lambda check: (
            "expect_multicolumn_sum_to_equal",
            {"column_list": list(check.columns), "sum_total": check.total, **_ANY},
        ),
        kinds.DifferInRow: lambda check: (
            "expect_select_column_values_to_be_unique_within_record",
            {"column_list": list(check.columns), **_ANY},
        ),
        kinds.OfType: _type,
        kinds.Ordered: _ordered,
        kinds.ZScore: lambda check: (
            "expect_column_value_z_scores_to_be_less_than",
            {"column": check.column, "threshold": check.limit, "double_sided": not check.one_sided},
        ),
        kinds.Unique: _unique,
        kinds.MostCommon: lambda check: (
            "expect_column_most_common_value_to_be_in_set",
            {"column": check.column, "value_set": list(check.values), "ties_okay": check.ties_any},
        ),
        kinds.DistinctValues: _distinct,
        kinds.HasColumns: _columns,
        kinds.Reconciles: _reconciled,
        kinds.NoRows: lambda check: (
            "unexpected_rows_expectation",
            {"unexpected_rows_query": _batch(check.sql)},
        ),
        kinds.SameResult: _same_result,
    }
)
