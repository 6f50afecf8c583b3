"""Generated Spark jobs are Python that Spark's versions go with, and say what they need."""

import ast
import re

import pytest
from made_pipelines import differing, made, over_topic

from dataeng_assets.generate.pipeline import Generated
from dataeng_assets.generate.request import RequestRefused

COMBINATIONS = [
    ("kafka", "delta"),
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
        ("kafka", "postgres", "--destination delta"),
        ("kafka", "kafka", "--type flink-sql"),
        ("kafka", "snowflake", "--type kafka-connect"),
        ("kinesis", "delta", "Databricks has"),
    ],
)
def test_what_would_repeat_records_is_refused_with_what_works(source: str, destination: str, reason: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        generated(source, destination)
    assert reason in str(refused.value)
