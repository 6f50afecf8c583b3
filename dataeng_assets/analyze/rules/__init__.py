"""The SQL rules: one module for each family, each with its `RULES`."""

from dataeng_assets.analyze.rule import Rule
from dataeng_assets.analyze.rules import (
    aggregates,
    duplicates,
    join_facts,
    joins,
    layout,
    nulls,
    ordering,
    predicates,
    subqueries,
    warehouses,
    writes,
)

FAMILIES: dict[str, tuple[Rule, ...]] = {
    "Filters": predicates.RULES,
    "How tables lie": layout.RULES,
    "Joins": (*joins.RULES, *join_facts.RULES),
    "NULL": nulls.RULES,
    "Duplicates": duplicates.RULES,
    "Subqueries": subqueries.RULES,
    "Order, limits and windows": ordering.RULES,
    "What is computed": aggregates.RULES,
    "Changes": writes.RULES,
    "One engine's own": warehouses.RULES,
}
RULES: tuple[Rule, ...] = tuple(rule for family in FAMILIES.values() for rule in family)
"""All SQL rules, in the order of the reference."""
