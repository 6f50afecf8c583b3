"""The type table: how a value travels from the source into the staged file without changing.

A type that is not in the table, or a value that its type cannot carry exactly, is refused by the column's name.
"""

import re

import pyarrow as pa

from .errors import Refused

_UTC = pa.timestamp("us", tz="UTC")
_EXACT: dict[str, pa.DataType] = {
    "smallint": pa.int16(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "oid": pa.int64(),
    "real": pa.float32(),
    "double precision": pa.float64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp with time zone": _UTC,
    "timestamp": _UTC,
    "timestamp without time zone": pa.timestamp("us"),
    "bytea": pa.binary(),
    "bytes": pa.binary(),
}
# their text is exact, and is what people compare
_AS_TEXT = frozenset(
    (
        "text", "citext", "name", '"char"', "uuid", "json", "jsonb", "xml", "interval", "inet", "cidr", "macaddr",
        "macaddr8", "character varying", "character", "bit", "bit varying", "time without time zone",
        "time with time zone", "string",
    )
)  # fmt: skip
_DECIMAL = re.compile(r"(?:numeric|decimal)\((\d+),\s*(\d+)\)")


def arrow_type(column: str, kind: str, *, is_enum: bool = False) -> pa.DataType:
    """The type in which a column is staged; a list is staged as its JSON text.

    Args:
        column: its name, for the message.
        kind: its type as `extraction.yaml` says it.
        is_enum: whether its labels are known, so that it is text.

    Raises:
        Refused: the type is not in the table.
    """
    if is_enum or kind.endswith("[]") or re.sub(r"\(.*\)", "", kind).strip() in _AS_TEXT:
        return pa.string()
    if decimal := _DECIMAL.fullmatch(kind):
        precision, scale = int(decimal[1]), int(decimal[2])
        if precision > 38 or scale > precision:
            raise Refused(f"Column {column} is {kind}: a decimal of at most 38 digits is carried. Extract a view.")
        return pa.decimal128(precision, scale)
    if kind not in _EXACT:
        raise Refused(
            f"Column {column} is {kind}, which is not in the type table. Nothing was written. "
            "Extract a view in which it is cast to a type that is: "
            f"{', '.join(sorted({*_EXACT, *_AS_TEXT, 'numeric(p,s)'}))}."
        )
    return _EXACT[kind]
