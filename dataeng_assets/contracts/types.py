"""The type table: how a value travels from Postgres or a topic into Arrow, Delta and DuckDB without changing.

A type that is not in the table, or that cannot be carried exactly, is refused by `TypeRefused`. Which column has which
type belongs in the contract; reading the text that `copy_sql` prints belongs in `copied`.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

import pyarrow as pa

from dataeng_assets.contracts.checks.sql import literal, quoted
from dataeng_assets.contracts.errors import TypeRefused, did_you_mean

Family = Literal["integer", "decimal", "float", "boolean", "date", "timestamp", "text", "bytes", "list"]

# Text printed by COPY depends on these; with them it is exact and does not depend on the server's configuration.
COPY_SETTINGS = MappingProxyType(
    {
        "TimeZone": "UTC",
        "DateStyle": "ISO, YMD",
        "IntervalStyle": "iso_8601",
        "extra_float_digits": "3",
        "bytea_output": "hex",
    }
)


@dataclass(frozen=True)
class ColumnType:
    """How values of one type are printed, read, stored and hashed.

    Attributes:
        kind: the type's canonical name, as Postgres' `format_type` prints it or as an event contract names it.
        arrow: the type in Arrow and Delta.
        duckdb: the type in DuckDB.
        family: decides the expressions below.
        element: the type of a list's elements.
    """

    kind: str
    arrow: pa.DataType
    duckdb: str
    family: Family
    element: "ColumnType | None" = None

    def accepts(self, physical: str) -> bool:
        """Whether a source column of this Postgres type (as `format_type` prints it) is carried as the contract says.

        A text's longest length may differ: it changes nothing that is stored.
        """
        if physical == self.kind:
            return True
        try:
            return postgres_type(physical).kind == self.kind
        except TypeRefused:
            return False

    def copy_sql(self, identifier_sql: str) -> str:
        """A Postgres expression whose text in `COPY … (FORMAT csv)`, under `COPY_SETTINGS`, is exact.

        A list with several dimensions, or with a first index other than 1, is printed so that reading it fails.
        """
        if self.family == "bytes":
            return f"encode({identifier_sql}, 'hex')"
        if self.family == "list":
            return (
                f"case when array_ndims({identifier_sql}) > 1 or array_lower({identifier_sql}, 1) <> 1 "
                f"then {identifier_sql}::text else to_json({identifier_sql}::text[])::text end"
            )
        return identifier_sql

    @property
    def csv_arrow(self) -> pa.DataType:
        """The type in which pyarrow reads the text of `copy_sql`; it fails on what it cannot represent."""
        return pa.string() if self.family in ("bytes", "list") else self.arrow

    def load_sql(self, column_sql: str) -> str:
        """A DuckDB expression from a column of type `csv_arrow` to the final value."""
        if self.family == "bytes":
            return f"unhex({column_sql})"
        if self.element is None:
            return column_sql
        items = f"""from_json({column_sql}, '["VARCHAR"]')"""
        if self.element.family == "text":
            return items
        return f"list_transform({items}, lambda item: {self.element._parse_sql('item')})"

    def canonical_sql(self, column_sql: str) -> str:
        """A DuckDB expression for the value's canonical text, NULL for NULL. Stored hashes depend on it: it is final.

        Integers and decimals in plain digits (decimals with the contract's scale), floats as `%.17g`, booleans t and f,
        dates as days and timestamps as microseconds since 1970 UTC, bytes in hex, lists by element with lengths.
        """
        if self.element is not None:
            item = _prefixed(self.element.canonical_sql("item"))
            return f"array_to_string(list_transform({column_sql}, lambda item: coalesce({item}, 'N')), '')"
        return _CANONICAL[self.family](column_sql)

    def _parse_sql(self, text_sql: str) -> str:
        """From the text of one list element to its value; an infinite date or time is an error."""
        if self.family == "bytes":
            return f"unhex(substr({text_sql}, 3))"
        value = f"cast({text_sql} as {self.duckdb})"
        if self.family in ("date", "timestamp"):
            refused = f"error('an infinite {self.kind} inside a list cannot be carried')"
            return f"case when isfinite({value}) then {value} when {text_sql} is not null then {refused} end"
        return value


_CANONICAL: dict[Family, Callable[[str], str]] = {
    "integer": lambda c: f"cast({c} as varchar)",
    "decimal": lambda c: f"cast({c} as varchar)",
    "float": lambda c: f"printf('%.17g', cast({c} as double))",
    "boolean": lambda c: f"case {c} when true then 't' when false then 'f' end",
    "date": lambda c: f"cast(date_diff('day', date '1970-01-01', {c}) as varchar)",
    "timestamp": lambda c: f"cast(epoch_us({c}) as varchar)",
    "text": lambda c: c,
    "bytes": lambda c: f"hex({c})",
}

_UTC = pa.timestamp("us", tz="UTC")
_SCALARS: dict[str, tuple[Family, pa.DataType, str]] = {
    "smallint": ("integer", pa.int16(), "SMALLINT"),
    "integer": ("integer", pa.int32(), "INTEGER"),
    "bigint": ("integer", pa.int64(), "BIGINT"),
    "oid": ("integer", pa.int64(), "BIGINT"),
    "real": ("float", pa.float32(), "FLOAT"),
    "double precision": ("float", pa.float64(), "DOUBLE"),
    "boolean": ("boolean", pa.bool_(), "BOOLEAN"),
    "date": ("date", pa.date32(), "DATE"),
    "timestamp with time zone": ("timestamp", _UTC, "TIMESTAMP WITH TIME ZONE"),
    "timestamp without time zone": ("timestamp", pa.timestamp("us"), "TIMESTAMP"),
    "bytea": ("bytes", pa.binary(), "BLOB"),
}
# The text of these is exact and is what people compare: 24:00:00, an offset, jsonb's 1.10, char's padding all survive.
_AS_TEXT = frozenset(
    (
        "text", "citext", "name", '"char"', "uuid", "json", "jsonb", "xml", "interval", "inet", "cidr", "macaddr",
        "macaddr8", "character varying", "character", "bit", "bit varying", "time without time zone",
        "time with time zone",
    )
)  # fmt: skip
_ALIASES = {
    "int2": "smallint", "int4": "integer", "int": "integer", "int8": "bigint", "float4": "real",
    "float8": "double precision", "bool": "boolean", "varchar": "character varying", "char": "character",
    "bpchar": "character", "varbit": "bit varying", "decimal": "numeric", "timestamptz": "timestamp with time zone",
    "timestamp": "timestamp without time zone", "timetz": "time with time zone", "time": "time without time zone",
}  # fmt: skip
_EVENT_TYPES: dict[str, tuple[Family, pa.DataType, str]] = {
    "string": ("text", pa.string(), "VARCHAR"),
    "uuid": ("text", pa.string(), "VARCHAR"),
    "json": ("text", pa.string(), "VARCHAR"),
    "bigint": _SCALARS["bigint"],
    "double": _SCALARS["double precision"],
    "boolean": _SCALARS["boolean"],
    "timestamp": _SCALARS["timestamp with time zone"],
    "date": _SCALARS["date"],
    "bytes": _SCALARS["bytea"],
}
_EVENT_DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")
_LOGICAL: Mapping[Family, str] = {
    "integer": "integer",
    "float": "number",
    "decimal": "number",
    "boolean": "boolean",
    "date": "date",
    "timestamp": "timestamp",
    "list": "array",
}
_LOGICAL_TEXT = {
    "json": "object",
    "jsonb": "object",
    "time without time zone": "time",
    "time with time zone": "time",
}
_REFUSALS = {
    "money": "its text depends on the server's lc_monetary; cast it to numeric(p,s) in a view and extract the view",
    "numeric": "it has no precision, so no decimal type holds every value; declare numeric(p,s) with p up to 38",
}
_MODIFIED = re.compile(r"([a-z ]+?|\"char\")\s*\((\d+)(?:\s*,\s*(-?\d+))?\)\s*([a-z ]*)")


def postgres_type(physical: str, values: Sequence[str] = ()) -> ColumnType:
    """The type that carries a Postgres type.

    Args:
        physical: as `format_type` prints it, or the usual short name (`int8`, `timestamptz`, `varchar(20)`).
        values: the labels, if it is an enum.

    Raises:
        TypeRefused: it is not in the table, or has values that could not be carried exactly.
    """
    name = physical.strip()
    if name.endswith("[]"):
        element = postgres_type(name.removesuffix("[]"), values)
        if element.element is not None:
            raise TypeRefused(physical, "a list of lists is not carried; Postgres prints every array as type[]")
        return ColumnType(f"{element.kind}[]", pa.list_(element.arrow), f"{element.duckdb}[]", "list", element)
    if values:
        return ColumnType(name, pa.string(), "VARCHAR", "text")
    return _scalar(physical, " ".join(name.lower().split()))


def postgres_type_names() -> tuple[str, ...]:
    """Every Postgres type that is carried, as `format_type` prints it; decimals stand as `numeric(p,s)`."""
    return tuple(sorted({*_SCALARS, *_AS_TEXT, "numeric(p,s)"}))


def event_type_names() -> tuple[str, ...]:
    """Every type that a field of an event may have."""
    return tuple(sorted({*_EVENT_TYPES, "decimal(p,s)"}))


def logical_type(kind: ColumnType) -> str:
    """The usual logical type of a type, in the words of ODCS."""
    return _LOGICAL_TEXT.get(kind.kind) or _LOGICAL.get(kind.family, "string")


def refused_types() -> Mapping[str, str]:
    """Types that people ask for and that are not carried, with the reason."""
    return MappingProxyType(_REFUSALS)


def event_type(physical: str) -> ColumnType:
    """The type that carries a field of an event.

    Raises:
        TypeRefused: it is none of the types of events; names them.
    """
    found = _EVENT_TYPES.get(physical)
    if decimal := _EVENT_DECIMAL.fullmatch(physical):
        return replace(_decimal(physical, int(decimal[1]), int(decimal[2])), kind=physical)
    if found is None:
        names = list(event_type_names())
        raise TypeRefused(physical, f"an event's field is one of {', '.join(names)}{did_you_mean(physical, names)}")
    family, arrow, duckdb = found
    return ColumnType(physical, arrow, duckdb, family)


def row_hash_sql(columns: Iterable[tuple[str, ColumnType]]) -> str:
    """A DuckDB expression of type BIGINT over the columns' canonical texts; equal for equal rows and never NULL.

    It is MD5's lower half over the non-NULL columns in the order of their names, each as name and value with its
    length before it. So NULL differs from an empty text, no two rows share a text, and neither another order of the
    columns nor a new column that is still NULL changes the hash of a stored row.

    Args:
        columns: name, which must also be the column's name in the frame, and type of each column.
    """
    parts = [
        f"coalesce({literal(f'{len(name.encode())}:{name}')} || {_prefixed(kind.canonical_sql(quoted(name)))}, '')"
        for name, kind in sorted(columns, key=lambda column: column[0])
    ]
    text = f"concat({', '.join(parts)})" if parts else "''"
    return f"cast(cast(md5_number_lower({text}) as hugeint) - 9223372036854775808 as bigint)"


def _scalar(physical: str, name: str) -> ColumnType:
    modified = _MODIFIED.fullmatch(name)
    if modified:
        base, precision, scale, rest = modified.groups()
        base = " ".join(part for part in (_ALIASES.get(base, base) if not rest else base, rest) if part)
        if base in ("numeric", "decimal"):
            return _decimal(physical, int(precision), int(scale or 0))
        name = base
    name = _ALIASES.get(name, name)
    if name in _AS_TEXT:
        return ColumnType(name, pa.string(), "VARCHAR", "text")
    if name in _SCALARS:
        family, arrow, duckdb = _SCALARS[name]
        return ColumnType(name, arrow, duckdb, family)
    raise TypeRefused(physical, _REFUSALS.get(name) or _unknown(name))


def _decimal(physical: str, precision: int, scale: int) -> ColumnType:
    if precision > 38:
        raise TypeRefused(physical, "no decimal type holds more than 38 digits; extract it as text through a view")
    if not 0 <= scale <= precision:
        raise TypeRefused(
            physical, f"the scale {scale} lies outside 0 to {precision}, which Delta cannot store; use a view"
        )
    kind = f"numeric({precision},{scale})"
    return ColumnType(kind, pa.decimal128(precision, scale), f"DECIMAL({precision},{scale})", "decimal")


def _unknown(name: str) -> str:
    names = sorted({*postgres_type_names(), *_ALIASES})
    return (
        "not in the type table. An enum needs its labels in the contract (`enum`); anything else can be cast to one of "
        f"{', '.join(postgres_type_names())} in a view{did_you_mean(name, names)}"
    )


def _prefixed(text_sql: str) -> str:
    return f"(strlen({text_sql}) || ':' || {text_sql})"
