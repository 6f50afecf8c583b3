"""From a suite to CREATE TABLE in a dialect of SQL: types, constraints that the dialect has, and comments."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from dataeng_assets.contracts.checks.kinds import (
    Between,
    Check,
    Compare,
    HasColumns,
    Holds,
    Length,
    Matches,
    Measure,
    MultipleOf,
    NotNull,
    Nulls,
    OfType,
    OneOf,
    References,
    SumsTo,
    Unique,
)
from dataeng_assets.contracts.checks.rule import NONE, NotExecuted, Rule, Severity, Suite
from dataeng_assets.contracts.checks.sql import listed, literal
from dataeng_assets.contracts.convert.column_types import Kind, kind_of, sql_type
from dataeng_assets.contracts.convert.written import Written, about, unsaid

_TICKED = ("bigquery", "spark")


@dataclass(frozen=True)
class Dialect:
    """What constraints a dialect takes.

    Attributes:
        checks: whether it has CHECK.
        unique: whether it has UNIQUE.
        keys: whether it has primary and foreign keys.
        suffix: what stands after a constraint that it records and does not enforce.
    """

    name: str
    checks: bool = False
    unique: bool = False
    keys: bool = False
    suffix: str = ""

    def quoted(self, name: str) -> str:
        """An identifier."""
        if self.name in _TICKED:
            ticks = (
                name.replace("\\", "\\\\").replace("`", "\\`") if self.name == "bigquery" else name.replace("`", "``")
            )
            return f"`{ticks}`"
        return '"' + name.replace('"', '""') + '"'

    def text(self, value: str) -> str:
        """A text."""
        if self.name in _TICKED:
            escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\r", "\\r")
            return f"'{escaped}'"
        escaped = value.replace("\\", "\\\\") if self.name == "snowflake" else value
        return "'" + escaped.replace("'", "''") + "'"


_DIALECTS = {
    dialect.name: dialect
    for dialect in (
        Dialect("postgres", checks=True, unique=True, keys=True),
        Dialect("duckdb", checks=True, unique=True, keys=True),
        Dialect("snowflake", unique=True, keys=True),
        Dialect("bigquery", keys=True, suffix=" not enforced"),
        Dialect("spark"),
    )
}


@dataclass
class _Table:
    """What has been written so far."""

    columns: list[str] = field(default_factory=list)
    constraints: list[str] = field(default_factory=list)
    missing: list[NotExecuted] = field(default_factory=list)


def ddl_text(suite: Suite, dialect_name: str) -> Written:
    """The statements that make the table, and what they could not say.

    Args:
        suite: what is said of the table.
        dialect_name: one of `column_types.DIALECTS`.
    """
    dialect = _DIALECTS[dialect_name]
    table = _Table()
    required = {rule.check.column for rule in suite.rules if isinstance(rule.check, NotNull) and _is_plain(rule)}
    kinds = {}
    for column in suite.columns:
        kind = kind_of(column)
        if kind is None:
            said = f"the type {column.physical}" if column.physical else "no type"
            table.missing.append(NotExecuted(column.name, f"{column.name} has {said}", "it is written as a text"))
        kinds[column.name] = kind = kind or Kind("text")
        line = f"{dialect.quoted(column.name)} {sql_type(kind, dialect_name)}"
        line += " not null" if column.name in required else ""
        table.columns.append(line + _beside(dialect, column.description))
    _keys(suite, dialect, table, required)
    for rule in suite.rules:
        _rule(rule, suite, dialect, table, required)
    parts = ",\n".join(f"    {line}" for line in [*table.columns, *table.constraints])
    name = ".".join(dialect.quoted(part) for part in suite.name.split("."))
    statements = [f"create table {name} (\n{parts}\n){_options(dialect, suite.description)};"]
    statements += _comments(suite, dialect, name)
    return Written("\n\n".join(statements) + "\n", (*table.missing, *about(suite, "SQL")))


def _is_plain(rule: Rule) -> bool:
    return rule.bounds == NONE and not rule.where and rule.severity is Severity.ERROR


def _keys(suite: Suite, dialect: Dialect, table: _Table, required: set[str]) -> None:
    if suite.key and set(suite.key) <= required and dialect.keys and _is_unique(suite, suite.key):
        names = listed(map(dialect.quoted, suite.key))
        table.constraints.append(f"primary key ({names}){dialect.suffix}")


def _is_unique(suite: Suite, columns: tuple[str, ...]) -> bool:
    return any(
        isinstance(rule.check, Unique) and set(rule.check.columns) == set(columns) and _is_plain(rule)
        for rule in suite.rules
    )


def _rule(rule: Rule, suite: Suite, dialect: Dialect, table: _Table, required: set[str]) -> None:
    """Say a rule as a constraint, or note why not."""
    check = rule.check
    if isinstance(check, NotNull | HasColumns | OfType) and _is_plain(rule) and not getattr(check, "also_missing", ()):
        return
    if rule.bounds != NONE or rule.severity is not Severity.ERROR:
        table.missing.append(unsaid(rule, _softness(rule)))
        return
    try:
        constraint = _constraint(rule, suite, dialect, required)
    except _NotSaid as reason:
        table.missing.append(unsaid(rule, str(reason)))
        return
    if constraint:
        table.constraints.append(constraint)


def _softness(rule: Rule) -> str:
    if isinstance(rule.check, Measure):
        return "a constraint judges one row by itself"
    return "a constraint has no warnings" if rule.bounds == NONE else "a constraint tolerates nothing"


class _NotSaid(Exception):
    """A rule that is no constraint of the dialect; the message is the reason."""


def _constraint(rule: Rule, suite: Suite, dialect: Dialect, required: set[str]) -> str:
    check = rule.check
    if isinstance(check, Unique) and not rule.where:
        return _unique(check, suite, dialect, required)
    if isinstance(check, References) and not rule.where:
        return _references(check, dialect)
    condition = _condition(check, dialect)
    if condition is None:
        raise _NotSaid("a constraint judges one row by itself")
    if not dialect.checks:
        raise _NotSaid(f"{dialect.name} has no CHECK")
    if rule.where:
        condition = f"not coalesce({rule.where}, false) or ({condition})"
    return f"constraint {dialect.quoted(rule.name[:63])} check ({condition})"


def _unique(check: Unique, suite: Suite, dialect: Dialect, required: set[str]) -> str:
    if check.columns == suite.key and set(check.columns) <= required and dialect.keys:
        return ""
    if not dialect.unique:
        raise _NotSaid(f"{dialect.name} has no UNIQUE")
    names = listed(map(dialect.quoted, check.columns))
    if check.nulls is Nulls.IGNORED or set(check.columns) <= required:
        return f"unique ({names})"
    if check.nulls is Nulls.EQUAL and dialect.name == "postgres":
        return f"unique nulls not distinct ({names})"
    raise _NotSaid("to a UNIQUE, missing values are never equal")


def _references(check: References, dialect: Dialect) -> str:
    if check.as_of or check.nulls is not Nulls.IGNORED:
        raise _NotSaid("a foreign key knows no moment, and no other meaning of missing values")
    if not dialect.keys:
        raise _NotSaid(f"{dialect.name} has no foreign keys")
    names, others = (listed(map(dialect.quoted, part)) for part in (check.columns, check.to))
    other = ".".join(dialect.quoted(part) for part in check.table.split("."))
    return f"foreign key ({names}) references {other} ({others}){dialect.suffix}"


def _condition(check: Check, dialect: Dialect) -> str | None:
    """A check of rows as a condition in SQL that all dialects with CHECK know; None when there is none."""
    match check:
        case OneOf():
            values = listed(map(literal, check.values))
            return f"{dialect.quoted(check.column)} {'not ' if check.negated else ''}in ({values})"
        case Between():
            return " and ".join(_bounds(check, dialect.quoted(check.column)))
        case Length():
            length = f"length({dialect.quoted(check.column)})"
            ends = ((">=", check.minimum), ("<=", check.maximum))
            return " and ".join(f"{length} {sign} {bound}" for sign, bound in ends if bound is not None)
        case MultipleOf():
            return f"{dialect.quoted(check.column)} % {literal(check.divisor)} = 0"
        case Compare():
            return f"{dialect.quoted(check.left)} {check.operator.value} {dialect.quoted(check.right)}"
        case SumsTo():
            return f"{' + '.join(map(dialect.quoted, check.columns))} = {literal(check.total)}"
        case Matches():
            return _patterns(check, dialect)
        case Holds():
            return check.condition
    return None


def _bounds(check: Between, name: str) -> Iterator[str]:
    if check.minimum is not None:
        yield f"{name} >{'' if check.minimum_open else '='} {literal(check.minimum)}"
    if check.maximum is not None:
        yield f"{name} <{'' if check.maximum_open else '='} {literal(check.maximum)}"


def _patterns(check: Matches, dialect: Dialect) -> str:
    name = dialect.quoted(check.column)
    form = "{} ~ {}" if dialect.name == "postgres" else "regexp_matches({}, {})"
    said = [form.format(name, dialect.text(pattern)) for pattern in check.patterns]
    if check.negated:
        return " and ".join(f"not ({one})" for one in said)
    return (" or " if check.any_of else " and ").join(said)


def _beside(dialect: Dialect, description: str) -> str:
    """The comment that stands beside a column."""
    if not description or dialect.name in ("postgres", "duckdb"):
        return ""
    text = dialect.text(description)
    return f" options (description = {text})" if dialect.name == "bigquery" else f" comment {text}"


def _options(dialect: Dialect, description: str) -> str:
    if dialect.name == "spark":
        return f"\nusing delta{f' comment {dialect.text(description)}' if description else ''}"
    if not description or dialect.name in ("postgres", "duckdb"):
        return ""
    text = dialect.text(description)
    return f"\noptions (description = {text})" if dialect.name == "bigquery" else f"\ncomment = {text}"


def _comments(suite: Suite, dialect: Dialect, name: str) -> Iterator[str]:
    if dialect.name not in ("postgres", "duckdb"):
        return
    if suite.description:
        yield f"comment on table {name} is {dialect.text(suite.description)};"
    for column in suite.columns:
        if column.description:
            yield f"comment on column {name}.{dialect.quoted(column.name)} is {dialect.text(column.description)};"
