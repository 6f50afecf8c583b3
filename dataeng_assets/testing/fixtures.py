"""A pytest plugin for the tests of a stream: a real broker, a recorded topic replayed on it, a drain to compare.

Load it in a `conftest.py` with `pytest_plugins = ["dataeng_assets.testing.fixtures"]`; nothing starts before a test
asks for it. Servers and folders come from `servers`, which is loaded along.
"""

import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from dataeng_assets.local.kafka import Kafka

if TYPE_CHECKING:
    from dataeng_assets.contracts.model import Contract
    from dataeng_assets.kafka.cluster import Cluster
    from dataeng_assets.lake.location import Lake
    from dataeng_assets.streams.stream import Stream

pytest_plugins = ["dataeng_assets.testing.servers"]

_BUDGET = timedelta(minutes=5)


@dataclass(frozen=True)
class ReplayedTopic:
    """A topic of the test's own that holds what was recorded.

    Attributes:
        name: of the topic.
        cluster: where it is.
        records: how many were sent.
    """

    name: str
    cluster: "Cluster"
    records: int


@dataclass(frozen=True)
class Drained:
    """What a stream's tables hold, each sorted by partition and offset, and the stream itself."""

    main: pa.Table
    late: pa.Table
    dead_letters: pa.Table
    stream: "Stream"


Recording = str | Path | pa.Table
"""A file of `dataeng stream record`, or a table with at least the columns `partition` and `value` of such a file."""


@pytest.fixture
def replay_topic(kafka_broker: Kafka) -> Iterator[Callable[[Recording], ReplayedTopic]]:
    """A function that makes a topic and sends a recording to it: partitions, keys, headers, timestamps as recorded.

    Offsets begin at 0. The topic is deleted when the test ends.
    """
    from kafka import KafkaAdminClient

    from dataeng_assets.kafka.cluster import Cluster
    from dataeng_assets.kafka.recording import replay_recording

    cluster, made = Cluster(kafka_broker.bootstrap, allow_plaintext=True), list[str]()
    client = KafkaAdminClient(bootstrap_servers=kafka_broker.bootstrap)

    def replay(recording: Recording) -> ReplayedTopic:
        batches = list(_batches(recording))
        partitions: set[Any] = {one for batch in batches for one in batch.column("partition").unique().to_pylist()}
        name = f"replayed-{uuid.uuid4().hex[:12]}"
        # records of a past date: the broker would delete them within minutes
        topic = {
            "num_partitions": max(partitions, default=0) + 1,
            "replication_factor": 1,
            "configs": {"retention.ms": "-1"},
        }
        client.create_topics({name: topic}, wait_for_metadata=True)
        made.append(name)
        return ReplayedTopic(name, cluster, replay_recording(cluster, name, iter(batches)))

    try:
        yield replay
    finally:
        if made:
            client.delete_topics(made)
        client.close()


@pytest.fixture
def drain(lake: "Lake") -> "Callable[[str | Path | Contract, ReplayedTopic], Drained]":
    """A function that drains a replayed topic into tables of the test's own, as the platform would.

    It takes the name of a stream that `defs/` declares, a contract's path, or a contract; and the topic. Draining the
    same topic again goes on where it stopped.
    """

    def drain_topic(declared: "str | Path | Contract", topic: ReplayedTopic) -> Drained:
        from dataeng_assets.streams.drain import drain

        stream = replace(_stream(declared, lake), topic=topic.name, lake=lake)
        drain(stream, topic.cluster, run_id=f"test.{uuid.uuid4().hex[:8]}", budget=_BUDGET)
        return Drained(_rows(lake, stream.main), _rows(lake, stream.late), _rows(lake, stream.dead_letters), stream)

    return drain_topic


def recording(rows: Iterable[dict[str, Any]]) -> pa.Table:
    """A recording made by hand: rows with `value`, and what else of `partition`, `timestamp`, `key`, `headers` matters.

    Values and keys are bytes; timestamps are datetimes with a time zone; headers are lists of `{"key", "value"}`.
    """
    from dataeng_assets.kafka.records import RECORDS

    filled = [{"partition": 0, "offset": number, **row} for number, row in enumerate(rows)]
    return pa.Table.from_pylist(filled, schema=RECORDS)


def _batches(recording: Recording) -> Iterable[pa.RecordBatch]:
    from dataeng_assets.kafka.recording import read_recording

    return recording.to_batches() if isinstance(recording, pa.Table) else read_recording(Path(recording))


def _stream(declared: "str | Path | Contract", lake: "Lake") -> "Stream":
    from dataeng_assets.contracts.load import load_contract
    from dataeng_assets.streams.stream import Stream

    if isinstance(declared, str):
        # the component is Dagster's, which a test by a contract alone does without
        from dataeng_assets.components.kafka_topic import find_topic

        component, contract = find_topic(declared)
        return component.stream(contract)
    contract = load_contract(declared) if isinstance(declared, Path) else declared
    return Stream(contract.name, contract.name, contract.domain, contract, lake)


def _rows(lake: "Lake", key: tuple[str, ...]) -> pa.Table:
    rows: pa.Table = lake.open(key).to_pyarrow_dataset().to_table()
    return rows.sort_by([("_kafka_partition", "ascending"), ("_kafka_offset", "ascending")])
