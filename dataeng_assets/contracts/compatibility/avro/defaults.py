"""Whether a default is a value of its type. A default that is not fails only when somebody reads with it."""

from collections.abc import Mapping
from typing import Any

from dataeng_assets.contracts.compatibility.avro.types import (
    Array,
    Enum,
    Fixed,
    Map,
    Named,
    Primitive,
    Record,
    Reference,
    Type,
    Union,
)

_BITS = {"int": 31, "long": 63}


def fits(kind: Type, value: Any, named: Mapping[str, Named]) -> bool:
    """Whether a JSON value can be the default of a type.

    Args:
        kind: the type of the field; for a union any of its types will do, as since Avro 1.12.
        value: the default, as JSON has it; bytes are a text of code points up to 255.
        named: the types that references mean.
    """
    match kind:
        case Primitive(name):
            return _primitive(name, value)
        case Array(items):
            return isinstance(value, list) and all(fits(items, one, named) for one in value)
        case Map(values):
            return isinstance(value, dict) and all(fits(values, one, named) for one in value.values())
        case Union(branches):
            return any(fits(branch, value, named) for branch in branches)
        case Reference(name):
            return _named(named[name], value, named)


def _named(kind: Named, value: Any, named: Mapping[str, Named]) -> bool:
    match kind:
        case Enum(_, _, symbols):
            return value in symbols
        case Fixed(_, _, size):
            return _is_bytes(value) and len(value) == size
        case Record(_, _, fields):
            return isinstance(value, dict) and all(
                fits(one.type, value[one.name], named) if one.name in value else one.has_default for one in fields
            )


def _primitive(name: str, value: Any) -> bool:
    match name:
        case "null":
            return value is None
        case "boolean":
            return isinstance(value, bool)
        case "string":
            return isinstance(value, str)
        case "bytes":
            return _is_bytes(value)
        case "float" | "double":
            return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is int and -(2 ** _BITS[name]) <= value < 2 ** _BITS[name]


def _is_bytes(value: Any) -> bool:
    return isinstance(value, str) and all(ord(character) < 256 for character in value)
