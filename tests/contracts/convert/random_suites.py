"""Suites for tests of exporters: of columns a (text), b and c (numbers), d (date), with rules drawn at random."""

from datetime import date
from typing import Any

from hypothesis import strategies as st

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
    MultipleOf,
    NoRows,
    NotNull,
    Nulls,
    OfType,
    OneOf,
    Operator,
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
from dataeng_assets.contracts.checks.naming import derived_name
from dataeng_assets.contracts.checks.rule import Bounds, Consumer, NotExecuted, Rule, Severity, Suite, SuiteColumn, Unit

COLUMNS = (
    SuiteColumn("a", "string", "varchar", description='A text, it\'s "said".'),
    SuiteColumn("b", "integer", "bigint"),
    SuiteColumn("c", "number", "numeric(12,2)", personal=True),
    SuiteColumn("d", "date", "date"),
    SuiteColumn("e", "object", "jsonb"),
)
ROW_CHECKS: list[Any] = [
    NotNull("a"), NotNull("b"), OneOf("a", ("x", "it's", "é\\")), OneOf("b", (1, 2)), OneOf("a", ("y",), negated=True),
    Between("b", 1, 5), Between("c", 0.5, None, minimum_open=True), Between("b", None, 9, maximum_open=True),
    MultipleOf("b", 2), Length("a", 1, 5), Length("a", None, 3), Matches("a", ("^x",)), Matches("a", ("^x", "z$")),
    Matches("a", ("q",), negated=True), Matches("a", ("x", "y"), any_of=True), Compare("b", Operator.LESS, "c"),
    Compare("b", Operator.AT_LEAST, "c"), Compare("b", Operator.EQUAL, "c"), Compare("b", Operator.DIFFERENT, "c"),
    SumsTo(("b", "c"), 5), Holds('"b" > 0 or "c" > 0'),
]  # fmt: skip
OTHER_CHECKS: list[Any] = [
    IsNull("a"), Between("d", date(2020, 1, 1)), Between("a", "m", None), Format("a", "email"), Format("a", "%d.%m.%Y"),
    Format("a", "json"), JsonSchema("e", '{"required": ["x"], "type": "object"}'), Like("a", ("x%",)),
    Like("a", ("x%", "%y"), any_of=True),
    TupleOneOf(("a", "b"), (("x", 1),)), DifferInRow(("b", "c")), NotNull("a", ("N/A",)), OfType("a", "string"),
    Ordered("b"), Ordered("b", descending=True, strictly=True), ZScore("b", 3), ZScore("b", 3, one_sided=True),
    Unique(("a",)), Unique(("a", "b")), Unique(("b", "a"), Nulls.EQUAL), Unique(("a", "c"), Nulls.REFUSED),
    References(("a",), "o", ("k",)), References(("a",), "s.o", ("k",)), MostCommon("a", ("x",)),
    MostCommon("a", ("x",), ties_any=True), DistinctValues("a", ("x", "y")), DistinctValues("a", ("x",), "contains"),
    DistinctValues("a", ("x",), "equals"), HasColumns(("a", "b")), HasColumns(("a", "b", "c", "d", "e"), True, True),
    HasColumns(("a", "b", "c", "d", "e"), exactly=True), Reconciles("o"), Reconciles("o", "sum", ("b",)),
    Query("select count(*) from {table}"), NoRows("select * from {table} where b < 0"),
    SameResult("select 1 from {table}", "select 1"),
]  # fmt: skip
METRICS = [
    Measure(metric, "" if metric in (Metric.ROW_COUNT, Metric.COLUMN_COUNT) else "b")
    for metric in Metric
    if metric not in (Metric.QUANTILE, Metric.LATENCY_HOURS, Metric.KL_DIVERGENCE)
]
METRICS += [Measure(Metric.QUANTILE, "b", 0.5), Measure(Metric.KL_DIVERGENCE, "a", shares=(("x", 0.5), ("y", 0.5)))]
tolerances = st.sampled_from(
    [Bounds(upper=0), Bounds(upper=0), Bounds(upper=5), Bounds(upper=5, unit=Unit.PERCENT), Bounds(3, 3, excluded=True)]
)
ranges = st.sampled_from(
    [Bounds(1, 5), Bounds(lower=0.25, lower_open=True), Bounds(upper=1), Bounds(1, 5, excluded=True)]
)


@st.composite
def rules(draw: st.DrawFn, checks: list[Any], *, firm: bool = False) -> Rule:
    check = draw(st.sampled_from(checks))
    bounds = Bounds(upper=0)
    if isinstance(check, Measure):
        bounds = draw(ranges)
    elif not firm and not isinstance(check, HasColumns | Reconciles | MostCommon | DistinctValues):
        bounds = draw(tolerances)
    severity = Severity.ERROR if firm else draw(st.sampled_from(Severity))
    where = "" if firm else draw(st.sampled_from(["", "", '"b" > 1']))
    return Rule(check, derived_name(check), bounds, severity, where)


@st.composite
def suites(draw: st.DrawFn, checks: list[Any] | None = None, *, firm: bool = False) -> Suite:
    every = checks if checks is not None else [*ROW_CHECKS, *OTHER_CHECKS, *METRICS]
    drawn = draw(st.lists(rules(every, firm=firm), max_size=6, unique_by=lambda rule: rule.name))
    return Suite(
        name="t",
        columns=COLUMNS,
        rules=tuple(drawn),
        key=("a",),
        id="shop.t",
        version="1.0.0",
        description="It's a `t`\\.",
        owner="team",
        not_executed=(NotExecuted("x", "said", "reason"),),
        consumers=(Consumer("bi"),),
        sla={"retention": "3 y"},
    )
