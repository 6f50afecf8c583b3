"""What a new version of a Protobuf file breaks on the wire, and what puts stored messages in danger later.

Messages are matched by name and by where fields use them, fields by number. A verdict of compatible means that every
value of a field that both versions have keeps its meaning. Names matter in JSON and in generated code, which is said.
What the wire does with a changed type belongs in `wire`, reading files in `document`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor, FileDescriptor

from dataeng_assets.contracts.compatibility.protobuf.enums import compare_enums
from dataeng_assets.contracts.compatibility.protobuf.reserved import Reserved, reserved_in, reuse_changes
from dataeng_assets.contracts.compatibility.protobuf.services import compare_services
from dataeng_assets.contracts.compatibility.protobuf.wire import is_map, loss_by_label, loss_by_type, shown, type_name
from dataeng_assets.contracts.compatibility.verdict import Breaks, Change

_BACKWARD, _FORWARD = frozenset({Breaks.BACKWARD}), frozenset({Breaks.FORWARD})
_BESIDE = (
    "keep the field as it is and add the new one under a new number; fill both until every reader has moved, "
    "then remove the old one and reserve its number"
)


def compare_protobuf_files(old: FileDescriptor, new: FileDescriptor) -> tuple[Change, ...]:
    """All changes from one version to the next that matter on the wire, each with whom it breaks."""
    return tuple(dict.fromkeys(_Comparison(old, new).changes()))


@dataclass
class _Comparison:
    old: FileDescriptor
    new: FileDescriptor
    met: set[tuple[str, str]] = field(default_factory=set)
    waiting: list[tuple[Descriptor, Descriptor]] = field(default_factory=list)

    def changes(self) -> Iterator[Change]:
        if self.old.package != self.new.package:
            what = f"the package was {self.old.package or 'not named'} and is {self.new.package or 'not named'}"
            reason = f"{what}: messages carry no package, but Any and gRPC do"
            yield Change("package_changed", self.new.package, reason)
        before, now = _messages(self.old), _messages(self.new)
        self.waiting = [(before[name], now[name]) for name in before if name in now]
        while self.waiting:
            pair = self.waiting.pop(0)
            if (names := (pair[0].full_name, pair[1].full_name)) not in self.met:
                self.met.add(names)
                yield from self._messages_changes(*pair)
        followed = {name for name, _ in self.met}
        for name, message in before.items():
            if name not in now and message.full_name not in followed:
                yield Change(
                    "message_removed", name, f"the message {name} was removed: new readers cannot read what is stored",
                    _BACKWARD, "keep the message, marked as deprecated, as long as one is stored or sent",
                )  # fmt: skip
        yield from (_added(name) for name in now if name not in before)
        yield from self._enums_by_name()
        yield from compare_services(self.old, self.new)

    def _enums_by_name(self) -> Iterator[Change]:
        before, now = _enums(self.old), _enums(self.new)
        for name in before:
            if name in now:
                yield from compare_enums(before[name], now[name])

    def _messages_changes(self, old: Descriptor, new: Descriptor) -> Iterator[Change]:
        place = _local(new)
        if old.name != new.name:
            yield Change("message_renamed", place, f"{_local(old)} is now called {place}: names do not travel")
        before, now = _fields(old, self.old), _fields(new, self.new)
        reserved = reserved_in(old), reserved_in(new)
        for number, one in now.items():
            if number in before:
                yield from self._field_changes(before[number], one, f"{place}.{one.name}")
            elif one.name not in {was.name for was in before.values()}:
                yield _field_added(one, place)
        yield from self._removed(before, now, reserved[1], place)
        yield from reuse_changes(*reserved, place, thing="message", used=now)
        yield from _oneof_changes(old, new, place)

    def _field_changes(self, old: FieldDescriptor, new: FieldDescriptor, place: str) -> Iterator[Change]:
        if old.name != new.name:
            what = f"field {new.number} was called {old.name} and is called {new.name}"
            yield Change("field_renamed", place, f"{what}: names do not travel, except in JSON and text")
        what = f"{shown(old)} became {shown(new)}"
        if _label(old) != _label(new):
            yield _lossy("label_changed", place, what, loss_by_label(old, new), loss_by_label(new, old))
        if type_name(old) != type_name(new):
            yield _lossy("type_changed", place, what, loss_by_type(old, new), loss_by_type(new, old))
        if old.message_type and new.message_type:
            self.waiting.append((old.message_type, new.message_type))
        elif old.enum_type and new.enum_type:
            yield from compare_enums(old.enum_type, new.enum_type)
        yield from _default_changes(old, new, place)

    @staticmethod
    def _removed(
        before: Mapping[int, FieldDescriptor], now: Mapping[int, FieldDescriptor], reserved: Reserved, place: str
    ) -> Iterator[Change]:
        numbers = {one.name: one.number for one in now.values()}
        for number, one in before.items():
            at = f"{place}.{one.name}"
            if one.name in numbers and numbers[one.name] != number:
                what = f"{one.name} had the number {number} and has {numbers[one.name]}"
                yield Change(
                    "number_changed", at, f"{what}: readers find no value under the other number",
                    _BACKWARD | _FORWARD, f"give it the number {number} again",
                )  # fmt: skip
            elif number not in now:
                yield _field_removed(one, at, is_reserved=number in reserved.numbers)


def _field_added(one: FieldDescriptor, place: str) -> Change:
    what = f"the field {one.name} = {one.number} ({shown(one)}) was added"
    if one.is_required:
        reason, migration = f"{what}: new readers refuse a message without it", "make it optional"
        return Change("field_added", f"{place}.{one.name}", reason, _BACKWARD, migration)
    return Change("field_added", f"{place}.{one.name}", f"{what}: old readers pass over it")


def _field_removed(one: FieldDescriptor, place: str, *, is_reserved: bool) -> Change:
    what = f"the field {one.name} = {one.number} ({shown(one)}) was removed"
    reasons, breaks, ways = [], frozenset[Breaks](), []
    if not is_reserved:
        reasons.append("its number is not reserved, so a later field could be read from what is stored")
        ways.append(f'write `reserved {one.number}; reserved "{one.name}";` in its place')
        breaks |= _BACKWARD
    if one.is_required:
        reasons.append("old readers refuse a message without it")
        ways.append("keep it until no reader requires it")
        breaks |= _FORWARD
    if not breaks:
        reasons.append("new readers pass over it, old readers see its default")
    return Change("field_removed", place, f"{what}: {'; '.join(reasons)}", breaks, "; and ".join(ways))


def _lossy(kind: str, place: str, what: str, by_new: str | None, by_old: str | None) -> Change:
    losses = [("new", _BACKWARD, by_new), ("old", _FORWARD, by_old)]
    reasons = [f"{readers} readers {loss}" for readers, _, loss in losses if loss]
    breaks = frozenset[Breaks]().union(*(whom for _, whom, loss in losses if loss))
    reason = f"{what}: {'; '.join(reasons) or 'every value keeps its meaning'}"
    return Change(kind, place, reason, breaks, _BESIDE if breaks else "")


def _default_changes(old: FieldDescriptor, new: FieldDescriptor, place: str) -> Iterator[Change]:
    """The default is no part of a message: each reader takes its own for a value that is not there."""
    before, now = _default(old), _default(new)
    if type(before) is type(now) and before != now:
        what = f"the default was {old.default_value!r} and is {new.default_value!r}"
        yield Change(
            "default_changed", place, f"{what}: a value that was not written is read as another one",
            _BACKWARD | _FORWARD, "keep the default, and write the new value where it is meant",
        )  # fmt: skip


def _default(one: FieldDescriptor) -> int | str | bytes | None:
    if one.is_repeated or one.message_type:
        return None
    value = one.default_value
    if isinstance(value, float):
        return repr(value)
    return value.encode() if isinstance(value, str) else bytes(value) if isinstance(value, bytes) else int(value)


def _oneof_changes(old: Descriptor, new: Descriptor, place: str) -> Iterator[Change]:
    for writer, reader, breaks in ((old, new, _BACKWARD), (new, old, _FORWARD)):
        for oneof in _oneofs(reader):
            shared = [one.number for one in oneof if one.number in writer.fields_by_number]
            together = {number: _oneof_of(writer.fields_by_number[number]) for number in shared}
            choices = set(together.values())
            if len(shared) > 1 and (len(choices) > 1 or None in choices):
                names = " and ".join(reader.fields_by_number[number].name for number in shared)
                who = "new" if breaks == _BACKWARD else "old"
                yield Change(
                    "oneof_changed", f"{place}.{oneof[0].containing_oneof.name}",
                    f"{names} may all be written in one version and exclude each other in the other: "
                    f"{who} readers keep the last one alone",
                    breaks, "add new fields for the oneof beside the old ones, and fill both until every reader moved",
                )  # fmt: skip


def _oneofs(message: Descriptor) -> Iterator[Sequence[FieldDescriptor]]:
    for oneof in message.oneofs:
        members = [one for one in oneof.fields if _oneof_of(one)]
        if members:
            yield members


def _oneof_of(one: FieldDescriptor) -> str | None:
    """The oneof that a field stands in; that of an `optional` field of proto3 is made by the compiler and none."""
    oneof = one.containing_oneof
    if oneof is None or (oneof.name == f"_{one.name}" and len(oneof.fields) == 1):
        return None
    return str(oneof.name)


def _fields(message: Descriptor, file: FileDescriptor) -> dict[int, FieldDescriptor]:
    """By number, with what the file adds to the message by `extend`."""
    inner = [one for named in _messages(file).values() for one in named.extensions]
    extensions = [*file.extensions_by_name.values(), *inner]
    added = {one.number: one for one in extensions if one.containing_type.full_name == message.full_name}
    return {**dict(sorted(message.fields_by_number.items())), **added}


def _messages(file: FileDescriptor) -> dict[str, Descriptor]:
    """Every message by its name within the package; entries of maps are no messages of their own."""
    found: dict[str, Descriptor] = {}
    waiting = list(file.message_types_by_name.values())
    while waiting:
        message = waiting.pop(0)
        if not message.GetOptions().map_entry:
            found[_local(message)] = message
            waiting += message.nested_types
    return found


def _enums(file: FileDescriptor) -> dict[str, EnumDescriptor]:
    inner = [enum for message in _messages(file).values() for enum in message.enum_types]
    return {_local(enum): enum for enum in [*file.enum_types_by_name.values(), *inner]}


def _local(named: Descriptor | EnumDescriptor) -> str:
    return str(named.full_name).removeprefix(f"{named.file.package}." if named.file.package else "")


def _label(one: FieldDescriptor) -> tuple[bool, bool, bool]:
    return one.is_repeated, one.is_required, is_map(one)


def _added(name: str) -> Change:
    return Change("message_added", name, f"the message {name} was added: nobody has one yet")
