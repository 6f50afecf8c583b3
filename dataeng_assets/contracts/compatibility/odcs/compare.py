"""What a new version of an ODCS document breaks.

BACKWARD: rows that are stored, or replayed, under the old contract no longer satisfy the new one. FORWARD: consumers
who rely on the old contract are broken by rows under the new one. Who they are belongs in `consumers`, columns in
`columns`, rules and values in `values`, service levels and the version in `promises`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from open_data_contract_standard.model import SchemaObject, SchemaProperty

from dataeng_assets.contracts.compatibility.odcs.columns import column_changes, shape
from dataeng_assets.contracts.compatibility.odcs.consumers import Consumer, consumers_of
from dataeng_assets.contracts.compatibility.odcs.promises import people_changes, sla_changes, version_changes
from dataeng_assets.contracts.compatibility.odcs.sets import Moved, changed
from dataeng_assets.contracts.compatibility.odcs.values import quality_changes
from dataeng_assets.contracts.compatibility.verdict import Breaks, Change
from dataeng_assets.contracts.document import Document


def compare_contracts(old: Document, new: Document) -> tuple[Change, ...]:
    """All changes from one version to the next, each with whom it breaks and which consumers that concerns.

    Raises:
        ContractError: the consumers of a document cannot be read, or two tables or columns have one name.
    """
    consumers = consumers_of(old), consumers_of(new)
    everybody = tuple(dict.fromkeys((*consumers[0], *consumers[1])))
    before, now = _tables(old), _tables(new)
    changes: list[Change] = []
    for name, table in before.items():
        if name in now:
            changes += _with_consumers(_table_changes(table, now[name]), name, everybody)
        else:
            gone = _removed_table(table, [one for other, one in now.items() if other not in before])
            changes += _with_consumers([gone], name, everybody)
    changes += (
        Change("table_added", name, f"the table {name} was added: nobody relies on it yet")
        for name in now
        if name not in before
    )
    changes += _with_consumers(sla_changes(old.odcs, new.odcs), None, everybody)
    changes += people_changes(old.odcs, new.odcs, _names(consumers))
    return (*changes, *version_changes(old.odcs, new.odcs, changes))


def consumer_names(document: Document) -> tuple[str, ...]:
    """Everybody who relies on a contract."""
    return tuple(dict.fromkeys(one.name for one in consumers_of(document)))


def _names(consumers: tuple[Sequence[Consumer], Sequence[Consumer]]) -> tuple[list[str], list[str]]:
    before, now = ([one.name for one in some] for some in consumers)
    return before, now


def _with_consumers(
    changes: Iterator[Change] | Sequence[Change], table: str | None, consumers: Sequence[Consumer]
) -> Iterator[Change]:
    for change in changes:
        column = change.place.removeprefix(f"{table}.") if table and change.place != table else None
        names = [one.name for one in consumers if change.breaks and one.uses(table, column)]
        yield replace(change, affected=tuple(dict.fromkeys(names)))


def _tables(document: Document) -> Mapping[str, SchemaObject]:
    found: dict[str, SchemaObject] = {}
    for position, table in enumerate(document.odcs.schema_ or []):
        place = ("schema", position)
        if not table.name or table.name in found:
            raise document.error((*place, "name"), table.name, "a name that no other table has")
        _check_names(document, table.properties, (*place, "properties"))
        found[table.name] = table
    return found


def _check_names(document: Document, columns: Sequence[SchemaProperty] | None, place: tuple[str | int, ...]) -> None:
    names: set[str] = set()
    for position, column in enumerate(columns or []):
        if not column.name or column.name in names:
            raise document.error((*place, position, "name"), column.name, "a name that no other column has")
        names.add(column.name)
        _check_names(document, column.properties, (*place, position, "properties"))


def _table_changes(old: SchemaObject, new: SchemaObject) -> Iterator[Change]:
    place = str(new.name)
    if (old.physicalType or "table") != (new.physicalType or "table"):
        what = f"was a {old.physicalType or 'table'} and is a {new.physicalType or 'table'}"
        yield changed("table_kind_changed", place, what, Moved.OTHER)
    if old.physicalName != new.physicalName:
        what = f"the physical name was {old.physicalName or place} and is {new.physicalName or place}"
        yield Change(
            "physical_name_changed", place, f"{what}: consumers look for the old one", frozenset({Breaks.FORWARD}),
            "keep the old name as a view on the new one for a deprecation period",
        )  # fmt: skip
    yield from column_changes(old.properties or [], new.properties or [], place)
    yield from _key_changes(old, new, place)
    yield from quality_changes(old.quality, new.quality, place)
    yield from _property_changes(old, new, place)


def _property_changes(old: SchemaObject, new: SchemaObject, place: str) -> Iterator[Change]:
    """Custom properties, whose meaning is their owner's; consumers are told elsewhere."""
    before, now = ({str(one.property): one.value for one in table.customProperties or []} for table in (old, new))
    for name in sorted({*before, *now} - {"consumers"}):
        was, becomes = before.get(name), now.get(name)
        if was != becomes:
            yield Change("custom_property_changed", place, f"{name} was {was!r} and is {becomes!r}")


def _key_changes(old: SchemaObject, new: SchemaObject, place: str) -> Iterator[Change]:
    before, now = (
        sorted((p for p in t.properties or [] if p.primaryKey), key=lambda p: p.primaryKeyPosition or 0)
        for t in (old, new)
    )
    names = [[str(one.name) for one in key] for key in (before, now)]
    if set(names[0]) != set(names[1]):
        what = f"the key was {', '.join(names[0]) or 'none'} and is {', '.join(names[1]) or 'none'}"
        yield Change(
            "key_changed", place, f"{what}: rows are told apart by other columns, stored ones and joins alike",
            frozenset(Breaks), "publish a new table with the new key beside this one, and remove this one later",
        )  # fmt: skip
    elif names[0] != names[1]:
        yield Change("key_order_changed", place, f"the key's order was {names[0]} and is {names[1]}")


def _removed_table(table: SchemaObject, added: Sequence[SchemaObject]) -> Change:
    columns = {shape(one) for one in table.properties or []}
    alike = [one.name for one in added if columns and columns == {shape(p) for p in one.properties or []}]
    hint = f"; it looks renamed to {alike[0]}" if len(alike) == 1 else ""
    return Change(
        "table_removed", str(table.name),
        f"the table {table.name} was removed{hint}: what is stored has no contract, and consumers find nothing",
        frozenset(Breaks), "keep it, marked as deprecated, until nobody reads it; a new name can be a view on it",
    )  # fmt: skip
