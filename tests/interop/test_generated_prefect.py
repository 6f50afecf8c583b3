"""Generated flows in a real Prefect: run against a real Postgres, equal to the source, also after a late commit."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from copied_shop import SCHEMA, TABLES, Target, generate, not_committed_yet, source_rows
from copied_topic import clicks_in, generate_for_topic, topic_of_clicks
from line_program import LineProgram, line_program
from recipients import hook, mailbox

from dataeng_assets.local.kafka import Kafka

pytestmark = [pytest.mark.interop, pytest.mark.server]


@pytest.fixture(scope="module")
def prefect(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LineProgram]:
    home = tmp_path_factory.mktemp("prefect")
    environment = {
        "PREFECT_HOME": str(home),
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PIPELINE_ENV": "local",
        "KAFKA_SECURITY_PROTOCOL": "PLAINTEXT",
    }
    with line_program("prefect", "prefect_runs", home, environment) as program:
        yield program


def test_a_flow_copies_the_source(
    prefect: LineProgram, database: str, target: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(SCHEMA)
    name = f"extract_crm_{target.kind}"
    flow = tmp_path / "flows" / f"{name}.py"
    generate(monkeypatch, database, "--type", "prefect", "--destination", target.kind, "--retries", "0", output=flow)
    asked = {
        "folder": str(flow.parent),
        "name": name,
        "secrets": {"crm-source": database, f"crm-{target.kind}": target.address},
        "staging": str(tmp_path / "staging"),
    }

    late = "UPDATE crm.people SET name = 'late', updated_at = now() WHERE person_id = 7"
    with not_committed_yet(database, late) as transaction:
        with psycopg.connect(database) as connection:
            connection.execute("INSERT INTO crm.people (person_id, name) VALUES (2000, 'passes the watermark')")
        first = prefect.ask(**asked)
        assert first["state"] == "Completed", first
        assert {table: target.rows(table) for table in TABLES} == {t: source_rows(database, t) for t in TABLES}
        transaction.commit()

    assert prefect.ask(**asked)["state"] == "Completed"
    assert {table: target.rows(table) for table in TABLES} == {t: source_rows(database, t) for t in TABLES}

    before = target.marks()
    assert prefect.ask(**asked)["state"] == "Completed"
    assert target.marks() == before
    assert list((tmp_path / "staging").iterdir()) == []


def test_a_flow_copies_a_topic(prefect: LineProgram, kafka_broker: Kafka, tmp_path: Path) -> None:
    topic, target = generate_for_topic("prefect", tmp_path, tmp_path / "flows"), tmp_path / "target"
    asked = {
        "folder": str(tmp_path / "flows"),
        "name": "extract_web",
        "secrets": {"web-source": kafka_broker.bootstrap, "web-duckdb": str(target)},
        "staging": str(tmp_path / "staging"),
    }
    with topic_of_clicks(kafka_broker, topic) as send:
        for first, expected in ((0, (10, 10, 1, 10)), (5, (20, 20, 2, 15))):
            send(first, first + 10)
            ran = prefect.ask(**asked)
            assert ran["state"] == "Completed", ran
            assert clicks_in(target, topic) == expected


def test_a_success_is_told_and_a_failure_mails_each_reader_once(
    prefect: LineProgram, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(SCHEMA)
    told = ("--email-on-failure", "team@example.com,boss@example.com", "--notify", "CHAT_URL")
    options = ("--type", "prefect", "--destination", "duckdb", "--tables", "places", "--retries", "0", *told)
    generate(monkeypatch, database, *options, output=tmp_path / "extract_crm_told.py")
    with mailbox() as box, hook() as chat:
        secrets = {"crm-source": database, "crm-duckdb": str(tmp_path / "lake.duckdb"), "chat-url": chat.address}
        asked = {
            "folder": str(tmp_path),
            "name": "extract_crm_told",
            "secrets": {**secrets, "mail-server": f"mailto://localhost:{box.port}?from=data@example.com"},
            "staging": str(tmp_path / "staging"),
        }
        assert prefect.ask(**asked)["state"] == "Completed"
        assert chat.titles == ["extract_crm_told has succeeded"]
        assert "places are loaded." in chat.posts[0]["message"]
        assert box.subjects == []
        with psycopg.connect(database) as connection:
            connection.execute("DROP TABLE crm.places")
        assert prefect.ask(**asked)["state"] == "Failed"
    assert set(box.subjects) == {"extract_crm_told has failed"}
    assert sorted(box.readers) == [("boss@example.com",), ("team@example.com",)]  # one mail for each
    assert len(chat.posts) == 1
