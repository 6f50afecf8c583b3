"""The SQL rules: one module for each family, each with its `RULES`."""

from dataeng_assets.analyze.rule import Rule
from dataeng_assets.analyze.rules import nulls, predicates

RULES: tuple[Rule, ...] = (*predicates.RULES, *nulls.RULES)
"""All SQL rules, in the order of the reference."""
