"""Generated connectors name options that exist, hold no secret, and have rights for their tables alone."""

import json
import re
from pathlib import Path

import pytest
import sqlglot
from made_pipelines import differing, made, over_tables, over_topic

from dataeng_assets.generate.pipeline import Generated
from dataeng_assets.generate.request import RequestRefused

OPTIONS = json.loads((Path(__file__).parent / "connector_options.json").read_text(encoding="utf-8"))
# documented as passed on under these names: to converters, to Kafka's clients, to Iceberg's catalog
PASSED_ON = re.compile(
    r"(key|value)\.converter\.schemas\.enable|consumer\.override\..+|signal\.(kafka|consumer)\..+|iceberg\.catalog\..+"
)
SECRET = re.compile(r"password|credential|private\.key|jaas")


def generated(destination: str) -> Generated:
    if destination == "kafka":
        return made(over_tables("kafka-connect", destination="kafka", mode="changes"))
    return made(over_topic("kafka-connect", destination=destination))


def configuration(destination: str) -> dict[str, str]:
    files = generated(destination)
    found: dict[str, str] = json.loads(files.files[files.main])
    return found


@pytest.mark.parametrize("destination", ["kafka", "iceberg"])
def test_each_option_is_one_that_the_connector_declares(destination: str) -> None:
    found = configuration(destination)
    frame = OPTIONS["source" if destination == "kafka" else "sink"]
    declared = {*OPTIONS[found["connector.class"]], *frame}
    assert not [name for name in found if name not in declared and not PASSED_ON.fullmatch(name)]


@pytest.mark.parametrize("destination", ["kafka", "iceberg", "snowflake", "bigquery"])
def test_a_secret_is_a_reference(destination: str) -> None:
    found = configuration(destination)
    assert all("${env:" in value for name, value in found.items() if SECRET.search(name))
    worker = generated(destination).files
    texts = "\n".join(worker.values())
    assert "PLAINTEXT" not in texts
    for line in texts.splitlines():
        if re.search(r"password\s*=", line):
            assert re.search(r'password=\\?"\$\{env:KAFKA_PASSWORD\}', line)


@pytest.mark.parametrize("destination", ["iceberg", "snowflake", "bigquery"])
def test_the_tables_are_sql_of_their_system(destination: str) -> None:
    (tables,) = [text for path, text in generated(destination).files.items() if path.name == "tables.sql"]
    dialect = {"iceberg": "spark"}.get(destination, destination)
    assert len(sqlglot.parse(tables, read=dialect)) >= 1


@pytest.mark.parametrize("destination", ["kafka", "iceberg", "snowflake", "bigquery"])
def test_the_connector_is_the_golden_one(destination: str) -> None:
    source = "postgres" if destination == "kafka" else "kafka"
    assert not differing(generated(destination), f"kafka-connect-{source}-{destination}")


def test_a_poll_for_newer_rows_is_refused_for_the_log_of_changes() -> None:
    with pytest.raises(RequestRefused, match="committed late") as refused:
        over_tables("kafka-connect", destination="kafka", mode="incremental")
    assert "--mode changes" in str(refused.value)
