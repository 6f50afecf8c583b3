"""The types of Avro, as values. Reading them belongs in `document`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PRIMITIVES = frozenset(("null", "boolean", "int", "long", "float", "double", "bytes", "string"))


@dataclass(frozen=True)
class Primitive:
    """A primitive type, perhaps with a logical type, such as `decimal(12,2)`."""

    name: str
    logical: str | None = None


@dataclass(frozen=True)
class Array:
    """A list."""

    items: "Type"


@dataclass(frozen=True)
class Map:
    """A mapping from texts."""

    values: "Type"


@dataclass(frozen=True)
class Union:
    """One of several types."""

    branches: tuple["Type", ...]


@dataclass(frozen=True)
class Reference:
    """A named type, by its full name."""

    name: str


@dataclass(frozen=True)
class Fixed:
    """A number of bytes; the aliases are full names."""

    name: str
    aliases: tuple[str, ...]
    size: int
    logical: str | None = None


@dataclass(frozen=True)
class Enum:
    """One of several symbols; the default is what a reader takes for a symbol that it does not know."""

    name: str
    aliases: tuple[str, ...]
    symbols: tuple[str, ...]
    default: str | None


@dataclass(frozen=True)
class Field:
    """A field of a record."""

    name: str
    type: "Type"
    aliases: tuple[str, ...]
    has_default: bool
    default: Any


@dataclass(frozen=True)
class Record:
    """Fields in order."""

    name: str
    aliases: tuple[str, ...]
    fields: tuple[Field, ...]


Type = Primitive | Array | Map | Union | Reference
Named = Record | Enum | Fixed
Known = Primitive | Array | Map | Union | Record | Enum | Fixed


@dataclass(frozen=True)
class Schema:
    """A type, and the named types it is made of, by full name."""

    root: Type
    named: Mapping[str, Named]

    def known(self, kind: Type) -> Known:
        """The type itself, where a reference stands for it."""
        return self.named[kind.name] if isinstance(kind, Reference) else kind


def branch_name(kind: Type) -> str:
    """What tells the types of a union apart: the name of a named type, the kind of any other."""
    match kind:
        case Primitive(name) | Reference(name):
            return name
        case _:
            return type(kind).__name__.lower()


def short_name(name: str) -> str:
    """A name without its namespace."""
    return name.rpartition(".")[2]


def shown(kind: Type | Known) -> str:
    """A type as people write it: `array of string`, `decimal(12,2)`, `Customer`."""
    match kind:
        case Primitive(name, logical):
            return f"{logical} ({name})" if logical else name
        case Array(items):
            return f"array of {shown(items)}"
        case Map(values):
            return f"map of {shown(values)}"
        case Union(branches):
            return " or ".join(shown(branch) for branch in branches)
        case Reference(name) | Record(name) | Enum(name):
            return short_name(name)
        case Fixed(name, _, size, logical):
            return f"{logical or 'fixed'} {short_name(name)} of {size} bytes"
