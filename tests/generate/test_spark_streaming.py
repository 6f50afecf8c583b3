"""Generated Spark jobs are Python that Spark's versions go with, and say what they need."""

import ast
import re
from datetime import timedelta

import pytest
from made_pipelines import differing, made, over_topic

from dataeng_assets.generate.pipeline import Generated
from dataeng_assets.generate.request import RequestRefused
from dataeng_assets.generate.spark_streaming.postgres import tables
from dataeng_assets.generate.streaming.events import Event, Field

PLACE = ("_kafka_partition", "_kafka_offset", "_kafka_timestamp")

COMBINATIONS = [
    ("kafka", "delta"),
    ("kafka", "postgres"),
    ("kafka", "iceberg"),
    ("kafka", "databricks"),
    ("kinesis", "databricks"),
    ("pubsub", "databricks"),
]


def generated(source: str, destination: str) -> Generated:
    return made(over_topic("spark-streaming", source=source, destination=destination))


@pytest.mark.parametrize(("source", "destination"), COMBINATIONS)
def test_the_job_is_the_golden_one(source: str, destination: str) -> None:
    files = generated(source, destination)
    ast.parse(files.files[files.main])
    assert not differing(files, f"spark-streaming-{source}-{destination}")


@pytest.mark.parametrize("destination", ["delta", "iceberg"])
def test_all_that_a_job_loads_is_built_for_the_spark_that_its_readme_names(destination: str) -> None:
    files = {path.name: text for path, text in generated("kafka", destination).files.items()}
    (spark,) = re.findall(r"Structured Streaming \(Spark ([\d.]+)\)", files["README.md"])
    kafka, table = files["packages.txt"].splitlines()
    assert kafka.endswith(f":{spark}")
    assert f"-{spark.rpartition('.')[0]}_2.13:" in table.replace("spark_", "spark-")


@pytest.mark.parametrize(("source", "destination"), COMBINATIONS)
def test_a_file_that_is_named_is_there(source: str, destination: str) -> None:
    files = generated(source, destination).files
    names = {path.name for path in files}
    for text in files.values():
        assert set(re.findall(r"`(\w+\.(?:sql|sh|py|properties))`", text)) <= names
        assert ("packages.txt" in text) <= ("packages.txt" in names)


@pytest.mark.parametrize(
    ("source", "destination", "reason"),
    [
        ("kafka", "duckdb", "--destination delta"),
        ("kafka", "kafka", "--type flink-sql"),
        ("kafka", "snowflake", "--type dbt --source kafka --destination snowflake --mode streaming"),
        ("kinesis", "delta", "Databricks has"),
    ],
)
def test_what_would_repeat_records_is_refused_with_what_works(source: str, destination: str, reason: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        generated(source, destination)
    assert reason in str(refused.value)


def event(name: str, *fields: str) -> Event:
    kinds = tuple(Field(one, "string", nullable=True, personal=False, description="") for one in fields)
    return Event(name, "", kinds, (), "", timedelta(0), timedelta(0), 1, 1, (), ())


@pytest.mark.parametrize("found", [event("é" * 26), event("short", "x" * 64)])
def test_a_name_that_postgres_would_cut_is_refused(found: Event) -> None:
    with pytest.raises(RequestRefused, match="63 bytes"):
        tables([found], PLACE)


def test_the_longest_name_that_postgres_takes_is_taken() -> None:
    assert [table.name for table in tables([event("x" * 50, "y" * 63)], PLACE)] == [
        "x" * 50,
        f"{'x' * 50}_dead_letters",
    ]
