"""Joining SQL conditions, and naming tables in them."""

from collections.abc import Iterable

from dataeng_assets.contracts.checks.sql import quoted


def table_name(name: str) -> str:
    """A table's name with each of its parts in quotes."""
    return ".".join(quoted(part) for part in name.split("."))


def all_of(conditions: Iterable[str]) -> str:
    """True where all are; empty when there is none."""
    return _joined(" and ", conditions)


def any_of(conditions: Iterable[str]) -> str:
    """True where one of them is."""
    return _joined(" or ", conditions)


def _joined(word: str, conditions: Iterable[str]) -> str:
    said = list(dict.fromkeys(condition for condition in conditions if condition))
    return said[0] if len(said) == 1 else word.join(f"({condition})" for condition in said)
