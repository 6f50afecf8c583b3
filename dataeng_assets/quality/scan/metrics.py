"""Rules on one number of the table or of a column. Cheap ones ride on the shared pass, exact quantiles sort."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from dataeng_assets.contracts.checks.kinds import DistinctValues, Measure, Metric, MostCommon
from dataeng_assets.contracts.checks.predicates import is_float, is_integer
from dataeng_assets.contracts.checks.rule import Rule, Unit
from dataeng_assets.contracts.checks.sql import literal, quoted
from dataeng_assets.quality.results import RuleResult, Status, share
from dataeng_assets.quality.scan.question import (
    Facts,
    Question,
    Unanswerable,
    metric_result,
    nothing,
    rows_result,
)
from dataeng_assets.quality.scan.rows import require
from dataeng_assets.quality.scan.subject import Subject

Answer = Callable[[Facts, Sequence[Any]], RuleResult]
Shared = tuple[tuple[str, ...], Answer]


def ask_measure(rule: Rule[Measure], subject: Subject) -> Question:
    """A metric within bounds."""
    check = rule.check
    require(subject, [name for name in (check.column, check.since) if name])
    if check.metric is Metric.COLUMN_COUNT:
        count = len(subject.input.columns)
        return Question(rule, lambda _, __: metric_result(rule, count, f"{count} columns"))
    if check.metric in _OWN_PASS:
        return Question(rule, partial(_OWN_PASS[check.metric], rule, subject))
    aggregates, answer = _SHARED[check.metric](rule, subject)
    scope = f" filter (where {rule.where})" if rule.where else ""
    return Question(rule, answer, tuple(aggregate + scope for aggregate in aggregates))


# -- on the shared pass ------------------------------------------------------------------------------------------------


def _row_count(rule: Rule[Measure], _: Subject) -> Shared:
    return ("count(*)",), lambda _, values: metric_result(rule, values[0], f"{values[0]:,} rows")


def _null_share(rule: Rule[Measure], _: Subject) -> Shared:
    column = quoted(rule.check.column)

    def answer(_: Facts, values: Sequence[Any]) -> RuleResult:
        there, rows = values
        nulls = rows - there
        if rule.bounds.unit is Unit.PERCENT:
            return rows_result(rule, nulls, rows)
        return metric_result(rule, nulls / rows, share(nulls, rows)) if rows else nothing(rule, "there is no row")

    return (f"count({column})", "count(*)"), answer


def _number(function: str) -> Callable[[Rule[Measure], Subject], Shared]:
    def ask(rule: Rule[Measure], _: Subject) -> Shared:
        check = rule.check
        return (f"{function}({quoted(check.column)})",), lambda _, values: _value(rule, values[0])

    return ask


def _sum(rule: Rule[Measure], subject: Subject) -> Shared:
    """Floats are added with compensation, so that the order in which they are read does not change the sum."""
    check = rule.check
    kind = subject.types[check.column]
    aggregates, answer = _number("fsum" if is_float(kind) else "sum")(rule, subject)
    if is_integer(kind):  # which engines widen, each in its own way
        return aggregates, lambda facts, values: answer(facts, [None if values[0] is None else int(values[0])])
    return aggregates, answer


def _value(rule: Rule[Measure], value: Any) -> RuleResult:
    check = rule.check
    if value is None:
        return nothing(rule, f"{check.column} has too few values")
    if isinstance(value, date | str | bool) or (not isinstance(value, int | float) and not hasattr(value, "as_tuple")):
        raise Unanswerable(f"the {check.metric.value} of {check.column} is no number ({type(value).__name__})")
    return metric_result(rule, value, f"{value}")


def _hours_old(rule: Rule[Measure], subject: Subject) -> Shared:
    check = rule.check

    def answer(_: Facts, values: Sequence[Any]) -> RuleResult:
        newest = moment(values[0])
        if newest is None:
            return nothing(rule, f"{check.column} has no value")
        hours = (subject.now - newest).total_seconds() / 3600
        numbers: dict[str, int | float | str | None] = {"max_timestamp": newest.isoformat(), "hours_old": hours}
        if hours < 0:
            told = f"the newest {check.column} lies {-hours:.2f} hours in the future ({newest.isoformat()})"
            return RuleResult(rule, Status.VIOLATED, hours, numbers=numbers, reason=told, next_step=_CLOCK)
        return metric_result(rule, hours, f"newest {newest.isoformat()}, {hours:.2f} hours old", numbers=numbers)

    return (f"max({quoted(check.column)})",), answer


_CLOCK = "Correct the clock or the time zone of whoever writes the column."


def moment(value: Any) -> datetime | None:
    """A date or time as a moment in UTC; a time without a zone is taken as UTC."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            raise Unanswerable(f"{value[:40]!r} is no date or time") from None
    if isinstance(value, datetime):
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=UTC)
    return None


def _latency(rule: Rule[Measure], _: Subject) -> Shared:
    check = rule.check
    hours = f"(epoch_us({quoted(check.column)}) - epoch_us({quoted(check.since)})) / 3600e6"
    return (f"max({hours})",), lambda _, values: _value(rule, values[0])


_SHARED: dict[Metric, Callable[[Rule[Measure], Subject], Shared]] = {
    Metric.ROW_COUNT: _row_count,
    Metric.NULL_SHARE: _null_share,
    Metric.MINIMUM: _number("min"),
    Metric.MAXIMUM: _number("max"),
    Metric.SUM: _sum,
    Metric.MEAN: _number("favg"),
    Metric.STDEV: _number("stddev_samp"),
    Metric.HOURS_OLD: _hours_old,
    Metric.LATENCY_HOURS: _latency,
}


# -- with a pass of their own ------------------------------------------------------------------------------------------


def _values(rule: Rule, subject: Subject, column: str) -> str:
    """The values that are there, as a query with the columns v and n (how often), which spills where it must."""
    name = quoted(column)
    scope = f" and ({rule.where})" if rule.where else ""
    return f"select {name} as v, count(*) as n from {subject.relation} where {name} is not null{scope} group by 1"


def _distinct(rule: Rule[Measure], subject: Subject, _: Facts, __: Sequence[Any]) -> RuleResult:
    check = rule.check
    distinct, rows = subject.ask(
        f"select count(*), coalesce(sum(n), 0) from ({_values(rule, subject, check.column)}) as c"
    )[0]
    if not rows:
        return nothing(rule, f"{check.column} has no value")
    told = f"{distinct:,} distinct values in {rows:,}"
    if check.metric is Metric.DISTINCT_COUNT:
        return metric_result(rule, distinct, told)
    if rule.bounds.unit is Unit.PERCENT:
        return rows_result(rule, distinct, int(rows))
    return metric_result(rule, distinct / int(rows), told)


_HELD_VALUES = 10_000_000
"""So many values are held in memory for a quantile: 80 MB of doubles."""


def _quantile(rule: Rule[Measure], subject: Subject, facts: Facts, __: Sequence[Any]) -> RuleResult:
    """Exact, by linear interpolation. Many values are sorted, which spills to disk; few are held."""
    check = rule.check
    share = 0.5 if check.argument is None else check.argument
    name, scope = quoted(check.column), f" and ({rule.where})" if rule.where else ""
    values = f"from {subject.relation} where {name} is not null{scope}"
    if facts.rows <= _HELD_VALUES and is_float(subject.types[check.column]):
        return _value(rule, subject.ask(f"select quantile_cont({name}, {share!r}) {values}")[0][0])
    count = subject.ask(f"select count(*) {values}")[0][0]
    if not count:
        return nothing(rule, f"{check.column} has no value")
    place = share * (count - 1)
    first = int(place)
    near = [row[0] for row in subject.ask(f"select {name} {values} order by {name} limit 2 offset {first}")]
    if len(near) < 2 or place == first:
        return _value(rule, near[0])
    step = Decimal(str(place - first)) if isinstance(near[0], Decimal) else place - first
    return _value(rule, near[0] + (near[1] - near[0]) * step)


def _divergence(rule: Rule[Measure], subject: Subject, _: Facts, __: Sequence[Any]) -> RuleResult:
    from math import inf, log

    check = rule.check
    found = dict(subject.ask(_values(rule, subject, check.column)))
    total = sum(found.values())
    if not total:
        return nothing(rule, f"{check.column} has no value")
    expected = dict(check.shares)
    parts = [(n / total, expected.get(value, 0.0)) for value, n in found.items()]
    value = inf if any(not wanted for _, wanted in parts) else sum(p * log(p / wanted) for p, wanted in parts)
    return metric_result(rule, value, f"{value:.6g} nats from the expected shares")


_OWN_PASS: dict[Metric, Callable[..., RuleResult]] = {
    Metric.DISTINCT_COUNT: _distinct,
    Metric.DISTINCT_SHARE: _distinct,
    Metric.MEDIAN: _quantile,
    Metric.QUANTILE: _quantile,
    Metric.KL_DIVERGENCE: _divergence,
}


def ask_most_common(rule: Rule[MostCommon], subject: Subject) -> Question:
    """The most frequent value is among those named."""
    check = rule.check
    require(subject, (check.column,))

    def answer(_: Facts, __: Sequence[Any]) -> RuleResult:
        values = _values(rule, subject, check.column)
        top = [row[0] for row in subject.ask(f"with c as ({values}) select v from c where n = (select max(n) from c)")]
        if not top:
            return nothing(rule, f"{check.column} has no value")
        among = [value in check.values for value in top]
        holds = any(among) if check.ties_any else all(among)
        return _set_result(rule, subject, check.column, holds, "most frequent", top)

    return Question(rule, answer)


def ask_distinct_values(rule: Rule[DistinctValues], subject: Subject) -> Question:
    """The set of values against the set demanded; only what decides it is fetched."""
    check = rule.check
    require(subject, (check.column,))

    def answer(_: Facts, __: Sequence[Any]) -> RuleResult:
        kind = subject.types[check.column]
        wanted = ", ".join(f"(try_cast({literal(value)} as {kind}))" for value in check.values) or "(null)"
        sql = f"with c as ({_values(rule, subject, check.column)}), w(v) as (values {wanted})"
        if not subject.ask(f"{sql} select 1 from c limit 1"):
            return nothing(rule, f"{check.column} has no value")
        extra = [row[0] for row in subject.ask(f"{sql} select v from c anti join w using (v) order by v limit 3")]
        missing = [row[0] for row in subject.ask(f"{sql} select v from w anti join c using (v) limit 3")]
        wrong = (extra if check.relation != "contains" else []) + (missing if check.relation != "within" else [])
        return _set_result(rule, subject, check.column, not wrong, "not as expected", wrong)

    return Question(rule, answer)


def _set_result(
    rule: Rule,
    subject: Subject,
    column: str,
    holds: bool,
    told: str,
    values: Sequence[Any],
) -> RuleResult:
    shown = "values of a personal column" if column in subject.suite.personal else ", ".join(map(str, values[:3]))
    return RuleResult(
        rule,
        Status.HOLDS if holds else Status.VIOLATED,
        value=len(values),
        reason=f"{told}: {shown or 'none'}",
        next_step="" if holds else "Correct the values at their source, or the set in the contract.",
    )
