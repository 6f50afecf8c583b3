"""What Postgres answers exactly as the scan does from a copy: which columns, and which rules on them.

The SQL of both is the same, so what decides is whether it means the same to both: how a type compares, orders and is
written. Whatever is not known to be the same is left to the copy. Asking belongs in `pushed`.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from dataeng_assets.contracts.checks.consistent import named_columns
from dataeng_assets.contracts.checks.kinds import (
    Between,
    Compare,
    DifferInRow,
    HasColumns,
    Holds,
    IsNull,
    Length,
    Literal,
    Measure,
    Metric,
    NotNull,
    OfType,
    OneOf,
    Unique,
)
from dataeng_assets.contracts.checks.rule import Rule
from dataeng_assets.contracts.checks.sql import quoted
from dataeng_assets.contracts.types import ColumnType
from dataeng_assets.quality.inputs.opened import Held
from dataeng_assets.quality.inputs.postgres_table import PostgresTable
from dataeng_assets.quality.scan.subject import Subject

_NUMBER, _TEXT, _BOOLEAN = "number", "text", "boolean"
_MOMENTS = ("date", "timestamp without time zone", "timestamp with time zone")
_TEXTS = ("text", "character varying", "citext", "uuid")
_WHOLE_DIGITS = {"smallint": 5, "integer": 10, "bigint": 19}
_UNSENDABLE = re.compile("[\0\ud800-\udfff]")
"""What no text in Postgres holds."""
_MOST_DIGITS = 38
"""Of the widest decimal of DuckDB; beyond that it compares doubles."""
_SUMMED_DIGITS = 28
"""The sum of ten thousand million such decimals still fits into the widest."""


@dataclass(frozen=True)
class Exact:
    """A column whose values compare, order and read in Postgres as they do in the copy.

    Attributes:
        sort: columns of one sort can be compared with each other.
        value: the value, as SQL of Postgres. Texts are compared by their bytes, whatever the collation.
        lost: a condition that is true for values that no copy carries; empty when there are none.
        whole: digits before the point that a number may have.
        scale: and after it.
    """

    sort: str
    value: str
    lost: str = ""
    whole: int = 0
    scale: int = 0


def exact_columns(table: PostgresTable, there: Subject) -> dict[str, Exact]:
    """The columns of a table, and what tells where its rows are, that are exact; none in another encoding than ours."""
    if table.source.info.parameter_status("server_encoding") != "UTF8":
        return {}
    columns = {
        column.name: _exact(quoted(column.name), column.type, table.types[column.name], there.types[column.name])
        for column in table.facts.columns
    }
    columns |= {name: Exact(_TEXT, f'({value}) collate "C"') for name, value in table.position.items()}
    return {name: column for name, column in columns.items() if column}


def is_alike(rule: Rule, exact: Mapping[str, Exact], there: Subject) -> bool:
    """Whether Postgres answers a rule as the scan does.

    Args:
        rule: one with a condition of its own, which is DuckDB's SQL, is not.
        exact: the columns that are.
        there: the table in Postgres.
    """
    if needs_no_row(rule, there):
        return True
    kind = _ALIKE.get(type(rule.check))
    if kind is None or rule.where or not set(there.identity) <= set(exact):
        return False
    return kind(rule.check, exact, there)


def needs_no_row(rule: Rule, there: Subject) -> bool:
    """Whether the columns alone decide: also for a rule that names one that there is not."""
    check = rule.check
    if isinstance(check, HasColumns) or (isinstance(check, Measure) and check.metric is Metric.COLUMN_COUNT):
        return True
    if isinstance(check, Holds):
        return False
    if not set(named_columns(check)) <= set(there.types):
        return True
    return isinstance(check, OfType) and _is_typed(check.column, there)


def _exact(name: str, written: str, kind: ColumnType | None, read_as: str) -> Exact | None:
    if kind is None:
        return Exact(_TEXT, f'{name}::text collate "C"') if read_as == "VARCHAR" else None
    if kind.kind in _MOMENTS:
        return Exact(
            kind.kind, name, f"not ({name} >= {kind.kind} '0001-01-01' and {name} < {kind.kind} '10000-01-01')"
        )
    if kind.kind in _WHOLE_DIGITS:
        return Exact(_NUMBER, name, whole=_WHOLE_DIGITS[kind.kind])
    if kind.kind == "boolean":
        return Exact(_BOOLEAN, name)
    if kind.kind in _TEXTS:
        return Exact(_TEXT, f'{name}::text collate "C"')
    padded = re.fullmatch(r"character\((\d+)\)", written)
    if padded:  # the cast drops the blanks that the value has
        return Exact(_TEXT, f'rpad({name}::text, {padded[1]}) collate "C"')
    digits = re.fullmatch(r"DECIMAL\((\d+),(\d+)\)", kind.duckdb)
    if digits and digits[1] != digits[2]:  # of a number below 1, DuckDB writes no 0 before the point
        whole, scale = int(digits[1]) - int(digits[2]), int(digits[2])
        return Exact(_NUMBER, name, f"{name} = 'NaN'::numeric", whole, scale)
    return None


def _is_typed(name: str, there: Subject) -> bool:
    column = there.column(name)
    return column is not None and column.held is Held.TYPED


def _has_presence(name: str, exact: Mapping[str, Exact], there: Subject) -> bool:
    """Whether it can be told that a value is missing, without the risk that a copy refused one that is there."""
    kind = there.types[name]
    return name in exact or not (kind.endswith("]") or kind.startswith("DECIMAL"))


def _literals(column: Exact | None, values: Iterable[Literal | None]) -> bool:
    """Whether values mean the same beside a column."""
    given = [value for value in values if value is not None]
    if column is None:
        return False
    match column.sort:
        case "number":
            digits = [_digits(value) for value in given]
            return None not in digits and _fit([(column.whole, column.scale), *(one for one in digits if one)])
        case "text":
            return not any(_UNSENDABLE.search(str(value)) for value in given)
        case "boolean":
            return all(isinstance(value, bool) for value in given)
        case "date":
            return all(type(value) is date for value in given)
    with_zone = column.sort == "timestamp with time zone"
    return all(isinstance(value, datetime) and (value.tzinfo is not None) == with_zone for value in given)


def _digits(value: Literal) -> tuple[int, int] | None:
    """Digits before and after the point; None for what is no plain decimal, which DuckDB takes as a double."""
    plain = None if isinstance(value, bool | str) else re.fullmatch(r"-?(\d+)(?:\.(\d+))?", str(value))
    return (len(plain[1]), len(plain[2] or "")) if plain else None


def _fit(numbers: Sequence[tuple[int, int]]) -> bool:
    """Whether one decimal type holds them all."""
    return max(whole for whole, _ in numbers) + max(scale for _, scale in numbers) <= _MOST_DIGITS


def _same_sort(names: Iterable[str], exact: Mapping[str, Exact]) -> bool:
    columns = [exact.get(name) for name in names]
    there = [column for column in columns if column]
    alike = len(there) == len(columns) and len({column.sort for column in there}) == 1
    return alike and _fit([(column.whole, column.scale) for column in there])


def _is_text(name: str, exact: Mapping[str, Exact]) -> bool:
    return name in exact and exact[name].sort == _TEXT


def _measured(check: Measure, exact: Mapping[str, Exact], there: Subject) -> bool:
    column = exact.get(check.column)
    match check.metric:
        case Metric.ROW_COUNT:
            return True
        case Metric.NULL_SHARE:
            read = _is_typed(check.column, there) or column is not None
            return read and _has_presence(check.column, exact, there)
        case Metric.DISTINCT_COUNT | Metric.DISTINCT_SHARE:
            return column is not None
        case Metric.MINIMUM | Metric.MAXIMUM:
            return column is not None and column.sort == _NUMBER
        case Metric.SUM:
            return column is not None and column.sort == _NUMBER and column.whole + column.scale <= _SUMMED_DIGITS
        case Metric.HOURS_OLD:
            return column is not None and column.sort in _MOMENTS
    return False


_ALIKE: Mapping[type, Callable[[Any, Mapping[str, Exact], Subject], bool]] = MappingProxyType(
    {
        NotNull: lambda check, exact, there: (
            (_is_text(check.column, exact) and _literals(exact[check.column], check.also_missing))
            if check.also_missing
            else _has_presence(check.column, exact, there)
        ),
        IsNull: lambda check, exact, _: check.column in exact,
        OneOf: lambda check, exact, _: _literals(exact.get(check.column), check.values),
        Between: lambda check, exact, _: (
            _literals(column := exact.get(check.column), (check.minimum, check.maximum))
            and column is not None
            and column.sort != _BOOLEAN
        ),
        Length: lambda check, exact, _: _is_text(check.column, exact),
        Compare: lambda check, exact, _: _same_sort((check.left, check.right), exact),
        DifferInRow: lambda check, exact, _: _same_sort(check.columns, exact),
        OfType: lambda check, exact, _: check.column in exact,
        Unique: lambda check, exact, _: set(check.columns) <= set(exact),
        Measure: _measured,
    }
)
