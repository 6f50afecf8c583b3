"""The engines whose SQL is judged, and how sqlglot names their dialects.

Why a construct costs on one of them belongs to the rule.
"""

from enum import StrEnum


class Engine(StrEnum):
    """Where the SQL runs."""

    SPARK = "spark"
    DUCKDB = "duckdb"
    POSTGRES = "postgres"
    SNOWFLAKE = "snowflake"
    BIGQUERY = "bigquery"
    REDSHIFT = "redshift"
    DATABRICKS = "databricks"

    @property
    def dialect(self) -> str:
        """The name of its dialect in sqlglot."""
        return self.value

    @property
    def label(self) -> str:
        """Its name as its makers write it."""
        return _TITLES[self]


_TITLES = {
    Engine.SPARK: "Spark",
    Engine.DUCKDB: "DuckDB",
    Engine.POSTGRES: "Postgres",
    Engine.SNOWFLAKE: "Snowflake",
    Engine.BIGQUERY: "BigQuery",
    Engine.REDSHIFT: "Redshift",
    Engine.DATABRICKS: "Databricks",
}
COLUMNAR = frozenset(Engine) - {Engine.POSTGRES}
"""They read columns one by one and skip blocks by minimum and maximum."""
SPARKS = frozenset({Engine.SPARK, Engine.DATABRICKS})
"""They run Spark's optimizer, shuffles and hints."""
BILLED_BY_BYTES = frozenset({Engine.BIGQUERY})
"""What they read is what is paid for, unless capacity is reserved."""
ALL = frozenset(Engine)
