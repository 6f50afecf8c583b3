"""How the types of Avro arrive: in Arrow where there is a type for their values, as JSON text where there is none.

Values are read in Avro's own terms (a date is a number of days) and turned into Arrow whole columns at a time, so that
none passes through a type of Python that holds less. Reading a file belongs in `avro`.
"""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Any
from uuid import UUID

import pyarrow as pa

from dataeng_assets.quality.inputs.opened import Held
from dataeng_assets.quality.inputs.typed import MOST_DIGITS

Schema = Any
"""A schema of Avro: a name, a list that is a union, or an object."""
Column = Any
"""An array of Arrow."""

_PLAIN = {
    "null": pa.null(),
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "bytes": pa.binary(),
    "string": pa.string(),
    "fixed": pa.binary(),
    "enum": pa.string(),
}
_LOGICAL = {
    ("int", "date"): pa.date32(),
    ("int", "time-millis"): pa.time32("ms"),
    ("long", "time-micros"): pa.time64("us"),
    ("long", "timestamp-millis"): pa.timestamp("ms", tz="UTC"),
    ("long", "timestamp-micros"): pa.timestamp("us", tz="UTC"),
    ("long", "timestamp-nanos"): pa.timestamp("ns", tz="UTC"),
    ("long", "local-timestamp-millis"): pa.timestamp("ms"),
    ("long", "local-timestamp-micros"): pa.timestamp("us"),
    ("long", "local-timestamp-nanos"): pa.timestamp("ns"),
}
_JSON = pa.json_(pa.string())
_EXACT = Context(prec=10_000)


@dataclass(frozen=True)
class AvroColumn:
    """A field of the records.

    Attributes:
        field: as it is delivered.
        held: what its type says of its values.
        native: its type in Avro's words.
        build: from values as Avro holds them to Arrow.
    """

    field: "pa.Field[Any]"
    held: Held
    native: str
    build: Callable[[Sequence[Any]], Column]


def avro_column(name: str, schema: Schema, named: Mapping[str, Schema]) -> AvroColumn:
    """How a field arrives.

    Args:
        name: of the field.
        schema: of its values.
        named: the types that have a name, by it.
    """
    nullable, inner = _without_null(schema)
    if isinstance(inner, str):
        inner = named.get(inner, inner)
    kind, logical = _kind(inner), inner.get("logicalType", "") if isinstance(inner, dict) else ""
    native = logical or kind
    if logical == "decimal" and kind in ("bytes", "fixed") and "precision" in inner:
        return _decimal(name, inner, nullable)
    if kind == "fixed" and logical == "uuid":
        return AvroColumn(pa.field(name, pa.string(), nullable), Held.TYPED, "uuid", _uuids)
    arrow = _LOGICAL.get((kind, logical)) or _PLAIN.get(kind)
    if arrow is None:
        return AvroColumn(pa.field(name, _JSON, nullable), Held.JSON, kind, _json)
    storage: Any = pa.int32() if kind == "int" else pa.int64() if kind == "long" else arrow

    def build(values: Sequence[Any]) -> Column:
        return pa.array(values, storage).view(arrow)

    return AvroColumn(pa.field(name, arrow, nullable or kind == "null"), Held.TYPED, native, build)


def stored(schema: Schema) -> Schema:
    """The schema without logical types, so that values are read as they are stored."""
    if isinstance(schema, dict):
        return {key: stored(part) for key, part in schema.items() if key != "logicalType"}
    return [stored(part) for part in schema] if isinstance(schema, list) else schema


def _without_null(schema: Schema) -> tuple[bool, Schema]:
    """Whether null is one of the schema's branches, and the other branch if there is only one."""
    if not isinstance(schema, list):
        return False, schema
    others = [branch for branch in schema if branch != "null"]
    nullable = len(others) < len(schema)
    return nullable, others[0] if len(others) == 1 else others or "null"


def _kind(schema: Schema) -> str:
    if isinstance(schema, list):
        return "union"
    kind = schema["type"] if isinstance(schema, dict) else schema
    return _kind(kind) if isinstance(kind, dict | list) else str(kind)


def _decimal(name: str, schema: Schema, nullable: bool) -> AvroColumn:
    precision, scale = int(schema["precision"]), int(schema.get("scale", 0))
    native = f"decimal({precision},{scale})"

    def exact(value: bytes | None) -> Decimal | None:
        return None if value is None else Decimal(int.from_bytes(value, "big", signed=True)).scaleb(-scale, _EXACT)

    if precision > MOST_DIGITS or scale > precision:
        return AvroColumn(
            pa.field(name, pa.string(), nullable),
            Held.TEXT,
            native,
            lambda values: pa.array([None if v is None else format(exact(v) or 0, "f") for v in values], pa.string()),
        )
    arrow = pa.decimal128(precision, scale)
    return AvroColumn(
        pa.field(name, arrow, nullable), Held.TYPED, native, lambda values: pa.array(map(exact, values), arrow)
    )


def _uuids(values: Sequence[bytes | None]) -> Column:
    return pa.array([None if value is None else str(UUID(bytes=value)) for value in values], pa.string())


def _json(values: Sequence[Any]) -> Column:
    texts = [None if v is None else json.dumps(_plain(v), ensure_ascii=False, separators=(",", ":")) for v in values]
    return pa.ExtensionArray.from_storage(_JSON, pa.array(texts, pa.string()))


def _plain(value: Any) -> Any:
    """A value as Avro's own JSON writes it: bytes as text of the same code points; no number is NaN."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, dict):
        return {name: _plain(part) for name, part in value.items()}
    return [_plain(part) for part in value] if isinstance(value, list) else value
