"""Results for the tests of what is written of them: a table as it may be, and tables of any text at all."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

from hypothesis import strategies as st

from dataeng_assets.contracts.checks.kinds import Between, Measure, Metric, NotNull, Unique
from dataeng_assets.contracts.checks.rule import (
    Bounds,
    Consumer,
    NotExecuted,
    Rule,
    Severity,
    Suite,
    SuiteColumn,
    Unit,
)
from dataeng_assets.quality.results import ColumnProfile, RuleResult, Sample, Status, TableResult
from dataeng_assets.quality.written.formats import Format, written
from dataeng_assets.quality.written.table import table as write_table

NOW = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
COLUMNS = (
    SuiteColumn("order_id", "integer", "bigint", nullable=False, description="Number of the order."),
    SuiteColumn("net_amount", "number", "numeric(12,2)", description="What was paid."),
    SuiteColumn("email", "string", "text", personal=True, description="Where the receipt goes."),
)
SUITE = Suite(
    name="fct_orders",
    id="marts.fct_orders",
    version="1.2.0",
    description="One row per order.",
    owner="analytics",
    columns=COLUMNS,
    key=("order_id",),
    consumers=(Consumer("finance", ("order_id", "net_amount"), "finance@example.org"), Consumer("marketing")),
    sla={"retention": "3 years"},
)
HELD = RuleResult(Rule(NotNull("order_id"), "order_id_not_null"), Status.HOLDS, 0, 1000, 0, reason="No row lacks it.")
RANGE = RuleResult(
    Rule(
        Between("net_amount", minimum=0), "net_amount_range", place="contracts/fct_orders.yaml:31", dimension="accuracy"
    ),
    Status.VIOLATED,
    12,
    1000,
    12,
    reason="12 of 1,000 rows lie below 0.",
    next_step='Look at them: dataeng sql "from marts.fct_orders where net_amount < 0"',
    samples=tuple(
        Sample({"order_id": str(number)}, {"net_amount": f"-{number}.50", "email": None}) for number in (4, 8, 15)
    ),
)
DOUBLED = RuleResult(
    Rule(Unique(("order_id",)), "order_id_unique", Bounds(upper=1, unit=Unit.PERCENT), place="fct_orders.yaml:12"),
    Status.VIOLATED,
    3,
    1000,
    3,
    {"groups": 2, "excess_rows": 3, "rows_involved": 5},
    reason="2 keys occur more than once.",
)  # fmt: skip
OLD = RuleResult(
    Rule(Measure(Metric.HOURS_OLD, "ordered_at"), "fresh", Bounds(upper=Decimal(26)), Severity.WARNING),
    Status.VIOLATED,
    30.5,
    reason="The newest row is 30.5 hours old.",
)
NOTHING = RuleResult(Rule(NotNull("note"), "note_not_null", where="status = 'x'"), Status.NOTHING, 0, 0, 0)
UNDECIDED = RuleResult(
    Rule(NotNull("gone"), "gone_not_null"), Status.UNDECIDED, reason="There is no column gone.", next_step="Add it."
)
ROWS = RuleResult(
    Rule(Measure(Metric.ROW_COUNT), "row_count", Bounds(lower=1)), Status.HOLDS, 1000, reason="There are 1,000 rows."
)


def table(*results: RuleResult, rows: int = 1000, suite: Suite = SUITE, days_ago: int = 0) -> TableResult:
    """A table with these results."""
    at = NOW - timedelta(days=days_ago)
    return TableResult(
        suite=replace(suite, rules=tuple(result.rule for result in results)),
        input="data/orders 2026.parquet",
        data_version="version 7",
        rows=rows,
        columns=(ColumnProfile("order_id", "int64", 0), ColumnProfile("email", "string", min(rows, 250))),
        results=results,
        judged_at=at,
        seconds=0.4213,
        freshest=("ordered_at", at - timedelta(hours=30.5)),
        not_executed=(NotExecuted("contracts/fct_orders.yaml:40", "slaProperties: support", "Nothing to execute."),),
    )


EVERY_KIND = (HELD, RANGE, DOUBLED, OLD, NOTHING, UNDECIDED, ROWS)

NASTY = (
    "<script>alert(1)</script>", "</script>", "</style>", "<!--", "]]>", "<![CDATA[", '" onload="x', "' or 1=1 --",
    "a|b", "a\nb", "\r\n", "\t", "\x1b[31mred\x1b[0m", "[red]x[/red]", "[/]", "[link=x]", "`code`", "**bold**",
    "@someone", "http://example.org", "www.example.org", "&amp;", "&#60;", "\\|", "\x00", "\x0b", "\u202e", "\ufffe",
    "\u2028", "{{x}}", "${x}", "../../etc", "%20", "# head", "<details>", "\ud800", "日本", "🙂",
)  # fmt: skip
anything = st.one_of(
    st.lists(st.sampled_from(NASTY) | st.text(st.characters(), min_size=1, max_size=6), min_size=1, max_size=3).map(
        "".join
    ),
    st.sampled_from(NASTY),
)
"""Any text, half pairs of UTF-16 too."""

_numbers = st.one_of(st.none(), st.integers(), st.floats(), anything)


@st.composite
def _rule_results(draw: st.DrawFn) -> RuleResult:
    column = draw(anything)
    check = draw(st.sampled_from([NotNull(column), Unique((column, draw(anything))), Measure(Metric.MEAN, column)]))
    rule = Rule(
        check,
        draw(anything),
        severity=draw(st.sampled_from(Severity)),
        description=draw(anything),
        place=draw(anything | anything.map(lambda name: f"{name}:7")),
    )
    judged = draw(st.none() | st.integers(0, 10**12))
    return RuleResult(
        rule,
        draw(st.sampled_from(Status)),
        draw(_numbers),
        judged,
        None if judged is None else draw(st.integers(0, judged)),
        draw(st.dictionaries(anything, _numbers, max_size=2)),
        draw(anything),
        draw(anything),
        tuple(draw(st.lists(_samples, max_size=3))),
    )


_cells = st.dictionaries(anything, st.none() | anything, max_size=3)
_samples = st.builds(Sample, _cells, _cells)


@st.composite
def any_table(draw: st.DrawFn) -> TableResult:
    """A table in which every text is anything at all."""
    results = draw(st.lists(_rule_results(), max_size=3, unique_by=lambda result: result.rule.name))
    rows = draw(st.integers(0, 10**12))
    suite = Suite(draw(anything), id=draw(anything), version=draw(anything), owner=draw(anything))
    return TableResult(
        suite=suite,
        input=draw(anything),
        data_version=draw(anything),
        rows=rows,
        columns=tuple(ColumnProfile(draw(anything), draw(anything), draw(st.integers(0, rows))) for _ in range(2)),
        results=tuple(results),
        judged_at=NOW,
        seconds=draw(st.floats(0, 10**6)),
        freshest=draw(st.none() | st.tuples(anything, st.just(NOW - timedelta(hours=1)))),
        not_executed=tuple(draw(st.lists(st.builds(NotExecuted, anything, anything, anything), max_size=1))),
    )


FORMATS: dict[str, Callable[[Sequence[TableResult]], str]] = {
    "table": write_table,
    **{form.value: partial(written, form=form) for form in Format},
}
"""What writes results down, by the name of the format."""
