"""Generated DAGs in a real Airflow: imported without work, run against a real Postgres, equal to the source."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from copied_shop import SCHEMA, TABLES, Target, generate, not_committed_yet, source_rows

from dataeng_assets.local.postgres import Postgres
from dataeng_assets.settings import ROOT
from dataeng_assets.testing.servers import new_database

pytestmark = [pytest.mark.interop, pytest.mark.server]

PROGRAMS = ROOT / ".venv-airflow" / "bin"


@dataclass(frozen=True)
class Airflow:
    """An Airflow that imports and runs DAGs, one after the other."""

    process: subprocess.Popen[str]
    log: Path
    dags: Path

    def __call__(self, file: Path, environment: Mapping[str, str], conf: dict[str, Any] | None) -> dict[str, Any]:
        ask = {"environment": dict(environment), "ask": {"file": str(file), "conf": conf}}
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(ask) + "\n")
        self.process.stdin.flush()
        lines = []
        for line in self.process.stdout:
            if line.startswith("RESULT "):
                return json.loads(line.removeprefix("RESULT "))
            lines.append(line)
        raise AssertionError("".join(lines[-60:]) + self.log.read_text()[-8000:])


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airflow]:
    home = tmp_path_factory.mktemp("airflow")
    (home / "dags").mkdir()
    if not (PROGRAMS / "airflow").exists():
        pytest.fail(f"{PROGRAMS} is missing. `make test-interop` installs it; by hand: `make .venv-airflow/.ready`.")
    environment = {
        "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
        "HOME": str(home),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }
    subprocess.run([PROGRAMS / "airflow", "db", "migrate"], env=environment, check=True, capture_output=True)
    with (home / "log").open("w") as log, _program(environment, log) as process:
        yield Airflow(process, home / "log", home / "dags")


@contextmanager
def _program(environment: Mapping[str, str], log: Any) -> Iterator[subprocess.Popen[str]]:
    command = [PROGRAMS / "python", Path(__file__).with_name("airflow_runs.py")]
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
    )
    try:
        yield process
    finally:
        process.stdin.close()
        process.wait(30)


@pytest.fixture(params=["duckdb", "delta", "postgres"])
def target(request: pytest.FixtureRequest, tmp_path: Path, postgres_server: Postgres) -> Iterator[Target]:
    if request.param == "postgres":
        with new_database(postgres_server) as url:
            yield Target("postgres", url)
    else:
        yield Target(request.param, str(tmp_path / "target"))


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
        first = airflow(dag, environment, {})
        assert first["state"] == "success", first
        assert first["heavy"] == []
        assert {table: target.rows(table) for table in TABLES} == {t: source_rows(database, t) for t in TABLES}
        transaction.commit()

    with psycopg.connect(database) as connection:
        connection.execute("DELETE FROM crm.places WHERE code = 'p6'")
    assert airflow(dag, environment, {})["state"] == "success"
    assert {table: target.rows(table) for table in TABLES} == {t: source_rows(database, t) for t in TABLES}

    before = target.marks()
    assert airflow(dag, environment, {})["state"] == "success"
    assert target.marks() == before
    assert list((tmp_path / "staging").iterdir()) == []


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
