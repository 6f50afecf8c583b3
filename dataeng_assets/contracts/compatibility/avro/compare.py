"""What a new version of an Avro schema breaks, by the rules of schema resolution (specification 1.12).

Each direction is resolved by itself, as a reader would: the new schema over what the old one wrote, then the reverse.
Where languages differ, the verdict is that of the strictest. Reading schemas belongs in `document`.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from dataeng_assets.contracts.compatibility.avro.types import (
    Array,
    Enum,
    Field,
    Fixed,
    Known,
    Map,
    Named,
    Primitive,
    Record,
    Schema,
    Type,
    Union,
    branch_name,
    short_name,
    shown,
)
from dataeng_assets.contracts.compatibility.verdict import Breaks, Change

_PROMOTIONS = {
    ("int", "long"): "every int is a long",
    ("int", "float"): "an int is read as a float, which rounds above 16,777,216",
    ("int", "double"): "every int is a double",
    ("long", "float"): "a long is read as a float, which rounds above 16,777,216",
    ("long", "double"): "a long is read as a double, which rounds above 2^53",
    ("float", "double"): "every float is a double",
    ("string", "bytes"): "a string is read as its UTF-8 bytes",
}
_BESIDE = (
    "add a field of the new type beside the old one, fill both until every reader has moved, then remove the old one"
)
_READERS_FIRST = "let every reader take up this version before anything is written with it"
_MIGRATIONS = {
    ("field_added", Breaks.BACKWARD): "give the field a default",
    ("field_removed", Breaks.FORWARD): "first publish a version where the field has a default; remove it when every "
    "reader has that version",
    ("symbol_added", Breaks.FORWARD): "first publish a version where the enum has a default; add the symbol when every "
    "reader has that version",
    ("symbol_removed", Breaks.BACKWARD): "keep the symbol, or give the enum a default that readers take for it",
    ("type_added", Breaks.FORWARD): _READERS_FIRST,
    ("type_removed", Breaks.BACKWARD): "keep the type in the union as long as anything stored has it",
    ("name_changed", Breaks.BACKWARD): "keep the name, or give the new one the old name as an alias",
    ("name_changed", Breaks.FORWARD): f"keep the name, or {_READERS_FIRST}",
    ("field_renamed", Breaks.FORWARD): "keep the name; else add the new field beside the old one, with a default each, "
    "fill both until every reader has moved, then remove the old one",
}


def compare_avro_schemas(old: Schema, new: Schema) -> tuple[Change, ...]:
    """All differences that matter to a reader, each with whom it breaks.

    A change of documentation, of the order of fields or of an unknown attribute is none.
    """
    merged: dict[tuple[str, str, str], _Finding] = {}
    for finding in [*_Reading(new, old, Breaks.BACKWARD).findings(), *_Reading(old, new, Breaks.FORWARD).findings()]:
        key = (finding.kind, finding.place, finding.what)
        before = merged.get(key)
        merged[key] = finding if before is None else before.and_also(finding)
    return tuple(finding.change() for finding in merged.values())


@dataclass(frozen=True)
class _Finding:
    """What one direction of reading met; `what` is said in terms of old and new, so that both directions meet."""

    kind: str
    place: str
    what: str
    why: tuple[str, ...]
    breaks: frozenset[Breaks]

    def and_also(self, other: "_Finding") -> "_Finding":
        why = tuple(dict.fromkeys((*self.why, *other.why)))
        return _Finding(self.kind, self.place, self.what, why, self.breaks | other.breaks)

    def change(self) -> Change:
        ways = dict.fromkeys(_MIGRATIONS.get((self.kind, one), _BESIDE) for one in sorted(self.breaks))
        return Change(self.kind, self.place, f"{self.what}: {'; '.join(self.why)}", self.breaks, "; and ".join(ways))


@dataclass
class _Reading:
    """What was written under one schema, read under the other.

    Attributes:
        direction: whom a failure breaks. BACKWARD: the reader is the new schema.
    """

    reader: Schema
    writer: Schema
    direction: Breaks
    met: set[tuple[str, str]] = field(default_factory=set)

    def findings(self) -> Iterator[_Finding]:
        root = self.reader.known(self.reader.root)
        place = short_name(root.name) if isinstance(root, Named) else "its top"
        return self._resolve(self.reader.root, self.writer.root, place)

    @property
    def _reader(self) -> str:
        return "new readers" if self.direction is Breaks.BACKWARD else "old readers"

    def _old_new(self, reader: str, writer: str) -> tuple[str, str]:
        return (writer, reader) if self.direction is Breaks.BACKWARD else (reader, writer)

    def _found(self, kind: str, place: str, what: str, why: str, *, fails: bool) -> _Finding:
        return _Finding(kind, place, what, (why,), frozenset({self.direction} if fails else ()))

    def _added_or_removed(self, thing: str, *, only_in_reader: bool) -> tuple[str, str]:
        """The kind of a change and its verb: what the new readers alone have was added."""
        added = only_in_reader == (self.direction is Breaks.BACKWARD)
        return f"{thing}_{'added' if added else 'removed'}", "was added" if added else "was removed"

    def _resolve(self, reader: Type, writer: Type, place: str) -> Iterator[_Finding]:
        if isinstance(reader, Union) or isinstance(writer, Union):
            yield from self._unions(reader, writer, place)
            return
        read, written = self.reader.known(reader), self.writer.known(writer)
        if isinstance(read, Named) and isinstance(written, Named):
            if (read.name, written.name) not in self.met:
                self.met.add((read.name, written.name))
                yield from self._named(read, written, place)
            return
        match read, written:
            case Array(items), Array(inner):
                yield from self._resolve(items, inner, f"{place}[]")
            case Map(values), Map(inner):
                yield from self._resolve(values, inner, f"{place}{{}}")
            case Primitive(), Primitive():
                yield from self._primitives(read, written, place)
            case _:
                yield self._type_changed(read, written, place)

    def _type_changed(self, read: Known, written: Known, place: str) -> _Finding:
        old, new = self._old_new(shown(read), shown(written))
        why = f"{self._reader} cannot read {shown(written)} as {shown(read)}"
        return self._found("type_changed", place, f"{old} became {new}", why, fails=True)

    def _primitives(self, read: Primitive, written: Primitive, place: str) -> Iterator[_Finding]:
        if read.name != written.name:
            old, new = self._old_new(shown(read), shown(written))
            why = _PROMOTIONS.get((written.name, read.name))
            if (written.name, read.name) == ("bytes", "string"):
                cannot = f"{self._reader} fail at bytes that are not UTF-8"
            else:
                cannot = f"{self._reader} cannot read {written.name} as {read.name}"
            yield self._found("type_changed", place, f"{old} became {new}", why or cannot, fails=why is None)
        yield from self._logical(read.logical, written.logical, place)

    def _logical(self, read: str | None, written: str | None, place: str) -> Iterator[_Finding]:
        if read == written:
            return
        old, new = self._old_new(read or "no logical type", written or "no logical type")
        if read is None:
            why, fails = f"{self._reader} see the plain value of each {written}", False
        elif written is None:
            why, fails = f"{self._reader} take any value for a {read}, which it need not be", True
        else:
            why, fails = f"{self._reader} would take the same number for another value, or refuse it", True
        yield self._found("logical_type_changed", place, f"{old} became {new}", why, fails=fails)

    def _named(self, read: Named, written: Named, place: str) -> Iterator[_Finding]:
        if type(read) is not type(written):
            yield self._type_changed(read, written, place)
            return
        yield from self._name(read, written, place)
        if isinstance(read, Record) and isinstance(written, Record):
            yield from self._records(read, written, place)
        elif isinstance(read, Enum) and isinstance(written, Enum):
            yield from self._enums(read, written, place)
        elif isinstance(read, Fixed) and isinstance(written, Fixed):
            if read.size != written.size:
                yield self._type_changed(read, written, place)
            yield from self._logical(read.logical, written.logical, place)

    def _name(self, read: Named, written: Named, place: str) -> Iterator[_Finding]:
        if read.name == written.name:
            return
        old, new = self._old_new(read.name, written.name)
        what = f"{old} is now called {new}"
        if short_name(read.name) == short_name(written.name):
            yield self._found("name_changed", place, what, "readers compare names without namespaces", fails=False)
        elif written.name in read.aliases:
            yield self._found("name_changed", place, what, f"{self._reader} know the other name as alias", fails=False)
        else:
            why = f"{self._reader} refuse the name {written.name}"
            yield self._found("name_changed", place, what, why, fails=True)

    def _records(self, read: Record, written: Record, place: str) -> Iterator[_Finding]:
        left = {one.name: one for one in written.fields}
        own = {one.name for one in read.fields}
        claims = Counter(alias for one in read.fields for alias in {*one.aliases} - own)
        for one in read.fields:
            aliases = [alias for alias in dict.fromkeys(one.aliases) if alias in left and alias not in own]
            sources = [name for name in (one.name, *aliases) if name in left]
            at = f"{place}.{one.name}"
            if len(sources) > 1 or any(claims[alias] > 1 for alias in aliases):
                what = f"{one.name} means {' and '.join(sources)}, by its aliases or those of others"
                yield self._found("alias_ambiguous", at, what, f"{self._reader} cannot tell which to take", fails=True)
            elif sources:
                yield from self._field(one, left[sources[0]], place)
            else:
                kind, happened = self._added_or_removed("field", only_in_reader=True)
                if one.has_default:
                    why = f"{self._reader} take its default where it was not written"
                else:
                    why = f"{self._reader} find no value and have no default"
                what = f"the field {one.name} ({shown(one.type)}) {happened}"
                yield self._found(kind, at, what, why, fails=not one.has_default)
        known = {name for one in read.fields for name in (one.name, *one.aliases)}
        for name, one in left.items():
            if name not in known:
                kind, happened = self._added_or_removed("field", only_in_reader=False)
                what = f"the field {name} ({shown(one.type)}) {happened}"
                yield self._found(kind, f"{place}.{name}", what, f"{self._reader} pass over it", fails=False)

    def _field(self, read: Field, written: Field, place: str) -> Iterator[_Finding]:
        at = f"{place}.{read.name}"
        if read.name != written.name:
            old, new = self._old_new(read.name, written.name)
            why = f"{self._reader} know {written.name} as an alias"
            yield self._found("field_renamed", f"{place}.{new}", f"{old} is now called {new}", why, fails=False)
        elif (read.has_default, read.default) != (written.has_default, written.default):
            old, new = self._old_new(_default(read), _default(written))
            why = "only readers of data without the field take it"
            yield self._found("default_changed", at, f"the default was {old} and is {new}", why, fails=False)
        yield from self._resolve(read.type, written.type, at)

    def _enums(self, read: Enum, written: Enum, place: str) -> Iterator[_Finding]:
        for symbol in written.symbols:
            if symbol not in read.symbols:
                kind, happened = self._added_or_removed("symbol", only_in_reader=False)
                if read.default:
                    why = f"{self._reader} take {read.default} for it"
                else:
                    why = f"{self._reader} do not know it, and the enum has no default for them"
                yield self._found(kind, place, f"the symbol {symbol} {happened}", why, fails=not read.default)
        for symbol in read.symbols:
            if symbol not in written.symbols:
                kind, happened = self._added_or_removed("symbol", only_in_reader=True)
                yield self._found(
                    kind, place, f"the symbol {symbol} {happened}", f"{self._reader} never meet it", fails=False
                )

    def _unions(self, reader: Type, writer: Type, place: str) -> Iterator[_Finding]:
        branches = reader.branches if isinstance(reader, Union) else (reader,)
        taken: list[Type] = []
        for written in writer.branches if isinstance(writer, Union) else (writer,):
            matching = [branch for branch in branches if self._matches(branch, written)]
            if not matching:
                kind, happened = self._added_or_removed("type", only_in_reader=False)
                why = f"{self._reader} have no type that takes it"
                yield self._found(kind, place, f"{shown(written)} {happened}", why, fails=True)
            # of several, some languages take the first, others the one of the same name, so both must do
            same = [branch for branch in matching if branch_name(branch) == branch_name(written)]
            for branch in dict.fromkeys([*matching[:1], *same]):
                yield from self._resolve(branch, written, place)
                taken.append(branch)
        for branch in branches:
            if branch not in taken:
                kind, happened = self._added_or_removed("type", only_in_reader=True)
                yield self._found(
                    kind, place, f"{shown(branch)} {happened}", f"{self._reader} never meet it", fails=False
                )

    def _matches(self, reader: Type, writer: Type) -> bool:
        """Whether a reader picks this type of its union for a value of that type; what is inside comes later."""
        read, written = self.reader.known(reader), self.writer.known(writer)
        if isinstance(read, Primitive) and isinstance(written, Primitive):
            pair = (written.name, read.name)
            return read.name == written.name or pair in _PROMOTIONS or pair == ("bytes", "string")
        if type(read) is not type(written):
            return False
        if isinstance(read, Named) and isinstance(written, Named):
            if isinstance(read, Fixed) and isinstance(written, Fixed) and read.size != written.size:
                return False
            return short_name(read.name) == short_name(written.name) or written.name in read.aliases
        return True


def _default(one: Field) -> str:
    return repr(one.default) if one.has_default else "none"
