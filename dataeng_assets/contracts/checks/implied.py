"""The rules that follow from a list of columns and a key alone, without another word."""

from collections.abc import Iterator, Sequence

from dataeng_assets.contracts.checks.kinds import Check, HasColumns, NotNull, OfType, Unique
from dataeng_assets.contracts.checks.naming import derived_name, unique_name
from dataeng_assets.contracts.checks.rule import Rule, SuiteColumn


def implied_rules(columns: Sequence[SuiteColumn], key: Sequence[str]) -> tuple[Rule, ...]:
    """That the columns are there, have their types, hold values where they must, and that the key is unique."""
    rules: dict[str, Rule] = {}
    for check in _checks(columns, key):
        # two columns may be called alike but for signs that no name of a rule has
        name = unique_name(derived_name(check), check, rules)
        rules[name] = Rule(check, name)
    return tuple(rules.values())


def _checks(columns: Sequence[SuiteColumn], key: Sequence[str]) -> Iterator[Check]:
    if columns:
        yield HasColumns(tuple(column.name for column in columns))
    for column in columns:
        if column.logical or column.physical:
            yield OfType(column.name, column.logical or None, column.physical or None)
        if not column.nullable:
            yield NotNull(column.name)
    if key:
        yield Unique(tuple(key))
