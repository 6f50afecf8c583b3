"""What a contract demands, as SQL that counts the rows that break it. What cannot be said so is named, not left out.

Judging with all rules, by DuckDB, belongs in `quality`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import sqlglot

from dataeng_assets.contracts.checks.kinds import (
    Between,
    Compare,
    Holds,
    IsNull,
    NotNull,
    Nulls,
    OneOf,
    References,
    Unique,
)
from dataeng_assets.contracts.checks.rule import NONE, Rule
from dataeng_assets.generate.pipeline import Table
from dataeng_assets.generate.request import Destination
from dataeng_assets.generate.warehouse.naming import literal, quoted

# what the load itself refuses, for every row
_BY_LOADING = frozenset(("HasColumns", "OfType"))
DIALECTS: Mapping[Destination, str] = {
    one: "duckdb" if one in (Destination.DELTA, Destination.DUCKDB) else one.value for one in Destination
}
"""The dialect of sqlglot in which checks and models of each destination are written."""


@dataclass(frozen=True)
class Checks:
    """The checks of one table.

    Attributes:
        statements: by the rule's name; the first line is a comment with severity and meaning.
        left_out: names of the rules that are not among them.
    """

    statements: Mapping[str, str]
    left_out: tuple[str, ...]


def checks(table: Table, tables: Sequence[Table], schema: str, destination: Destination) -> Checks:
    """The rules of a contract as statements.

    Args:
        table: the table.
        tables: all tables of the pipeline; a reference to another one is not checked.
        schema: in the destination.
        destination: where they run.
    """
    write = _Writing(schema, DIALECTS[destination], frozenset(one.name for one in tables))
    statements, left_out = {}, []
    for rule in table.contract.rules:
        if type(rule.check).__name__ in _BY_LOADING:
            continue
        counted = write.counted(rule, f"{write.name(schema)}.{write.name(table.name)} AS t")
        if counted is None or rule.bounds != NONE:
            left_out.append(rule.name)
            continue
        said = f"-- {rule.severity.value}: {rule.description or ' '.join(rule.name.replace('_', ' ').split())}".replace(
            "\n", " "
        )
        statements[rule.name] = f"{said}\n{counted};\n"
    return Checks(statements, tuple(left_out))


@dataclass(frozen=True)
class _Writing:
    schema: str
    dialect: str
    tables: frozenset[str]

    def name(self, name: str) -> str:
        return quoted(name, self.dialect)

    def translated(self, condition: str) -> str:
        """A condition of DuckDB's SQL, as contracts write them, in the destination's."""
        return sqlglot.transpile(condition, read="duckdb", write=self.dialect)[0]

    def counted(self, rule: Rule, relation: str) -> str | None:
        """The statement that counts the rows, or the doubled keys, that break a rule."""
        where = f"({self.translated(rule.where)})" if rule.where else ""
        if isinstance(rule.check, Unique):
            if rule.check.nulls is not Nulls.IGNORED:
                return None
            columns = [self.name(one) for one in rule.check.columns]
            there = " AND ".join([f"{one} IS NOT NULL" for one in columns] + [where] * bool(where))
            return (
                f"SELECT count(*) FROM (\n  SELECT {', '.join(columns)} FROM {relation}\n  WHERE {there}\n"
                f"  GROUP BY {', '.join(columns)} HAVING count(*) > 1\n) AS doubled"
            )
        condition = self.broken(rule)
        return condition and f"SELECT count(*) FROM {relation}\nWHERE ({condition})" + (
            f"\n  AND {where}" * bool(where)
        )

    def broken(self, rule: Rule) -> str | None:
        """The condition that a row meets that breaks the rule; None where it cannot be said."""
        writer = _WRITERS.get(type(rule.check))
        return writer(self, rule.check) if writer else None

    def values(self, values: Sequence[object]) -> str | None:
        written = [self.value(one) for one in values]
        return None if None in written else ", ".join(str(one) for one in written)

    def value(self, value: object) -> str | None:
        if isinstance(value, bool):
            return "TRUE" if value else "FALSE"
        if isinstance(value, int | float | Decimal):
            return str(value)
        return literal(value, self.dialect) if isinstance(value, str) else None

    def not_null(self, check: NotNull) -> str | None:
        return None if check.also_missing else f"{self.name(check.column)} IS NULL"

    def is_null(self, check: IsNull) -> str:
        return f"{self.name(check.column)} IS NOT NULL"

    def one_of(self, check: OneOf) -> str | None:
        values = self.values(check.values)
        return values and f"{self.name(check.column)} {'IN' if check.negated else 'NOT IN'} ({values})"

    def between(self, check: Between) -> str | None:
        column, broken = self.name(check.column), []
        for bound, sign in (
            (check.minimum, "<=" if check.minimum_open else "<"),
            (check.maximum, ">=" if check.maximum_open else ">"),
        ):
            if bound is not None:
                value = self.value(bound)
                if value is None:
                    return None
                broken.append(f"{column} {sign} {value}")
        return " OR ".join(broken)

    def compare(self, check: Compare) -> str:
        return f"NOT ({self.name(check.left)} {check.operator.value} {self.name(check.right)})"

    def holds(self, check: Holds) -> str:
        return f"NOT ({self.translated(check.condition)})"

    def references(self, check: References) -> str | None:
        if check.table not in self.tables or check.as_of or check.to == ():
            return None
        pairs = zip(check.columns, check.to, strict=True)
        same = " AND ".join(f"o.{self.name(to)} = t.{self.name(own)}" for own, to in pairs)
        there = " AND ".join(f"t.{self.name(own)} IS NOT NULL" for own in check.columns)
        other = f"{self.name(self.schema)}.{self.name(check.table)}"
        return f"{there} AND NOT EXISTS (SELECT 1 FROM {other} AS o WHERE {same})"


_WRITERS: Mapping[type, Callable[[_Writing, Any], str | None]] = {
    NotNull: _Writing.not_null,
    IsNull: _Writing.is_null,
    OneOf: _Writing.one_of,
    Between: _Writing.between,
    Compare: _Writing.compare,
    Holds: _Writing.holds,
    References: _Writing.references,
}
