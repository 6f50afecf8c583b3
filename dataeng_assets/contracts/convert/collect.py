"""Gathering rules while a document is read: names that are unique, and everything left out with its reason."""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from dataeng_assets.contracts.checks.kinds import Check, Compare, Measure, NotNull, OfType
from dataeng_assets.contracts.checks.rule import NONE, NotExecuted, Rule, SuiteColumn
from dataeng_assets.contracts.plain import Place, Plain, shortened


class Collector:
    """What has been read of one table so far."""

    def __init__(self, plain: Plain) -> None:
        self.plain = plain
        self.rules: list[Rule] = []
        self.left: list[NotExecuted] = []
        self._names: set[str] = set()

    def add(self, place: Place, check: Check, *, name: str = "", **said: Any) -> None:
        """Keep a rule; the same one a second time is not kept.

        Args:
            place: where it stands.
            check: what it demands.
            name: as the document has it; otherwise made from columns and check.
            said: the other attributes of the rule.
        """
        rule = Rule(check, "", **said)
        if any(replace(kept, name="") == rule for kept in self.rules):
            return
        self.rules.append(replace(rule, name=self._unique(name or default_name(check)), place=self.plain.at(place)))

    def leave(self, place: Place, said: object, reason: str) -> None:
        """Note what is not checked."""
        self.left.append(NotExecuted(self.plain.at(place), shortened(said), reason))

    def _unique(self, wanted: str) -> str:
        name = plain_name(wanted)
        number = 1
        unique = name
        while unique in self._names:
            number += 1
            unique = f"{name}_{number}"
        self._names.add(unique)
        return unique


def plain_name(text: str) -> str:
    """A text as the name of a rule: letters, digits and underscores."""
    return re.sub(r"\W+", "_", text).strip("_")[:120] or "rule"


def default_name(check: Check) -> str:
    """Columns and kind of a check, such as `order_id_not_null`."""
    kind = check.metric.value if isinstance(check, Measure) else snake(type(check).__name__)
    return "_".join([*columns_of(check)[:4], kind])


def columns_of(check: Check) -> tuple[str, ...]:
    """The columns of the table that a check names, free SQL aside."""
    if isinstance(check, Compare):
        return (check.left, check.right)
    one = getattr(check, "column", "")
    return (one,) if one else tuple(getattr(check, "columns", ()))


def known_columns(rules: Iterable[Rule]) -> tuple[SuiteColumn, ...]:
    """What rules tell of columns, for a document that does not list them."""
    known: dict[str, SuiteColumn] = {}
    for rule in rules:
        for name in columns_of(rule.check):
            known.setdefault(name, SuiteColumn(name))
        match rule.check:
            case OfType(column, logical, physical):
                known[column] = replace(known[column], logical=logical or "", physical=physical or "")
            case NotNull(column) if rule.bounds == NONE and not rule.where:
                known[column] = replace(known[column], nullable=False)
    return tuple(known.values())


def snake(name: str) -> str:
    """`NotNull` as `not_null`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
