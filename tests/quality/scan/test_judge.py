# ruff: noqa: E501
"""What a suite says of a table, against plain Python over the same rows."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataeng_assets.contracts.checks.kinds import (
    AsOf,
    Between,
    Check,
    DistinctValues,
    HasColumns,
    Holds,
    IsNull,
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
    References,
    SameResult,
    Unique,
    ZScore,
)
from dataeng_assets.contracts.checks.rule import NONE, Bounds, Rule, Severity, Suite, SuiteColumn, Unit
from dataeng_assets.quality.connection import connect
from dataeng_assets.quality.inputs.open import open_input
from dataeng_assets.quality.results import Overall, RuleResult, Status, TableResult
from dataeng_assets.quality.scan.judge import judge, no_other_table

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NAN = float("nan")


def judged(tmp_path: Path, rows: pa.Table, suite: Suite, tables: Mapping[str, pa.Table] | None = None) -> TableResult:
    path = tmp_path / "rows.parquet"
    pq.write_table(rows, path)
    with connect() as connection, open_input(str(path), connection) as opened:
        for name, table in (tables or {}).items():
            connection.register(name, table)
        return judge(connection, opened, suite, other=lambda name: f'"{name}"', now=NOW)


def result(
    tmp_path: Path,
    check: Check,
    columns: Mapping[str, Sequence[Any]],
    bounds: Bounds = NONE,
    tables: Mapping[str, pa.Table] | None = None,
    **rule: Any,
) -> RuleResult:
    suite = Suite("rows", rules=(Rule(check, "rule", bounds, **rule),))
    return judged(tmp_path, pa.table(dict(columns)), suite, tables).results[0]


ONE = Bounds(1, 1)
NO_VALUE = pa.array([None, None], pa.int64())


@pytest.mark.parametrize(
    ("check", "columns", "bounds", "status", "value"),
    [
        (NotNull("a"), {"a": [1, None, 3]}, NONE, Status.VIOLATED, 1),
        (NotNull("a"), {"a": [1, 2]}, NONE, Status.HOLDS, 0),
        (NotNull("a"), {"a": pa.array([], pa.int64())}, NONE, Status.NOTHING, None),
        (IsNull("a"), {"a": NO_VALUE}, NONE, Status.HOLDS, 0),
        (Between("a", 0), {"a": NO_VALUE}, NONE, Status.NOTHING, None),
        (Between("a", 0, 2), {"a": [0, 1, 2, None]}, NONE, Status.HOLDS, 0),
        (Between("a", 0), {"a": [0.5, NAN]}, NONE, Status.VIOLATED, 1),
        (Between("b", 0), {"a": [1]}, NONE, Status.UNDECIDED, None),
        (OneOf("a", ("x",)), {"a": ["x", "y"]}, Bounds(upper=50, unit=Unit.PERCENT), Status.HOLDS, 50.0),
        (OneOf("a", ("x",)), {"a": ["x", "y"]}, Bounds(upper=50, upper_open=True, unit=Unit.PERCENT), Status.VIOLATED, 50.0),
        (OneOf("a", ("x",)), {"a": ["x", "y", "y"]}, ONE, Status.VIOLATED, 2),
        (Holds("a > 1"), {"a": [1, 2, None]}, NONE, Status.VIOLATED, 1),
        (Holds("nonsense("), {"a": [1]}, NONE, Status.UNDECIDED, None),
        (Holds("b > 1"), {"a": [1]}, NONE, Status.UNDECIDED, None),
        (Unique(("a",)), {"a": [7, 7, 7, 7, 7, None, None, 1]}, NONE, Status.VIOLATED, 5),
        (Unique(("a",), Nulls.EQUAL), {"a": [7, None, None, 1]}, NONE, Status.VIOLATED, 2),
        (Unique(("a", "b")), {"a": [1, 1], "b": [None, None]}, NONE, Status.NOTHING, None),
        (Unique(("a", "b"), Nulls.REFUSED), {"a": [1, 2, None], "b": [None, 2, None]}, NONE, Status.VIOLATED, 1),
        (Unique(("a", "b")), {"a": ["a|b", "a"], "b": ["c", "b|c"]}, NONE, Status.HOLDS, 0),
        (Ordered("a"), {"a": [1, 1, 2]}, NONE, Status.HOLDS, 0),
        (Ordered("a", strictly=True), {"a": [1, 1, 2]}, NONE, Status.VIOLATED, 1),
        (Ordered("a", descending=True), {"a": [3, None, 4]}, NONE, Status.VIOLATED, 1),
        (ZScore("a", 2), {"a": [1.0] * 20 + [50.0]}, NONE, Status.VIOLATED, 1),
        (ZScore("a", 2), {"a": [1.0, 1.0]}, NONE, Status.NOTHING, None),
        (Measure(Metric.ROW_COUNT), {"a": [1, 2]}, Bounds(2, 2), Status.HOLDS, 2),
        (Measure(Metric.ROW_COUNT), {"a": pa.array([], pa.int64())}, Bounds(1), Status.VIOLATED, 0),
        (Measure(Metric.COLUMN_COUNT), {"a": [1], "b": [2]}, Bounds(upper=1), Status.VIOLATED, 2),
        (Measure(Metric.NULL_SHARE, "a"), {"a": [1, None]}, Bounds(upper=0.5), Status.HOLDS, 0.5),
        (Measure(Metric.NULL_SHARE, "a"), {"a": [1, None]}, Bounds(upper=49, unit=Unit.PERCENT), Status.VIOLATED, 50.0),
        (Measure(Metric.DISTINCT_COUNT, "a"), {"a": [1, 1, 2, None]}, Bounds(2, 2), Status.HOLDS, 2),
        (Measure(Metric.DISTINCT_SHARE, "a"), {"a": [1, 1, 2, 2]}, Bounds(0.5, 0.5), Status.HOLDS, 0.5),
        (Measure(Metric.MINIMUM, "a"), {"a": [1, 2]}, Bounds(1), Status.HOLDS, 1),
        (Measure(Metric.SUM, "a"), {"a": [2**62, 2**62, 2**62]}, Bounds(3 * 2**62, 3 * 2**62), Status.HOLDS, 3 * 2**62),
        (Measure(Metric.SUM, "a"), {"a": [Decimal("0.10")] * 3}, Bounds(0.3, 0.3), Status.HOLDS, Decimal("0.30")),
        (Measure(Metric.MEAN, "a"), {"a": [1.0, NAN]}, Bounds(0, 10), Status.VIOLATED, None),
        (Measure(Metric.MEAN, "a"), {"a": NO_VALUE}, Bounds(0, 10), Status.NOTHING, None),
        (Measure(Metric.STDEV, "a"), {"a": [1.0]}, Bounds(0, 10), Status.NOTHING, None),
        (Measure(Metric.MEDIAN, "a"), {"a": [1, 2, 3, 10]}, Bounds(2.5, 2.5), Status.HOLDS, 2.5),
        (Measure(Metric.QUANTILE, "a", 0.25), {"a": [0.0, 4.0]}, Bounds(1, 1), Status.HOLDS, 1.0),
        (Measure(Metric.MEDIAN, "a"), {"a": [Decimal("1.0"), Decimal("2.0")]}, Bounds(1.5, 1.5), Status.HOLDS, Decimal("1.50")),
        (Measure(Metric.HOURS_OLD, "a"), {"a": [NOW - timedelta(hours=5), None]}, Bounds(upper=5), Status.HOLDS, 5.0),
        (Measure(Metric.HOURS_OLD, "a"), {"a": [datetime(2026, 3, 1, 6, tzinfo=UTC).replace(tzinfo=None)]}, Bounds(upper=5), Status.VIOLATED, 6.0),
        (Measure(Metric.HOURS_OLD, "a"), {"a": [NOW + timedelta(hours=2)]}, Bounds(upper=5), Status.VIOLATED, -2.0),
        (Measure(Metric.HOURS_OLD, "a"), {"a": pa.array([None], pa.timestamp("us"))}, Bounds(upper=5), Status.NOTHING, None),
        (Measure(Metric.LATENCY_HOURS, "b", since="a"), {"a": [NOW], "b": [NOW + timedelta(hours=3)]}, Bounds(upper=2), Status.VIOLATED, 3.0),
        (Measure(Metric.KL_DIVERGENCE, "a", shares=(("x", 0.5), ("y", 0.5))), {"a": ["x", "y"]}, Bounds(upper=0.01), Status.HOLDS, 0.0),
        (Measure(Metric.KL_DIVERGENCE, "a", shares=(("x", 1.0),)), {"a": ["x", "y"]}, Bounds(upper=9), Status.VIOLATED, float("inf")),
        (MostCommon("a", ("x",)), {"a": ["x", "x", "y"]}, NONE, Status.HOLDS, 1),
        (MostCommon("a", ("x",)), {"a": ["x", "y"]}, NONE, Status.VIOLATED, 2),
        (MostCommon("a", ("x",), ties_any=True), {"a": ["x", "y"]}, NONE, Status.HOLDS, 2),
        (DistinctValues("a", ("x", "y")), {"a": ["x", None]}, NONE, Status.HOLDS, 0),
        (DistinctValues("a", ("x", "y"), "contains"), {"a": ["x"]}, NONE, Status.VIOLATED, 1),
        (DistinctValues("a", (1, 2), "equals"), {"a": [1, 2, 3]}, NONE, Status.VIOLATED, 1),
        (HasColumns(("a", "b")), {"b": [1], "a": [1], "c": [1]}, NONE, Status.HOLDS, 0),
        (HasColumns(("a", "b"), ordered=True), {"b": [1], "a": [1]}, NONE, Status.VIOLATED, 1),
        (HasColumns(("a",), exactly=True), {"a": [1], "A_": [1]}, NONE, Status.VIOLATED, 1),
        (HasColumns(("a",)), {"A": [1]}, NONE, Status.VIOLATED, 1),
        (Query("select count(*) from {table} where a > 1"), {"a": [1, 2]}, Bounds(1, 1), Status.HOLDS, 1),
        (Query("select a from {table}"), {"a": [1, 2]}, NONE, Status.UNDECIDED, None),
        (Query("drop table x"), {"a": [1]}, NONE, Status.UNDECIDED, None),
        (Query("select 1; select 2"), {"a": [1]}, NONE, Status.UNDECIDED, None),
        (Query("select 1) ; drop table x; --"), {"a": [1]}, NONE, Status.UNDECIDED, None),
        (NoRows("select * from {table} where a > 1"), {"a": [1, 2]}, NONE, Status.VIOLATED, 1),
        (SameResult("select a from {table}", "select b from {table}"), {"a": [1, 2, 2], "b": [2, 1, 1]}, NONE, Status.VIOLATED, 2),
    ],
)  # fmt: skip
def test_each_kind_of_rule_says_what_its_words_say(
    tmp_path: Path, check: Check, columns: Any, bounds: Bounds, status: Status, value: Any
) -> None:
    found = result(tmp_path, check, columns, bounds)
    assert found.status is status, found.reason
    if value is not None:
        assert found.value == value
    assert found.reason


def test_duplicates_are_told_in_all_three_numbers(tmp_path: Path) -> None:
    found = result(tmp_path, Unique(("a",)), {"a": [7, 7, 7, 7, 7, None, None]})
    assert found.numbers == {"groups": 1, "excess_rows": 4, "rows_involved": 5}
    assert [sample.values for sample in found.samples] == [{"a": "7", "rows": "5"}]


def test_a_reference_is_looked_up_as_a_whole_and_its_missing_values_are_judged_as_told(tmp_path: Path) -> None:
    rows = {"a": [1, 1, None, 3], "b": ["x", "y", "x", None]}
    known = {"known": pa.table({"c": [1], "d": ["x"]})}
    found = {
        nulls: result(tmp_path, References(("a", "b"), "known", ("c", "d"), nulls), rows, tables=known).failing
        for nulls in Nulls
    }
    assert found == {Nulls.IGNORED: 1, Nulls.EQUAL: 3, Nulls.REFUSED: 3}


def test_a_reference_to_a_history_finds_exactly_the_version_that_was_valid_then(tmp_path: Path) -> None:
    day = [datetime(2026, 1, n, tzinfo=UTC) for n in range(1, 6)]
    versions = pa.table({"id": [1, 1, 2, 2], "valid_from": [day[1], day[2], day[1], day[1]], "valid_to": [day[2], None, day[4], None]})  # fmt: skip
    check = References(("c",), "versions", ("id",), as_of=AsOf("at"))
    rows = {"c": [1, 1, 1, 2, 2, 3], "at": [day[1], day[2], day[0], day[1], day[4], day[3]]}
    found = result(tmp_path, check, rows, tables={"versions": versions})
    assert (found.failing, found.judged) == (3, 6), "before the first version, two at once, nobody"


def test_a_table_agrees_with_another_in_rows_sums_and_content(tmp_path: Path) -> None:
    other = {"other": pa.table({"n": [3, 2, 1], "t": ["c", "b", "a"]})}
    rows = {"n": [1, 2, 3], "t": ["a", "b", "c"]}
    for check in (Reconciles("other"), Reconciles("other", "sum", ("n",)), Reconciles("other", "hash", ("n", "t"))):
        assert result(tmp_path, check, rows, tables=other).status is Status.HOLDS
    lost = {"n": [1, 2], "t": ["a", "b"]}
    assert result(tmp_path, Reconciles("other"), lost, tables=other).value == 1
    assert result(tmp_path, Reconciles("other", "sum", ("n",)), lost, tables=other).value == 3
    swapped = {"n": [1, 2, 3], "t": ["b", "b", "c"]}
    assert result(tmp_path, Reconciles("other", "hash", ("n", "t")), swapped, tables=other).value == 1


def test_a_query_may_name_other_tables_and_one_that_is_nowhere_leaves_it_undecided(tmp_path: Path) -> None:
    check = NoRows("select * from {table} where a not in (select k from known)")
    path = tmp_path / "known.parquet"
    pq.write_table(pa.table({"k": [1]}), path)

    def judged_with(other: Callable[[str], str]) -> RuleResult:
        pq.write_table(pa.table({"a": [1, 2]}), tmp_path / "rows.parquet")
        suite = Suite("rows", rules=(Rule(check, "rule"),))
        with connect() as connection, open_input(str(tmp_path / "rows.parquet"), connection) as opened:
            return judge(connection, opened, suite, other=other).results[0]

    assert judged_with(lambda _: f"read_parquet('{path}')").value == 1
    nowhere = judged_with(no_other_table)
    assert nowhere.status is Status.UNDECIDED
    assert "known" in nowhere.reason


def test_99_999_percent_is_not_100_percent(tmp_path: Path) -> None:
    columns = {"a": pa.array([None] + [1] * 99_999)}
    complete = result(tmp_path, NotNull("a"), columns, Bounds(upper=0, unit=Unit.PERCENT))
    assert complete.status is Status.VIOLATED
    assert "(0.0010 %)" in complete.reason
    allowed = result(tmp_path, NotNull("a"), columns, Bounds(upper=0.001, unit=Unit.PERCENT))
    assert allowed.status is Status.HOLDS


def test_an_input_without_rows_is_undecided_unless_a_rule_allows_it(tmp_path: Path) -> None:
    empty = pa.table({"a": pa.array([], pa.int64())})
    rule = Rule(NotNull("a"), "not_null")
    assert judged(tmp_path, empty, Suite("t", rules=(rule,))).overall is Overall.UNDECIDED
    allowed = Rule(Measure(Metric.ROW_COUNT), "rows", Bounds(lower=0))
    assert judged(tmp_path, empty, Suite("t", rules=(rule, allowed))).overall is Overall.HOLDS


def test_a_warning_does_not_fail_and_a_violation_wins_over_what_is_undecided(tmp_path: Path) -> None:
    rows = pa.table({"a": [1, None]})
    warned = Rule(NotNull("a"), "warned", severity=Severity.WARNING)
    undecided = Rule(NotNull("b"), "undecided")
    violated = Rule(NotNull("a"), "violated")
    assert judged(tmp_path, rows, Suite("t", rules=(warned,))).overall is Overall.WARNING
    assert judged(tmp_path, rows, Suite("t", rules=(warned, undecided))).overall is Overall.UNDECIDED
    assert judged(tmp_path, rows, Suite("t", rules=(violated, undecided))).overall is Overall.VIOLATED


def test_a_column_that_a_suite_names_and_nobody_delivers_is_a_violation(tmp_path: Path) -> None:
    found = judged(tmp_path, pa.table({"a": [1]}), Suite("t", columns=(SuiteColumn("a"), SuiteColumn("B"))))
    assert [(r.rule.name, r.status, r.reason) for r in found.results] == [
        ("columns_present", Status.VIOLATED, "missing: B")
    ]


def test_failing_rows_are_shown_by_their_key_and_personal_values_by_nothing(tmp_path: Path) -> None:
    rows = pa.table({"id": [4, 5, 6, 7, 8], "mail": ["x", "a@example.com", "y", "z", "w"], "n": [-1, 1, 1, 1, 1]})
    rules = (Rule(OneOf("mail", ("a@example.com",)), "mail"), Rule(Between("n", 0), "n"))
    suite = Suite("t", (SuiteColumn("mail", personal=True),), rules, key=("id",))
    _, mail, n = judged(tmp_path, rows, suite).results
    assert [(s.identity, s.values) for s in mail.samples] == [
        ({"id": "4"}, {"mail": "•••"}),
        ({"id": "6"}, {"mail": "•••"}),
        ({"id": "7"}, {"mail": "•••"}),
    ]
    assert [(s.identity, s.values) for s in n.samples] == [({"id": "4"}, {"n": "-1"})]


def test_a_row_without_a_key_is_shown_by_its_place_in_the_file(tmp_path: Path) -> None:
    found = result(tmp_path, Between("n", 0), {"n": [1, -1, 1, -2]})
    assert [list(sample.identity.values())[-1] for sample in found.samples] == ["2", "4"]
    assert [sample.values for sample in found.samples] == [{"n": "-1"}, {"n": "-2"}]


@pytest.mark.parametrize(
    ("check", "column", "holds"),
    [
        (OfType("a", "integer"), pa.array([1], pa.int32()), True),
        (OfType("a", physical="bigint"), pa.array([1], pa.int32()), False),
        (OfType("a", physical="numeric(12,2)"), pa.array([Decimal("1.00")], pa.decimal128(12, 2)), True),
        (OfType("a", physical="numeric(12,2)"), pa.array([Decimal("1.000")], pa.decimal128(12, 3)), False),
        (OfType("a", physical="timestamptz"), pa.array([NOW], pa.timestamp("us", tz="UTC")), True),
        (OfType("a", physical="timestamptz"), pa.array([NOW], pa.timestamp("ms", tz="UTC")), False),
        (OfType("a", physical="timestamptz"), pa.array([NOW.replace(tzinfo=None)], pa.timestamp("us")), False),
        (OfType("a", "string", "text"), pa.array(["x"], pa.large_string()), True),
        (OfType("a", "string", "text"), pa.array(["x"]).dictionary_encode(), True),
        (OfType("a", "string"), pa.array([1]), False),
        (OfType("a", "number"), pa.array([1.5]), True),
        (OfType("a", nullable=False), pa.array([1]), False),
    ],
)
def test_a_type_is_compared_with_its_width_scale_unit_and_zone(
    tmp_path: Path, check: OfType, column: Any, holds: bool
) -> None:
    found = result(tmp_path, check, {"a": column})
    assert found.status is (Status.HOLDS if holds else Status.VIOLATED), found.reason


def csv(tmp_path: Path, text: str, *rules: Rule) -> TableResult:
    path = tmp_path / "rows.csv"
    path.write_text(text)
    with connect() as connection, open_input(str(path), connection) as opened:
        return judge(connection, opened, Suite("rows", rules=rules), now=NOW)


@pytest.mark.parametrize(
    ("type_", "good", "bad"),
    [
        (OfType("a", "integer"), ["7", "-7", "+7"], ["7.0", "1e3", " 7", "x", "7_0"]),
        (OfType("a", physical="integer"), ["2147483647"], ["2147483648"]),
        (OfType("a", physical="numeric(5,2)"), ["123.45", "-1", "0.10", "1.000"], ["1234.5", "1.234", "1,5", "NaN"]),
        (OfType("a", "number"), ["1.5e3", ".5"], ["1,5", "nan", "inf", "0x10"]),
        (OfType("a", "boolean"), ["true", "FALSE"], ["yes", "1"]),
        (OfType("a", "date"), ["2024-02-29"], ["2023-02-29", "29.02.2024", "2024-02-29 10:00:00"]),
        (OfType("a", "timestamp"), ["2024-02-29 10:00:00+02", "2024-02-29T10:00:00Z", "2024-02-29"], ["10:00", "2024-13-01"]),
        (OfType("a", "object"), ['"{""x"": 1}"'], ["[1]", "{"]),
    ],
)  # fmt: skip
def test_a_text_has_a_type_only_when_it_is_written_as_one(
    tmp_path: Path, type_: OfType, good: list[str], bad: list[str]
) -> None:
    lines = ["a;n", *(f"{text};{n}" for n, text in enumerate([*good, *bad, ""]))]
    found = csv(tmp_path, "\n".join(lines) + "\n", Rule(type_, "r")).results[0]
    assert (found.failing, found.judged) == (len(bad), len(good) + len(bad))
    assert [list(sample.values.values()) for sample in found.samples] == [[text] for text in bad[:3]]


def test_numbers_held_as_text_are_compared_as_numbers(tmp_path: Path) -> None:
    found = csv(tmp_path, "a\n10\n9\n-1\n", Rule(Between("a", 0, 10), "r")).results[0]
    assert (found.failing, found.judged) == (1, 3)


def test_when_no_text_can_be_read_as_the_number_that_is_judged_nothing_passes(tmp_path: Path) -> None:
    found = csv(tmp_path, "a\nx\ny\n", Rule(Between("a", 0, 10), "r"))
    assert (found.results[0].status, found.overall) == (Status.UNDECIDED, Overall.UNDECIDED)


values = st.one_of(st.none(), st.integers(-3, 3))


@settings(max_examples=40)
@given(st.lists(st.tuples(values, values), max_size=12), st.integers(-2, 2), st.integers(0, 3))
def test_counts_equal_those_of_plain_python(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[int | None, int | None]], low: int, allowed: int
) -> None:
    table = pa.table({"a": pa.array([a for a, _ in rows], pa.int64()), "b": pa.array([b for _, b in rows], pa.int64())})
    bounds = Bounds(upper=allowed)
    rules = (
        Rule(NotNull("a"), "not_null", bounds),
        Rule(Between("a", low), "between", bounds, where="b > 0"),
        Rule(Unique(("a", "b")), "unique", bounds),
        Rule(References(("b",), "known", ("k",)), "references", bounds),
    )
    known = {"known": pa.table({"k": [1, 2, 2]})}
    found = judged(tmp_path_factory.mktemp("rows"), table, Suite("t", rules=rules), known).results
    scope = [a for a, b in rows if b is not None and b > 0 and a is not None]
    whole = [row for row in rows if None not in row]
    there = [b for _, b in rows if b is not None]
    expected = [
        (sum(a is None for a, _ in rows), len(rows)),
        (sum(a < low for a in scope), len(scope)),
        (sum(whole.count(row) > 1 for row in whole), len(whole)),
        (sum(b not in (1, 2) for b in there), len(there)),
    ]
    for one, (failing, count) in zip(found, expected, strict=True):
        assert (one.failing, one.judged) == (failing, count), one.rule.name
        right = Status.NOTHING if not count else Status.HOLDS if failing <= allowed else Status.VIOLATED
        assert one.status is right
