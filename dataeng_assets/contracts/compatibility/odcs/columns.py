"""What a change of columns breaks, nested ones included."""

from collections.abc import Iterator, Sequence

from open_data_contract_standard.model import SchemaProperty

from dataeng_assets.contracts.compatibility.odcs.sets import Moved, changed
from dataeng_assets.contracts.compatibility.odcs.types import shown, type_moved
from dataeng_assets.contracts.compatibility.odcs.values import enum_changes, option_changes, quality_changes
from dataeng_assets.contracts.compatibility.verdict import Breaks, Change

_BACKWARD, _FORWARD = frozenset({Breaks.BACKWARD}), frozenset({Breaks.FORWARD})
_GUARDED = frozenset(("personal", "pii", "sensitive", "confidential", "restricted", "secret"))


def shape(one: SchemaProperty) -> tuple[str | None, str, str]:
    """Name, type and description: what tells a table that was renamed."""
    return one.name, shown(one), (one.description or "").strip()


def column_changes(old: Sequence[SchemaProperty], new: Sequence[SchemaProperty], place: str) -> Iterator[Change]:
    """All changes of a list of columns."""
    before, now = ({str(one.name): one for one in columns} for columns in (old, new))
    removed = [one for name, one in before.items() if name not in now]
    added = [one for name, one in now.items() if name not in before]
    renamed = _looks_renamed(removed, added)
    for one in removed:
        yield _removed(one, f"{place}.{one.name}", renamed.get(str(one.name)))
    for one in added:
        yield _added(one, f"{place}.{one.name}", {to: name for name, to in renamed.items()}.get(str(one.name)))
    for name in before:
        if name in now:
            yield from _one(before[name], now[name], f"{place}.{name}")
    kept = [[name for name in columns if name in before and name in now] for columns in (before, now)]
    if kept[0] != kept[1]:
        yield Change(
            "column_order_changed", place, "columns stand in another order: who reads by name is not concerned"
        )


def _looks_renamed(removed: Sequence[SchemaProperty], added: Sequence[SchemaProperty]) -> dict[str, str]:
    """Columns that went while one of the same type and description came: a guess, made where only one fits."""
    found = {}
    for one in removed:
        alike = [other for other in added if shape(other)[1:] == shape(one)[1:] and shape(one)[2]]
        back = [other for other in removed if shape(other)[1:] == shape(one)[1:]]
        if len(alike) == 1 and len(back) == 1:
            found[str(one.name)] = str(alike[0].name)
    return found


def _removed(one: SchemaProperty, place: str, renamed_to: str | None) -> Change:
    if renamed_to:
        reason = f"{one.name} was removed, and looks renamed to {renamed_to}: consumers still ask for {one.name}"
        migration = f"keep {one.name} beside {renamed_to} with the same values for a deprecation period, then remove it"
        return Change("column_removed", place, reason, _FORWARD, migration)
    reason = f"the column {one.name} ({shown(one)}) was removed: consumers still ask for it"
    migration = "mark it as deprecated, tell those who use it, and remove it in a later version"
    return Change("column_removed", place, reason, _FORWARD, migration)


def _added(one: SchemaProperty, place: str, renamed_from: str | None) -> Change:
    what = f"the column {one.name} ({shown(one)}) was added"
    what += f", and looks like {renamed_from} renamed" if renamed_from else ""
    if not one.required:
        return Change("column_added", place, f"{what}: stored rows may lack it, consumers need not know it")
    migration = "add it as not required, fill it in for what is stored, then make it required in a later version"
    return Change("column_added", place, f"{what} as required: rows that are stored lack it", _BACKWARD, migration)


def _one(old: SchemaProperty, new: SchemaProperty, place: str) -> Iterator[Change]:
    how = type_moved(old, new)
    if how is not Moved.SAME:
        yield _retyped(old, new, place, how)
    elif shown(old) != shown(new):
        yield Change("type_rewritten", place, f"{shown(old)} is written as {shown(new)}, and holds the same")
    for kind, word, was, becomes in (
        ("required_changed", "required", old.required, new.required),
        ("unique_changed", "unique", old.unique, new.unique),
    ):
        if bool(was) != bool(becomes):
            what = f"it {'became' if becomes else 'is no longer'} {word}"
            yield changed(kind, place, what, Moved.NARROWER if becomes else Moved.WIDER)
    yield from _classification(old, new, place)
    if old.physicalName != new.physicalName:
        what = f"the physical name was {old.physicalName or old.name} and is {new.physicalName or new.name}"
        migration = "keep the old name as well for a deprecation period"
        yield Change("physical_name_changed", place, f"{what}: consumers ask for the old one", _FORWARD, migration)
    if bool(old.deprecated) != bool(new.deprecated):
        yield Change("deprecated_changed", place, f"it {'is' if new.deprecated else 'is no longer'} deprecated")
    yield from option_changes(old, new, place)
    yield from enum_changes(old, new, place)
    yield from quality_changes(old.quality, new.quality, place)
    yield from _inside(old, new, place)


def _retyped(old: SchemaProperty, new: SchemaProperty, place: str, how: Moved) -> Change:
    what = f"{shown(old)} became {shown(new)}"
    if how is Moved.WIDER:
        reason = f"{what}, which holds more: consumers may meet values that do not fit where they put them"
        migration = "widen the consumers first, one by one, then publish this version"
    elif how is Moved.NARROWER:
        reason = f"{what}, which holds less: values that are stored may not fit"
        migration = "check that every stored value fits, correct those that do not, then publish this version"
    else:
        reason = f"{what}: neither is known to hold the values of the other"
        migration = (
            f"add a new column of type {shown(new)} beside it, fill both for a deprecation period, then remove this one"
        )
    return Change("type_changed", place, reason, how.breaks, migration)


def _classification(old: SchemaProperty, new: SchemaProperty, place: str) -> Iterator[Change]:
    was, becomes = ((one.classification or "").lower() for one in (old, new))
    if was == becomes:
        return
    what = f"it was {was or 'not classified'} and is {becomes or 'not classified'}"
    if was in _GUARDED and becomes not in _GUARDED:
        reason = f"{what}: its values would no longer be masked, those that are stored included"
        migration = "keep the classification; publish what is harmless (a hash, a range) as a column of its own"
        yield Change("classification_lowered", place, reason, frozenset(Breaks), migration)
    else:
        yield Change("classification_changed", place, what)


def _inside(old: SchemaProperty, new: SchemaProperty, place: str) -> Iterator[Change]:
    if old.properties or new.properties:
        yield from column_changes(old.properties or [], new.properties or [], place)
    if old.items and new.items:
        yield from _one(old.items, new.items, f"{place}[]")
    for part in ("key", "value"):
        was, becomes = (getattr(one.map, part, None) for one in (old, new))
        if was and becomes:
            yield from _one(was, becomes, f"{place}{{{part}}}")
