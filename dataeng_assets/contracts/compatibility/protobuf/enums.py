"""What a new version of an enum breaks. An open enum keeps numbers that it does not know, a closed one drops them."""

from collections.abc import Iterator

from google.protobuf.descriptor import EnumDescriptor

from dataeng_assets.contracts.compatibility.protobuf.reserved import reserved_in, reuse_changes
from dataeng_assets.contracts.compatibility.verdict import Breaks, Change

_BACKWARD, _FORWARD = frozenset({Breaks.BACKWARD}), frozenset({Breaks.FORWARD})


def compare_enums(old: EnumDescriptor, new: EnumDescriptor) -> Iterator[Change]:
    """All changes from one version of an enum to the next."""
    place = str(new.full_name).removeprefix(f"{new.file.package}." if new.file.package else "")
    before, now = _by_number(old), _by_number(new)
    reserved = reserved_in(old), reserved_in(new)
    if old.is_closed != new.is_closed:
        yield _openness(new, place)
    numbers = {name: number for number, names in now.items() for name in names}
    for number, names in before.items():
        moved = [name for name in names if numbers.get(name, number) != number]
        for name in moved:
            yield Change(
                "enum_number_changed", f"{place}.{name}",
                f"{name} had the number {number} and has {numbers[name]}: what is stored means another value",
                _BACKWARD | _FORWARD, f"give it the number {number} again",
            )  # fmt: skip
        if number in now and not moved and not set(names) & set(now[number]):
            what = f"{number} was called {names[0]} and is called {now[number][0]}"
            yield Change("enum_value_renamed", f"{place}.{now[number][0]}", f"{what}: only the number travels")
        elif number not in now and not moved:
            yield _removed(names[0], number, new, place, is_reserved=number in reserved[1].numbers)
    known = {name for names in before.values() for name in names}
    for number, names in now.items():
        if number not in before and names[0] not in known:
            yield _added(names[0], number, old, place)
    yield from reuse_changes(*reserved, place, thing="enum", used=now)


def _by_number(enum: EnumDescriptor) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for value in enum.values:
        found.setdefault(value.number, []).append(value.name)
    return found


def _openness(new: EnumDescriptor, place: str) -> Change:
    what = f"the enum became {'closed' if new.is_closed else 'open'}"
    who = "new" if new.is_closed else "old"
    reason = f"{what}: {who} readers drop numbers that have no name"
    return Change(
        "enum_openness_changed", place, reason, _BACKWARD if new.is_closed else _FORWARD,
        "keep it as it was; a field of another enum type can stand beside it",
    )  # fmt: skip


def _removed(name: str, number: int, new: EnumDescriptor, place: str, *, is_reserved: bool) -> Change:
    what = f"{name} = {number} was removed"
    at = f"{place}.{name}"
    if new.is_closed:
        reason = f"{what}: new readers drop it from what is stored, as the enum is closed"
        return Change("enum_value_removed", at, reason, _BACKWARD, "keep the value, marked as deprecated")
    if is_reserved:
        return Change("enum_value_removed", at, f"{what} and is reserved: readers keep the number")
    reason = f"{what}: its number is not reserved, so a later value could be read from what is stored"
    return Change(
        "enum_value_removed", at, reason, _BACKWARD, f'write `reserved {number}; reserved "{name}";` in its place'
    )


def _added(name: str, number: int, old: EnumDescriptor, place: str) -> Change:
    what = f"{name} = {number} was added"
    if old.is_closed:
        reason = f"{what}: old readers drop it, as their enum is closed"
        migration = "let every reader take up this version before anything is written with the new value"
        return Change("enum_value_added", f"{place}.{name}", reason, _FORWARD, migration)
    return Change("enum_value_added", f"{place}.{name}", f"{what}: old readers keep its number, without a name for it")
