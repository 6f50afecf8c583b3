"""Which rules set rows aside, how each row is told all that it breaks, and how many may be.

Where such rows go, and what becomes of them, belongs to the tables and streams that they were read for. A rule with a
tolerance, a warning, or one that speaks of more than one row sets nothing aside: it stays a check.
"""

import hashlib
import re
from collections.abc import Mapping
from decimal import Decimal

from dataeng_assets.contracts.checks.kinds import NotNull
from dataeng_assets.contracts.checks.predicates import violation_sql
from dataeng_assets.contracts.checks.rule import NONE, Bounds, Rule, Severity, Unit
from dataeng_assets.contracts.checks.sql import listed, literal
from dataeng_assets.contracts.model import Contract, is_of_rows


class TooManyBroken(Exception):
    """More rows break the rules than the contract lets be set aside."""

    retryable = False


def setting_aside(contract: Contract) -> tuple[Rule, ...]:
    """The rules for which a row is set aside, in the order of the contract; none without `quarantine` in it.

    A required column is such a rule, whether the contract writes it as one or not; but for the key, without which a row
    is nobody's.
    """
    return () if contract.quarantine is None else demanded(contract)


def demanded(contract: Contract) -> tuple[Rule, ...]:
    """What every stored row must keep: with `quarantine`, the rules that set aside; else the required columns."""
    rules = [] if contract.quarantine is None else [rule for rule in contract.rules if _sets_aside(rule)]
    said = {rule.check.column for rule in rules if isinstance(rule.check, NotNull) and not rule.where}
    required = (c.name for c in contract.columns if not c.nullable and c.name not in {*said, *contract.key})
    return (*rules, *(Rule(NotNull(name), f"{name}_required") for name in required))


def broken_sql(contract: Contract, rules: tuple[Rule, ...]) -> str:
    """A DuckDB expression over a row: the names of all rules that it breaks, in order; empty when it breaks none."""
    types = {column.name: column.type.duckdb for column in contract.columns}
    named = listed(f"CASE WHEN {violation_sql(rule, types)} THEN {literal(rule.name)} END" for rule in rules)
    return f"list_filter(CAST([{named}] AS VARCHAR[]), lambda name: name IS NOT NULL)"


def breaks_sql(contract: Contract, rules: tuple[Rule, ...]) -> str:
    """A DuckDB expression over a row: whether it breaks any of the rules."""
    types = {column.name: column.type.duckdb for column in contract.columns}
    return "(" + " OR ".join(violation_sql(rule, types) for rule in rules) + ")"


def version_of(rules: tuple[Rule, ...]) -> str:
    """Twelve hex digits that change with everything that decides which row is set aside, and under which names."""
    said = "\n".join(f"{rule.name} {rule.check!r} {rule.where!r}" for rule in rules)
    return hashlib.sha256(said.encode()).hexdigest()[:12]


def limit_of(text: str) -> Bounds | None:
    """A limit as people write it: a number of rows, or a share such as `5%`; none when nothing is written.

    Raises:
        ValueError: it is neither.
    """
    if not text:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%|(\d+)", text.strip())
    if match is None:
        raise ValueError("give a number of rows, such as 100, or a share, such as 5%")
    share, rows = match.groups()
    return Bounds(upper=Decimal(share), unit=Unit.PERCENT) if share else Bounds(upper=int(rows))


def refuse_too_many(
    name: str, broken: int, of: int, by_rule: Mapping[str, int], limit: Bounds, *, safe: str, next_step: str
) -> None:
    """See whether so many rows may be set aside.

    Args:
        name: the table or stream, for the message.
        broken: rows that break a rule.
        of: all rows that were judged.
        by_rule: rows by the rule that they break.
        limit: what may be.
        safe: what was not touched.
        next_step: what to do.

    Raises:
        TooManyBroken: more than that; names counts and rules, never a value.
    """
    if not broken or limit.hold(broken, of):
        return
    rules = ", ".join(f"{rule} ({count:,})" for rule, count in sorted(by_rule.items(), key=lambda one: -one[1]))
    raise TooManyBroken(
        f"{broken:,} of {of:,} rows of {name} ({broken / of:.1%}) break rules of their contract: {rules}. Allowed is "
        f"{limit}. {safe} {next_step}"
    )


def _sets_aside(rule: Rule) -> bool:
    return is_of_rows(rule) and rule.severity is Severity.ERROR and rule.bounds == NONE
