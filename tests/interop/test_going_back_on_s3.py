"""A stream whose tables lie on an object store goes back to a savepoint, after upkeep, as one in a folder does."""

import json
import uuid
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from programs import bucket_server

from dataeng_assets.contracts.load import load_contract
from dataeng_assets.contracts.topic import TopicTerms
from dataeng_assets.kafka.admin import Admin
from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.kafka.producer import Outgoing, Producer
from dataeng_assets.kafka.topic_admin import TopicAdmin
from dataeng_assets.lake.compact import compact
from dataeng_assets.lake.location import Lake
from dataeng_assets.local.kafka import Kafka
from dataeng_assets.settings import ROOT
from dataeng_assets.streams.drain import drain
from dataeng_assets.streams.errors import RewindRefused
from dataeng_assets.streams.restore import go_back, look_back, to_savepoint
from dataeng_assets.streams.rewind import kept_versions
from dataeng_assets.streams.savepoints import drop, savepoints, take
from dataeng_assets.streams.stream import Stream
from dataeng_assets.streams.verify import verify

pytestmark = [pytest.mark.interop, pytest.mark.server]
CONTRACT = ROOT / "dataeng_assets" / "defs" / "events" / "contracts" / "user_events.yaml"
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with bucket_server(tmp_path_factory.mktemp("s3")) as options:
        yield Lake("s3://bucket/lake", options)


@pytest.fixture
def cluster(kafka_broker: Kafka, topic_name: str) -> Cluster:
    cluster, terms = Cluster(kafka_broker.bootstrap, allow_plaintext=True), TopicTerms(2, 1)
    with TopicAdmin(cluster) as admin:
        admin.apply(admin.plan(topic_name, terms), terms)
    return cluster


def value(number: int) -> bytes:
    """One in seven breaks the contract."""
    event = {
        "event_id": str(uuid.UUID(int=number)), "user_id": number, "event_type": "page_view",
        "timestamp": (NOON + timedelta(seconds=number)).isoformat(), "properties": {},
    }  # fmt: skip
    return json.dumps(event).encode() if number % 7 else b"{"


def send(cluster: Cluster, topic: str, numbers: Iterable[int]) -> None:
    with Producer(cluster, topic) as producer:
        for number in numbers:
            producer.send(number + 1, Outgoing(value(number), partition=number % 2))


def read(events: Stream, cluster: Cluster) -> None:
    assert drain(events, cluster, run_id="run", budget=timedelta(minutes=5)).caught_up


def places(events: Stream) -> dict[str, list[tuple[int, int]]]:
    """Where the records of each table lie in the topic."""
    found = {}
    for key in (events.main, events.dead_letters):
        rows = events.lake.open(key).to_pyarrow_table(columns=["_kafka_partition", "_kafka_offset"]).to_pylist()
        found[key[-1]] = sorted((row["_kafka_partition"], row["_kafka_offset"]) for row in rows)
    return found


def test_a_stream_in_a_bucket_goes_back_to_a_savepoint_and_reads_on(
    bucket: Lake, cluster: Cluster, topic_name: str
) -> None:
    events = Stream("user_events", topic_name, "events", load_contract(CONTRACT), bucket)
    send(cluster, topic_name, range(100))
    read(events, cluster)
    with Admin(cluster) as admin:
        savepoint = take(events, admin.describe(topic_name), reason="a test", taken_by="tests")
    then = places(events)
    send(cluster, topic_name, range(100, 160))
    read(events, cluster)
    now = places(events)
    for key, versions in kept_versions(events).items():
        compact(bucket.open(key))
        bucket.open(key).vacuum(
            0, dry_run=False, enforce_retention_duration=False, full=True, keep_versions=list(versions)
        )  # as upkeep does when all that was replaced is older than its retention

    decide = to_savepoint(savepoint.savepoint_id)
    seen = look_back(events, cluster, decide)
    assert sum(range_.end - range_.start for range_ in seen.again.values()) == 60
    go_back(events, cluster, decide, reason="a test", asked_by="tests")
    assert places(events) == then
    read(events, cluster)
    assert places(events) == now
    assert verify(events, cluster).holds

    drop(events, savepoint.savepoint_id, dropped_by="tests")
    assert not any(kept_versions(events).values())
    assert [one.dropped_by for one in savepoints(events)] == ["tests"]
    with pytest.raises(RewindRefused, match="dropped by tests"):
        look_back(events, cluster, decide)
