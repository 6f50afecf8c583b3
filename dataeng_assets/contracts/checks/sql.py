"""Names and values as DuckDB's SQL takes them. Every name and value of a document or file goes through here."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal


def quoted(name: str) -> str:
    """A column's or table's name."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: str | int | float | Decimal | bool | date | datetime | None) -> str:
    """A value. A decimal fraction stays exact: 0.1 is a tenth, and becomes a double only beside doubles."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case datetime():
            kind = "timestamp" if value.tzinfo is None else "timestamptz"
            return f"{kind} '{value.isoformat(sep=' ')}'"
        case date():
            return f"date '{value.isoformat()}'"
        case str():
            return "'" + value.replace("'", "''") + "'"
        case float() if value != value or value in (float("inf"), float("-inf")):
            return f"cast('{value}' as double)"
        case _:
            return f"({value})"


def listed(parts: Iterable[str]) -> str:
    """Expressions with commas between them."""
    return ", ".join(parts)
