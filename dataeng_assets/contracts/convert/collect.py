"""Gathering rules while a document is read: names that are unique, and everything left out with its reason."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from dataeng_assets.contracts.checks.as_mapping import CheckRefused
from dataeng_assets.contracts.checks.conditions import SqlRefused, columns_in
from dataeng_assets.contracts.checks.consistent import named_columns, refuse_contradiction
from dataeng_assets.contracts.checks.kinds import Check, HasColumns, Holds, NoRows, NotNull, OfType, Query, SameResult
from dataeng_assets.contracts.checks.naming import derived_name, plain_name, unique_name
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
        """Keep a rule; the same one a second time is not kept, and SQL that is not DuckDB's is left out.

        Args:
            place: where it stands.
            check: what it demands.
            name: as the document has it; otherwise made from columns and check.
            said: the other attributes of the rule.

        Raises:
            ContractError: no table could ever keep it.
        """
        rule = Rule(check, "", **said)
        if any(replace(kept, name="") == rule for kept in self.rules) or not self._is_sound(place, rule):
            return
        unique = unique_name(plain_name(name) if name else derived_name(check), check, self._names)
        self._names.add(unique)
        self.rules.append(replace(rule, name=unique, place=self.plain.at(place)))

    def leave(self, place: Place, said: object, reason: str) -> None:
        """Note what is not checked."""
        self.left.append(NotExecuted(self.plain.at(place), shortened(said), reason))

    def _is_sound(self, place: Place, rule: Rule) -> bool:
        try:
            refuse_contradiction(rule.check)
        except CheckRefused as refused:
            if not isinstance(rule.check, Holds | Query | NoRows | SameResult):
                raise self.plain.error(place, refused.found, refused.allowed) from None
            self.leave(place, refused.found, f"it is not {refused.allowed}")
            return False
        try:
            if rule.where:
                columns_in(rule.where)
        except SqlRefused as refused:
            self.leave(place, rule.where, f"the condition for its rows is not one in DuckDB's SQL; {refused}")
            return False
        return True


def known_columns(rules: Iterable[Rule]) -> tuple[SuiteColumn, ...]:
    """What rules tell of columns, for a document that does not list them."""
    known: dict[str, SuiteColumn] = {}
    for rule in rules:
        check = rule.check
        for name in check.columns if isinstance(check, HasColumns) else named_columns(check):
            known.setdefault(name, SuiteColumn(name))
        match check:
            case OfType(column, logical, physical):
                known[column] = replace(known[column], logical=logical or "", physical=physical or "")
            case NotNull(column) if rule.bounds == NONE and not rule.where:
                known[column] = replace(known[column], nullable=False)
    return tuple(known.values())
