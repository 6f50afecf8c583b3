"""What is generated for Kafka logs in to a broker that wants TLS and a password: the topics are made, records sent."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec
from made_pipelines import made, over_topic

from dataeng_assets.local import packages, secure_kafka
from dataeng_assets.testing.secured import SecuredBroker

pytestmark = pytest.mark.server

PINS = Path(__file__).parent / "kafka_tools.toml"
TOPIC = "clicks"


@dataclass(frozen=True)
class Made:
    """A generated producer's folder, and the environment that its programs run in."""

    folder: Path
    main: Path
    environment: Mapping[str, str]

    def create_topics(self) -> "subprocess.CompletedProcess[str]":
        command = ["bash", str(self.folder / "create_topics.sh")]
        return subprocess.run(command, env=dict(self.environment), capture_output=True, text=True, timeout=120)

    def produce(self, *records: Mapping[str, object]) -> "subprocess.CompletedProcess[str]":
        lines = "".join(json.dumps(record) + "\n" for record in records)
        command = [sys.executable, str(self.main)]
        return subprocess.run(
            command, input=lines, env=dict(self.environment), capture_output=True, text=True, timeout=120
        )

    def with_password(self, password: str) -> "Made":
        return Made(self.folder, self.main, {**self.environment, "KAFKA_PASSWORD": password})


@pytest.fixture
def producer(secure_broker: SecuredBroker, tmp_path: Path) -> Made:
    pipeline = over_topic("kafka-producer", destination="kafka")
    generated = made(pipeline)
    for path, text in generated.files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        # one broker cannot hold three replicas: what a person would change for it
        (tmp_path / path).write_text(text.replace(" 6 3 min.insync.replicas=2 ", " 6 1 "), encoding="utf-8")
    kafka = secure_broker.kafka
    environment = {
        **os.environ,
        "PATH": f"{_kafka_topics(tmp_path / 'bin')}{os.pathsep}{os.environ['PATH']}",
        pipeline.address_variable: kafka.bootstrap,
        "KAFKA_USERNAME": secure_kafka.ADMIN,
        "KAFKA_PASSWORD": kafka.password(secure_kafka.ADMIN),
        "KAFKA_CA_FILE": str(kafka.access / "ca.pem"),
    }
    return Made(tmp_path, tmp_path / generated.main, environment)


def _kafka_topics(folder: Path) -> Path:
    """A folder with Kafka's own tool under the name that it has where Kafka was unpacked."""
    jars = packages.fetch([*packages.kafka_packages(), *packages.pinned_packages(PINS, "kafka-tools")])
    folder.mkdir()
    tool = folder / "kafka-topics.sh"
    classes = os.pathsep.join(map(str, jars))
    tool.write_text(f'exec java -cp "{classes}" org.apache.kafka.tools.TopicCommand "$@"\n', encoding="utf-8")
    tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
    return folder


def test_topics_are_made_and_records_sent_over_tls_with_a_password(
    producer: Made, secure_broker: SecuredBroker
) -> None:
    first, again = producer.create_topics(), producer.create_topics()
    assert first.returncode == 0, first.stderr
    assert again.returncode == 0, again.stderr
    sent = producer.produce(*(click(number) for number in range(20)))
    assert sent.returncode == 0, sent.stderr

    with closing(KafkaAdminClient(**secure_broker.kafka.admin_options())) as admin:
        [topic] = admin.describe_topics([TOPIC])
        ends = admin.list_partition_offsets(
            {TopicPartition(TOPIC, part["partition_index"]): OffsetSpec.LATEST for part in topic["partitions"]}
        )
    assert len(ends) == 6
    assert sum(end.offset for end in ends.values()) >= 20


def test_a_wrong_password_makes_no_topic_and_sends_nothing(producer: Made) -> None:
    wrong = producer.with_password("wrong")
    created, sent = wrong.create_topics(), wrong.produce(click(1))
    assert created.returncode != 0
    assert "uthentication" in created.stdout + created.stderr
    assert sent.returncode != 0
    assert "uthentication" in sent.stderr


def click(number: int) -> dict[str, object]:
    return {
        "click_id": str(UUID(int=number)),
        "user_id": number,
        "event_type": "click",
        "clicked_at": "2026-03-01T12:00:00.123456Z",
    }
