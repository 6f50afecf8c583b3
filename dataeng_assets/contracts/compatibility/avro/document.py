"""From the JSON of an Avro schema (specification 1.12) to values, with every name resolved.

What is no valid schema is refused here with its place: readers disagree about what it means. Comparing belongs in
`compare`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dataeng_assets.contracts.compatibility.avro.defaults import fits
from dataeng_assets.contracts.compatibility.avro.types import (
    PRIMITIVES,
    Array,
    Enum,
    Field,
    Fixed,
    Map,
    Named,
    Primitive,
    Record,
    Reference,
    Schema,
    Type,
    Union,
    branch_name,
    shown,
)
from dataeng_assets.contracts.errors import ContractError, did_you_mean

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LOGICAL = {
    "date": {"int"},
    "time-millis": {"int"},
    "time-micros": {"long"},
    **{f"{zone}timestamp-{unit}": {"long"} for zone in ("", "local-") for unit in ("millis", "micros", "nanos")},
    "uuid": {"string", "fixed"},
    "duration": {"fixed"},
    "decimal": {"bytes", "fixed"},
}
_SIZES = {"uuid": 16, "duration": 12}


def read_schema(data: Any, path: Path) -> Schema:
    """The schema that a JSON value describes.

    Args:
        data: the JSON, as Python has it.
        path: the file, for messages.

    Raises:
        ContractError: it is no valid Avro schema; names the place, what was found, and what is allowed.
    """
    reader = _Reader(path)
    root = reader.type(data, "", "")
    for place, kind, default in reader.defaults:
        if not fits(kind, default, reader.named):
            raise ContractError(
                path, place.removeprefix("."), f"the default {default!r}", f"a default of the type {shown(kind)}"
            )
    return Schema(root, reader.named)


@dataclass
class _Reader:
    path: Path
    named: dict[str, Named] = field(default_factory=dict)
    defaults: list[tuple[str, Type, Any]] = field(default_factory=list)

    def type(self, data: Any, namespace: str, place: str) -> Type:
        """Any schema: a name, a union, or an object."""
        if isinstance(data, str):
            return self._by_name(data, namespace, place)
        if isinstance(data, list):
            return self._union(data, namespace, place)
        if not isinstance(data, dict):
            raise self._error(place, data, "a type's name, a list of types, or an object with a type")
        kind = data.get("type")
        read: dict[str, Callable[[Mapping[str, Any], str, str], Type]] = {
            "record": self._record,
            "error": self._record,
            "enum": self._enum,
            "fixed": self._fixed,
            "array": lambda data, space, at: Array(self.type(data.get("items"), space, f"{at}.items")),
            "map": lambda data, space, at: Map(self.type(data.get("values"), space, f"{at}.values")),
        }
        if isinstance(kind, str) and kind in read:
            return read[kind](data, namespace, place)
        if isinstance(kind, str) and kind in PRIMITIVES:
            return Primitive(kind, self._logical(data, kind))
        return self.type(kind, namespace, f"{place}.type")

    def _by_name(self, name: str, namespace: str, place: str) -> Type:
        if name in PRIMITIVES:
            return Primitive(name)
        full = _full(name, namespace)
        if full not in self.named:
            known = sorted({*PRIMITIVES, *self.named})
            allowed = "a primitive type, or a type defined above it in this file; files import nothing"
            raise self._error(place, name, f"{allowed}{did_you_mean(full, known)}")
        return Reference(full)

    def _union(self, data: list[Any], namespace: str, place: str) -> Union:
        branches = tuple(self.type(one, namespace, f"{place}[{i}]") for i, one in enumerate(data))
        names = [branch_name(branch) for branch in branches]
        if any(isinstance(branch, Union) for branch in branches):
            raise self._error(place, "a union in a union", "one list of types")
        if len(set(names)) < len(names) or not names:
            raise self._error(place, f"the union of {', '.join(names) or 'nothing'}", "each type once, at least one")
        return Union(branches)

    def _record(self, data: Mapping[str, Any], namespace: str, place: str) -> Reference:
        name, aliases = self._name(data, namespace, place)
        fields = data.get("fields")
        if not isinstance(fields, list):
            raise self._error(f"{place}.fields", fields, "a list of fields")
        space = name.rpartition(".")[0]
        # known before its fields are read: a record may hold itself
        self.named[name] = Record(name, aliases, ())
        read: dict[str, Field] = {}
        for position, one in enumerate(fields):
            at = f"{place}.fields[{position}]"
            found = self._field(one, space, at)
            if found.name in read:
                raise self._error(f"{at}.name", found.name, "each field once")
            read[found.name] = found
        self.named[name] = Record(name, aliases, tuple(read.values()))
        return Reference(name)

    def _field(self, data: Any, namespace: str, place: str) -> Field:
        if not isinstance(data, dict):
            raise self._error(place, data, "an object with name and type")
        name = self._simple_name(data.get("name"), f"{place}.name")
        kind = self.type(data.get("type"), namespace, f"{place}.type")
        if "default" in data:
            self.defaults.append((f"{place}.default", kind, data["default"]))
        return Field(name, kind, self._aliases(data, place), "default" in data, data.get("default"))

    def _enum(self, data: Mapping[str, Any], namespace: str, place: str) -> Reference:
        name, aliases = self._name(data, namespace, place)
        symbols = data.get("symbols")
        if not isinstance(symbols, list) or not symbols:
            raise self._error(f"{place}.symbols", symbols, "a list of symbols")
        for position, symbol in enumerate(symbols):
            self._simple_name(symbol, f"{place}.symbols[{position}]")
        if len(set(symbols)) < len(symbols):
            raise self._error(f"{place}.symbols", ", ".join(symbols), "each symbol once")
        default = data.get("default")
        if default is not None and default not in symbols:
            raise self._error(f"{place}.default", default, f"one of the symbols {', '.join(symbols)}")
        self.named[name] = Enum(name, aliases, tuple(symbols), default)
        return Reference(name)

    def _fixed(self, data: Mapping[str, Any], namespace: str, place: str) -> Reference:
        name, aliases = self._name(data, namespace, place)
        size = data.get("size")
        if not isinstance(size, int) or isinstance(size, bool) or size < 0:
            raise self._error(f"{place}.size", size, "a whole number of bytes")
        self.named[name] = Fixed(name, aliases, size, self._logical(data, "fixed"))
        return Reference(name)

    def _name(self, data: Mapping[str, Any], namespace: str, place: str) -> tuple[str, tuple[str, ...]]:
        given, space = data.get("name"), data.get("namespace", namespace)
        if not isinstance(given, str) or not isinstance(space, str):
            raise self._error(f"{place}.name", given if isinstance(space, str) else space, "a name")
        full = _full(given, space)
        for part in full.split("."):
            self._simple_name(part, f"{place}.name")
        if full in self.named:
            raise self._error(f"{place}.name", full, "a name that is defined once")
        if full in PRIMITIVES:
            raise self._error(f"{place}.name", full, "a name that is no primitive type's")
        inside = full.rpartition(".")[0]
        return full, tuple(_full(alias, inside) for alias in self._aliases(data, place))

    def _aliases(self, data: Mapping[str, Any], place: str) -> tuple[str, ...]:
        aliases = data.get("aliases", [])
        if not isinstance(aliases, list) or not all(isinstance(alias, str) for alias in aliases):
            raise self._error(f"{place}.aliases", aliases, "a list of names")
        return tuple(aliases)

    def _simple_name(self, name: Any, place: str) -> str:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise self._error(place, name, "a name of letters, digits and underscores that begins with no digit")
        return name

    @staticmethod
    def _logical(data: Mapping[str, Any], kind: str) -> str | None:
        """What the logical type says; an unknown or invalid one is ignored, as the specification demands."""
        logical = data.get("logicalType")
        if not isinstance(logical, str) or kind not in _LOGICAL.get(logical, ()):
            return None
        if kind == "fixed" and logical in _SIZES and data.get("size") != _SIZES[logical]:
            return None
        if logical != "decimal":
            return logical
        precision, scale = data.get("precision"), data.get("scale", 0)
        if type(precision) is not int or type(scale) is not int or not 0 <= scale <= precision or not precision:
            return None
        return f"decimal({precision},{scale})"

    def _error(self, place: str, found: Any, allowed: str) -> ContractError:
        shown = "nothing" if found is None else found if isinstance(found, str) else repr(found)
        return ContractError(self.path, place.removeprefix("."), shown, allowed)


def _full(name: str, namespace: str) -> str:
    return name if "." in name or not namespace else f"{namespace}.{name}"
