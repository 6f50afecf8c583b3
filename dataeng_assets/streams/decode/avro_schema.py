"""From the text of an Avro schema to what reading a record with it takes. Reading belongs in `avro_record`.

A schema that could cost a reader without bound is refused: one that holds itself, one that grows into very many types
when its names are followed, and a list of items without bytes.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import fastavro.schema
from fastavro.schema import SchemaParseException, UnknownType

MAX_DEPTH = 100
MAX_TYPES = 10_000
_PRIMITIVES = frozenset(("null", "boolean", "int", "long", "float", "double", "bytes", "string"))
_MOMENTS = {"timestamp-millis": "millis", "timestamp-micros": "micros", "timestamp-nanos": "nanos"}
_EMPTY = ("null",)


class SchemaUnusable(Exception):
    """The schema is none, or no reader could use it safely."""


@dataclass(frozen=True)
class Node:
    """One type of a schema.

    Attributes:
        kind: Avro's name of it.
        means: the kind of value that it gives, as in `values.Value`; empty for a union.
        size: of a fixed, in bytes.
        scale: of a decimal.
        precision: of a decimal.
        symbols: of an enum.
        parts: branches of a union, the items of an array, the values of a map.
        fields: of a record.
    """

    kind: str
    means: str = ""
    size: int = 0
    precision: int = 0
    scale: int = 0
    symbols: tuple[str, ...] = ()
    parts: "tuple[Node, ...]" = ()
    fields: "tuple[Field, ...]" = ()

    @property
    def is_empty(self) -> bool:
        """Whether a value of it may take no byte at all."""
        if self.kind == "record":
            return all(field.node.is_empty for field in self.fields)
        return self.kind in _EMPTY or (self.kind == "fixed" and not self.size)


@dataclass(frozen=True)
class Field:
    """A field of a record.

    Attributes:
        aliases: names that it had before.
        default: what a reader takes where the writer has no such field; meaningful with `has_default`.
    """

    name: str
    node: Node
    aliases: tuple[str, ...] = ()
    default: Any = None
    has_default: bool = False


def read_avro_schema(text: str, references: Iterable[str] = ()) -> Node:
    """The type of a whole record.

    Args:
        text: the schema.
        references: the texts of schemas whose names it uses, each after those that it uses itself.

    Raises:
        SchemaUnusable: it is no Avro schema, or could cost a reader without bound.
    """
    named: dict[str, Any] = {}
    try:
        for reference in references:
            fastavro.schema.parse_schema(json.loads(reference), named_schemas=named)
        parsed = fastavro.schema.parse_schema(json.loads(text), named_schemas=named)
    except (
        SchemaParseException,
        UnknownType,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
    ) as error:
        raise SchemaUnusable(f"it is no Avro schema ({type(error).__name__})") from None
    return _Reading(named).node(parsed, ())


def record_around(column: str, node: Node) -> Node:
    """A record with one field of a type; its bytes are those of the field."""
    return Node("record", "json", fields=(Field(column, node),))


class _Reading:
    """Follows the names of one schema."""

    def __init__(self, named: Mapping[str, Any]) -> None:
        self._named = named
        self._types = 0

    def node(self, schema: Any, above: tuple[str, ...]) -> Node:
        """The type that a part of the schema says.

        Args:
            schema: the part.
            above: names of the records around it, empty for what has none.
        """
        self._types += 1
        if len(above) > MAX_DEPTH or self._types > MAX_TYPES:
            raise SchemaUnusable(f"it is nested deeper than {MAX_DEPTH} levels, or has more than {MAX_TYPES} types")
        if isinstance(schema, list):
            return Node("union", parts=tuple(self.node(branch, (*above, "")) for branch in schema))
        said: Mapping[str, Any] = schema if isinstance(schema, dict) else {"type": schema}
        kind = said["type"]
        if isinstance(kind, dict | list):
            return self.node(kind, (*above, ""))
        if kind in _PRIMITIVES or kind == "fixed":
            return _plain(kind, said)
        match kind:
            case "enum":
                return Node("enum", "text", symbols=tuple(said["symbols"]))
            case "array" | "map":
                item = self.node(said["items" if kind == "array" else "values"], (*above, ""))
                if kind == "array" and item.is_empty:
                    raise SchemaUnusable("it has a list whose items take no bytes")
                return Node(kind, "json", parts=(item,))
            case "record" | "error":
                return self._record(said, above)
        if kind not in self._named:
            raise SchemaUnusable(f"it names {kind}, which is not there")
        return self.node(self._named[kind], (*above, ""))

    def _record(self, said: Mapping[str, Any], above: tuple[str, ...]) -> Node:
        name = str(said["name"])
        if name in above:
            raise SchemaUnusable(f"{name} holds itself")
        fields = tuple(
            Field(
                field["name"],
                self.node(field["type"], (*above, name)),
                tuple(field.get("aliases", ())),
                field.get("default"),
                "default" in field,
            )
            for field in said["fields"]
        )
        return Node("record", "json", fields=fields)


def _plain(kind: str, said: Mapping[str, Any]) -> Node:
    logical, size = said.get("logicalType"), int(said.get("size", 0))
    usual = {"int": "integer", "long": "integer", "float": "float", "double": "float", "string": "text"}
    means = usual.get(kind, "bytes" if kind == "fixed" else kind)
    precision, scale = said.get("precision", 0), said.get("scale", 0)
    if logical == "decimal" and kind in ("bytes", "fixed") and isinstance(precision, int) and isinstance(scale, int):
        if 0 <= scale <= precision and precision > 0:
            return Node(kind, "decimal", size, precision, scale)
    elif logical == "uuid" and (kind == "string" or (kind == "fixed" and size == 16)):
        means = "uuid" if kind == "fixed" else "text"
    elif logical == "date" and kind == "int":
        means = "days"
    elif kind == "long" and logical in _MOMENTS:
        means = _MOMENTS[logical]
    elif kind == "long" and isinstance(logical, str) and logical.startswith("local-timestamp-"):
        means = "local"
    return Node(kind, means, size)
