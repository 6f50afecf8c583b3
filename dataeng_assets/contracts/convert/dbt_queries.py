"""Tests of dbt that compare groups or neighbours, as queries that return what is wrong."""

from collections.abc import Sequence

from dataeng_assets.contracts.checks.sql import listed, quoted
from dataeng_assets.contracts.convert.conditions import table_name

HOURS = {"second": 1 / 3600, "minute": 1 / 60, "hour": 1, "day": 24, "week": 168}
"""Lengths of the parts of a date that always have the same."""


def groups_differ(
    other: str,
    *,
    ours: str,
    theirs: str,
    by: Sequence[str] = (),
    other_by: Sequence[str] = (),
    where: str = "",
    other_where: str = "",
    within: str = "0",
) -> str:
    """The groups in which an aggregate of this table and of another one differ; one group when there is none to name.

    Args:
        other: the other table.
        ours: an SQL aggregate over this table, such as `sum(amount)`.
        theirs: one over the other.
        by: columns of the groups.
        other_by: their names in the other table, when they differ.
        where: a condition on rows of this table.
        other_where: one on rows of the other.
        within: an SQL expression for the difference that is tolerated; over `ours` and `theirs`.
    """
    names = [quoted(f"group_{number}") for number in range(len(by))]
    mine = listed([*(f"{quoted(column)} as {name}" for column, name in zip(by, names, strict=True)), f"{ours} as ours"])
    yours = [f"{quoted(column)} as {name}" for column, name in zip(other_by or by, names, strict=True)]
    grouped = f" group by {listed(map(str, range(1, len(by) + 1)))}" if by else ""
    left = f"select {mine} from {{table}}{_where(where)}{grouped}"
    right = f"select {listed([*yours, f'{theirs} as theirs'])} from {table_name(other)}{_where(other_where)}{grouped}"
    same = " and ".join(f"o.{name} is not distinct from t.{name}" for name in names) or "true"
    differ = "ours is distinct from theirs" if within == "0" else f"coalesce(abs(ours - theirs) > {within}, true)"
    shown = listed([*(f"coalesce(o.{name}, t.{name}) as {name}" for name in names), "ours", "theirs"])
    return f"select {shown} from ({left}) as o full join ({right}) as t on {same} where {differ}"


def aggregate_outside(expression: str, inside: str, *, by: Sequence[str] = (), where: str = "") -> str:
    """The groups whose aggregate is not inside: `inside` is a condition on `value`."""
    shown = listed([*map(quoted, by), f"{expression} as value"])
    grouped = f" group by {listed(map(quoted, by))}" if by else ""
    return f"select * from (select {shown} from {{table}}{_where(where)}{grouped}) as g where not ({inside})"


def validity_ranges(key: Sequence[str]) -> str:
    """Versions whose ranges are empty, overlap, or do not agree with `is_current`."""
    names = listed(map(quoted, key))
    return (
        f"select * from (select *, lead(valid_from) over (partition by {names} order by valid_from, valid_to) "
        "as next_from from {table}) as o where valid_from >= valid_to "
        "or coalesce(valid_to, timestamptz 'infinity') > next_from "
        "or is_current is distinct from (valid_to is null)"
    )


def overlapping_ranges(low: str, high: str, by: Sequence[str], gaps: str, *, empty_allowed: bool) -> str:
    """Ranges that are empty or meet their successor in a way that is not allowed."""
    compared = {"not_allowed": "=", "allowed": "<=", "required": "<"}[gaps]
    partition = f"partition by {listed(map(quoted, by))} " if by else ""
    low, high = quoted(low), quoted(high)
    return (
        f"select * from (select *, lead({low}) over ({partition}order by {low}, {high}) as next_low from {{table}}) "
        f"as o where not coalesce({low} {'<=' if empty_allowed else '<'} {high}, false) "
        f"or not coalesce({high} {compared} next_low, next_low is null)"
    )


def not_in_steps(
    column: str, step: str, by: Sequence[str], *, order: str = "", sign: str = "=", where: str = ""
) -> str:
    """Rows whose value does not follow the one before it."""
    partition = f"partition by {listed(map(quoted, by))} " if by else ""
    name, order = quoted(column), quoted(order or column)
    return (
        f"select * from (select *, lag({name}) over ({partition}order by {order}) as previous from {{table}}"
        f"{_where(where)}) as o where not coalesce({name} {sign} previous{step}, true)"
    )


def _where(condition: str) -> str:
    return f" where {condition}" if condition else ""
