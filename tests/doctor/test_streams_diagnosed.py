"""A stream on the real broker: healthy, behind, past retention, doubled, drifting."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from doctor_kit import ScopeOf, causes, found, missed, proof
from kafka import KafkaAdminClient, TopicPartition

from dataeng_assets.contracts.model import Column, Contract, EventTime
from dataeng_assets.contracts.types import event_type
from dataeng_assets.doctor.look import reported
from dataeng_assets.doctor.probes.streams import troubled_streams
from dataeng_assets.doctor.probes.tables import doubled_rows, unknown_fields
from dataeng_assets.doctor.scope import Scope
from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.kafka.recording import replay_recording
from dataeng_assets.settings import SettingMissing
from dataeng_assets.streams.health.samples import Sample, record
from dataeng_assets.streams.stream import Stream
from dataeng_assets.testing.fixtures import Drained, ReplayedTopic, recording

pytestmark = pytest.mark.server

OLD = datetime(2026, 3, 1, 12, tzinfo=UTC)
TYPES = {"event_id": "string", "timestamp": "timestamp"}
CONTRACT = Contract(
    path=Path("user_events.yaml"),
    id="events.user_events",
    name="user_events",
    version="1.0.0",
    description="Events of a test.",
    owner="tests",
    domain="events",
    tags=(),
    columns=tuple(
        Column(name, event_type(kind), kind, False, personal=False, description="") for name, kind in TYPES.items()
    ),
    key=("event_id",),
    event_time=EventTime("timestamp", timedelta(hours=1), timedelta(minutes=5)),
)


@dataclass(frozen=True)
class Declared:
    """What a component tells of its stream."""

    found: Stream
    at: Cluster | None

    def stream(self, _: Contract) -> Stream:
        return self.found

    def cluster(self) -> Cluster:
        if self.at is None:
            raise SettingMissing("DATAENG_KAFKA_BOOTSTRAP is not set")
        return self.at


def events(first: int, last: int, **more: object) -> pa.Table:
    return recording(
        {
            "partition": number % 2,
            "timestamp": OLD,
            "value": json.dumps({"event_id": f"e{number}", "timestamp": OLD.isoformat(), **more}).encode(),
        }
        for number in range(first, last)
    )


@pytest.fixture
def topic(replay_topic: Callable[[pa.Table], ReplayedTopic]) -> ReplayedTopic:
    return replay_topic(events(0, 20))


@pytest.fixture
def drained(drain: Callable[[Contract, ReplayedTopic], Drained], topic: ReplayedTopic) -> Stream:
    return drain(CONTRACT, topic).stream


@pytest.fixture
def scope(scope_of: ScopeOf, drained: Stream, topic: ReplayedTopic) -> Scope:
    return scope_of(topics=[(Declared(drained, topic.cluster), CONTRACT)])


def send(topic: ReplayedTopic, rows: pa.Table) -> None:
    replay_recording(topic.cluster, topic.name, iter(rows.to_batches()))


def sample(stream: Stream, minutes_ago: int, **measured: float) -> None:
    at = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    record(stream.lake, Sample(stream.name, at, "run", 60.0, 15.0, **measured))  # type: ignore[arg-type]


def test_a_lag_that_does_not_fall_is_named_and_one_that_is_worked_off_is_not(
    scope: Scope, drained: Stream, topic: ReplayedTopic
) -> None:
    assert found(troubled_streams(scope)) == [], "it has read everything"
    send(topic, events(20, 30))
    said = list(troubled_streams(scope))
    assert found(said) == [("consumer-lag-grows", "stream user_events")]
    assert "10 records behind" in proof(said)
    for minutes, lag in ((3, 4_000), (2, 3_000), (1, 2_000)):
        sample(drained, minutes, lag_records=lag)
    assert found(troubled_streams(scope)) == [], "it catches up"
    for minutes, lag in ((-1, 5), (-2, 7), (-3, 8)):
        sample(drained, minutes, lag_records=lag)
    assert "in the last samples 5, 7, 8" in proof(troubled_streams(scope))


def test_offsets_past_retention_are_named_by_partition_until_then_nothing_is(
    scope: Scope, drained: Stream, topic: ReplayedTopic
) -> None:
    admin = KafkaAdminClient(bootstrap_servers=topic.cluster.bootstrap)
    try:
        admin.delete_records({TopicPartition(topic.name, 0): 10})
        assert found(troubled_streams(scope)) == [], "what is gone was read"
        send(topic, events(20, 30))
        admin.delete_records({TopicPartition(topic.name, 0): 13})
    finally:
        admin.close()
    said = list(troubled_streams(scope))
    assert causes(said) == {"offsets-past-retention", "consumer-lag-grows"}
    assert "partition 0: offsets 10 to 12 (3) are no longer retained" in proof(said)
    [lost] = [one for one in reported(said).findings if one.cause == "offsets-past-retention"]
    assert lost.commands[0] == "dataeng stream accept-gap user_events --dry-run"


def test_backpressure_and_skew_are_what_three_samples_in_a_row_say(scope: Scope, drained: Stream) -> None:
    ill = {"blocked_seconds": 55.0, "largest_lag": 90_000, "median_lag": 10.0}
    for minutes in (5, 4):
        sample(drained, minutes, **ill)
    assert found(troubled_streams(scope)) == [], "two are no trouble"
    sample(drained, 3, **ill)
    said = list(troubled_streams(scope))
    assert causes(said) == {"backpressure", "partition-skew"}
    assert "9000.0 times the median" in proof(said)


def test_rows_written_twice_and_unknown_fields_are_counted(
    scope: Scope, drained: Stream, topic: ReplayedTopic, drain: Callable[[Contract, ReplayedTopic], Drained]
) -> None:
    assert causes([*doubled_rows(scope), *unknown_fields(scope)]) == set()
    send(topic, events(20, 24, coupon="x"))
    drain(CONTRACT, topic)
    said = list(unknown_fields(scope))
    assert found(said) == [("schema-drift", "stream user_events")]
    assert "4 of 24 events" in proof(said)
    table = drained.lake.open(drained.main)
    write_deltalake(table, table.to_pyarrow_dataset().to_table().slice(0, 5), mode="append")
    said = list(doubled_rows(scope))
    assert found(said) == [("duplicates", "bronze.events.user_events")]
    assert sum(int(line.split(": ")[1].split()[0]) for line in proof(said).splitlines()) == 5


def test_a_broker_that_cannot_be_asked_is_named_and_a_topic_made_again_stops_the_stream(
    scope: Scope, drained: Stream, topic: ReplayedTopic
) -> None:
    away = replace(scope, topics=[(Declared(drained, None), CONTRACT)])
    said = list(troubled_streams(away))
    assert (found(said), missed(said).split(":")[0]) == ([], "the lag of stream user_events")
    admin = KafkaAdminClient(bootstrap_servers=topic.cluster.bootstrap)
    try:
        admin.delete_topics([topic.name])
        new = {"num_partitions": 2, "replication_factor": 1}
        admin.create_topics({topic.name: new}, wait_for_metadata=True)
    finally:
        admin.close()
    assert found(troubled_streams(scope)) == [("stream-stopped", "stream user_events")]
