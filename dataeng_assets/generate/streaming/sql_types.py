"""The types of an event's fields in the SQL of each system that streams write to."""

from collections.abc import Mapping

_TYPES: Mapping[str, Mapping[str, str]] = {
    "iceberg": {
        "string": "string",
        "uuid": "string",
        "json": "string",
        "bigint": "bigint",
        "double": "double",
        "boolean": "boolean",
        "timestamp": "timestamp",
        "date": "date",
        "bytes": "binary",
        "decimal": "decimal",
    },
    "postgres": {
        "string": "text",
        "uuid": "uuid",
        # as it was written: jsonb refuses a text with a zero byte in it
        "json": "json",
        "bigint": "bigint",
        "double": "double precision",
        "boolean": "boolean",
        "timestamp": "timestamp with time zone",
        "date": "date",
        "bytes": "bytea",
        "decimal": "numeric",
    },
    "snowflake": {
        "string": "VARCHAR",
        "uuid": "VARCHAR",
        "json": "VARIANT",
        "bigint": "NUMBER(19,0)",
        "double": "FLOAT",
        "boolean": "BOOLEAN",
        "timestamp": "TIMESTAMP_TZ(6)",
        "date": "DATE",
        "bytes": "BINARY",
        "decimal": "NUMBER",
    },
    "bigquery": {
        "string": "STRING",
        "uuid": "STRING",
        "json": "JSON",
        "bigint": "INT64",
        "double": "FLOAT64",
        "boolean": "BOOL",
        "timestamp": "TIMESTAMP",
        "date": "DATE",
        "bytes": "BYTES",
        "decimal": "BIGNUMERIC",
    },
    "flink": {
        "string": "STRING",
        "uuid": "STRING",
        "json": "STRING",
        "bigint": "BIGINT",
        "double": "DOUBLE",
        "boolean": "BOOLEAN",
        # the finest that a watermark takes
        "timestamp": "TIMESTAMP_LTZ(3)",
        "date": "DATE",
        "bytes": "BYTES",
        "decimal": "DECIMAL",
    },
    "ksqldb": {
        "string": "VARCHAR",
        "uuid": "VARCHAR",
        "json": "VARCHAR",
        "bigint": "BIGINT",
        "double": "DOUBLE",
        "boolean": "BOOLEAN",
        "timestamp": "TIMESTAMP",
        "date": "DATE",
        "bytes": "BYTES",
        "decimal": "DECIMAL",
    },
}


def sql_type(system: str, kind: str) -> str:
    """The type of a field in a system's SQL.

    Args:
        system: iceberg, postgres, snowflake, bigquery, flink or ksqldb.
        kind: in the words of an event contract.
    """
    base, bracket, digits = kind.partition("(")
    return f"{_TYPES[system][base]}{bracket}{digits}"
