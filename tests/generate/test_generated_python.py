"""Every program that is generated is formatted, and a linter finds nothing in it."""

import subprocess
from pathlib import Path

import pytest
from made_pipelines import made, over_tables, over_topic
from ruff.__main__ import find_ruff_bin

from dataeng_assets.generate.pipeline import Pipeline

TOLD = {"email_on_failure": "data@example.com", "notify": "CHAT_URL", "tags": "a,b"}
PIPELINES = {
    **{
        f"{kind}-{destination}": over_tables(kind, destination=destination, mode=mode, **options)
        for kind in ("airflow", "prefect")
        for destination, mode, options in (
            ("duckdb", "incremental", TOLD),
            ("delta", "full", {}),
            ("postgres", "incremental", {}),
            ("snowflake", "full", TOLD),
            ("bigquery", "full", {}),
            ("redshift", "full", {}),
            ("databricks", "full", {}),
        )
    },
    **{f"spark-{one}": over_topic("spark-streaming", destination=one) for one in ("delta", "iceberg", "databricks")},
    **{f"spark-{one}": over_topic("spark-streaming", source=one) for one in ("kinesis", "pubsub")},
    "kafka-producer": over_topic("kafka-producer"),
}


@pytest.mark.parametrize("pipeline", PIPELINES.values(), ids=PIPELINES)
def test_a_generated_program_is_formatted_and_linted(pipeline: Pipeline, tmp_path: Path) -> None:
    for path, text in made(pipeline).files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    for command in (
        ("format", "--diff"),
        ("check", "--no-cache", "--select", "E,F,W,I,B,UP,ARG,AIR", "--output-format", "concise"),
    ):
        done = subprocess.run(
            [find_ruff_bin(), *command, "--isolated", "--line-length", "120", tmp_path],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
