"""What is judged: an opened input, its columns as the suite's types, and how its rows are told apart.

Opening belongs in `inputs`, the types of texts in `texts`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from dataeng_assets.contracts.checks.kinds import Check, Measure, Metric, OfType
from dataeng_assets.contracts.checks.predicates import columns_of
from dataeng_assets.contracts.checks.rule import Suite
from dataeng_assets.contracts.checks.sql import listed, quoted
from dataeng_assets.quality.inputs.opened import Held, Input, InputColumn
from dataeng_assets.quality.scan.texts import Reading, read_as

_NUMBERS = {Metric.SUM, Metric.MEAN, Metric.MEDIAN, Metric.QUANTILE, Metric.STDEV, Metric.MINIMUM, Metric.MAXIMUM}


@dataclass(frozen=True)
class Subject:
    """One input under one suite, on one connection.

    Attributes:
        relation: SQL for after FROM; its columns have the types that the suite demands, NULL where a text cannot be
            read as one.
        types: DuckDB's type by column, of that relation.
        misread: by column that is held as text or JSON, a condition that is true for the values that cannot be read.
        written: by the same columns, the value as it is written.
        identity: columns shown with a failing row; none of them is personal.
        other: opens another table by the name a rule gives it, as SQL for after FROM.
        now: the moment that freshness is judged at.
        elsewhere: asks the engine that the relation lies in, where that is not the connection; its SQL is what both
            engines read alike.
    """

    connection: duckdb.DuckDBPyConnection
    input: Input
    suite: Suite
    relation: str
    types: Mapping[str, str]
    misread: Mapping[str, str]
    written: Mapping[str, str]
    identity: tuple[str, ...]
    other: Callable[[str], str]
    now: datetime
    elsewhere: Callable[[str], list[tuple[Any, ...]]] | None = None

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        if self.elsewhere:
            return self.elsewhere(sql)
        return self.connection.execute(sql).fetchall()

    def column(self, name: str) -> InputColumn | None:
        """The input's column of exactly this name."""
        return next((column for column in self.input.columns if column.name == name), None)


def subject(
    connection: duckdb.DuckDBPyConnection,
    opened: Input,
    suite: Suite,
    *,
    other: Callable[[str], str],
    now: datetime,
) -> Subject:
    """Prepare an input for judging."""
    wanted = {rule.check.column: rule.check for rule in suite.rules if isinstance(rule.check, OfType)}
    numbers = {name for rule in suite.rules for name in _numeric(rule.check)}
    readings = {column.name: _reading(column, wanted, numbers) for column in opened.columns}
    position = opened.position
    names = {column.name for column in opened.columns}
    keyed = suite.key and set(suite.key) <= names and not set(suite.key) & suite.personal
    values = [f"{readings[c.name].value} as {quoted(c.name)}" for c in opened.columns]
    untyped = [column.name for column in opened.columns if column.held is not Held.TYPED]
    misread = {name: f"{name} cannot be read" for name in untyped}
    written = {name: f"{name} as it is written" for name in untyped}
    values += [f"{readings[name].misread} as {quoted(alias)}" for name, alias in misread.items()]
    values += [f"{quoted(name)}::varchar as {quoted(alias)}" for name, alias in written.items()]
    typed = f"(select {listed([*values, *map(quoted, position)])} from {opened.relation})"
    return Subject(
        connection=connection,
        input=opened,
        suite=suite,
        relation=typed if untyped else opened.relation,
        types={name: reading.type for name, reading in readings.items()},
        misread={name: quoted(alias) for name, alias in misread.items()},
        written={name: quoted(alias) for name, alias in written.items()},
        identity=tuple(suite.key) if keyed else position,
        other=other,
        now=now,
    )


def _reading(column: InputColumn, wanted: Mapping[str, OfType], numbers: set[str]) -> Reading:
    name = quoted(column.name)
    if column.held is Held.TYPED:
        return Reading(column.duckdb_type, name, "false")
    demand = wanted.get(column.name) or (OfType(column.name, logical="number") if column.name in numbers else None)
    return read_as(demand, name, is_json=column.held is Held.JSON)


def _numeric(check: Check) -> tuple[str, ...]:
    """The columns that a check can only mean as numbers, where nothing says what they are."""
    from dataeng_assets.contracts.checks.kinds import Between, MultipleOf, SumsTo, ZScore

    match check:
        case MultipleOf() | SumsTo():
            return columns_of(check)
        case ZScore():
            return (check.column,)
        case Between() if not isinstance(check.minimum if check.minimum is not None else check.maximum, str):
            return (check.column,)
        case Measure() if check.metric in _NUMBERS:
            return (check.column,)
    return ()
