"""The tests of dbt, of dbt-utils and of this project, by name, as what they demand of a table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from dataeng_assets.contracts.checks.kinds import (
    Between,
    Check,
    Holds,
    Length,
    Measure,
    Metric,
    NoRows,
    NotNull,
    Nulls,
    OneOf,
    Query,
    Reconciles,
    References,
    SameResult,
    Unique,
)
from dataeng_assets.contracts.checks.rule import NONE, Bounds
from dataeng_assets.contracts.checks.sql import listed, literal, quoted
from dataeng_assets.contracts.convert import dbt_queries as queries
from dataeng_assets.contracts.convert.conditions import all_of, table_name
from dataeng_assets.contracts.convert.dbt_arguments import NotSaid, TestArguments


@dataclass(frozen=True)
class Demanded:
    """What a test demands.

    Attributes:
        bounds: for a metric; the number of failing rows is bounded by the test's settings.
        where: the rows that are judged, beside the test's own `where`.
    """

    check: Check
    bounds: Bounds | None = None
    where: str = ""


Reader = Callable[[TestArguments], Demanded]


def _accepted_values(said: TestArguments, *, negated: bool = False) -> Demanded:
    said.get("quote")
    return Demanded(OneOf(said.one_column, said.values("values"), negated))


def _accepted_range(said: TestArguments) -> Demanded:
    low, high, is_open = said.bound("min_value"), said.bound("max_value"), not said.get("inclusive", True)
    if low is None and high is None:
        raise NotSaid("neither bound has a value, so nothing is demanded")
    if not isinstance(low, str) and not isinstance(high, str):
        return Demanded(Between(said.one_column, low, high, is_open and low is not None, is_open and high is not None))
    sign = "" if is_open else "="
    parts = [f"{said.name} >{sign} {_sql(low)}"] if low is not None else []
    parts += [f"{said.name} <{sign} {_sql(high)}"] if high is not None else []
    return Demanded(Holds(all_of(parts)))


def _sql(bound: Any) -> str:
    """A bound in SQL: dbt writes a text as it stands."""
    return bound if isinstance(bound, str) else literal(bound)


def _relationships(said: TestArguments) -> Demanded:
    field = said.texts("field")
    return Demanded(References((said.one_column,), said.table("to"), field))


def _relationships_where(said: TestArguments) -> Demanded:
    to, (field,) = said.table("to"), said.texts("field")
    ours, theirs = str(said.get("from_condition", "")), str(said.get("to_condition", ""))
    known = f"select {quoted(field)} from {table_name(to)} where {all_of([f'{quoted(field)} is not null', theirs])}"
    condition = all_of([f"{said.name} is not null", ours, f"{said.name} not in ({known})"])
    return Demanded(NoRows(f"select * from {{table}} where {condition}"))


def _unique_combination(said: TestArguments) -> Demanded:
    said.get("quote_columns")
    return Demanded(Unique(said.texts("combination_of_columns"), Nulls.EQUAL))


def _equal_rowcount(said: TestArguments) -> Demanded:
    other, by = said.table("compare_model"), said.texts("group_by_columns", default=[])
    if not by:
        return Demanded(Reconciles(other), NONE)
    return Demanded(NoRows(queries.groups_differ(other, ours="count(*)", theirs="count(*)", by=by)))


def _reconciled_total(said: TestArguments) -> Demanded:
    other, by = said.table("compare_model"), said.texts("group_by_columns", default=[])
    ours, theirs = said.column, str(said.get("compare_column", said.column))
    if not by and theirs.isidentifier():
        return Demanded(Reconciles(other, "sum", (ours,), (theirs,) if theirs != ours else ()), NONE)
    sql = queries.groups_differ(other, ours=f"sum({quoted(ours)})", theirs=f"sum({theirs})", by=by)
    return Demanded(NoRows(sql))


def _fewer_rows(said: TestArguments) -> Demanded:
    other = table_name(said.table("compare_model"))
    if said.texts("group_by_columns", default=[]):
        raise NotSaid("fewer rows in each group; compare the counts of groups with an SQL query")
    sql = f"select (select count(*) from {other}) - (select count(*) from {{table}})"
    return Demanded(Query(sql), Bounds(lower=1))


def _equality(said: TestArguments) -> Demanded:
    other, named = table_name(said.table("compare_model")), said.texts("compare_columns", default=[])
    left_out = said.texts("exclude_columns", default=[])
    if said.get("precision") is not None:
        raise NotSaid("rounding before comparing; round in the model")
    shown = listed(map(quoted, named)) or ("* exclude (" + listed(map(quoted, left_out)) + ")" if left_out else "*")
    return Demanded(SameResult(f"select distinct {shown} from {{table}}", f"select distinct {shown} from {other}"))


def _expression(said: TestArguments) -> Demanded:
    expression = str(said.need("expression", str, "an SQL expression"))
    return Demanded(Holds(f"{quoted(said.column)} {expression}" if said.column else expression))


def recent(column: str, part: str, count: float) -> Demanded:
    """The newest value is no older than so many parts of a date.

    Raises:
        NotSaid: there is no such part.
    """
    part = part.lower().rstrip("s")
    if part in queries.HOURS:
        return Demanded(Measure(Metric.HOURS_OLD, column), Bounds(upper=count * queries.HOURS[part]))
    if part not in ("month", "quarter", "year"):
        raise NotSaid(f"{part!r} is no part of a date")
    sql = f"select count(*) from {{table}} where {quoted(column)} >= now() - interval {literal(f'{count} {part}')}"
    return Demanded(Query(sql), Bounds(lower=1))


def _recency(said: TestArguments) -> Demanded:
    if said.texts("group_by_columns", default=[]) or said.get("ignore_time_component"):
        raise NotSaid("recency in each group, or of whole days, is not checked; check the newest value of the table")
    part, count = str(said.need("datepart", str, "day, hour …")), said.need("interval", (int, float), "a number")
    return recent(said.texts("field")[0], part, count)


def _not_null_proportion(said: TestArguments) -> Demanded:
    if said.texts("group_by_columns", default=[]):
        raise NotSaid("shares are judged in the whole table, not in each group")
    least, most = said.need("at_least", (int, float), "a share from 0 to 1"), said.get("at_most", 1)
    return Demanded(
        Measure(Metric.NULL_SHARE, said.one_column), Bounds(exact_rest(most) if most < 1 else None, exact_rest(least))
    )


def exact_rest(share: float) -> Any:
    """What is left of 1, without the noise of binary fractions."""
    return 1 - Decimal(str(share))


def _not_empty(said: TestArguments) -> Demanded:
    if not said.get("trim_whitespace", True):
        return Demanded(Length(said.one_column, 1))
    return Demanded(Holds(f"trim({said.name}) <> ''"))


def _cardinality(said: TestArguments) -> Demanded:
    (field,), other = said.texts("field"), table_name(said.table("to"))
    ours = f"select {said.name}, count(*) from {{table}} group by 1"
    return Demanded(SameResult(ours, f"select {quoted(field)}, count(*) from {other} group by 1"))


def _exclusive_ranges(said: TestArguments) -> Demanded:
    (low,), (high,) = said.texts("lower_bound_column"), said.texts("upper_bound_column")
    by, gaps = said.texts("partition_by", default=[]), str(said.get("gaps", "allowed"))
    if gaps not in ("allowed", "not_allowed", "required"):
        raise NotSaid(f"gaps are {gaps!r}, and can be allowed, not_allowed or required")
    allowed = bool(said.get("zero_length_range_allowed", False))
    return Demanded(NoRows(queries.overlapping_ranges(low, high, by, gaps, empty_allowed=allowed)))


def _sequential(said: TestArguments) -> Demanded:
    step, part = said.get("interval", 1), said.get("datepart")
    by = said.texts("group_by_columns", default=[])
    after = f" + interval {literal(f'{step} {part}')}" if part else f" + {literal(step)}"
    return Demanded(NoRows(queries.not_in_steps(said.one_column, after, by)))


def _distinct_count(bounds: Bounds) -> Reader:
    def read(said: TestArguments) -> Demanded:
        if said.texts("group_by_columns", default=[]):
            raise NotSaid("different values are counted in the whole table, not in each group")
        return Demanded(Measure(Metric.DISTINCT_COUNT, said.one_column), bounds)

    return read


TESTS: Mapping[str, Reader] = MappingProxyType(
    {
        "not_null": lambda said: Demanded(NotNull(said.one_column)),
        "unique": lambda said: Demanded(Unique((said.one_column,))),
        "accepted_values": _accepted_values,
        "relationships": _relationships,
        "dbt_utils.accepted_range": _accepted_range,
        "dbt_utils.at_least_one": _distinct_count(Bounds(lower=1)),
        "dbt_utils.cardinality_equality": _cardinality,
        "dbt_utils.equal_rowcount": _equal_rowcount,
        "dbt_utils.equality": _equality,
        "dbt_utils.expression_is_true": _expression,
        "dbt_utils.fewer_rows_than": _fewer_rows,
        "dbt_utils.mutually_exclusive_ranges": _exclusive_ranges,
        "dbt_utils.not_accepted_values": lambda said: _accepted_values(said, negated=True),
        "dbt_utils.not_constant": _distinct_count(Bounds(lower=1, upper=1, excluded=True)),
        "dbt_utils.not_empty_string": _not_empty,
        "dbt_utils.not_null_proportion": _not_null_proportion,
        "dbt_utils.recency": _recency,
        "dbt_utils.relationships_where": _relationships_where,
        "dbt_utils.sequential_values": _sequential,
        "dbt_utils.unique_combination_of_columns": _unique_combination,
        "accepted_range": _accepted_range,
        "equal_rowcount": _equal_rowcount,
        "reconciled_total": _reconciled_total,
        "unique_combination_of_columns": _unique_combination,
        "validity_ranges": lambda said: Demanded(NoRows(queries.validity_ranges(said.texts("key")))),
    }
)
"""By the name that a properties file uses; those without a package are dbt's, or this project's own."""
