"""The name of each type in each destination. Which types there are belongs in `contracts.types`."""

from collections.abc import Mapping

from dataeng_assets.contracts.types import ColumnType, Family
from dataeng_assets.generate.request import Destination

_TEXT = {
    "duckdb": "VARCHAR", "delta": "VARCHAR", "iceberg": "STRING", "postgres": "text", "snowflake": "VARCHAR",
    "bigquery": "STRING", "redshift": "VARCHAR(65535)", "databricks": "STRING",
}  # fmt: skip
_NAMES: Mapping[str, Mapping[Family, str]] = {
    "duckdb": {"float": "DOUBLE", "boolean": "BOOLEAN", "date": "DATE", "bytes": "BLOB"},
    "postgres": {"float": "double precision", "boolean": "boolean", "date": "date", "bytes": "bytea"},
    "snowflake": {"float": "FLOAT", "boolean": "BOOLEAN", "date": "DATE", "bytes": "BINARY"},
    "bigquery": {"float": "FLOAT64", "boolean": "BOOL", "date": "DATE", "bytes": "BYTES"},
    "redshift": {"float": "DOUBLE PRECISION", "boolean": "BOOLEAN", "date": "DATE", "bytes": "VARBYTE"},
    "databricks": {"float": "DOUBLE", "boolean": "BOOLEAN", "date": "DATE", "bytes": "BINARY"},
}
# with a time zone, and without
_TIMES = {
    "duckdb": ("TIMESTAMP WITH TIME ZONE", "TIMESTAMP"),
    "postgres": ("timestamp with time zone", "timestamp without time zone"),
    "snowflake": ("TIMESTAMP_TZ(6)", "TIMESTAMP_NTZ(6)"),
    "bigquery": ("TIMESTAMP", "DATETIME"),
    "redshift": ("TIMESTAMPTZ", "TIMESTAMP"),
    "databricks": ("TIMESTAMP", "TIMESTAMP_NTZ"),
}


def type_name(kind: ColumnType, destination: Destination) -> str:
    """The type that carries every value of a contract's type; a list is carried as its JSON text.

    BigQuery's NUMERIC holds 29 digits before the point and 9 after it, so what needs more becomes BIGNUMERIC.
    """
    system = {"delta": "duckdb", "iceberg": "databricks"}.get(destination.value, destination.value)
    if kind.family in ("text", "list"):
        return _TEXT[system]
    if kind.family == "integer":
        return "INT64" if system == "bigquery" else "BIGINT"
    if kind.family == "decimal":
        return _decimal(kind, system)
    if kind.family == "timestamp":
        return _TIMES[system][0 if str(kind.arrow).endswith("tz=UTC]") else 1]
    return _NAMES[system][kind.family]


def _decimal(kind: ColumnType, system: str) -> str:
    precision, scale = kind.arrow.precision, kind.arrow.scale
    if system == "snowflake":
        return f"NUMBER({precision}, {scale})"
    if system == "bigquery":
        name = "NUMERIC" if scale <= 9 and precision - scale <= 29 else "BIGNUMERIC"
        return f"{name}({precision}, {scale})"
    return f"DECIMAL({precision}, {scale})"
