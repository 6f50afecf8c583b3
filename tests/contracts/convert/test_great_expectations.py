"""A suite of Great Expectations demands the same here, or what is lost is named."""

from datetime import datetime
from math import inf, log
from typing import Any

import duckdb
import pytest

from dataeng_assets.contracts.checks.functions import register_functions
from dataeng_assets.contracts.checks.kinds import (
    Between,
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
    Matches,
    Measure,
    Metric,
    MostCommon,
    NoRows,
    NotNull,
    Nulls,
    OfType,
    OneOf,
    Operator,
    Ordered,
    Query,
    Reconciles,
    RowCheck,
    SameResult,
    SumsTo,
    TupleOneOf,
    Unique,
    ZScore,
)
from dataeng_assets.contracts.checks.predicates import violation_sql
from dataeng_assets.contracts.checks.rule import NONE, Bounds, Rule, Severity, Suite, Unit
from dataeng_assets.contracts.convert.great_expectations import read_great_expectations
from dataeng_assets.contracts.convert.gx_expectations import EXPECTATIONS
from dataeng_assets.contracts.errors import ContractError

C = {"column": "c"}
AB = {"column_A": "a", "column_B": "b"}
ABC = {"column_list": ["a", "b", "c"]}
ANY = {"ignore_row_if": "any_value_is_missing"}
EITHER = {"ignore_row_if": "either_value_is_missing"}
SHARES = {"values": ["x", "y"], "weights": [0.25, 0.75]}
RANGE = {"min_value": 1, "max_value": 5}

ROWS: list[tuple[str, dict[str, Any], Any]] = [
    ("expect_column_values_to_not_be_null", C, NotNull("c")),
    ("expect_column_values_to_be_null", C, IsNull("c")),
    ("expect_column_values_to_be_in_set", {**C, "value_set": [1, None, 2]}, OneOf("c", (1, 2))),
    ("expect_column_values_to_not_be_in_set", {**C, "value_set": ["x"]}, OneOf("c", ("x",), negated=True)),
    ("expect_column_values_to_be_between", {**C, **RANGE, "strict_min": True}, Between("c", 1, 5, True)),
    ("expect_column_value_lengths_to_be_between", {**C, **RANGE, "strict_max": True}, Length("c", 1, 4)),
    ("expect_column_value_lengths_to_equal", {**C, "value": 3}, Length("c", 3, 3)),
    ("expect_column_values_to_match_regex", {**C, "regex": "^a"}, Matches("c", ("^a",))),
    ("expect_column_values_to_not_match_regex", {**C, "regex": "^a"}, Matches("c", ("^a",), negated=True)),
    (
        "expect_column_values_to_match_regex_list",
        {**C, "regex_list": ["a", "b"]},
        Matches("c", ("a", "b"), any_of=True),
    ),
    ("expect_column_values_to_match_regex_list", {**C, "regex_list": ["a"], "match_on": "all"}, Matches("c", ("a",))),
    ("expect_column_values_to_not_match_regex_list", {**C, "regex_list": ["a"]}, Matches("c", ("a",), negated=True)),
    ("expect_column_values_to_match_like_pattern", {**C, "like_pattern": "a%"}, Like("c", ("a%",))),
    ("expect_column_values_to_not_match_like_pattern", {**C, "like_pattern": "a%"}, Like("c", ("a%",), negated=True)),
    ("expect_column_values_to_match_like_pattern_list", {**C, "like_pattern_list": ["a"]}, Like("c", ("a",), True)),
    (
        "expect_column_values_to_not_match_like_pattern_list",
        {**C, "like_pattern_list": ["a"]},
        Like("c", ("a",), negated=True),
    ),
    ("expect_column_values_to_match_strftime_format", {**C, "strftime_format": "%d.%m.%Y"}, Format("c", "%d.%m.%Y")),
    ("expect_column_values_to_be_dateutil_parseable", C, Format("c", "date-or-time")),
    ("expect_column_values_to_be_json_parseable", C, Format("c", "json")),
    (
        "expect_column_values_to_match_json_schema",
        {**C, "json_schema": {"type": "object"}},
        JsonSchema("c", '{"type": "object"}'),
    ),
    ("expect_column_values_to_be_of_type", {**C, "type_": "StringType"}, OfType("c", "string")),
    ("expect_column_values_to_be_of_type", {**C, "type_": "int64"}, OfType("c", "integer", "bigint")),
    ("expect_column_values_to_be_of_type", {**C, "type_": "NUMERIC(10, 2)"}, OfType("c", "number", "numeric(10,2)")),
    (
        "expect_column_values_to_be_in_type_list",
        {**C, "type_list": ["INTEGER", "BIGINT", "int"]},
        OfType("c", "integer"),
    ),
    ("expect_column_values_to_be_in_type_list", {**C, "type_list": ["int", "float"]}, OfType("c", "number")),
    ("expect_column_values_to_be_increasing", {**C, "strictly": True}, Ordered("c", strictly=True)),
    ("expect_column_values_to_be_decreasing", C, Ordered("c", descending=True)),
    ("expect_column_value_z_scores_to_be_less_than", {**C, "threshold": 3, "double_sided": True}, ZScore("c", 3)),
    (
        "expect_column_value_z_scores_to_be_less_than",
        {**C, "threshold": 3, "double_sided": False},
        ZScore("c", 3, True),
    ),
    ("expect_column_values_to_not_be_outliers", {**C, "method": "std", "multiplier": 2}, ZScore("c", 2)),
    ("expect_column_values_to_be_unique", C, Unique(("c",))),
    ("expect_compound_columns_to_be_unique", {**ABC, **ANY}, Unique(("a", "b", "c"))),
    ("expect_compound_columns_to_be_unique", {**ABC, "ignore_row_if": "never"}, Unique(("a", "b", "c"), Nulls.EQUAL)),
    ("expect_select_column_values_to_be_unique_within_record", {**ABC, **ANY}, DifferInRow(("a", "b", "c"))),
    ("expect_multicolumn_values_to_be_unique", {**ABC, **ANY}, DifferInRow(("a", "b", "c"))),
    ("expect_multicolumn_values_to_be_equal", {"column_list": ["a", "b"], **ANY}, Compare("a", Operator.EQUAL, "b")),
    ("expect_multicolumn_sum_to_equal", {**ABC, "sum_total": 5, **ANY}, SumsTo(("a", "b", "c"), 5)),
    ("expect_column_pair_values_a_to_be_greater_than_b", {**AB, **EITHER}, Compare("a", Operator.GREATER, "b")),
    (
        "expect_column_pair_values_A_to_be_greater_than_B",
        {**AB, **EITHER, "or_equal": True},
        Compare("a", Operator.AT_LEAST, "b"),
    ),
    ("expect_column_pair_values_to_be_equal", {**AB, **EITHER}, Compare("a", Operator.EQUAL, "b")),
    (
        "expect_column_pair_values_to_be_in_set",
        {**AB, **EITHER, "value_pairs_set": [[1, "x"]]},
        TupleOneOf(("a", "b"), ((1, "x"),)),
    ),
]
WHOLE: list[tuple[str, dict[str, Any], Any, Bounds]] = [
    ("expect_column_max_to_be_between", {**C, **RANGE}, Measure(Metric.MAXIMUM, "c"), Bounds(1, 5)),
    (
        "expect_column_min_to_be_between",
        {**C, "min_value": 1, "strict_min": True},
        Measure(Metric.MINIMUM, "c"),
        Bounds(1, None, True),
    ),
    ("expect_column_sum_to_be_between", {**C, **RANGE}, Measure(Metric.SUM, "c"), Bounds(1, 5)),
    ("expect_column_mean_to_be_between", {**C, **RANGE}, Measure(Metric.MEAN, "c"), Bounds(1, 5)),
    ("expect_column_median_to_be_between", {**C, **RANGE}, Measure(Metric.MEDIAN, "c"), Bounds(1, 5)),
    ("expect_column_stdev_to_be_between", {**C, **RANGE}, Measure(Metric.STDEV, "c"), Bounds(1, 5)),
    (
        "expect_column_unique_value_count_to_be_between",
        {**C, **RANGE},
        Measure(Metric.DISTINCT_COUNT, "c"),
        Bounds(1, 5),
    ),
    (
        "expect_column_proportion_of_unique_values_to_be_between",
        {**C, "min_value": 0.5},
        Measure(Metric.DISTINCT_SHARE, "c"),
        Bounds(0.5),
    ),
    (
        "expect_column_proportion_of_non_null_values_to_be_between",
        {**C, "min_value": 0.75, "strict_min": True},
        Measure(Metric.NULL_SHARE, "c"),
        Bounds(None, 0.25, upper_open=True),
    ),
    (
        "expect_column_quantile_values_to_be_between",
        {**C, "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[1, None]]}},
        Measure(Metric.QUANTILE, "c", 0.5),
        Bounds(1),
    ),
    (
        "expect_column_kl_divergence_to_be_less_than",
        {**C, "partition_object": SHARES, "threshold": 0.1},
        Measure(Metric.KL_DIVERGENCE, "c", shares=(("x", 0.25), ("y", 0.75))),
        Bounds(upper=0.1),
    ),
    (
        "expect_column_most_common_value_to_be_in_set",
        {**C, "value_set": [1], "ties_okay": True},
        MostCommon("c", (1,), True),
        NONE,
    ),
    ("expect_column_distinct_values_to_be_in_set", {**C, "value_set": [1]}, DistinctValues("c", (1,)), NONE),
    (
        "expect_column_distinct_values_to_contain_set",
        {**C, "value_set": [1]},
        DistinctValues("c", (1,), "contains"),
        NONE,
    ),
    ("expect_column_distinct_values_to_equal_set", {**C, "value_set": [1]}, DistinctValues("c", (1,), "equals"), NONE),
    ("expect_column_type_to_be", {**C, "type_": "DATE"}, OfType("c", "date"), NONE),
    ("expect_column_to_exist", C, HasColumns(("c",)), NONE),
    ("expect_table_columns_to_match_ordered_list", ABC, HasColumns(("a", "b", "c"), True, True), NONE),
    ("expect_table_columns_to_match_set", {"column_set": ["a"]}, HasColumns(("a",), exactly=True), NONE),
    ("expect_table_columns_to_match_set", {"column_set": ["a"], "exact_match": False}, HasColumns(("a",)), NONE),
    ("expect_table_column_count_to_be_between", RANGE, Measure(Metric.COLUMN_COUNT), Bounds(1, 5)),
    ("expect_table_column_count_to_equal", {"value": 5}, Measure(Metric.COLUMN_COUNT), Bounds(5, 5)),
    ("expect_table_row_count_to_be_between", {"min_value": 1}, Measure(Metric.ROW_COUNT), Bounds(1)),
    ("expect_table_row_count_to_equal", {"value": 5}, Measure(Metric.ROW_COUNT), Bounds(5, 5)),
    ("expect_table_row_count_to_equal_other_table", {"other_table_name": "t"}, Reconciles("t"), NONE),
    (
        "unexpected_rows_expectation",
        {"unexpected_rows_query": "select * from {batch} where c < 0;"},
        NoRows("select * from {table} where c < 0"),
        NONE,
    ),
    (
        "expect_query_results_to_match_comparison",
        {"base_query": "select 1 from {batch}", "comparison_query": "select 1", "comparison_data_source_name": "d"},
        SameResult("select 1 from {table}", "select 1"),
        NONE,
    ),
]


def read(*expectations: dict[str, Any], **around: Any) -> Suite:
    (suite,) = read_great_expectations({"name": "s", "expectations": list(expectations), **around})
    return suite


def rules(kind: str, kwargs: dict[str, Any]) -> tuple[Rule, ...]:
    suite = read({"type": kind, "kwargs": kwargs})
    assert not suite.not_executed
    return suite.rules


@pytest.mark.parametrize(("kind", "kwargs", "check"), ROWS, ids=[row[0] for row in ROWS])
def test_an_expectation_of_rows_becomes_its_check_and_mostly_its_tolerance(kind, kwargs, check):
    assert [(rule.check, rule.bounds) for rule in rules(kind, kwargs)] == [(check, NONE)]
    (tolerant,) = rules(kind, {**kwargs, "mostly": 0.95})
    assert (tolerant.check, tolerant.bounds) == (check, Bounds(upper=5, unit=Unit.PERCENT))


@pytest.mark.parametrize(("kind", "kwargs", "check", "bounds"), WHOLE, ids=[row[0] for row in WHOLE])
def test_an_expectation_of_the_whole_becomes_its_check(kind, kwargs, check, bounds):
    assert [(rule.check, rule.bounds) for rule in rules(kind, kwargs)] == [(check, bounds)]


def test_every_expectation_is_tried_here():
    assert {row[0].replace("_A_", "_a_").replace("_B", "_b") for row in ROWS} | {row[0] for row in WHOLE} == set(
        EXPECTATIONS
    )


def test_the_old_form_says_the_same():
    suite = read(
        {
            "expectation_type": "expect_column_values_to_not_be_null",
            "kwargs": C,
            "meta": {"notes": {"content": ["Why."]}},
        },
        expectation_suite_name="old",
    )
    assert [(rule.check, rule.description) for rule in suite.rules] == [(NotNull("c"), "Why.")]


def test_severity_and_columns_are_kept():
    suite = read(
        {"type": "expect_column_values_to_not_be_null", "kwargs": C, "severity": "warning"},
        {
            "type": "expect_column_values_to_be_of_type",
            "kwargs": {"column": "d", "type_": "DATE"},
            "severity": "critical",
        },
    )
    assert [rule.severity for rule in suite.rules] == [Severity.WARNING, Severity.ERROR]
    assert [(column.name, column.logical) for column in suite.columns] == [("c", ""), ("d", "date")]


@pytest.mark.parametrize(
    ("condition", "where"),
    [
        ('col("a") > 5', '"a" > 5'),
        ('col("a").notnull()', '"a" is not null'),
        ("a > 5 and b == 'it''s'", None),
        ('(a > 5) & (b == "x") | ~(c == True)', '(("a" > 5) and ("b" = \'x\')) or (not ("c" = true))'),
        ("`a b` in ['x', 2]", "\"a b\" in ('x', 2)"),
        ("1 < a <= -2.5", '(1 < "a") and ("a" <= -2.5)'),
        ("`a` IS NOT NULL AND b BETWEEN 1 AND 2", '("a" is not null) and ("b" between 1 and 2)'),
        ({"type": "comparison", "column": {"name": "a"}, "operator": "!=", "parameter": "x"}, "\"a\" <> 'x'"),
        ({"type": "comparison", "column": {"name": "a"}, "operator": "IN", "parameter": [1, 2]}, '"a" in ((1), (2))'),
        ({"type": "nullity", "column": {"name": "a"}, "is_null": True}, '"a" is null'),
        (
            {"type": "or", "conditions": [{"type": "pass_through", "pass_through_filter": "a > 1"}] * 2},
            '"a" > 1',
        ),
        ("a.str.contains('x')", None),
        ("__import__('os').system('x')", None),
        ("a > @limit", None),
        ("(" * 20_000, None),
        ("not " * 2000 + "a > 1", '"a" > 1'),
        ("-" * 5000 + "1 > a", None),
    ],
    ids=lambda value: str(value)[:40],
)
def test_conditions_of_rows_are_read_and_never_run(condition, where):
    suite = read({"type": "expect_column_values_to_be_null", "kwargs": {**C, "row_condition": condition}})
    assert [rule.where for rule in suite.rules] == ([] if where is None else [where])
    assert len(suite.not_executed) == (where is None)


def test_dates_written_as_texts_are_dates_when_the_suite_says_so():
    kwargs = {**C, "min_value": "2020-01-01", "max_value": "2020-12-31T12:00:00", "parse_strings_as_datetimes": True}
    (rule,) = rules("expect_column_values_to_be_between", kwargs)
    assert rule.check == Between("c", datetime.fromisoformat("2020-01-01"), datetime.fromisoformat("2020-12-31T12:00"))


def test_a_parameter_takes_its_value_from_the_suite_or_is_told():
    expectation = {"type": "expect_column_max_to_be_between", "kwargs": {**C, "max_value": {"$PARAMETER": "top"}}}
    assert read(expectation, suite_parameters={"top": 5}).rules[0].bounds == Bounds(upper=5)
    assert "'top'" in read(expectation).not_executed[0].reason


@pytest.mark.parametrize(
    ("kind", "kwargs", "reason"),
    [
        ("expect_column_values_to_be_prime", C, "no expectation of GX core"),
        ("expect_column_values_to_be_nul", C, "did you mean 'expect_column_values_to_be_null'"),
        ("expect_column_values_to_match_regex", {**C, "regex": "(?=a)"}, "looks ahead"),
        ("expect_column_values_to_match_regex_list", {**C, "regex_list": ["(a)\\1"]}, "refers back"),
        ("expect_column_values_to_be_in_set", {**C, "value_set": None}, "nothing is demanded"),
        ("expect_column_values_to_be_between", C, "nothing is demanded"),
        ("expect_column_values_to_be_of_type", {**C, "type_": "Geometry"}, "no one type"),
        ("expect_column_values_to_be_in_type_list", {**C, "type_list": ["int", "str"]}, "no one type"),
        ("expect_column_to_exist", {**C, "column_index": 2}, "column_index"),
        ("expect_column_values_to_not_be_null", {**C, "sometimes": 1}, "sometimes is not known"),
        ("expect_column_values_to_match_json_schema", {**C, "json_schema": "{"}, "no JSON"),
    ],
)
def test_what_is_not_checked_is_named_with_its_reason(kind, kwargs, reason):
    suite = read({"type": kind, "kwargs": kwargs})
    assert not suite.rules
    assert reason in suite.not_executed[0].reason


@pytest.mark.parametrize(
    ("kind", "kwargs", "place"),
    [
        ("expect_column_values_to_not_be_null", {}, "expectations[0].kwargs.column"),
        (
            "expect_column_values_to_be_between",
            {**C, "min_value": 5, "max_value": 1},
            "expectations[0].kwargs.min_value",
        ),
        (
            "expect_column_values_to_be_between",
            {**C, "min_value": 5, "max_value": "a"},
            "expectations[0].kwargs.min_value",
        ),
        ("expect_column_values_to_be_in_set", {**C, "value_set": "abc"}, "expectations[0].kwargs.value_set"),
        ("expect_column_values_to_not_be_null", {**C, "mostly": 2}, "expectations[0].kwargs.mostly"),
        ("expect_table_row_count_to_equal", {"value": "5"}, "expectations[0].kwargs.value"),
        (5, {}, "expectations[0].type"),
    ],
)
def test_an_expectation_that_is_broken_is_refused_at_its_place(kind, kwargs, place):
    with pytest.raises(ContractError) as error:
        read({"type": kind, "kwargs": kwargs})
    assert error.value.place == place


PAIRS = [(1, 1), (2, 1), (1, 2), (1, None), (None, 1), (None, None)]


@pytest.mark.parametrize(
    ("kind", "kwargs", "broken"),
    [
        ("expect_column_pair_values_a_to_be_greater_than_b", AB, [(1, 1), (1, 2), (1, None), (None, 1)]),
        (
            "expect_column_pair_values_a_to_be_greater_than_b",
            {**AB, "ignore_row_if": "neither"},
            [*PAIRS[:1], *PAIRS[2:]],
        ),
        ("expect_column_pair_values_a_to_be_greater_than_b", {**AB, **EITHER, "or_equal": True}, [(1, 2)]),
        ("expect_column_pair_values_to_be_equal", AB, [(2, 1), (1, 2), (1, None), (None, 1)]),
        ("expect_column_pair_values_to_be_equal", {**AB, **EITHER}, [(2, 1), (1, 2)]),
        (
            "expect_column_pair_values_to_be_in_set",
            {**AB, "value_pairs_set": [[1, 1], [1, None]]},
            [(2, 1), (1, 2), (None, 1)],
        ),
        (
            "expect_multicolumn_sum_to_equal",
            {"column_list": ["a", "b"], "sum_total": 3},
            [(1, 1), (1, None), (None, 1)],
        ),
        ("expect_multicolumn_values_to_be_equal", {"column_list": ["a", "b"]}, [(2, 1), (1, 2), (1, None), (None, 1)]),
        ("expect_select_column_values_to_be_unique_within_record", {"column_list": ["a", "b"]}, [(1, 1)]),
        (
            "expect_select_column_values_to_be_unique_within_record",
            {"column_list": ["a", "b"], "ignore_row_if": "never"},
            [(1, 1), (None, None)],
        ),
    ],
)
def test_rows_that_lack_values_are_judged_as_gx_judges_them(kind, kwargs, broken):
    (rule,) = rules(kind, kwargs)
    assert isinstance(rule.check, RowCheck)
    with duckdb.connect() as connection:
        connection.execute("create table t (a integer, b integer)")
        connection.executemany("insert into t values (?, ?)", [list(pair) for pair in PAIRS])
        sql = violation_sql(rule, {"a": "INTEGER", "b": "INTEGER"})
        found = connection.execute(f"select a, b from t where {sql}").fetchall()
    assert sorted(found, key=str) == sorted(broken, key=str)


def value_of(check: Any, values: list[Any], kind: str = "double") -> Any:
    """What the query of a check gives for a column `c`."""
    assert isinstance(check, Query | NoRows)
    with duckdb.connect() as connection:
        register_functions(connection)
        connection.execute(f"create table t (c {kind})")
        connection.executemany("insert into t values (?)", [[value] for value in values])
        rows = connection.execute(check.sql.replace("{table}", "t")).fetchall()
    return rows[0][0] if isinstance(check, Query) else len(rows)


def test_values_outside_of_tukeys_fences_are_found_and_those_on_a_fence_are_not():
    values = [1.0, 2.0, 3.0, 4.0, 5.0, None]  # quartiles 2 and 4, fences -1 and 7
    (rule,) = rules("expect_column_values_to_not_be_outliers", C)
    assert value_of(rule.check, [*values]) == 0
    tall = [*values[:4], 100.0]
    assert value_of(rule.check, tall) == 1
    (share,) = rules("expect_column_values_to_not_be_outliers", {**C, "mostly": 0.9})
    assert (value_of(share.check, tall), share.bounds) == (20.0, Bounds(upper=10))
    (some,) = rules("expect_column_values_to_not_be_outliers", {**C, "row_condition": "c < 50"})
    assert value_of(some.check, tall) == 0


def test_the_divergence_of_values_that_were_not_expected_is_shared_between_them():
    kwargs = {**C, "partition_object": SHARES, "threshold": 1, "tail_weight_holdout": 0.2}
    (rule,) = rules("expect_column_kl_divergence_to_be_less_than", kwargs)
    wanted = 0.25 * log(0.25 / 0.2) + 0.5 * log(0.5 / 0.6) + 0.25 * log(0.25 / 0.2)
    assert value_of(rule.check, ["x", "y", "y", "z"], "varchar") == pytest.approx(wanted)


def test_the_divergence_of_bins_is_that_of_their_shares_and_infinite_where_none_was_expected():
    partition = {"bins": [0, 1, 2], "weights": [0.5, 0.5]}
    (rule,) = rules("expect_column_kl_divergence_to_be_less_than", {**C, "partition_object": partition, "threshold": 1})
    assert value_of(rule.check, [0.5, 1.0, 1.5, 2.0]) == pytest.approx(0.25 * log(0.5) + 0.75 * log(1.5))
    assert value_of(rule.check, [0.5, 3.0]) == inf


def test_the_largest_date_is_judged_although_bounds_are_numbers():
    kwargs = {**C, "min_value": "2020-06-01", "max_value": "2020-12-31"}
    outer, inner = rules("expect_column_max_to_be_between", kwargs)
    assert outer.check == Between("c", None, "2020-12-31")
    assert value_of(inner.check, ["2020-05-01", "2020-07-01"], "date") == 1
    assert inner.bounds == Bounds(lower=1)


def test_a_sum_that_cannot_be_computed_breaks_the_rule_only_where_gx_says_so():
    (rule,) = rules("expect_multicolumn_sum_to_equal", {**ABC, "sum_total": 1})
    assert isinstance(rule.check, Holds)
    assert rule.where == '("a" is not null) or ("b" is not null) or ("c" is not null)'
