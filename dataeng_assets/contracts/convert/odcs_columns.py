"""The columns of one table of an ODCS document: their names, types, and whose values must never be shown."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from open_data_contract_standard.model import SchemaObject, SchemaProperty

from dataeng_assets.contracts.checks.rule import SuiteColumn
from dataeng_assets.contracts.document import Document
from dataeng_assets.contracts.plain import Place

HARMLESS = frozenset(
    ("public", "internal", "open", "none", "general", "unclassified", "non-sensitive", "nonsensitive", "not sensitive")
)
"""Classifications whose values may be shown; those of any other are not: a mask too many harms nobody."""

_PERSONAL = frozenset(("pii", "personal", "personaldata", "phi", "sensitive", "gdpr", "restricted", "confidential"))
_NULLABLE = re.compile(r"nullable\s*\(.*\)|.*(?<!not)\s+null", re.IGNORECASE | re.DOTALL)
_SIZED = re.compile(r".*\(\s*(\d+)\s*,\s*(\d+)\s*\)\s*")


def column_name(prop: SchemaProperty) -> str:
    """What the column is called where it lies."""
    return (prop.physicalName or prop.name or "").strip()


def is_column(prop: SchemaProperty) -> bool:
    """Whether it lies in the table; a measure is computed from it."""
    return prop.semanticType != "measure"


def read_columns(document: Document, table: SchemaObject, at: Place) -> dict[str, SuiteColumn]:
    """The columns of a table, by name and in their order.

    Raises:
        ContractError: a column without a name, two of one name, or one whose words contradict each other.
    """
    columns: dict[str, SuiteColumn] = {}
    seen = set[str]()
    for position, prop in enumerate(table.properties or []):
        place = (*at, "properties", position)
        name = column_name(prop)
        if not name:
            raise document.error((*place, "name"), prop.name, "a name")
        if not is_column(prop):
            continue
        if name.lower() in seen:
            raise document.error((*place, "name"), name, "a name that no other column has, capital letters aside")
        seen.add(name.lower())
        columns[name] = _column(document, prop, name, place)
    return columns


def read_key(document: Document, table: SchemaObject, at: Place) -> tuple[str, ...]:
    """The columns with `primaryKey`, in the order of their positions.

    Raises:
        ContractError: a position stands there twice.
    """
    parts = [(i, p) for i, p in enumerate(table.properties or []) if p.primaryKey and is_column(p)]
    positions = [p.primaryKeyPosition for _, p in parts if (p.primaryKeyPosition or 0) > 0]
    if len(set(positions)) < len(positions):
        place = (*at, "properties", parts[-1][0], "primaryKeyPosition")
        raise document.error(place, f"positions {positions}", f"each of 1 to {len(parts)} once")
    last = len(parts) + 1

    def position(part: tuple[int, SchemaProperty]) -> int:
        given = part[1].primaryKeyPosition or 0
        return given if given > 0 else last

    return tuple(column_name(prop) for _, prop in sorted(parts, key=position))


def _column(document: Document, prop: SchemaProperty, name: str, at: Place) -> SuiteColumn:
    if prop.required and prop.physicalType and _NULLABLE.fullmatch(prop.physicalType.strip()):
        raise document.error(
            (*at, "physicalType"), f"{prop.physicalType} for a required column", "a type that may not be NULL"
        )
    return SuiteColumn(
        name=name,
        logical=prop.logicalType or "",
        physical=_physical(document, prop, at),
        nullable=not (prop.required or prop.primaryKey),
        personal=_is_personal(prop),
        description=(prop.description or "").strip(),
    )


def _physical(document: Document, prop: SchemaProperty, at: Place) -> str:
    """The physical type; where none stands, what the options of the logical type say of it."""
    options, given = prop.logicalTypeOptions or {}, (prop.physicalType or "").strip()
    precision, scale = options.get("precision"), options.get("scale")
    if isinstance(precision, int):
        said = (precision, scale if isinstance(scale, int) else 0)
        if said[1] > said[0]:
            raise document.error((*at, "logicalTypeOptions", "scale"), said[1], f"at most the precision, {said[0]}")
        sized = _SIZED.fullmatch(given)
        if sized and tuple(map(int, sized.groups())) != said:
            raise document.error(
                (*at, "logicalTypeOptions", "precision"), f"{said} beside {given}", "the same in both places"
            )
        given = given or f"decimal({said[0]},{said[1]})"
    zone = options.get("timezone")
    if isinstance(zone, bool) and prop.logicalType in ("timestamp", "time") and not given:
        given = f"{prop.logicalType} {'with' if zone else 'without'} time zone"
    return given


def _is_personal(prop: SchemaProperty) -> bool:
    said = (prop.classification or "").strip().lower()
    if said and said not in HARMLESS:
        return True
    if _plain(dict.fromkeys(prop.tags or [], True)) & _PERSONAL:
        return True
    return bool(_plain({one.property or "": one.value for one in prop.customProperties or []}) & _PERSONAL)


def _plain(words: Mapping[str, Any]) -> set[str]:
    """The words that are said to be so, without their signs."""
    return {re.sub(r"[^a-z]", "", word.lower()) for word, value in words.items() if _is_true(value)}


def _is_true(value: Any) -> bool:
    return value is True or (isinstance(value, str) and value.strip().lower() in ("true", "yes", "1"))


def all_positions(table: SchemaObject, names: Sequence[str]) -> dict[str, int]:
    """The position of each column among the properties."""
    found = {column_name(prop): position for position, prop in enumerate(table.properties or []) if is_column(prop)}
    return {name: found[name] for name in names}
