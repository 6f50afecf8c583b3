"""What a properties file of dbt demands of its tables is demanded here, or named with the reason why not."""

from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from dataeng_assets.contracts.checks.kinds import (
    Between,
    Compare,
    HasColumns,
    Holds,
    Length,
    Matches,
    Measure,
    Metric,
    NoRows,
    NotNull,
    Nulls,
    OfType,
    OneOf,
    Operator,
    Query,
    Reconciles,
    References,
    SameResult,
    Unique,
    ZScore,
)
from dataeng_assets.contracts.checks.rule import NONE, Bounds, Severity, Suite
from dataeng_assets.contracts.convert.dbt import READERS, read_dbt
from dataeng_assets.contracts.convert.detect import read_suites
from dataeng_assets.contracts.errors import ContractError
from dataeng_assets.settings import ROOT

MARTS = ROOT / "dbt" / "models" / "marts"


def read(text: str) -> Suite:
    (suite,) = read_dbt(yaml.safe_load(text))
    return suite


def suite_of(test: Any, *, column: bool = True) -> Suite:
    model: dict[str, Any] = {"name": "m"}
    if column:
        model["columns"] = [{"name": "c", "data_tests": [test]}]
    else:
        model["data_tests"] = [test]
    (suite,) = read_dbt({"version": 2, "models": [model]})
    return suite


def rules(test: Any, *, column: bool = True) -> list[Any]:
    suite = suite_of(test, column=column)
    assert not suite.not_executed
    return [rule for rule in suite.rules if not isinstance(rule.check, HasColumns)]


@pytest.mark.parametrize(
    ("test", "check"),
    [
        ("not_null", NotNull("c")),
        ("unique", Unique(("c",))),
        ({"accepted_values": {"values": ["a", None, 1]}}, OneOf("c", ("a", 1))),
        ({"accepted_values": {"arguments": {"values": ["a"], "quote": True}}}, OneOf("c", ("a",))),
        ({"name": "mine", "test_name": "accepted_values", "values": ["a"]}, OneOf("c", ("a",))),
        ({"relationships": {"to": "ref('o')", "field": "id"}}, References(("c",), "o", ("id",))),
        ({"relationships": {"to": "source('s', 'o')", "field": "id"}}, References(("c",), "s.o", ("id",))),
        ({"relationships": {"to": "{{ ref('p', 'o') }}", "field": "id"}}, References(("c",), "o", ("id",))),
        ({"accepted_range": {"min_value": 0, "max_value": 1}}, Between("c", 0, 1)),
        ({"dbt_utils.accepted_range": {"min_value": 0, "inclusive": False}}, Between("c", 0, None, True)),
        ({"accepted_range": {"min_value": "date '2000-01-01'"}}, Between("c", date(2000, 1, 1))),
        ({"accepted_range": {"max_value": "current_date"}}, Holds('"c" <= current_date')),
        ({"dbt_utils.expression_is_true": {"expression": "> 0"}}, Holds('"c" > 0')),
        ({"dbt_utils.not_accepted_values": {"values": ["x"]}}, OneOf("c", ("x",), negated=True)),
        ("dbt_utils.not_empty_string", Holds("trim(\"c\") <> ''")),
        ({"dbt_utils.not_empty_string": {"trim_whitespace": False}}, Length("c", 1)),
        (
            {"dbt_utils.cardinality_equality": {"field": "d", "to": "ref('o')"}},
            SameResult('select "c", count(*) from {table} group by 1', 'select "d", count(*) from "o" group by 1'),
        ),
        (
            {"dbt_expectations.expect_column_values_to_match_regex": {"regex": "^a", "flags": "i"}},
            Matches("c", ("(?i)^a",)),
        ),
        (
            {"dbt_expectations.expect_column_values_to_be_between": {"min_value": 1, "strictly": True}},
            Between("c", 1, None, True),
        ),
        ({"dbt_expectations.expect_column_values_to_be_within_n_stdevs": {"sigma_threshold": 2}}, ZScore("c", 2)),
        ({"dbt_expectations.expect_column_values_to_be_of_type": {"column_type": "date"}}, OfType("c", "date")),
        (
            {
                "dbt_expectations.expect_column_pair_values_A_to_be_greater_than_B": {
                    "column_A": "a",
                    "column_B": "b",
                    "or_equal": True,
                }
            },
            Compare("a", Operator.AT_LEAST, "b"),
        ),
    ],
    ids=str,
)
def test_a_test_becomes_its_check(test, check):
    assert [(rule.check, rule.bounds, rule.severity) for rule in rules(test)] == [(check, NONE, Severity.ERROR)]


@pytest.mark.parametrize(
    ("test", "check", "bounds"),
    [
        ("dbt_utils.at_least_one", Measure(Metric.DISTINCT_COUNT, "c"), Bounds(lower=1)),
        ("dbt_utils.not_constant", Measure(Metric.DISTINCT_COUNT, "c"), Bounds(1, 1, excluded=True)),
        ({"dbt_utils.not_null_proportion": {"at_least": 0.95}}, Measure(Metric.NULL_SHARE, "c"), "up to 0.05"),
        (
            {"dbt_expectations.expect_column_mean_to_be_between": {"min_value": 1, "strictly": True}},
            Measure(Metric.MEAN, "c"),
            Bounds(1, None, True),
        ),
        (
            {"dbt_expectations.expect_row_values_to_have_recent_data": {"datepart": "day", "interval": 2}},
            Measure(Metric.HOURS_OLD, "c"),
            Bounds(upper=48),
        ),
    ],
    ids=str,
)
def test_a_test_of_a_metric_has_its_bounds(test, check, bounds):
    (rule,) = rules(test)
    assert rule.check == check
    if bounds == "up to 0.05":
        assert (rule.bounds.lower, float(rule.bounds.upper)) == (None, 0.05)
    else:
        assert rule.bounds == bounds


@pytest.mark.parametrize(
    ("test", "check"),
    [
        (
            {"unique_combination_of_columns": {"combination_of_columns": ["a", '"b c"']}},
            Unique(("a", "b c"), Nulls.EQUAL),
        ),
        ({"dbt_utils.equal_rowcount": {"compare_model": "ref('o')"}}, Reconciles("o")),
        ({"dbt_utils.recency": {"datepart": "hour", "field": "at", "interval": 3}}, Measure(Metric.HOURS_OLD, "at")),
        ({"dbt_utils.expression_is_true": {"expression": "a < b"}}, Holds("a < b")),
        (
            {"dbt_utils.equality": {"compare_model": "ref('o')", "compare_columns": ["a"]}},
            SameResult('select distinct "a" from {table}', 'select distinct "a" from "o"'),
        ),
        (
            {"reconciled_total": {"column_name": "a", "compare_model": "ref('o')", "compare_column": "b"}},
            Reconciles("o", "sum", ("a",), ("b",)),
        ),
        (
            {"dbt_expectations.expect_table_columns_to_match_set": {"column_list": ["a"]}},
            HasColumns(("a",), exactly=True),
        ),
        (
            {"dbt_expectations.expect_table_row_count_to_equal_other_table": {"compare_model": "ref('o')"}},
            Reconciles("o"),
        ),
        (
            {"dbt_expectations.expect_multicolumn_sum_to_equal": {"column_list": ["a", "b"], "sum_total": 4}},
            Query('select sum("a") + sum("b") from {table}'),
        ),
    ],
    ids=str,
)
def test_a_test_of_the_table_becomes_its_check(test, check):
    assert [rule.check for rule in suite_of(test, column=False).rules] == [check]


@pytest.mark.parametrize(
    ("config", "results"),
    [
        ({"severity": "warn"}, [(Severity.WARNING, NONE)]),
        ({"error_if": ">10"}, [(Severity.ERROR, Bounds(upper=10)), (Severity.WARNING, NONE)]),
        (
            {"error_if": ">= 10", "warn_if": "> 2"},
            [(Severity.ERROR, Bounds(upper=10, upper_open=True)), (Severity.WARNING, Bounds(upper=2))],
        ),
        ({"severity": "warn", "warn_if": "between 3 and 5"}, [(Severity.WARNING, Bounds(3, 5, excluded=True))]),
        ({"error_if": "= 3", "warn_if": "= 3"}, [(Severity.ERROR, Bounds(3, 3, excluded=True))]),
        ({"error_if": "!= 3", "warn_if": "!=3"}, [(Severity.ERROR, Bounds(3, 3))]),
        ({"error_if": "< 3", "warn_if": "< 3"}, [(Severity.ERROR, Bounds(lower=3))]),
    ],
    ids=str,
)
def test_severity_and_thresholds_are_kept(config, results):
    found = rules({"not_null": {"config": config}})
    assert [(rule.severity, rule.bounds) for rule in found] == results
    assert [rule.bounds for rule in rules({"not_null": config})] == [bounds for _, bounds in results]


def test_where_limits_the_rows():
    (rule,) = rules({"not_null": {"config": {"where": "a > 1", "meta": {"x": 1}, "tags": ["t"]}}})
    assert rule.where == "a > 1"


@pytest.mark.parametrize(
    ("test", "reason"),
    [
        ("dbt_utils.not_nul", "no test of dbt"),
        ({"not_nul": {}}, "did you mean 'not_null'"),
        ({"relationships": {"to": "var('x')", "field": "id"}}, "dbt alone resolves"),
        ({"accepted_values": {"values": ["{{ var('x') }}"]}}, "Jinja"),
        ({"not_null": {"config": {"where": "{{ x }}"}}}, "Jinja"),
        ({"not_null": {"config": {"enabled": False}}}, "switched off"),
        ({"not_null": {"config": {"fail_calc": "sum(n)"}}}, "fail_calc"),
        ({"not_null": {"config": {"error_if": "n > 5"}}}, "none that dbt knows"),
        ({"not_null": {"sometimes": True}}, "sometimes is not known"),
        ({"dbt_expectations.expect_column_values_to_match_regex": {"regex": "(?!a)"}}, "looks ahead"),
        ({"dbt_expectations.expect_column_values_to_be_within_n_moving_stdevs": {}}, "anomaly"),
    ],
    ids=str,
)
def test_what_is_not_checked_is_named_with_its_reason(test, reason):
    suite = suite_of(test)
    assert [left.reason for left in suite.not_executed if reason in left.reason]
    assert not [rule for rule in suite.rules if not isinstance(rule.check, HasColumns)]


@pytest.mark.parametrize(
    ("test", "place"),
    [
        ({"accepted_values": {}}, "models[0].columns[0].data_tests[0].values"),
        ({"a": 1, "b": 2}, "models[0].columns[0].data_tests[0]"),
        (5, "models[0].columns[0].data_tests[0]"),
    ],
    ids=str,
)
def test_a_test_that_is_broken_is_refused_at_its_place(test, place):
    with pytest.raises(ContractError) as error:
        suite_of(test)
    assert error.value.place == place


def test_constraints_and_types_are_rules_and_an_enforced_contract_closes_the_table():
    suite = read("""
models:
  - name: m
    config: {contract: {enforced: true}, meta: {owner: team}}
    constraints:
      - {type: primary_key, columns: [a, b]}
      - {type: foreign_key, columns: [b], to: ref('o'), to_columns: [id]}
      - {type: check, columns: [a], expression: a > 0}
      - {type: custom, expression: x}
    columns:
      - {name: a, data_type: bigint, constraints: [{type: not_null}, {type: unique}]}
      - {name: b, config: {meta: {contains_pii: true}}}
""")
    assert [rule.check for rule in suite.rules] == [
        HasColumns(("a", "b"), exactly=True), OfType("a", physical="bigint"), NotNull("a"), Unique(("a",)),
        NotNull("b"), Unique(("a", "b")), References(("b",), "o", ("id",)), Holds("a > 0"),
    ]  # fmt: skip
    assert (suite.key, suite.owner, suite.personal) == (("a", "b"), "team", {"b"})
    assert "its database alone" in suite.not_executed[0].reason


def test_the_freshness_of_a_source_is_that_of_its_tables():
    source = """
sources:
  - name: s
    loaded_at_field: at
    freshness: {error_after: {count: 2, period: day}, warn_after: {count: 30, period: minute}}
    tables:
      - name: t
      - {name: u, config: {freshness: null}}
      - {name: v, loaded_at_field: "cast(at as date)"}
"""
    t, u, v = read_dbt(yaml.safe_load(source))
    assert [(rule.bounds, rule.severity) for rule in t.rules] == [
        (Bounds(upper=48), Severity.ERROR), (Bounds(upper=0.5), Severity.WARNING),
    ]  # fmt: skip
    assert not u.rules
    assert len(v.not_executed) == 2


def answers(check: Any, ours: list[tuple[Any, ...]], theirs: list[tuple[Any, ...]]) -> int:
    """How many rows the query of a check returns over `t (k, c)`, where `o` is another table like it."""
    with duckdb.connect() as connection:
        for name, rows in (("t", ours), ("o", theirs)):
            connection.execute(f"create table {name} (k varchar, c integer)")
            connection.executemany(f"insert into {name} values (?, ?)", [list(row) for row in rows or [(None, None)]])
            connection.execute(f"delete from {name} where k is null and c is null")
        return len(connection.execute(check.sql.replace("{table}", "t")).fetchall())


ROWS = [("a", 1), ("a", 2), ("b", 3), (None, 4)]


@pytest.mark.parametrize(
    ("test", "same", "other", "wrong"),
    [
        ({"equal_rowcount": {"compare_model": "ref('o')", "group_by_columns": ["k"]}}, ROWS, ROWS[1:], 1),
        ({"reconciled_total": {"compare_model": "ref('o')", "group_by_columns": ["k"]}}, ROWS, [*ROWS, (None, 1)], 1),
        ({"reconciled_total": {"compare_model": "ref('o')", "compare_column": "c * 1"}}, ROWS, ROWS[1:], 1),
        (
            {"dbt_utils.relationships_where": {"to": "ref('o')", "field": "c", "to_condition": "c < 4"}},
            [*ROWS, ("z", 4)],
            ROWS,
            2,
        ),
        (
            {
                "dbt_expectations.expect_table_aggregation_to_equal_other_table": {
                    "expression": "sum(c)",
                    "compare_model": "ref('o')",
                    "group_by": ["k"],
                    "tolerance": 1,
                }
            },
            [("a", 4), ("b", 3), (None, 4)],
            [("a", 5), ("b", 3), (None, 4)],
            1,
        ),
    ],
    ids=str,
)
def test_groups_of_two_tables_are_compared(test, same, other, wrong):
    (rule,) = rules(test)
    assert isinstance(rule.check, NoRows)
    if "relationships_where" in str(test):
        assert answers(rule.check, same, other) == wrong
        return
    assert answers(rule.check, ROWS, same) == 0
    assert answers(rule.check, ROWS, other) == wrong


def test_a_group_that_only_one_table_has_is_wrong():
    (rule,) = rules({"equal_rowcount": {"compare_model": "ref('o')", "group_by_columns": ["k"]}})
    assert answers(rule.check, ROWS, [*ROWS, ("z", 1)]) == 1
    assert answers(rule.check, [*ROWS, ("z", 1)], ROWS) == 1


def test_groups_are_judged_one_by_one():
    test = {"dbt_expectations.expect_column_max_to_be_between": {"max_value": 2, "group_by": ["k"]}}
    (rule,) = rules(test)
    assert answers(rule.check, ROWS, []) == 2


@pytest.mark.parametrize(
    ("test", "good", "bad"),
    [
        ({"dbt_utils.sequential_values": {"interval": 1}}, ROWS, [*ROWS, ("a", 9)]),
        ({"dbt_utils.sequential_values": {"interval": 1, "group_by_columns": ["k"]}}, ROWS, [*ROWS, ("a", 9)]),
        ({"dbt_expectations.expect_column_values_to_be_increasing": {}}, ROWS, [*ROWS, ("z", 4)]),
        ({"dbt_expectations.expect_column_values_to_be_increasing": {"strictly": False}}, [*ROWS, ("z", 4)], None),
        (
            {"dbt_expectations.expect_column_values_to_have_consistent_casing": {"column_name": "k"}},
            ROWS,
            [*ROWS, ("A", 4)],
        ),
    ],
    ids=str,
)
def test_neighbours_are_compared(test, good, bad):
    (rule,) = rules(test)
    assert answers(rule.check, good, []) == 0
    if bad:
        assert answers(rule.check, bad, []) == 1


def test_validity_ranges_are_those_of_this_project(tmp_path: Path):
    (rule,) = suite_of({"validity_ranges": {"key": ["k"]}}, column=False).rules
    columns = "k integer, valid_from timestamptz, valid_to timestamptz, is_current boolean"
    good = [(1, "2020-01-01", "2020-02-01", False), (1, "2020-02-01", None, True), (2, "2020-01-01", None, True)]
    wrong = [
        (1, "2020-01-15", "2020-03-01", False),
        (1, "2020-03-01", None, True),
        (2, "2020-06-01", "2020-06-01", False),
        (2, "2020-07-01", "2020-08-01", True),
    ]
    with duckdb.connect() as connection:
        connection.execute(f"create table t ({columns})")
        connection.executemany("insert into t values (?, ?, ?, ?)", [list(row) for row in good])
        query = rule.check.sql.replace("{table}", "t")
        assert connection.execute(query).fetchall() == []
        for row in wrong:
            connection.execute("begin")
            connection.execute("insert into t values (?, ?, ?, ?)", list(row))
            assert connection.execute(query).fetchall(), row
            connection.execute("rollback")


@pytest.mark.parametrize("path", sorted(MARTS.glob("*.yml")), ids=lambda path: path.stem)
def test_every_mart_of_the_platform_is_read_with_nothing_lost(path: Path):
    (suite,) = read_suites(path)
    document = yaml.safe_load(path.read_text())
    (model,) = document["models"]
    tests = [test for column in model["columns"] for test in column.get("data_tests", [])] + model.get("data_tests", [])
    types = [column for column in model["columns"] if "data_type" in column]
    assert suite.name == path.stem
    assert len(suite.rules) == len(tests) + len(types) + 1
    assert len(suite.not_executed) == len(document.get("unit_tests", []))
    assert all(str(path) in rule.place for rule in suite.rules)
    assert suite.key


def test_what_the_marts_call_personal_is_never_shown():
    for path in MARTS.glob("*.yml"):
        (suite,) = read_suites(path)
        assert suite.personal == {column.name for column in suite.columns if "Personal." in column.description}


def test_a_properties_file_without_tables_demands_nothing():
    assert read_dbt({"version": 2, "exposures": [{"name": "dashboard"}]}) == ()


def test_every_generic_test_of_the_project_is_known():
    own = {path.stem for path in (ROOT / "dbt" / "tests" / "generic").glob("*.sql")}
    assert own
    assert own <= set(READERS)


@pytest.mark.parametrize(
    "document", [{"version": 2}, {"models": {}}, {"models": []}, {"models": [{}]}, {"models": ["m"]}]
)
def test_what_is_no_properties_file_is_refused(document):
    with pytest.raises(ContractError):
        read_dbt(document)
