"""A topic with good and broken records, and a generated project that reads it, for the tests of scheduled batches."""

import json
import subprocess
import sys
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import psycopg
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic
from deltalake import DeltaTable
from made_pipelines import over_topic

from dataeng_assets.generate.extraction import destination_module, folder_of, project_files
from dataeng_assets.generate.extraction.carried import from_kafka
from dataeng_assets.generate.extraction.carried.steps import Steps
from dataeng_assets.settings import ROOT

CONTRACT = """
apiVersion: v3.2.0
kind: DataContract
id: example.{name}
name: {name}
version: 1.0.0
status: active
domain: example
team:
  name: example
schema:
  - name: {name}
    physicalType: topic
    logicalType: object
    description: Payments.
    customProperties:
      - {{property: eventTime, value: paid_at}}
      - {{property: lateAfter, value: PT10M}}
      - {{property: maxAhead, value: PT5M}}
    properties:
      - {{name: id, logicalType: string, physicalType: uuid, required: true, primaryKey: true, description: Id.}}
      - {{name: amount, logicalType: number, physicalType: double, description: How much.}}
      - {{name: paid_at, logicalType: timestamp, physicalType: timestamp, required: true, description: When.}}
      - {{name: said, logicalType: string, physicalType: string, classification: personal, description: Text.}}
      - {{name: more, logicalType: object, physicalType: json, description: Anything.}}
"""
BROKEN = (b"no json", b'{"id": 7}', None, b'{"id": "%s"}' % str(uuid.UUID(int=1)).encode(), b"\xff")
_KILLED = """
import json, os, signal, sys
from importlib import import_module
from pathlib import Path
from dataeng_assets.generate.extraction.carried import from_kafka, to_delta_events
from dataeng_assets.generate.extraction.carried.destination import SqlDestination
from dataeng_assets.generate.extraction.carried.steps import Steps

said = json.loads(sys.argv[1])
opened = import_module("dataeng_assets.generate.extraction.carried." + said["module"]).open_destination
die = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
append, say = to_delta_events._append, SqlDestination._say
to_delta_events._append = lambda table, *rest: (append if table.table_uri.endswith("_dead_letters/") or
    table.table_uri.endswith("_dead_letters") else die)(table, *rest)
SqlDestination._say = lambda self, statement: die() if statement == "COMMIT" else say(self, statement)
steps = Steps(Path(said["project"]), from_kafka.extract, opened)
for one in steps.extract(said["source"], said["target"], said["staging"], "killed").values():
    steps.load(said["target"], one)
"""


@dataclass
class Batches:
    """A generated project that reads a topic of its own.

    Attributes:
        sent: the value of each record that was sent and not rolled back, by partition and offset.
    """

    topic: str
    bootstrap: str
    destination: str
    target: str
    staging: str
    steps: Steps
    module: str
    admin: AdminClient
    sent: dict[tuple[int, int], bytes | None]
    runs: int = 0

    def extract(self) -> dict[str, Any]:
        self.runs += 1
        return self.steps.extract(self.bootstrap, self.target, self.staging, f"run {self.runs}")[self.topic]

    def load(self, staged: Mapping[str, Any]) -> dict[str, int]:
        return self.steps.load(self.target, staged)

    def run(self) -> dict[str, int]:
        return self.load(self.extract())

    def killed_before_its_commit(self) -> int:
        """Run in a process that ends itself at the moment of the commit; gives its exit code."""
        said = {
            "module": self.module,
            "project": str(self.steps.project),
            "source": self.bootstrap,
            "target": self.target,
            "staging": self.staging,
        }
        return subprocess.run([sys.executable, "-c", _KILLED, json.dumps(said)], cwd=ROOT, check=False).returncode

    def send(self, values: Iterable[bytes | None], partition: int = 0, transaction: Producer | None = None) -> None:
        """Send records; those of a transaction are there once it is committed."""
        producer = transaction or Producer({"bootstrap.servers": self.bootstrap})
        known: list[tuple[int, bytes | None]] = []
        for value in values:
            producer.produce(
                self.topic,
                value,
                b"key",
                partition=partition,
                on_delivery=lambda _, message: known.append((message.offset(), message.value())),
            )
        assert producer.flush(30) == 0
        self.sent |= {(partition, offset): value for offset, value in known}

    def transaction(self) -> Producer:
        """A producer with a transaction that is open."""
        producer = Producer({"bootstrap.servers": self.bootstrap, "transactional.id": uuid.uuid4().hex})
        producer.init_transactions(30)
        producer.begin_transaction()
        return producer

    def make_topic(self, partitions: int) -> None:
        made = NewTopic(self.topic, partitions, 1, config={"retention.ms": "-1"})
        self.admin.create_topics([made])[self.topic].result(30)

    def add_partitions(self, to: int) -> None:
        self.admin.create_partitions([NewPartitions(self.topic, to)])[self.topic].result(30)

    def remove_before(self, partition: int, offset: int) -> None:
        """Delete records, as retention does."""
        for future in self.admin.delete_records([TopicPartition(self.topic, partition, offset)]).values():
            future.result(30)

    def make_anew(self, partitions: int) -> None:
        self.admin.delete_topics([self.topic], operation_timeout=30)[self.topic].result(30)
        self.make_topic(partitions)

    def places(self, of_dead: bool = False) -> list[tuple[int, int]]:
        """Partition and offset of each row."""
        return sorted((row[0], row[1]) for row in self.rows("_kafka_partition, _kafka_offset", of_dead=of_dead))

    def rows(self, columns: str, *, of_dead: bool = False) -> list[tuple[Any, ...]]:
        name = f"{self.topic}_dead_letters" if of_dead else self.topic
        query = f'SELECT {columns} FROM example."{name}"'
        if self.destination == "postgres":
            with psycopg.connect(self.target) as connection:
                return connection.execute(query).fetchall()
        if self.destination == "duckdb":
            with duckdb.connect(self.target) as connection:
                return connection.execute(query).fetchall()
        held = DeltaTable(f"{self.target}/example/{name}").to_pyarrow_table()
        with duckdb.connect() as connection:
            return connection.execute(f"SELECT {columns} FROM held").fetchall() if held.num_rows else []


def good(number: int) -> bytes:
    """A record that keeps the contract."""
    said = {
        "id": str(uuid.UUID(int=number)),
        "amount": number + 0.5,
        "paid_at": "2026-03-01T12:00:00Z",
        "new": number,
    }
    return json.dumps(said).encode()


def project(folder: Path, topic: str, destination: str, target: str, bootstrap: str) -> Batches:
    """Generate the project of a topic."""
    contract = folder / f"{topic}.yaml"
    contract.write_text(CONTRACT.format(name=topic))
    pipeline = over_topic("airflow", contract, destination=destination)
    for path, text in project_files(pipeline).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    module = destination_module(pipeline)
    carried = __import__(f"{from_kafka.__package__}.{module}", fromlist=["open_destination"])
    admin = AdminClient({"bootstrap.servers": bootstrap})
    steps = Steps(folder / folder_of(pipeline), from_kafka.extract, carried.open_destination)
    return Batches(topic, bootstrap, destination, target, str(folder / "staging"), steps, module, admin, {})
