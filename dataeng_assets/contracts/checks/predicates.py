"""The checks of rows as DuckDB conditions, for whoever judges rows: the one scan, an extract, a stream.

What a condition means is written in `kinds`; nothing else decides which row breaks a rule.
"""

import re
from collections.abc import Mapping
from itertools import combinations

from dataeng_assets.contracts.checks.formats import format_sql
from dataeng_assets.contracts.checks.functions import JSON_VALID
from dataeng_assets.contracts.checks.kinds import (
    Between,
    Compare,
    DifferInRow,
    Format,
    Holds,
    IsNull,
    JsonSchema,
    Length,
    Like,
    Literal,
    Matches,
    MultipleOf,
    NotNull,
    OneOf,
    RowCheck,
    SumsTo,
    TupleOneOf,
)
from dataeng_assets.contracts.checks.rule import Rule
from dataeng_assets.contracts.checks.sql import listed, literal, quoted

Types = Mapping[str, str]
"""DuckDB's type by column; what is not named is taken as text."""


def violation_sql(rule: Rule, types: Types) -> str:
    """A condition that is true exactly for the rows that break a rule of rows, and never NULL.

    Args:
        rule: with a check of rows; its `where` is part of the condition, its bounds are not.
        types: of the columns that it names.

    Raises:
        KeyError: the rule names a format that there is not.
        TypeError: its check is none of rows.
    """
    # any other check has no case in there, which is the TypeError
    return f"coalesce({_scope(rule)}not ({_good(rule.check, types)}), false)"  # type: ignore[arg-type]


def judged_sql(rule: Rule) -> str:
    """A condition that is true for the rows that a rule of rows speaks about, and never NULL."""
    check = rule.check
    if isinstance(check, Holds):
        present = f"({check.condition}) is not null"
    else:
        judged = judged_columns(check)  # type: ignore[arg-type]  # the rule is one of rows
        present = " and ".join(f"{quoted(name)} is not null" for name in judged) or "true"
    return f"coalesce({_scope(rule)}{present}, false)"


def columns_of(check: RowCheck) -> tuple[str, ...]:
    """The columns that a check of rows names; none for a free condition."""
    match check:
        case Compare():
            return (check.left, check.right)
        case TupleOneOf() | SumsTo() | DifferInRow():
            return check.columns
        case Holds():
            return ()
        case _:
            return (check.column,)


def judged_columns(check: RowCheck) -> tuple[str, ...]:
    """The columns without which a row is nothing to judge."""
    return () if isinstance(check, NotNull | IsNull) else columns_of(check)


def _scope(rule: Rule) -> str:
    return f"({rule.where}) and " if rule.where else ""


def _good(check: RowCheck, types: Types) -> str:
    """True for a row that keeps the check; NULL or true where there is nothing to judge."""
    if isinstance(check, Compare | TupleOneOf | SumsTo | DifferInRow | Holds):
        return _good_across(check, types)
    column, kind = quoted(check.column), types.get(check.column, "VARCHAR")
    match check:
        case NotNull():
            texts = listed(map(literal, check.also_missing))
            return f"{column} is not null" + (f" and not {_text(column, kind)} in ({texts})" if texts else "")
        case IsNull():
            return f"{column} is null"
        case OneOf():
            return _one_of(check, column, kind)
        case Between():
            return _between(check, column, kind)
        case MultipleOf():
            number = f"cast({column} as decimal(38, 15))" if is_float(kind) else column
            return f"{number} % {literal(check.divisor)} = 0"
        case Length():
            measure = f"len({column})" if kind.endswith("]") else f"length({_text(column, kind)})"
            return _within(measure, check.minimum, check.maximum)
        case Format() if _has_form(check.format, kind):
            return "true"
        case JsonSchema() if is_nested(kind):
            return _good_text(check, f"cast(to_json({column}) as varchar)")
    return _good_text(check, _text(column, kind))


def _good_text(check: Matches | Like | Format | JsonSchema, text: str) -> str:
    match check:
        case Matches():
            return _patterns([f"regexp_matches({text}, {literal(one)})" for one in check.patterns], check)
        case Like():
            return _patterns([f"{text} like {literal(one)}" for one in check.patterns], check)
        case Format():
            return format_sql(check.format, text)
        case JsonSchema():
            return f"{JSON_VALID}({text}, {literal(check.schema)})"
    raise TypeError(f"{type(check).__name__} does not judge rows one by one")


def _good_across(check: Compare | TupleOneOf | SumsTo | DifferInRow | Holds, types: Types) -> str:
    match check:
        case Compare():
            return f"{quoted(check.left)} {check.operator.value} {quoted(check.right)}"
        case TupleOneOf():
            present = " and ".join(f"{quoted(name)} is not null" for name in check.columns)
            kinds = [types.get(name, "VARCHAR") for name in check.columns]
            rows = [listed(_value(v, k) for v, k in zip(row, kinds, strict=True)) for row in check.values]
            among = " or ".join(f"row({listed(map(quoted, check.columns))}) = row({row})" for row in rows)
            return f"case when {present} then coalesce({among or 'false'}, false) end"
        case SumsTo():
            wide = [
                f"cast({quoted(c)} as hugeint)" if is_integer(types.get(c, "")) else quoted(c) for c in check.columns
            ]
            return f"{' + '.join(wide)} = {literal(check.total)}"
        case DifferInRow():
            pairs = combinations(map(quoted, check.columns), 2)
            present = " and ".join(f"{quoted(name)} is not null" for name in check.columns)
            return f"case when {present} then {' and '.join(f'{a} <> {b}' for a, b in pairs)} end"
        case Holds():
            return check.condition


def _one_of(check: OneOf, column: str, kind: str) -> str:
    """A value that the column's type cannot hold is equal to none of its values."""
    values = [_value(value, kind) for value in check.values]
    found = f"{column} in ({listed(values)})" if values else f"case when {column} is not null then false end"
    if any(value.startswith("try_cast") for value in values):
        found = f"case when {column} is not null then coalesce({found}, false) end"
    return f"not ({found})" if check.negated else found


def _between(check: Between, column: str, kind: str) -> str:
    parts = []
    if check.minimum is not None:
        parts.append(f"{column} {'>' if check.minimum_open else '>='} {_value(check.minimum, kind)}")
    if check.maximum is not None:
        parts.append(f"{column} {'<' if check.maximum_open else '<='} {_value(check.maximum, kind)}")
    elif is_float(kind):
        parts.append(f"not isnan({column})")  # to DuckDB, NaN is greater than any number
    return " and ".join(parts) or "true"


def _within(measure: str, minimum: int | None, maximum: int | None) -> str:
    parts = [f"{measure} >= {minimum}"] * (minimum is not None) + [f"{measure} <= {maximum}"] * (maximum is not None)
    return " and ".join(parts) or "true"


def _patterns(matches: list[str], check: Matches | Like) -> str:
    if check.negated:
        return " and ".join(f"not {one}" for one in matches)
    return (" or " if check.any_of else " and ").join(matches)


def _value(value: Literal | None, kind: str) -> str:
    """A value beside a column of a type: a text is read as that type; beside a column of text, any value is text."""
    if kind == "VARCHAR":
        return literal(value if value is None or isinstance(value, str) else _as_text(value))
    return f"try_cast({literal(value)} as {kind})" if isinstance(value, str) else literal(value)


def _as_text(value: Literal) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _text(column: str, kind: str) -> str:
    return column if kind == "VARCHAR" else f"cast({column} as varchar)"


def _has_form(form: str, kind: str) -> bool:
    """Whether every value of a type has the form: a date that is stored as one is not written in any wrong way."""
    if "%" in form or form == "date-or-time":
        return kind.startswith(("DATE", "TIME"))
    begins = {"date": "DATE", "date-time": "TIMESTAMP", "uuid": "UUID"}.get(form)
    return kind.startswith(begins) if begins else form == "time" and kind in ("TIME", "TIME WITH TIME ZONE")


def is_nested(kind: str) -> bool:
    """Whether a DuckDB type holds values within values."""
    return kind.endswith("]") or kind.startswith(("STRUCT(", "MAP("))


def is_float(kind: str) -> bool:
    """Whether a DuckDB type can hold NaN."""
    return kind in ("FLOAT", "DOUBLE", "REAL")


def is_integer(kind: str) -> bool:
    """Whether a DuckDB type holds whole numbers only."""
    return re.fullmatch(r"U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?", kind) is not None
