"""A topic with good and broken records, and a generated project that copies it, for the tests of DAGs and flows."""

import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
from kafka import KafkaAdminClient

from dataeng_assets.generate.asked import Asked
from dataeng_assets.generate.kinds import kind_module
from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.kafka.producer import Outgoing, Producer
from dataeng_assets.local.kafka import Kafka
from dataeng_assets.orchestration.generated import pipeline_of
from dataeng_assets.settings import ROOT


def generate_for_topic(kind: str, folder: Path, output: Path) -> str:
    """Write a project that copies a topic of its own to DuckDB; gives the topic's name."""
    topic = f"clicks_{uuid.uuid4().hex[:12]}"
    contract = folder / "defs" / "web" / "contracts" / f"{topic}.yaml"
    contract.parent.mkdir(parents=True)
    example = (ROOT / "docs" / "reference" / "example-topic.yaml").read_text()
    contract.write_text(example.replace("clicks", topic).replace("name: Clicks", f"name: {topic}"))
    (contract.parents[1] / "defs.yaml").write_text(
        "type: dataeng_assets.components.KafkaTopicComponent\n"
        f"attributes: {{topic: {topic}, domain: web, bootstrap_variable: WEB_KAFKA}}\n"
    )
    asked = Asked(kind, source="kafka", destination="duckdb", retries="0")
    pipeline = pipeline_of(asked, defs=folder / "defs").pipeline
    generated = kind_module(pipeline.request.kind).files(pipeline)
    for path, text in generated.files.items():
        (output / path).parent.mkdir(parents=True, exist_ok=True)
        (output / path).write_text(text)
    return topic


@contextmanager
def topic_of_clicks(broker: Kafka, topic: str) -> Iterator[Callable[[int, int], None]]:
    """A topic with two partitions; the function sends the clicks of some numbers, and a broken record before them."""
    client = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    topic_settings = {"num_partitions": 2, "replication_factor": 1, "configs": {"retention.ms": "-1"}}
    client.create_topics({topic: topic_settings}, wait_for_metadata=True)

    def send(first: int, last: int) -> None:
        with Producer(Cluster(broker.bootstrap, allow_plaintext=True), topic) as producer:
            producer.send(first, Outgoing(b"no json", partition=0))
            for number in range(first, last):
                said = {
                    "click_id": str(uuid.UUID(int=number)),
                    "event_type": "open",
                    "clicked_at": "2026-03-01T12:00:00Z",
                }
                producer.send(number + 1, Outgoing(json.dumps(said).encode(), partition=number % 2))

    try:
        yield send
    finally:
        client.delete_topics([topic])
        client.close()


def clicks_in(target: Path, topic: str) -> tuple[int, int, int, int]:
    """Records, different places of them, dead letters, and events of the model, in a DuckDB file."""
    with duckdb.connect(str(target), read_only=True) as connection:
        query = (
            f"SELECT count(*), count(DISTINCT (_kafka_partition, _kafka_offset)), "
            f"(SELECT count(*) FROM web.{topic}_dead_letters), (SELECT count(*) FROM web.fct_{topic}) FROM web.{topic}"
        )
        return connection.execute(query).fetchall()[0]
