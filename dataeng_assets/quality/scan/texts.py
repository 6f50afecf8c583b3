"""Values that are held as text or as JSON, read as the type that is demanded: exactly, or not at all.

DuckDB's own casts are lenient: they round 1.5 to 2, take blanks, and read "yes" as true. What is not written as the
type is written is misread, and reported as such.
"""

import re
from typing import NamedTuple

from dataeng_assets.contracts.checks.formats import format_sql
from dataeng_assets.contracts.checks.kinds import OfType
from dataeng_assets.contracts.checks.sql import literal
from dataeng_assets.contracts.errors import TypeRefused
from dataeng_assets.contracts.types import ColumnType, event_type, postgres_type

_INTEGER = r"[+-]?[0-9]+"
_NUMBER = r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?"
_JSON_NUMBER = r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?"
_LOGICAL = {
    "integer": "HUGEINT",
    "number": "DOUBLE",
    "boolean": "BOOLEAN",
    "date": "DATE",
    "timestamp": "TIMESTAMP WITH TIME ZONE",
    "time": "TIME",
}


class Reading(NamedTuple):
    """How a column is read: the type, the value (NULL where it cannot be read), and when it cannot."""

    type: str
    value: str
    misread: str


def known_type(physical: str) -> ColumnType | None:
    """The type that a physical type names, in Postgres' words or an event contract's; None when it is in neither."""
    for table in (postgres_type, event_type):
        try:
            return table(physical)
        except TypeRefused:
            continue
    return None


def read_as(demand: OfType | None, column: str, *, is_json: bool) -> Reading:
    """How to read a column that is held as text or as JSON.

    Args:
        demand: the type; anything that is written is right when there is none.
        column: its quoted name.
        is_json: each value is JSON text, so that the text "1" and the number 1 stay apart.
    """
    kind = _type(demand) if demand else "VARCHAR"
    is_text = f"starts_with({column}::varchar, '\"')" if is_json else "true"
    text = f"json_extract_string({column}, '$')" if is_json else column
    if kind == "VARCHAR":
        wanted = is_text if is_json and demand and demand.logical == "string" else "true"
        return _reading(kind, text, wanted, column)
    if kind == "JSON":
        shape = {"object": "OBJECT", "array": "ARRAY"}.get(demand.logical or "" if demand else "")
        document = f"{column}::varchar"
        wanted = f"json_type({document}) = {literal(shape)}" if shape else "true"
        return _reading("VARCHAR", document, f"case when json_valid({document}) then {wanted} else false end", column)
    if kind in ("DATE", "TIME") or kind.startswith("TIMESTAMP"):
        return _reading(kind, f"try_cast({text} as {kind})", f"{is_text} and {_moment(kind, text)}", column)
    raw = f"{column}::varchar" if is_json else column
    return _reading(kind, f"try_cast({raw} as {kind})", _scalar(kind, raw, is_json=is_json), column)


def _reading(kind: str, value: str, right: str, column: str) -> Reading:
    """Right, but not castable (a number too large, the 30th of February), is misread, too."""
    good = f"coalesce(({right}) and {value} is not null, false)"
    return Reading(kind, f"case when {good} then {value} end", f"({column} is not null and not {good})")


def _type(demand: OfType) -> str:
    found = known_type(demand.physical) if demand.physical else None
    if found and found.family not in ("text", "list", "bytes"):
        return found.duckdb
    if demand.logical in ("object", "array"):
        return "JSON"
    return _LOGICAL.get(demand.logical or "", "VARCHAR")


def _moment(kind: str, text: str) -> str:
    if kind == "DATE":
        return format_sql("date", text)
    if kind == "TIME":
        return format_sql("time", text)
    zone = r"[Zz]|[+-][0-9]{2}(:?[0-9]{2})?"
    after = f"({zone})?" if kind == "TIMESTAMP WITH TIME ZONE" else ""
    pattern = rf"[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}([Tt ][0-9]{{2}}:[0-9]{{2}}(:[0-9]{{2}}(\.[0-9]{{1,6}})?)?{after})?"
    return f"regexp_full_match({text}, {literal(pattern)})"


def _scalar(kind: str, raw: str, *, is_json: bool) -> str:
    if kind == "BOOLEAN":
        return f"{raw if is_json else f'lower({raw})'} in ('true', 'false')"
    decimal = re.fullmatch(r"DECIMAL\(\d+,(\d+)\)", kind)
    if decimal:  # digits beyond the scale would be rounded away
        pattern = rf"[+-]?[0-9]*(\.[0-9]{{0,{decimal[1]}}}0*)?"
        return f"regexp_full_match({raw}, {literal(pattern)})"
    if kind in ("FLOAT", "DOUBLE"):
        return f"regexp_full_match({raw}, {literal(_JSON_NUMBER if is_json else _NUMBER)})"
    return f"regexp_full_match({raw}, {literal(_INTEGER)})"
