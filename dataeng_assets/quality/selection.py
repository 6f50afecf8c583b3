"""Choosing rules by what they are about, in words that people use on the command line."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from dataeng_assets.contracts.checks.kinds import (
    Check,
    Compare,
    DifferInRow,
    DistinctValues,
    HasColumns,
    Holds,
    IsNull,
    Measure,
    Metric,
    MostCommon,
    NoRows,
    NotNull,
    OfType,
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
from dataeng_assets.contracts.checks.rule import NotExecuted, Rule, Suite, SuiteColumn
from dataeng_assets.contracts.errors import did_you_mean

ALL = "all"
_OF_METRICS: Mapping[Metric, str] = MappingProxyType(
    {
        Metric.ROW_COUNT: "volume",
        Metric.COLUMN_COUNT: "schema",
        Metric.NULL_SHARE: "completeness",
        Metric.DISTINCT_COUNT: "uniqueness",
        Metric.DISTINCT_SHARE: "uniqueness",
        Metric.HOURS_OLD: "freshness",
        Metric.LATENCY_HOURS: "freshness",
    }
)
_OF_CHECKS: Mapping[str, tuple[type[Check], ...]] = MappingProxyType(
    {
        "schema": (HasColumns, OfType),
        "completeness": (NotNull, IsNull),
        "uniqueness": (Unique,),
        "consistency": (Compare, DifferInRow, SumsTo, TupleOneOf, Holds, References, Reconciles, Ordered),
        "distribution": (MostCommon, DistinctValues, ZScore),
        "queries": (Query, NoRows, SameResult),
    }
)
SUBJECTS = (
    "freshness", "completeness", "uniqueness", "validity", "consistency", "volume", "schema", "distribution", "queries",
)  # fmt: skip
"""What a rule can be about. What is about nothing else is about validity: ranges, sets, patterns, formats."""


class NothingToCheck(Exception):
    """No rule is about what was asked for, or a word that nobody knows was given."""


def subject_of(check: Check) -> str:
    """What a check is about, one of `SUBJECTS`."""
    if isinstance(check, Measure):
        return _OF_METRICS.get(check.metric, "distribution")
    return next((name for name, kinds in _OF_CHECKS.items() if isinstance(check, kinds)), "validity")


def select(suite: Suite, wanted: Sequence[str]) -> Suite:
    """The suite with the rules that are about what is wanted, or bear that name or dimension; others are left out.

    Args:
        suite: of the table.
        wanted: subjects, ODCS dimensions or names of rules; `all` for everything.

    Raises:
        NothingToCheck: a word is none of these, or nothing is left.
    """
    if ALL in wanted:
        return suite
    names = {rule.name for rule in suite.rules} | {rule.dimension for rule in suite.rules if rule.dimension}
    for word in wanted:
        if word not in SUBJECTS and word not in names:
            known = [ALL, *SUBJECTS, *sorted(names)]
            raise NothingToCheck(
                f"Nothing is known as {word!r}. Ask for {', '.join([ALL, *SUBJECTS])}, or for a rule of the contract "
                f"by its name{did_you_mean(word, known)}"
            )
    rules = tuple(rule for rule in suite.rules if _about(rule) & set(wanted))
    if not rules:
        raise NothingToCheck(
            f"No rule for {suite.name} is about {' or '.join(wanted)}, so nothing would be checked. Add one to the "
            f"contract, or ask for {ALL}."
        )
    asked = [word for word in wanted if not any(word in _about(rule) for rule in rules)]
    silent = tuple(NotExecuted("--checks", word, f"no rule for {suite.name} is about it") for word in asked)
    return replace(suite, rules=rules, columns=_shown(suite, wanted), not_executed=(*suite.not_executed, *silent))


def _about(rule: Rule) -> set[str]:
    return {subject_of(rule.check), rule.name, rule.dimension}


def _shown(suite: Suite, wanted: Collection[str]) -> tuple[SuiteColumn, ...]:
    """That all columns are there is demanded where the schema is asked for; which are personal must stay known."""
    if "schema" in wanted:
        return suite.columns
    return tuple(column for column in suite.columns if column.personal)
