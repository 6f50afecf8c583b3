"""The name of each type in each destination. Which types there are belongs in `contracts.types`."""

import re
from collections.abc import Mapping

from dataeng_assets.contracts.types import ColumnType
from dataeng_assets.generate.request import Destination

_TEXT = {
    "duckdb": "VARCHAR", "postgres": "text", "snowflake": "VARCHAR", "bigquery": "STRING",
    "redshift": "VARCHAR(65535)", "databricks": "STRING",
}  # fmt: skip
_NAMES: Mapping[str, Mapping[str, str]] = {
    "duckdb": {"int16": "SMALLINT", "int32": "INTEGER", "int64": "BIGINT", "float": "FLOAT", "double": "DOUBLE",
               "bool": "BOOLEAN", "date32[day]": "DATE", "binary": "BLOB"},
    "postgres": {"int16": "smallint", "int32": "integer", "int64": "bigint", "float": "real",
                 "double": "double precision", "bool": "boolean", "date32[day]": "date", "binary": "bytea"},
    "snowflake": {"int16": "SMALLINT", "int32": "INTEGER", "int64": "BIGINT", "float": "FLOAT", "double": "FLOAT",
                  "bool": "BOOLEAN", "date32[day]": "DATE", "binary": "BINARY"},
    "bigquery": {"int16": "INT64", "int32": "INT64", "int64": "INT64", "float": "FLOAT64", "double": "FLOAT64",
                 "bool": "BOOL", "date32[day]": "DATE", "binary": "BYTES"},
    # its COPY takes a column of a Parquet file into a column of the same width only
    "redshift": {"int16": "SMALLINT", "int32": "INTEGER", "int64": "BIGINT", "float": "REAL",
                 "double": "DOUBLE PRECISION", "bool": "BOOLEAN", "date32[day]": "DATE", "binary": "VARBYTE"},
    "databricks": {"int16": "SMALLINT", "int32": "INT", "int64": "BIGINT", "float": "FLOAT", "double": "DOUBLE",
                   "bool": "BOOLEAN", "date32[day]": "DATE", "binary": "BINARY"},
}  # fmt: skip
# with a time zone, and without
_TIMES = {
    "duckdb": ("TIMESTAMP WITH TIME ZONE", "TIMESTAMP"),
    "postgres": ("timestamp with time zone", "timestamp without time zone"),
    "snowflake": ("TIMESTAMP_TZ(6)", "TIMESTAMP_NTZ(6)"),
    "bigquery": ("TIMESTAMP", "DATETIME"),
    # its COPY reads no time with a zone from a Parquet file; what is stored is UTC
    "redshift": ("TIMESTAMP", "TIMESTAMP"),
    "databricks": ("TIMESTAMP", "TIMESTAMP_NTZ"),
}


def type_name(kind: ColumnType, destination: Destination) -> str:
    """The type that carries every value of a contract's type; a list is carried as its JSON text.

    BigQuery's NUMERIC holds 29 digits before the point and 9 after it, so what needs more becomes BIGNUMERIC.
    """
    system = destination.value
    if kind.family in ("text", "list"):
        return _TEXT[system]
    if kind.family == "decimal":
        return _decimal(kind, system)
    if kind.family == "timestamp":
        return _TIMES[system][0 if str(kind.arrow).endswith("tz=UTC]") else 1]
    return _NAMES[system][str(kind.arrow)]


def _decimal(kind: ColumnType, system: str) -> str:
    precision, scale = (int(number) for number in re.findall(r"\d+", kind.kind))
    if system == "snowflake":
        return f"NUMBER({precision}, {scale})"
    if system == "bigquery":
        name = "NUMERIC" if scale <= 9 and precision - scale <= 29 else "BIGNUMERIC"
        return f"{name}({precision}, {scale})"
    return f"DECIMAL({precision}, {scale})"
