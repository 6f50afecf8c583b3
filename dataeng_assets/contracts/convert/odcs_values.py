"""Values that stand in an ODCS document, as values of their column's logical type."""

import math
from datetime import date, datetime
from typing import Any

from dataeng_assets.contracts.checks.kinds import Literal
from dataeng_assets.contracts.document import Document
from dataeng_assets.contracts.plain import Place

_WANTED = {
    "string": "a text; quote what YAML would read as something else",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "date": "a day, such as 2026-01-31",
    "timestamp": "a date and time in ISO 8601, such as 2026-01-31T09:00:00Z",
    "time": "a time of the day, such as 09:30:00",
}


def value_of(document: Document, value: Any, logical: str, at: Place) -> Literal:
    """A value of a logical type; of an unknown one, the value as it stands.

    Raises:
        ContractError: it is none of that type.
    """
    try:
        found = _value(value, logical)
    except ValueError:
        found = None
    if found is None:
        raise document.error(at, value, _WANTED.get(logical, "a text, a number, true or false"))
    return found


def values_of(document: Document, values: object, logical: str, at: Place) -> tuple[Literal, ...]:
    """The values of a list, each once; null is left out, as what is missing is judged by `required` alone.

    Raises:
        ContractError: it is no list, is empty, or has a value of another type or a second time.
    """
    if not isinstance(values, list) or not values:
        raise document.error(at, values, "a list of texts" if logical == "string" else "a list of values")
    for position, value in enumerate(values):
        if any(value == other and type(value) is type(other) for other in values[:position]):
            raise document.error((*at, position), f"{value!r} a second time", "each value once")
    return tuple(
        value_of(document, value, logical, (*at, position))
        for position, value in enumerate(values)
        if value is not None
    )


def _value(value: Any, logical: str) -> Literal | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    match logical:
        case "string" | "time":
            return value if isinstance(value, str) else None
        case "integer":
            return value if is_number and float(value).is_integer() else None
        case "number":
            return value if is_number else None
        case "boolean":
            return value if isinstance(value, bool) else None
        case "date":
            return date.fromisoformat(value) if isinstance(value, str) else None
        case "timestamp":
            return datetime.fromisoformat(value) if isinstance(value, str) else None
        case _:
            return value if isinstance(value, str | int | float) else None
