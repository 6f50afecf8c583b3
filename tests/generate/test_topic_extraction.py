"""The batches that generated projects read from a topic, run as they stand: each record once, whatever is cut off."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import psycopg
import pytest
from batched_topic import BROKEN, Batches, good, project

from dataeng_assets.generate.extraction.carried.errors import NotProven, Refused, Superseded
from dataeng_assets.generate.extraction.carried.kafka_topic import connection
from dataeng_assets.generate.extraction.carried.ranges import OffsetsLost, TopicReplaced
from dataeng_assets.local.kafka import Kafka
from dataeng_assets.local.postgres import Postgres
from dataeng_assets.testing.servers import new_database

pytestmark = pytest.mark.server


@pytest.fixture(params=["duckdb", "delta", "postgres"])
def batches(
    request: pytest.FixtureRequest,
    kafka_broker: Kafka,
    postgres_server: Postgres,
    topic_name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Batches]:
    monkeypatch.setenv("PIPELINE_ENV", "local")
    monkeypatch.setenv("KAFKA_SECURITY_PROTOCOL", "PLAINTEXT")
    # Kafka takes dots and dashes
    topic = f"web.{topic_name}"
    with new_database(postgres_server) as url:
        target = url if request.param == "postgres" else str(tmp_path / "target")
        made = project(tmp_path, topic, request.param, target, kafka_broker.bootstrap)
        made.make_topic(2)
        yield made
        made.admin.delete_topics([topic])[topic].result(30)


def only(destination: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("batches", [destination], indirect=True)


def assert_each_record_once(batches: Batches) -> None:
    dead = {place for place, value in batches.sent.items() if value in BROKEN}
    assert batches.places() == sorted(batches.sent.keys() - dead)
    assert batches.places(of_dead=True) == sorted(dead)
    for place, value in ((tuple(row[:2]), row[2]) for row in batches.rows(f"{PLACE}, _value", of_dead=True)):
        assert value == batches.sent[place]


PLACE = "_kafka_partition, _kafka_offset"


def test_every_record_is_there_exactly_once(batches: Batches) -> None:
    batches.send([good(n) for n in range(500)])
    batches.send([*BROKEN, good(500)], partition=1)
    aborted, kept = batches.transaction(), batches.transaction()
    sent = dict(batches.sent)
    batches.send([good(600), b"never"], transaction=aborted)
    batches.sent = sent
    aborted.abort_transaction(30)
    batches.send([good(601)], transaction=kept, partition=1)
    held_back = max(batches.sent)
    batches.send([good(602)], partition=1)
    first = batches.extract()
    assert first["after"]["position"]["next"]["1"] == held_back[1]
    batches.load(first)
    assert held_back not in batches.places()

    kept.commit_transaction(30)
    batches.add_partitions(3)
    batches.send([good(700), b"no json"], partition=2)
    second = batches.extract()
    assert second["after"]["position"]["first"]["2"] == 0
    assert batches.load(second)["rows"] == 4
    assert_each_record_once(batches)

    assert batches.load(second)["rows"] == 4
    with pytest.raises(Superseded):
        batches.load(first)
    assert batches.run() == {"rows": 0, "removed": 0}
    assert_each_record_once(batches)
    row = batches.rows("amount, _rescued, more", of_dead=False)[0]
    assert row[1:] == (f'{{"new": {row[0] - 0.5:.0f}}}', None)


def test_a_run_killed_before_its_commit_loses_and_doubles_nothing(batches: Batches) -> None:
    batches.send([good(0), *BROKEN])
    batches.run()
    batches.send([good(1), b"no json"], partition=1)
    assert batches.killed_before_its_commit() == -9
    batches.send([good(2), b"no json"], partition=1)
    assert batches.run()["rows"] == 4
    assert_each_record_once(batches)


def test_of_two_runs_at_once_one_is_refused(batches: Batches) -> None:
    batches.send([good(n) for n in range(50)] + [b"no json"])
    older = batches.extract()
    batches.send([good(n) for n in range(50, 90)] + [b"no json"], partition=1)
    staged, together = [older, batches.extract()], Barrier(2)

    def load(one: dict[str, Any]) -> Exception | None:
        together.wait()
        try:
            batches.load(one)
        except Exception as error:  # noqa: BLE001  # DuckDB has an error of its own for two writers
            return error
        return None

    with ThreadPoolExecutor(2) as pool:
        errors = [error for error in pool.map(load, staged) if error]
    assert len(errors) == 1
    assert isinstance(errors[0], Superseded) or "onflict" in str(errors[0])
    batches.run()
    assert_each_record_once(batches)


def test_records_that_retention_removed_are_named(batches: Batches) -> None:
    batches.send([good(n) for n in range(10)])
    batches.run()
    batches.send([good(n) for n in range(10, 20)])
    batches.remove_before(0, 15)
    with pytest.raises(OffsetsLost, match="offsets 10 to 14 of partition 0"):
        batches.run()
    assert batches.places() == [(0, n) for n in range(10)]
    config = batches.steps.project / "extraction.yaml"
    config.write_text(config.read_text().replace("options:", "options:\n      accept_lost: true"))
    staged = batches.extract()
    assert staged["notes"] == ("accepted as lost: offsets 10 to 14 of partition 0",)
    batches.load(staged)
    assert batches.places() == [(0, n) for n in range(20) if not 10 <= n < 15]


@only("delta")
def test_a_topic_that_was_made_anew_is_refused(batches: Batches) -> None:
    batches.send([good(1)])
    batches.run()
    batches.make_anew(2)
    with pytest.raises(TopicReplaced, match="deleted and made again"):
        batches.run()
    assert len(batches.places()) == 1


@only("duckdb")
def test_a_load_that_lost_a_record_stores_nothing(batches: Batches) -> None:
    batches.send([good(1), *BROKEN])
    staged = batches.extract()
    with pytest.raises(NotProven):
        batches.load({**staged, "rows": staged["rows"] + 1})
    assert batches.places() == []
    assert batches.run()["rows"] == 6


@only("postgres")
def test_a_load_whose_rows_are_changed_on_the_way_stores_nothing(batches: Batches) -> None:
    batches.send([good(1)])
    batches.run()
    change = (
        "CREATE FUNCTION example.spoil() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN NEW.amount := 0; RETURN NEW; END $$;"
        f'CREATE TRIGGER spoils BEFORE INSERT ON example."{batches.topic}" '
        "FOR EACH ROW EXECUTE FUNCTION example.spoil()"
    )
    with psycopg.connect(batches.target) as spoiled:
        spoiled.execute(change)
    batches.send([good(2)])
    with pytest.raises(NotProven, match="1 of 1"):
        batches.run()
    assert len(batches.places()) == 1


@only("delta")
def test_a_changed_contract_between_two_commits_is_refused(batches: Batches) -> None:
    batches.send([good(0)])
    batches.run()
    batches.send([good(1).replace(b"1.5", b"true")])
    assert batches.killed_before_its_commit() == -9
    config = batches.steps.project / "extraction.yaml"
    config.write_text(config.read_text().replace("double", "boolean"))
    with pytest.raises(Refused, match="1 records are judged otherwise"):
        batches.run()


def test_models_show_each_event_once(batches: Batches) -> None:
    batches.send([good(1), good(2), good(1)])
    batches.run()
    assert batches.steps.check(batches.target) == {}
    model = f"fct_{batches.topic}".replace(".", "_").replace("-", "_")
    assert model in batches.steps.build(batches.target)
    batches_of_model = Batches(**{**vars(batches), "topic": model})
    assert len(batches_of_model.rows("id")) == 2


def test_nothing_travels_unencrypted_outside_of_a_local_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIPELINE_ENV", "KAFKA_USERNAME", "KAFKA_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KAFKA_SECURITY_PROTOCOL", "PLAINTEXT")
    with pytest.raises(Refused, match="PIPELINE_ENV=local"):
        connection("broker:9092")
    monkeypatch.delenv("KAFKA_SECURITY_PROTOCOL")
    with pytest.raises(Refused, match="KAFKA_USERNAME"):
        connection("broker:9092")
    monkeypatch.setenv("KAFKA_USERNAME", "reader")
    monkeypatch.setenv("KAFKA_PASSWORD", "secret")
    assert connection("broker:9092")["security.protocol"] == "SASL_SSL"
