"""A rule made ready to be asked: what it wants from the shared pass, and how it answers."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dataeng_assets.contracts.checks.rule import Rule, Unit
from dataeng_assets.contracts.checks.words import demanded
from dataeng_assets.quality.results import RuleResult, Status, share


@dataclass(frozen=True)
class Facts:
    """What the shared pass tells of the table, whatever the rules are.

    Attributes:
        rows: of the input.
        nulls: rows without a value, by column.
    """

    rows: int
    nulls: Mapping[str, int]


@dataclass(frozen=True)
class Question:
    """One rule, ready to be asked.

    Attributes:
        aggregates: expressions for the shared pass.
        answer: from the facts and the values of the aggregates to the result; may ask further queries.
        failing: a condition that is true for the rows that break the rule, where rows can be told apart by one.
        shown: columns whose values a sample shows.
    """

    rule: Rule
    answer: Callable[[Facts, Sequence[Any]], RuleResult]
    aggregates: tuple[str, ...] = ()
    failing: str = ""
    shown: tuple[str, ...] = ()


class Unanswerable(Exception):
    """A rule cannot be asked of this input; the message says why and what to do."""


def undecided(rule: Rule, reason: str) -> RuleResult:
    """A rule that could not be evaluated."""
    return RuleResult(rule, Status.UNDECIDED, reason=reason, next_step="Correct the rule or the input, and ask again.")


def nothing(rule: Rule, reason: str) -> RuleResult:
    """A rule that spoke about no row or value."""
    return RuleResult(rule, Status.NOTHING, judged=0, failing=0, reason=reason)


def rows_result(rule: Rule, failing: int, judged: int, **more: Any) -> RuleResult:
    """The result of a rule that counts rows which break it."""
    if not judged:
        return nothing(rule, "no row has a value that the rule speaks about")
    holds = rule.bounds.hold(failing, judged)
    part = failing / judged
    in_percent = rule.bounds.unit is Unit.PERCENT
    told = (
        f"{demanded(rule)}; {failing:,} of {judged:,} rows break it ({share(failing, judged)}), allowed: {rule.bounds}"
    )
    return RuleResult(
        rule,
        Status.HOLDS if holds else Status.VIOLATED,
        value=part * 100 if in_percent else failing,
        judged=judged,
        failing=failing,
        reason=told,
        next_step="" if holds else "Correct these rows at their source, or the rule in the contract.",
        **more,
    )


def metric_result(rule: Rule, value: Any, told: str, **more: Any) -> RuleResult:
    """The result of a rule on a number."""
    holds = rule.bounds.hold(value)
    return RuleResult(
        rule,
        Status.HOLDS if holds else Status.VIOLATED,
        value=value,
        reason=f"{demanded(rule)}: {told}, expected: {rule.bounds}",
        next_step="" if holds else "Find out what changed at the source, or correct the bounds in the contract.",
        **more,
    )
