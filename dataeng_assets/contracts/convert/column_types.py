"""A column's type as one of a few kinds, whichever database named it, and how each dialect of SQL writes that kind."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from dataeng_assets.contracts.checks.rule import SuiteColumn

DIALECTS = ("postgres", "duckdb", "snowflake", "bigquery", "spark")
_SYNONYMS = {
    "tinyint": "int1 byteint int8_t byte",
    "smallint": "int2 smallserial short int16",
    "integer": "int int4 serial signed mediumint int32",
    "bigint": "int8 bigserial long int64",
    "hugeint": "int128",
    "decimal": "numeric number dec bignumeric bigdecimal",
    "real": "float4 float32",
    "double": "float8 float64 double_precision",
    "boolean": "bool logical",
    "date": "date32",
    "timestamp": "datetime timestamp_without_time_zone timestamp_ntz timestampntz timestamp_us",
    "timestamptz": "timestamp_with_time_zone timestamp_tz timestamp_ltz",
    "time": "time_without_time_zone",
    "timetz": "time_with_time_zone",
    "text": "varchar string char character bpchar character_varying nvarchar clob name citext",
    "bytes": "bytea blob binary varbinary",
    "uuid": "guid",
    "json": "jsonb variant",
    "interval": "",
}
_BY_NAME = {name: kind for kind, names in _SYNONYMS.items() for name in (kind, *names.split())}
_LOGICAL = {
    "string": "text", "integer": "bigint", "number": "number", "boolean": "boolean", "date": "date",
    "timestamp": "timestamptz", "time": "time", "object": "json", "array": "json",
}  # fmt: skip
_LOGICAL_OF = {
    "tinyint": "integer", "smallint": "integer", "integer": "integer", "bigint": "integer", "hugeint": "integer",
    "decimal": "number", "number": "number", "real": "number", "double": "number", "boolean": "boolean", "date": "date",
    "timestamp": "timestamp", "timestamptz": "timestamp", "time": "time", "timetz": "time", "json": "",
}  # fmt: skip
_PHYSICAL = re.compile(r"([a-z_][a-z0-9_ ]*?)\s*(?:\(([\d\s,]+)\))?((?: with(?:out)? time zone)?)\s*((?:\[\d*\])*)")
_NAMES: Mapping[str, tuple[str, str, str, str, str]] = MappingProxyType(
    {
        "tinyint": ("smallint", "tinyint", "smallint", "int64", "tinyint"),
        "smallint": ("smallint", "smallint", "smallint", "int64", "smallint"),
        "integer": ("integer", "integer", "integer", "int64", "int"),
        "bigint": ("bigint", "bigint", "bigint", "int64", "bigint"),
        "hugeint": ("numeric(38,0)", "hugeint", "number(38,0)", "bignumeric", "decimal(38,0)"),
        "decimal": ("numeric", "decimal", "number", "numeric", "decimal"),
        "number": ("numeric", "double", "double", "float64", "double"),
        "real": ("real", "real", "float", "float64", "float"),
        "double": ("double precision", "double", "double", "float64", "double"),
        "boolean": ("boolean", "boolean", "boolean", "bool", "boolean"),
        "date": ("date", "date", "date", "date", "date"),
        "timestamp": ("timestamp", "timestamp", "timestamp_ntz", "datetime", "timestamp_ntz"),
        "timestamptz": ("timestamptz", "timestamptz", "timestamp_tz", "timestamp", "timestamp"),
        "time": ("time", "time", "time", "time", "string"),
        "timetz": ("timetz", "timetz", "varchar", "string", "string"),
        "text": ("text", "varchar", "varchar", "string", "string"),
        "bytes": ("bytea", "blob", "binary", "bytes", "binary"),
        "uuid": ("uuid", "uuid", "varchar(36)", "string(36)", "string"),
        "json": ("jsonb", "json", "variant", "json", "string"),
        "interval": ("interval", "interval", "varchar", "interval", "string"),
    }
)


@dataclass(frozen=True)
class Kind:
    """What a column holds.

    Attributes:
        name: of the kind.
        precision: all digits of a decimal, None for any number of them.
        scale: those after the point.
        length: the longest text.
        lists: how many lists lie around it.
    """

    name: str
    precision: int | None = None
    scale: int = 0
    length: int | None = None
    lists: int = 0


def kind_of(column: SuiteColumn) -> Kind | None:
    """The kind of a column: by its exact type, else by its logical one; None when neither is known."""
    physical = _physical(column.physical.strip().lower()) if column.physical else None
    if physical:
        return physical
    return Kind(_LOGICAL[column.logical]) if column.logical in _LOGICAL else None


def logical_of(column: SuiteColumn) -> str:
    """The type of a column in the words of ODCS; empty when it is not known, or any value of JSON."""
    kind = kind_of(column)
    if column.logical or kind is None:
        return column.logical
    return "array" if kind.lists else _LOGICAL_OF.get(kind.name, "string")


def sql_type(kind: Kind, dialect: str) -> str:
    """The type in a dialect of SQL."""
    name = _NAMES[kind.name][DIALECTS.index(dialect)]
    if kind.name == "decimal" and kind.precision:
        if dialect == "bigquery" and (kind.precision - kind.scale > 29 or kind.scale > 9):
            name = "bignumeric"
        name = f"{name}({kind.precision},{kind.scale})"
    if kind.name == "text" and kind.length:
        name = f"{'string' if dialect == 'bigquery' else 'varchar'}({kind.length})"
    for _ in range(kind.lists):
        name = {"postgres": f"{name}[]", "duckdb": f"{name}[]", "snowflake": "array"}.get(dialect, f"array<{name}>")
    return name


def _physical(text: str) -> Kind | None:
    wrapped = re.fullmatch(r"array<(.*)>|(?:list|array)\((.*)\)", text)
    if wrapped:
        inner = _physical(wrapped[1] or wrapped[2])
        return Kind(inner.name, inner.precision, inner.scale, inner.length, inner.lists + 1) if inner else None
    found = _PHYSICAL.fullmatch(text)
    if not found:
        return None
    name = _BY_NAME.get((found[1] + found[3]).strip().replace(" ", "_"))
    numbers = [int(number) for number in (found[2] or "").split(",") if number.strip()]
    lists = found[4].count("[")
    if name is None:
        return Kind("double", lists=lists) if found[1] == "float" else None
    if name == "decimal" and numbers:
        return Kind(name, numbers[0], numbers[1] if len(numbers) > 1 else 0, lists=lists)
    return Kind(name, length=numbers[0] if name == "text" and numbers else None, lists=lists)
