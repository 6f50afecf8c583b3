"""Checks and rules of every kind, made up by hypothesis."""

import string
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, get_args

from hypothesis import strategies as st

from dataeng_assets.contracts.checks import kinds
from dataeng_assets.contracts.checks.kinds import Check
from dataeng_assets.contracts.checks.rule import Bounds, Rule, Severity, Unit

WORDS = st.text(string.ascii_lowercase, min_size=1, max_size=6)
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=8)
COLUMNS = st.sampled_from(["a", "b", "Full Name", "naïve", 'a"b', "null", "yes", "1"])
NUMBERS = (
    st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False)
    | st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**9), max_value=10**9)
)
POSITIVE = st.integers(1, 100) | st.decimals(Decimal("0.01"), 9, places=2)
MOMENTS = st.builds(
    lambda seconds, zone: datetime.fromtimestamp(seconds, UTC).replace(tzinfo=zone),
    st.integers(-(2 * 10**9), 4 * 10**9), st.sampled_from([None, UTC]),
)  # fmt: skip
LITERALS: st.SearchStrategy[Any] = (
    TEXTS | NUMBERS | st.booleans() | st.dates(date(1900, 1, 1), date(2100, 1, 1)) | MOMENTS
)
SEVERAL = st.lists(COLUMNS, min_size=1, max_size=3, unique=True).map(tuple)
SIZES = st.none() | st.integers(0, 9)


def _ordered(low: str, high: str, values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Two bounds in their order, one of them or none."""
    pairs = st.lists(values, min_size=2, max_size=2, unique=True).map(sorted)
    return st.tuples(pairs, st.booleans(), st.booleans()).map(
        lambda made: {low: made[0][0] if made[1] else None, high: made[0][1] if made[2] else None}
    )


def _ranges() -> st.SearchStrategy[kinds.Between]:
    numbers = st.integers(-99, 99) | st.floats(-99, 99) | st.decimals(-99, 99, places=2)
    bounds = st.one_of(
        _ordered("minimum", "maximum", values)
        for values in (numbers, st.dates(date(1900, 1, 1), date(2100, 1, 1)), TEXTS)
    )
    return st.builds(
        lambda column, given, low, high: kinds.Between(column, **given, minimum_open=low, maximum_open=high),
        COLUMNS, bounds, st.booleans(), st.booleans(),
    )  # fmt: skip


OVERRIDES: dict[type, st.SearchStrategy[Any]] = {
    kinds.Between: _ranges(),
    kinds.Length: st.builds(
        lambda column, given: kinds.Length(column, **given), COLUMNS, _ordered("minimum", "maximum", st.integers(0, 99))
    ),
    kinds.MultipleOf: st.builds(kinds.MultipleOf, COLUMNS, POSITIVE),
    kinds.Matches: st.builds(
        kinds.Matches, COLUMNS, st.lists(st.sampled_from(["^a+$", "b|c", "[0-9]{2}"]), min_size=1).map(tuple),
        st.booleans(), st.booleans(),
    ),
    kinds.DifferInRow: st.builds(
        kinds.DifferInRow, st.lists(COLUMNS, min_size=2, max_size=3, unique=True).map(tuple)
    ),
    kinds.Format: st.builds(kinds.Format, COLUMNS, st.sampled_from(["uuid", "email", "ipv4", "%d.%m.%Y"])),
    kinds.JsonSchema: st.builds(kinds.JsonSchema, COLUMNS, st.just('{"type": "object"}')),
    kinds.Holds: st.builds(kinds.Holds, st.sampled_from(["a > 1", "a is null or b = 'x'"])),
    kinds.TupleOneOf: st.builds(
        lambda rows: kinds.TupleOneOf(("a", "b"), rows),
        st.lists(st.tuples(LITERALS | st.none(), LITERALS), min_size=1, max_size=2).map(tuple),
    ),
    kinds.OfType: st.builds(
        kinds.OfType, COLUMNS, st.sampled_from([None, "string", "integer"]), st.sampled_from(["text", "bigint"]),
        st.none() | st.booleans(),
    ),
    kinds.References: st.builds(
        lambda nulls, as_of: kinds.References(("a", "b"), "other", ("x", "y"), nulls, as_of),
        st.sampled_from(kinds.Nulls), st.none() | st.builds(kinds.AsOf, COLUMNS, WORDS, WORDS),
    ),
    kinds.Measure: st.builds(
        kinds.Measure, st.sampled_from([kinds.Metric.ROW_COUNT, kinds.Metric.COLUMN_COUNT])
    ) | st.builds(
        kinds.Measure, st.sampled_from([kinds.Metric.MEAN, kinds.Metric.SUM, kinds.Metric.HOURS_OLD]), COLUMNS
    ) | st.builds(kinds.Measure, st.just(kinds.Metric.QUANTILE), COLUMNS, st.floats(0, 1))
    | st.builds(lambda shares: kinds.Measure(kinds.Metric.KL_DIVERGENCE, "a", shares=shares),
                st.lists(st.tuples(TEXTS, st.floats(0, 1)), min_size=1, max_size=2).map(tuple)),
    kinds.DistinctValues: st.builds(
        kinds.DistinctValues, COLUMNS, st.lists(LITERALS, max_size=2).map(tuple),
        st.sampled_from(["within", "contains", "equals"]),
    ),
    kinds.Reconciles: st.builds(
        kinds.Reconciles, WORDS, st.sampled_from(["sum", "hash"]), st.just(("a",)), st.sampled_from([(), ("z",)])
    ) | st.builds(kinds.Reconciles, WORDS),
    kinds.Query: st.builds(kinds.Query, st.just("select count(*) from {table}")),
    kinds.NoRows: st.builds(kinds.NoRows, st.just("select * from {table} where a < 0")),
    kinds.SameResult: st.builds(
        kinds.SameResult, st.just("select sum(a) from {table}"), st.just("select 1")
    ),
}  # fmt: skip
BY_NAME: dict[str, st.SearchStrategy[Any]] = {
    "column": COLUMNS, "left": COLUMNS, "right": COLUMNS, "columns": SEVERAL,
    "values": st.lists(LITERALS, min_size=1, max_size=3).map(tuple),
    "patterns": st.lists(TEXTS, min_size=1, max_size=2).map(tuple),
    "total": NUMBERS, "limit": st.floats(0, 9),
    "also_missing": st.lists(TEXTS, max_size=2).map(tuple),
}  # fmt: skip
KINDS: tuple[type[Check], ...] = get_args(Check)


def checks(kind: type[Check]) -> st.SearchStrategy[Check]:
    """Checks of one kind that do not contradict themselves."""
    if kind in OVERRIDES:
        return OVERRIDES[kind]
    return st.builds(kind, **{name: BY_NAME[name] for name in kind.__dataclass_fields__ if name in BY_NAME})


@st.composite
def bounds(draw: st.DrawFn) -> Bounds:
    given = draw(_ordered("lower", "upper", st.integers(0, 50) | st.floats(0, 50)))
    return Bounds(
        **given,
        lower_open=given["lower"] is not None and draw(st.booleans()),
        upper_open=given["upper"] is not None and draw(st.booleans()),
        unit=draw(st.sampled_from(Unit)),
        excluded=draw(st.booleans()),
    )


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    kind = draw(st.sampled_from(KINDS))
    return Rule(
        check=draw(checks(kind)),
        name=draw(st.text(string.ascii_letters + string.digits + "_", min_size=1, max_size=12)),
        bounds=draw(st.sampled_from([Bounds(upper=0), Bounds(upper=5, unit=Unit.PERCENT)]) | bounds()),
        severity=draw(st.sampled_from(Severity)),
        where=draw(st.sampled_from(["", "a > 1"])),
        dimension=draw(st.sampled_from(["", "accuracy", "uniqueness"])),
        description=draw(TEXTS.map(str.strip)),
    )
