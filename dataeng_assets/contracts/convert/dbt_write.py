"""From suites to a properties file of dbt. Read again, it says the same of what it could say.

Tests are those of dbt, dbt-utils and dbt-expectations; a rule of rows without one is an expression.
"""

from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import Any, get_args

from dataeng_assets.contracts.checks import kinds
from dataeng_assets.contracts.checks.kinds import Check, Metric, Nulls, Operator, RowCheck
from dataeng_assets.contracts.checks.names import METRICS
from dataeng_assets.contracts.checks.predicates import violation_sql
from dataeng_assets.contracts.checks.rule import NONE, Bounds, NotExecuted, Rule, Severity, Suite, Unit
from dataeng_assets.contracts.checks.sql import literal
from dataeng_assets.contracts.convert.column_types import kind_of, sql_type
from dataeng_assets.contracts.convert.gx_write import TYPE_NAMES
from dataeng_assets.contracts.convert.written import Written, about, unsaid
from dataeng_assets.contracts.yaml_text import yaml_text

Test = tuple[str, str, dict[str, Any]]
"""The column below which it stands (or none), its name, its arguments."""
_FORM = "dbt"
_HEADER = "# The tests with a dot in their name are from dbt-utils and dbt-expectations; name those in packages.yml."
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
    Metric.QUANTILE,
)


class NotSaid(Exception):
    """A rule that no test says; the message is the reason."""


def dbt_text(suite: Suite) -> Written:
    """The properties file of one model, and what it could not say."""
    types = {column.name: sql_type(kind, "duckdb").upper() for column in suite.columns if (kind := kind_of(column))}
    of_table: list[Any] = []
    of_column: dict[str, list[Any]] = {column.name: [] for column in suite.columns}
    missing: list[NotExecuted] = []
    is_closed = False
    for rule in suite.rules:
        if _is_said_by_columns(rule, suite):
            is_closed = is_closed or (isinstance(rule.check, kinds.HasColumns) and rule.check.exactly)
            continue
        try:
            column, test = _written(rule, types)
        except NotSaid as reason:
            missing.append(unsaid(rule, str(reason)))
            continue
        (of_column.setdefault(column, []) if column else of_table).append(test)
    model = _model(suite, of_column, is_closed=is_closed)
    if of_table:
        model["data_tests"] = of_table
    text = yaml_text({"version": 2, "models": [model]})
    needs = "dbt_utils." in text or "dbt_expectations." in text
    return Written(f"{_HEADER}\n{text}" if needs else text, (*missing, *about(suite, _FORM)))


def _model(suite: Suite, tests: Mapping[str, list[Any]], *, is_closed: bool) -> dict[str, Any]:
    meta = {"contract": suite.id, "contract_version": suite.version, "owner": suite.owner}
    dataeng = {name: value for name, value in meta.items() if value}
    config: dict[str, Any] = {"meta": {"dataeng": dataeng}} if dataeng else {}
    if is_closed:
        config["contract"] = {"enforced": True}
    known = {column.name: column for column in suite.columns}
    columns = []
    for name, found in tests.items():
        column = known.get(name)
        said: dict[str, Any] = {"name": name}
        if not name.isidentifier():
            said["quote"] = True
        if column and column.physical:
            said["data_type"] = column.physical
        if column and column.description:
            said["description"] = column.description
        if column and column.personal:
            said["config"] = {"meta": {"dataeng": {"personal": True}}}
        columns.append({**said, **({"data_tests": found} if found else {})})
    model = {"name": suite.name, "description": suite.description, "config": config, "columns": columns}
    return {word: value for word, value in model.items() if value}


def _is_said_by_columns(rule: Rule, suite: Suite) -> bool:
    """Whether the list of columns with their types says a rule already."""
    check = rule.check
    if rule.bounds != NONE or rule.where or rule.severity is not Severity.ERROR:
        return False
    if isinstance(check, kinds.HasColumns):
        return not check.ordered and set(check.columns) == {column.name for column in suite.columns}
    types = {column.name: column.physical for column in suite.columns}
    return isinstance(check, kinds.OfType) and bool(check.physical) and types.get(check.column) == check.physical


def _written(rule: Rule, types: Mapping[str, str]) -> tuple[str, Any]:
    """The column and the test of a rule, with its settings."""
    config: dict[str, Any] = {}
    if isinstance(rule.check, kinds.Measure):
        column, name, arguments = _measured(rule.check, rule.bounds)
    else:
        config = _outcome(rule.bounds, rule.severity)
        made = _MAKERS.get(type(rule.check))
        found = made(rule.check) if made else None
        if found is None:
            column, name, arguments = _expression(rule, types)
        else:
            column, name, arguments = found
    if rule.where:
        config["where"] = rule.where
    if rule.severity is Severity.WARNING:
        config["severity"] = "warn"
    if rule.description:
        config["description"] = rule.description
    said: dict[str, Any] = {"name": rule.name}
    if arguments:
        said["arguments"] = arguments
    if config:
        said["config"] = config
    return column, {name: said}


def _expression(rule: Rule, types: Mapping[str, str]) -> Test:
    check = rule.check
    if isinstance(check, kinds.Holds):
        return "", "dbt_utils.expression_is_true", {"expression": check.condition}
    if not isinstance(check, get_args(RowCheck)) or isinstance(check, kinds.JsonSchema):
        raise NotSaid("no test of dbt, dbt-utils or dbt-expectations says it")
    broken = violation_sql(Rule(check, rule.name), types)
    return "", "dbt_utils.expression_is_true", {"expression": f"not {broken}"}


def _outcome(bounds: Bounds, severity: Severity) -> dict[str, Any]:
    """The conditions under which a number of failing rows is too large."""
    if bounds == NONE:
        return {}
    if bounds.unit is Unit.PERCENT:
        raise NotSaid("dbt tolerates a number of rows, not a share of them")
    if bounds.excluded or bounds.lower is not None or bounds.upper is None:
        raise NotSaid("dbt tolerates up to a number of rows")
    condition = f"{'>=' if bounds.upper_open else '>'} {bounds.upper}"
    if severity is Severity.WARNING:
        return {"warn_if": condition}
    return {"error_if": condition, "warn_if": condition}


def _between(bounds: Bounds) -> dict[str, Any]:
    opened = {is_open for is_open, bound in _ends(bounds) if bound is not None}
    if bounds.excluded or len(opened) > 1:
        raise NotSaid("dbt-expectations bounds from within, and both ends alike")
    said = {"min_value": bounds.lower, "max_value": bounds.upper, "strictly": True if True in opened else None}
    return {name: _plain(value) for name, value in said.items() if value is not None}


def _ends(bounds: Bounds) -> tuple[tuple[bool, Any], tuple[bool, Any]]:
    return (bounds.lower_open, bounds.lower), (bounds.upper_open, bounds.upper)


def _measured(check: kinds.Measure, bounds: Bounds) -> Test:
    metric = check.metric
    if metric in _METRICS:
        quantile = {"quantile": check.argument} if metric is Metric.QUANTILE else {}
        return check.column, f"dbt_expectations.{METRICS[metric].dbt_expectations[0]}", {**quantile, **_between(bounds)}
    closed = not (bounds.lower_open or bounds.upper_open or bounds.excluded)
    if metric is Metric.NULL_SHARE and closed and bounds.upper is not None:
        said = {"at_least": _plain(1 - Decimal(str(bounds.upper)))}
        if bounds.lower:
            said["at_most"] = _plain(1 - Decimal(str(bounds.lower)))
        return check.column, "dbt_utils.not_null_proportion", said
    hours = bounds.upper if bounds.lower is None and closed else None
    if metric is Metric.HOURS_OLD and hours is not None:
        said = {"datepart": "hour", "interval": _plain(hours)}
        return check.column, "dbt_expectations.expect_row_values_to_have_recent_data", said
    raise NotSaid(f"dbt-expectations does not measure {metric.value} so")


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def _values(check: kinds.OneOf) -> Test:
    name = "dbt_utils.not_accepted_values" if check.negated else "accepted_values"
    return check.column, name, {"values": [_plain(value) for value in check.values]}


def _range(check: kinds.Between) -> Test | None:
    if isinstance(check.minimum, str) or isinstance(check.maximum, str):
        return None
    opened = {check.minimum_open} if check.minimum is not None else set()
    opened |= {check.maximum_open} if check.maximum is not None else set()
    if len(opened) > 1:
        return None
    said = {"min_value": check.minimum, "max_value": check.maximum, "inclusive": False if True in opened else None}
    bounds = {name: literal(v) if isinstance(v, date) else _plain(v) for name, v in said.items() if v is not None}
    return check.column, "dbt_utils.accepted_range", bounds


def _length(check: kinds.Length) -> Test:
    bounds = {"min_value": check.minimum, "max_value": check.maximum}
    said = {name: value for name, value in bounds.items() if value is not None}
    return check.column, "dbt_expectations.expect_column_value_lengths_to_be_between", said


def _listed(word: str, argument: str) -> Callable[[Any], Test]:
    def make(check: kinds.Matches | kinds.Like) -> Test:
        name = f"dbt_expectations.expect_column_values_to_{'not_' if check.negated else ''}match_{word}"
        if len(check.patterns) == 1:
            return check.column, name, {argument: check.patterns[0]}
        match_on = {} if check.negated else {"match_on": "any" if check.any_of else "all"}
        return check.column, f"{name}_list", {f"{argument}_list": list(check.patterns), **match_on}

    return make


def _compare(check: kinds.Compare) -> Test | None:
    left, right = check.left, check.right
    if check.operator in (Operator.LESS, Operator.AT_MOST):
        left, right = right, left
    pair: dict[str, Any] = {"column_A": left, "column_B": right}
    if check.operator is Operator.EQUAL:
        return "", "dbt_expectations.expect_column_pair_values_to_be_equal", pair
    if check.operator is Operator.DIFFERENT:
        return None
    or_equal = {"or_equal": True} if check.operator in (Operator.AT_LEAST, Operator.AT_MOST) else {}
    return "", "dbt_expectations.expect_column_pair_values_A_to_be_greater_than_B", {**pair, **or_equal}


def _unique(check: kinds.Unique) -> Test:
    if len(check.columns) == 1 and check.nulls is Nulls.IGNORED:
        return check.columns[0], "unique", {}
    if check.nulls is Nulls.EQUAL:
        said = {"combination_of_columns": list(check.columns)}
        return "", "dbt_utils.unique_combination_of_columns", said
    if check.nulls is Nulls.REFUSED:
        raise NotSaid("no test refuses a row that lacks some of the values")
    arguments = {"column_list": list(check.columns), "ignore_row_if": "any_value_is_missing"}
    return "", "dbt_expectations.expect_compound_columns_to_be_unique", arguments


def _references(check: kinds.References) -> Test:
    if len(check.columns) != 1 or check.nulls is not Nulls.IGNORED or check.as_of:
        raise NotSaid("dbt's relationships are of one column, at no moment")
    *source, table = check.table.split(".")
    to = f"source('{'.'.join(source)}', '{table}')" if source else f"ref('{table}')"
    return check.columns[0], "relationships", {"to": to, "field": check.to[0]}


def _distinct(check: kinds.DistinctValues) -> Test:
    word = {"within": "be_in_set", "contains": "contain_set", "equals": "equal_set"}[check.relation]
    name = f"dbt_expectations.expect_column_distinct_values_to_{word}"
    return check.column, name, {"value_set": [_plain(value) for value in check.values]}


def _columns(check: kinds.HasColumns) -> Test | None:
    if check.ordered and not check.exactly:
        raise NotSaid("dbt-expectations knows the order of all columns only")
    word = "match_ordered_list" if check.ordered else "match_set" if check.exactly else "contain_set"
    return "", f"dbt_expectations.expect_table_columns_to_{word}", {"column_list": list(check.columns)}


def _reconciled(check: kinds.Reconciles) -> Test:
    if check.measure != "row_count":
        raise NotSaid("no test of the packages adds up or hashes two tables")
    return "", "dbt_utils.equal_rowcount", {"compare_model": f"ref('{check.table}')"}


def _most_common(check: kinds.MostCommon) -> Test:
    if check.ties_any:
        raise NotSaid("dbt-expectations judges all of several equally frequent values")
    name = "dbt_expectations.expect_column_most_common_value_to_be_in_set"
    return check.column, name, {"value_set": [_plain(value) for value in check.values], "top_n": 1}


def _type(check: kinds.OfType) -> Test:
    if not check.logical or check.nullable is not None:
        raise NotSaid("an exact type is said with the columns, and nullability as not_null")
    names = {"column_type_list": TYPE_NAMES[check.logical]}
    return check.column, "dbt_expectations.expect_column_values_to_be_in_type_list", names


def _z_score(check: kinds.ZScore) -> Test:
    if check.one_sided:
        raise NotSaid("dbt-expectations looks to both sides of the mean")
    said = {"sigma_threshold": check.limit}
    return check.column, "dbt_expectations.expect_column_values_to_be_within_n_stdevs", said


def _never(check: Check) -> Test | None:
    raise NotSaid(f"no test of dbt, dbt-utils or dbt-expectations says it as {type(check).__name__} does")


_MAKERS: Mapping[type, Callable[[Any], Test | None]] = MappingProxyType(
    {
        kinds.NotNull: lambda check: None if check.also_missing else (check.column, "not_null", {}),
        kinds.IsNull: lambda check: (check.column, "dbt_expectations.expect_column_values_to_be_null", {}),
        kinds.OneOf: _values,
        kinds.Between: _range,
        kinds.Length: _length,
        kinds.Matches: _listed("regex", "regex"),
        kinds.Like: _listed("like_pattern", "like_pattern"),
        kinds.Compare: _compare,
        kinds.Unique: _unique,
        kinds.References: _references,
        kinds.MostCommon: _most_common,
        kinds.DistinctValues: _distinct,
        kinds.HasColumns: _columns,
        kinds.Reconciles: _reconciled,
        kinds.OfType: _type,
        kinds.ZScore: _z_score,
        kinds.Ordered: _never,
        kinds.NoRows: _never,
        kinds.Query: _never,
        kinds.SameResult: _never,
    }
)
