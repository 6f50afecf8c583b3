"""SQL for warehouses: kept as golden files, and every statement read by a parser of its own dialect."""

import pytest
import sqlglot
from made_pipelines import differing, made, over_tables

from dataeng_assets.generate.request import Destination
from dataeng_assets.generate.warehouse.checks import DIALECTS
from dataeng_assets.generate.warehouse.naming import literal, quoted

DESTINATIONS = ("duckdb", "delta", "postgres", "snowflake", "bigquery", "redshift", "databricks")
FILLED = {":file": "'/staged/file.parquet'", ":extracted_at": "1", ":position": "'{}'", ":row_count": "1"}


@pytest.mark.parametrize("destination", DESTINATIONS)
@pytest.mark.parametrize("mode", ["incremental", "full"])
def test_every_statement_is_parsed_in_its_dialect(destination: str, mode: str) -> None:
    generated = made(over_tables("airflow", destination=destination, mode=mode))
    texts = {path: text for path, text in generated.files.items() if path.suffix == ".sql"}
    assert {path.parts[1] for path in texts} >= {"checks", "models"}
    assert any("sql" in path.parts for path in texts) or destination == "delta"
    for path, text in texts.items():
        for name, value in FILLED.items():
            text = text.replace(name, value)
        statements = sqlglot.parse(text, read=DIALECTS[Destination(destination)])
        assert statements, path
        # what the parser only passes through is not parsed
        assert not [one for one in statements if one is None or one.key == "command"], path


@pytest.mark.parametrize("destination", DESTINATIONS)
def test_the_statements_are_as_they_were_kept(destination: str) -> None:
    generated = made(over_tables("airflow", destination=destination, mode="full"))
    files = {path: text for path, text in generated.files.items() if path.suffix == ".sql"}
    assert differing(type(generated)(generated.main, files), f"warehouse-{destination}") == []


def test_every_file_of_python_compiles() -> None:
    for destination in DESTINATIONS:
        for path, text in made(over_tables("airflow", destination=destination, mode="full")).files.items():
            if path.suffix == ".py":
                compile(text, str(path), "exec")


def test_a_name_that_needs_quotes_has_them() -> None:
    assert quoted("order", "snowflake") == '"ORDER"'
    assert quoted("orders", "snowflake") == "orders"
    assert quoted('a"b', "postgres") == '"a""b"'
    assert quoted("order", "bigquery") == "`order`"


def test_a_literal_ends_where_it_should() -> None:
    for dialect in ("duckdb", "postgres", "snowflake", "bigquery", "redshift", "databricks"):
        text = "it's a \\ and 'more'"
        (parsed,) = sqlglot.parse(f"SELECT {literal(text, dialect)} AS said", read=dialect)
        assert parsed.expressions[0].this.this == text, dialect
