"""Streams that a warehouse takes in by its own means: their SQL is parsed in its dialect, and their rights are few."""

import json
import re
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

import pytest
import sqlglot
import yaml
from jinja2 import Environment
from made_pipelines import differing, made, over_tables, over_topic
from sqlglot import exp

from dataeng_assets.generate.pipeline import Generated
from dataeng_assets.generate.request import RequestRefused

STREAMS = [
    ("kafka", "snowflake"),
    ("kafka", "bigquery"),
    ("kafka", "redshift"),
    ("kinesis", "redshift"),
    ("kafka", "databricks"),
    ("kinesis", "databricks"),
    ("files", "databricks"),
]
each_stream = pytest.mark.parametrize(("source", "destination"), STREAMS)
PASSED_THROUGH = {
    "snowflake": r"CREATE ROLE IF NOT EXISTS \w+|GRANT OPERATE ON PIPE \S+ TO ROLE \w+|CREATE PIPE IF NOT EXISTS .+|"
    r"GRANT SELECT ON DYNAMIC TABLE \S+ TO ROLE \w+",
    "redshift": r"CREATE ROLE \w+|CREATE EXTERNAL SCHEMA IF NOT EXISTS \w+\s+FROM (KAFKA|KINESIS)\s+IAM_ROLE DEFAULT.*",
    "databricks": r"CREATE VOLUME IF NOT EXISTS \S+|GRANT READ VOLUME ON VOLUME \S+ TO `\w+`",
}
"""What sqlglot knows no grammar for and only carries; its form is given here, and a pipe's COPY is parsed by itself."""


def generated(source: str, destination: str) -> Generated:
    over = over_tables if source == "files" else over_topic
    return made(over("dbt", source=source, destination=destination, mode="streaming"))


def rendered(text: str, configured: list[dict[str, Any]] | None = None) -> str:
    """SQL with dbt's own functions played by a few lines."""
    said = {
        "config": lambda **given: (configured if configured is not None else []).append(given) or "",
        "ref": lambda name: f"marts.{name}",
        "source": lambda schema, table: f"{schema}.{table}",
        "env_var": lambda name: f"of_{name}",
    }
    return Environment().from_string(text).render(said)  # SQL, no page of a browser


@each_stream
def test_every_statement_is_parsed_in_its_dialect(source: str, destination: str) -> None:
    texts = {path: text for path, text in generated(source, destination).files.items() if path.suffix == ".sql"}
    assert len(texts) >= 4
    for path, text in texts.items():
        for statement in sqlglot.parse(rendered(text), read=destination):
            assert statement is not None, path
            if statement.key == "command":
                said = re.sub(r"(?m)^\s*(--.*)?\n|/\*.*?\*/", "", statement.sql(comments=False)).strip()
                assert re.fullmatch(PASSED_THROUGH[destination], said, re.DOTALL), said
                if copies := re.search(r"COPY INTO .+", said, re.DOTALL):
                    assert sqlglot.parse_one(copies[0], read=destination).key == "copy"
            elif path.parts[0] == "models":
                assert statement.key == "select", path


@each_stream
def test_the_project_is_the_one_that_was_reviewed(source: str, destination: str) -> None:
    assert differing(generated(source, destination), f"dbt-{source}-{destination}-streaming") == []


@each_stream
def test_each_model_is_made_as_the_adapter_calls_it(source: str, destination: str) -> None:
    own = {
        "snowflake": {"dynamic_table"},
        "bigquery": {"materialized_view"},
        "redshift": {"materialized_view"},
        "databricks": {"streaming_table", "materialized_view"},
    }[destination]
    configured: list[dict[str, Any]] = []
    for path, text in generated(source, destination).files.items():
        if path.parts[0] == "models" and path.suffix == ".sql":
            rendered(text, configured)
    materialized = {one["materialized"] for one in configured}
    assert materialized <= {*own, "view"}
    assert materialized & own


@pytest.mark.parametrize(("source", "destination"), [one for one in STREAMS if one[1] != "bigquery"])
def test_what_comes_in_is_valid_or_a_dead_letter(source: str, destination: str) -> None:
    models = {p.name: rendered(t) for p, t in generated(source, destination).files.items() if p.parts[0] == "models"}
    dead = next(name for name in models if name.endswith("_dead_letters.sql"))
    ways = [
        sqlglot.parse_one(models[name], read=destination).args["where"].this
        for name in (dead.replace("_dead_letters", ""), dead)
    ]
    kept, broken = (list(way.flatten()) if isinstance(way, exp.And | exp.Or) else [way] for way in ways)
    assert len(kept) == 1 or (isinstance(ways[0], exp.And) and isinstance(ways[1], exp.Or))
    # all that must hold for the one, and the opposite of each for the other; IS NULL itself is never NULL
    assert {without_not(one) for one in kept} == {(said, not negated) for said, negated in map(without_not, broken)}
    assert all(" IS NULL" in said for said, _ in map(without_not, kept))


def without_not(condition: exp.Expression) -> tuple[str, bool]:
    """A condition without a NOT before it, and whether there was one."""
    negated = isinstance(condition, exp.Not)
    return (condition.this if negated else condition).sql(), negated


@each_stream
def test_nobody_is_given_more_than_is_needed(source: str, destination: str) -> None:
    files = generated(source, destination).files
    granted = re.findall(r"^GRANT .+;", files[PurePosixPath("setup.sql")], re.MULTILINE)
    assert granted
    assert not [one for one in granted if re.search(r"\b(ALL|OWNERSHIP|ADMIN|SUPERUSER|PUBLIC)\b", one)]
    assert not [one for one in granted if "_writer" in one and re.search("SELECT|UPDATE|DELETE|CREATE", one)]
    readers = re.findall(r"^GRANT (.+?) ON ", files[PurePosixPath("readers.sql")], re.MULTILINE)
    assert set(readers) <= {"USAGE", "SELECT", "USE SCHEMA", "`roles/bigquery.dataViewer`"}
    assert not re.search("_raw|_judged", files[PurePosixPath("readers.sql")])


@pytest.mark.parametrize("source", ["kafka", "kinesis"])
def test_the_role_of_redshift_reads_what_it_must_and_no_more(source: str) -> None:
    policy = json.loads(generated(source, "redshift").files[PurePosixPath("iam_policy.json")])
    for statement in policy["Statement"]:
        actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
        assert all(re.match(r"\w+:(Get|Describe|List)", one) and "*" not in one for one in actions)
        assert statement["Resource"] != "*" or actions == ["kinesis:ListStreams"]


@each_stream
def test_no_secret_stands_in_a_file(source: str, destination: str) -> None:
    files = generated(source, destination).files
    (profile,) = yaml.safe_load(files[PurePosixPath("profiles.yml")]).values()
    said = profile["outputs"]["warehouse"]
    secret = [value for name, value in said.items() if any(word in name for word in ("pass", "secret", "key", "token"))]
    assert all(value.startswith("{{ env_var(") for value in secret)
    assert "PLAINTEXT" not in "\n".join(files.values())


def test_personal_columns_end_in_what_came_in() -> None:
    pipeline = over_topic("dbt", destination="snowflake", mode="streaming")
    (table,) = pipeline.tables
    columns = tuple(replace(one, personal=one.name == "user_id") for one in table.contract.columns)
    personal = replace(pipeline, tables=(replace(table, contract=replace(table.contract, columns=columns)),))
    files = {path.name: text for path, text in made(personal).files.items()}
    assert "user_id" in files["clicks_judged.sql"]
    assert "user_id" not in files["clicks.sql"]


def test_what_a_warehouse_does_not_read_itself_is_refused() -> None:
    with pytest.raises(RequestRefused, match="Redshift and Databricks read Kinesis"):
        over_topic("dbt", source="kinesis", destination="snowflake", mode="streaming")
