"""Who relies on a contract, as it says itself: the custom property `consumers` of the document or of a table.

Each is a mapping with a name, and where only some columns matter to them, their `columns`, perhaps with the table
before them (`orders.amount`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from open_data_contract_standard.model import CustomProperty

from dataeng_assets.contracts.document import Document
from dataeng_assets.contracts.plain import Place

_KEYS = {"name", "columns", "contact"}


@dataclass(frozen=True)
class Consumer:
    """Somebody who relies on the contract, or on some of its columns; None for a table or for columns is all."""

    name: str
    table: str | None
    columns: frozenset[str] | None

    def uses(self, table: str | None, column: str | None) -> bool:
        """Whether a change of a column, a table (no column) or the whole contract (no table) concerns them."""
        if table is None:
            return True
        if self.table not in (None, table):
            return False
        if self.columns is None or column is None:
            return self.columns is None or any(_is_of(name, table) for name in self.columns)
        return any(_touch(name, column) or _touch(name, f"{table}.{column}") for name in self.columns)


def consumers_of(document: Document) -> tuple[Consumer, ...]:
    """Everybody whom the document names.

    Raises:
        ContractError: an entry has no name, or its columns are no list of names.
    """
    found = list(_read(document, document.odcs.customProperties, (), None))
    for position, table in enumerate(document.odcs.schema_ or []):
        found += _read(document, table.customProperties, ("schema", position), table.name)
    return tuple(found)


def _read(
    document: Document, properties: Sequence[CustomProperty] | None, at: Place, table: str | None
) -> Iterator[Consumer]:
    for position, one in enumerate(properties or []):
        if one.property == "consumers":
            place = (*at, "customProperties", position, "value")
            if not isinstance(one.value, list):
                raise document.error(place, one.value, "a list of consumers, each with a name")
            for entry, given in enumerate(one.value):
                yield _consumer(document, given, (*place, entry), table)


def _consumer(document: Document, given: Any, place: Place, table: str | None) -> Consumer:
    if not isinstance(given, dict) or not isinstance(given.get("name"), str) or set(given) - _KEYS:
        raise document.error(place, given, "a mapping with name, and perhaps columns and contact")
    columns = given.get("columns")
    if columns is not None and not (isinstance(columns, list) and all(isinstance(one, str) for one in columns)):
        raise document.error((*place, "columns"), columns, "a list of column names")
    return Consumer(given["name"], table, None if columns is None else frozenset(columns))


def _touch(name: str, column: str) -> bool:
    """Whether one is the other, or a part of it."""
    return name == column or column.startswith((f"{name}.", f"{name}[", f"{name}{{")) or name.startswith(f"{column}.")


def _is_of(name: str, table: str) -> bool:
    return name.startswith(f"{table}.") or "." not in name
