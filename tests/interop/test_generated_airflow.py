"""Generated DAGs in a real Airflow: imported without work, run against a real Postgres, equal to the source."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from copied_shop import SCHEMA, TABLES, Target, generate, not_committed_yet, source_rows
from copied_topic import clicks_in, generate_for_topic, topic_of_clicks
from line_program import LineProgram, line_program, programs_of
from recipients import mailbox

from dataeng_assets.local.kafka import Kafka

pytestmark = [pytest.mark.interop, pytest.mark.server]


@dataclass(frozen=True)
class Airflow:
    """An Airflow with a folder of DAGs; it imports and runs one after the other."""

    program: LineProgram
    dags: Path

    def run(self, file: Path, environment: Mapping[str, str]) -> dict[str, Any]:
        return self.program.ask(environment=dict(environment), ask={"file": str(file), "conf": {}})


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airflow]:
    home = tmp_path_factory.mktemp("airflow")
    (home / "dags").mkdir()
    environment = {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }
    migrate = [programs_of("airflow") / "airflow", "db", "migrate"]
    subprocess.run(migrate, env={"PATH": os.environ["PATH"], **environment}, check=True, capture_output=True)
    with line_program("airflow", "airflow_runs", home, environment) as program:
        yield Airflow(program, home / "dags")


def environment_of(url: str, target: Target, staging: Path) -> dict[str, str]:
    return {
        "AIRFLOW_CONN_CRM_SOURCE": _connection(url),
        f"AIRFLOW_CONN_CRM_{target.kind.upper()}": _connection(target.address),
        f"AIRFLOW_VAR_EXTRACT_CRM_{target.kind.upper()}_STAGING": str(staging),
    }


def test_a_dag_copies_the_source(
    airflow: Airflow, database: str, target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(SCHEMA)
    dag = airflow.dags / f"extract_crm_{target.kind}.py"
    generate(monkeypatch, database, "--type", "airflow", "--destination", target.kind, "--retries", "0", output=dag)
    environment = environment_of(database, target, tmp_path / "staging")

    late = "UPDATE crm.people SET name = 'late', updated_at = now() WHERE person_id = 7"
    with not_committed_yet(database, late) as transaction:
        with psycopg.connect(database) as connection:
            connection.execute("INSERT INTO crm.people (person_id, name) VALUES (2000, 'passes the watermark')")
        first = airflow.run(dag, environment)
        assert first["state"] == "success", first
        assert first["heavy"] == []
        assert {table: target.rows(table) for table in TABLES} == {t: source_rows(database, t) for t in TABLES}
        transaction.commit()

    with psycopg.connect(database) as connection:
        connection.execute("DELETE FROM crm.places WHERE code = 'p6'")
    assert airflow.run(dag, environment)["state"] == "success"
    assert {table: target.rows(table) for table in TABLES} == {t: source_rows(database, t) for t in TABLES}

    before = target.marks()
    assert airflow.run(dag, environment)["state"] == "success"
    assert target.marks() == before
    assert list((tmp_path / "staging").iterdir()) == []


def test_a_dag_copies_a_topic(airflow: Airflow, kafka_broker: Kafka, tmp_path: Path) -> None:
    topic, target = generate_for_topic("airflow", tmp_path, airflow.dags), tmp_path / "target"
    environment = {
        "AIRFLOW_CONN_WEB_SOURCE": _connection(kafka_broker.bootstrap),
        "AIRFLOW_CONN_WEB_DUCKDB": _connection(str(target)),
        "AIRFLOW_VAR_EXTRACT_WEB_STAGING": str(tmp_path / "staging"),
        "PIPELINE_ENV": "local",
        "KAFKA_SECURITY_PROTOCOL": "PLAINTEXT",
    }
    with topic_of_clicks(kafka_broker, topic) as send:
        send(0, 10)
        first = airflow.run(airflow.dags / "extract_web.py", environment)
        assert first["state"] == "success", first["printed"][-6000:]
        assert first["heavy"] == []
        assert clicks_in(target, topic) == (10, 10, 1, 10)
        send(5, 15)
        assert airflow.run(airflow.dags / "extract_web.py", environment)["state"] == "success"
    assert clicks_in(target, topic) == (20, 20, 2, 15)


def test_a_run_that_takes_too_long_is_told_in_one_mail(
    airflow: Airflow, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(SCHEMA)
    dag, told = tmp_path / "extract_crm_mail.py", ("--email-on-failure", "team@example.com,boss@example.com")
    options = ("--type", "airflow", "--destination", "duckdb", "--tables", "places", *told)
    monkeypatch.setenv("AIRFLOW_HOME", str(airflow.dags.parent))
    generate(monkeypatch, database, *options, "--tier", "1", output=dag)
    with mailbox() as box:
        extra = {"disable_ssl": True, "disable_tls": True, "from_email": "data@example.com"}
        server = {"conn_type": "smtp", "host": "127.0.0.1", "port": box.port, "extra": extra}
        ask = {"file": str(airflow.dags / dag.name), "conf": {}, "timed_out": "manual__7"}  # where tier 1 brought it
        told = airflow.program.ask(environment={"AIRFLOW_CONN_SMTP_DEFAULT": json.dumps(server)}, ask=ask)
    assert told["errors"] == {}
    assert box.subjects == ["extract_crm_mail has failed"], told["printed"][-4000:]
    assert box.readers == [("team@example.com", "boss@example.com")]
    assert "Run manual__7 has failed: timed_out." in box.bodies[0]


def test_a_dag_for_snowflake_runs_on_its_stand_in(
    airflow: Airflow, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(SCHEMA)
        connection.execute("DELETE FROM crm.people WHERE person_id > 20; DELETE FROM crm.visits WHERE person_id > 5")
    dag = airflow.dags / "extract_crm_snowflake.py"
    options = ("--type", "airflow", "--destination", "snowflake", "--schedule", "0 5 * * *", "--retries", "0")
    generate(monkeypatch, database, *options, output=dag)
    environment = {
        "AIRFLOW_CONN_CRM_SOURCE": _connection(database),
        "AIRFLOW_CONN_CRM_SNOWFLAKE": "snowflake://user:secret@account/lake",
        "AIRFLOW_VAR_EXTRACT_CRM_SNOWFLAKE_STAGING": str(tmp_path / "staging"),
    }
    folder = tmp_path / "snowflake"
    folder.mkdir()
    ask = {"file": str(dag), "conf": {}, "snowflake": str(folder)}
    for change in ("SELECT 1", "UPDATE crm.people SET name = 'new', updated_at = now() WHERE person_id = 3"):
        with psycopg.connect(database) as connection:
            connection.execute(change)
        ran = airflow.program.ask(environment=environment, ask=ask)
        assert ran["state"] == "success", ran["printed"][-6000:]
        with psycopg.connect(database) as connection:
            people = connection.execute("SELECT person_id, name, balance FROM crm.people").fetchall()
            visits = connection.execute("SELECT person_id, number, place FROM crm.visits").fetchall()
        assert sorted(ran["rows"]["people"]) == sorted([str(value) for value in row] for row in people)
        assert sorted(ran["rows"]["visits"]) == sorted([str(value) for value in row] for row in visits)


def _connection(address: str) -> str:
    if "://" not in address:
        return json.dumps({"conn_type": "generic", "host": address})
    parts = psycopg.conninfo.conninfo_to_dict(address)
    said = {
        "conn_type": "postgresql",
        "host": parts.get("host"),
        "login": parts.get("user"),
        "password": parts.get("password"),
        "schema": parts.get("dbname"),
    }
    if "port" in parts:
        said["port"] = int(parts["port"])
    return json.dumps({name: value for name, value in said.items() if value is not None})
