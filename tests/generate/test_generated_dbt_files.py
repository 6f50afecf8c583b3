"""dbt projects for warehouses that cannot run here: their SQL is parsed in its dialect, and kept beside the tests."""

from dataclasses import replace
from pathlib import PurePosixPath

import pytest
import sqlglot
import yaml
from jinja2 import Environment
from made_pipelines import differing, made, over_tables, over_topic
from sqlglot import exp

from dataeng_assets.generate.pipeline import Generated, Pipeline
from dataeng_assets.generate.request import Destination, Mode

WAREHOUSES = [Destination.SNOWFLAKE, Destination.BIGQUERY, Destination.REDSHIFT, Destination.DATABRICKS]
each_warehouse = pytest.mark.parametrize("destination", WAREHOUSES)


def pipeline(destination: Destination) -> Pipeline:
    """Over a table, which is a dimension, and over events, which are facts."""
    tables = over_tables("dbt", destination=destination)
    (events,) = over_topic("dbt", destination=destination).tables
    return replace(tables, tables=(*tables.tables, replace(events, mode=Mode.INCREMENTAL)))


def rendered(generated: Generated, model: str) -> str:
    """A model's SQL as an incremental run has it, with dbt's own functions played by a few lines."""
    macro = generated.files[PurePosixPath("macros/recent.sql")]
    text = next(text for path, text in generated.files.items() if path.name == model)
    said = {
        "config": lambda **_: "", "is_incremental": lambda: True, "this": "marts.it",
        "ref": lambda name: f"staging.{name}", "source": lambda schema, table: f"{schema}.{table}",
    }  # fmt: skip
    return Environment().from_string(macro + text).render(said)  # SQL, no page of a browser


@each_warehouse
def test_the_models_are_parsed_in_their_dialect(destination: Destination) -> None:
    generated = made(pipeline(destination))
    models = [path for path in generated.files if path.suffix == ".sql" and path.parts[0] == "models"]
    assert len(models) == 4
    for path in models:
        (statement,) = sqlglot.parse(rendered(generated, path.name), dialect=destination.value)
        assert isinstance(statement, exp.Select), path
    assert "known" in rendered(generated, "fct_clicks.sql")


@each_warehouse
def test_what_is_generated_is_what_was_reviewed(destination: Destination) -> None:
    assert differing(made(pipeline(destination)), f"dbt-postgres-{destination}") == []


@each_warehouse
def test_no_profile_holds_a_secret(destination: Destination) -> None:
    text = made(pipeline(destination)).files[PurePosixPath("profiles.yml")]
    (profile,) = yaml.safe_load(text).values()
    said = profile["outputs"]["warehouse"]
    secret = [value for name, value in said.items() if any(word in name for word in ("pass", "secret", "key", "token"))]
    assert all(value.startswith("{{ env_var(") for value in secret)


def test_personal_columns_end_in_staging() -> None:
    generated = made(over_tables("dbt", destination="duckdb"))
    personal = {column.name for column in over_tables("dbt").tables[0].contract.columns if column.personal}
    assert personal
    for path, text in generated.files.items():
        if path.parts[:2] == ("models", "marts"):
            assert not any(name in text.split() for name in personal), path
