"""The generated producer runs as it is, against a real Kafka: what it sends, sets aside, and does when stopped."""

import json
import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from made_pipelines import differing, made, over_topic

from dataeng_assets.local.kafka import Kafka
from dataeng_assets.settings import ROOT

CONTRACT = ROOT / "dataeng_assets" / "defs" / "events" / "contracts" / "user_events.yaml"
TOPIC = "user_events"


def event(number: int, **other: object) -> dict[str, object]:
    return {
        "event_id": str(uuid.UUID(int=number)),
        "user_id": number,
        "event_type": "click",
        "timestamp": "2026-03-01T12:00:00.123456Z",
        "properties": {"price": number + 0.5},
        **other,
    }


REJECTED: Mapping[bytes, str] = {
    b"no json": "json: Expecting value",
    b"[]": "json: no object",
    b'{"event_id": "\xff"}': "json: 'utf-8' codec",
    b'{"event_id": 1, "event_id": 2}': "json: a field is there twice",
    b"[" * 100_000: "json: nested too deeply",
    json.dumps(event(1, event_id="7")).encode(): "type: event_id is no uuid",
    json.dumps(event(1, event_id=None)).encode(): "missing: event_id",
    json.dumps(event(1, user_id="1")).encode(): "type: user_id is no bigint",
    json.dumps(event(1, user_id=True)).encode(): "type: user_id is no bigint",
    json.dumps(event(1, user_id=2**63)).encode(): "type: user_id is no bigint",
    json.dumps(event(1, event_type="cough")).encode(): "values: event_type",
    json.dumps(event(1, timestamp="2026-03-01T12:00:00")).encode(): "type: timestamp is no timestamp",
    json.dumps(event(1, properties={"nothing": float("nan")})).encode(): "json: NaN is no number",
    b'{"properties": {"digits": 0.12345678901234567890}, ' + json.dumps(event(1, properties=1)).encode()[1:]: "json: a",
    json.dumps(event(1, properties="\ud800")).encode(): "json: 'utf-8' codec",
}


@dataclass(frozen=True)
class Made:
    """A generated producer and what it runs with."""

    script: Path
    environment: Mapping[str, str]

    def start(self, *options: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, str(self.script), *options],
            env=dict(self.environment),
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )


@pytest.fixture
def producer(kafka_broker: Kafka, tmp_path: Path) -> Iterator[Made]:
    pipeline = over_topic("kafka-producer", CONTRACT, destination="kafka")
    generated = made(pipeline)
    for path, text in generated.files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    address = {pipeline.address_variable: kafka_broker.bootstrap}
    local = {"PIPELINE_ENV": "local", "KAFKA_SECURITY_PROTOCOL": "PLAINTEXT"}
    client = KafkaAdminClient(bootstrap_servers=kafka_broker.bootstrap)
    client.create_topics({TOPIC: {"num_partitions": 3, "replication_factor": 1}}, wait_for_metadata=True)
    yield Made(tmp_path / generated.main, {**os.environ, **address, **local})
    client.delete_topics([TOPIC])
    client.close()


@pytest.fixture
def arrived(kafka_broker: Kafka) -> Callable[[], list[tuple[bytes, bytes]]]:
    """Key and value of every record that readers of committed records see."""

    def read() -> list[tuple[bytes, bytes]]:
        consumer = KafkaConsumer(bootstrap_servers=kafka_broker.bootstrap, isolation_level="read_committed")
        parts = [TopicPartition(TOPIC, number) for number in range(3)]
        consumer.assign(parts)
        consumer.seek_to_beginning(*parts)
        ends, found = consumer.end_offsets(parts), []
        while any(consumer.position(part) < end for part, end in ends.items()):
            for records in consumer.poll(timeout_ms=500).values():
                found += [(record.key, record.value) for record in records]
        consumer.close()
        return found

    return read


@pytest.mark.server
def test_what_keeps_the_contract_is_sent_once_and_the_rest_set_aside(
    producer: Made, arrived: Callable[[], list[tuple[bytes, bytes]]], tmp_path: Path
) -> None:
    good = [json.dumps(event(number)).encode() for number in range(500)]
    lines = [*good[:250], *REJECTED, *good[250:]]
    rejected = tmp_path / "rejected.jsonl"
    process = producer.start("--rejected", str(rejected))
    _, told = process.communicate(b"\n".join(lines) + b"\n", timeout=60)

    assert process.returncode == 1, told
    assert json.loads(told.splitlines()[-1]) == {
        "topic": TOPIC,
        "sent": 500,
        "rejected": len(REJECTED),
        "stopped": False,
    }
    found = arrived()
    assert sorted(json.loads(value)["user_id"] for _, value in found) == list(range(500))
    assert all(json.loads(value) == event(json.loads(value)["user_id"]) for _, value in found)
    assert all(key.decode() == json.loads(value)["event_id"] for key, value in found)
    reasons = [json.loads(line) for line in rejected.read_text(encoding="utf-8").splitlines()]
    assert [one["line"] for one in reasons] == list(range(251, 251 + len(REJECTED)))
    for one, wanted in zip(reasons, REJECTED.values(), strict=True):
        assert one["reason"].startswith(wanted)


@pytest.mark.server
def test_a_producer_that_is_stopped_delivers_what_it_took(
    producer: Made, arrived: Callable[[], list[tuple[bytes, bytes]]]
) -> None:
    process = producer.start()
    assert process.stdin is not None
    assert process.stderr is not None
    process.stdin.write(b"".join(json.dumps(event(number)).encode() + b"\n" for number in range(100)) + b"wrong\n")
    process.stdin.flush()
    assert b'"line": 101' in process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    told = process.stderr.read()

    assert process.wait(30) == 1, told
    assert json.loads(told.splitlines()[-1])["sent"] == len(arrived()) == 100


@pytest.mark.server
def test_a_transaction_that_did_not_end_is_not_seen(
    producer: Made, arrived: Callable[[], list[tuple[bytes, bytes]]]
) -> None:
    lines = b"".join(json.dumps(event(number)).encode() + b"\n" for number in range(100))
    killed = producer.start("--transactional-id", "one")
    assert killed.stdin is not None
    assert killed.stderr is not None
    killed.stdin.write(lines + b"wrong\n")
    killed.stdin.flush()
    assert b'"line": 101' in killed.stderr.readline()
    killed.kill()
    killed.wait()
    again = producer.start("--transactional-id", "one")
    _, told = again.communicate(lines, timeout=60)

    assert again.returncode == 0, told
    assert len(arrived()) == 100


def test_nothing_is_sent_without_encryption_outside_of_a_local_trial(tmp_path: Path) -> None:
    generated = made(over_topic("kafka-producer", CONTRACT, destination="kafka"))
    script = tmp_path / generated.main
    script.write_text(generated.files[generated.main], encoding="utf-8")
    environment = {**os.environ, "DATAENG_KAFKA_BOOTSTRAP": "127.0.0.1:1", "KAFKA_SECURITY_PROTOCOL": "PLAINTEXT"}
    done = subprocess.run([sys.executable, script], env=environment, input=b"", capture_output=True)

    assert done.returncode == 1
    assert b"needs PIPELINE_ENV=local. Nothing was connected to." in done.stderr


def test_the_producer_is_the_golden_one() -> None:
    assert not differing(made(over_topic("kafka-producer", destination="kafka")), "kafka-producer-kafka-kafka")
