"""A stream on the real broker: healthy, behind, past retention, doubled, drifting."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from doctor_kit import ScopeOf, causes, found, missed, proof
from kafka import KafkaAdminClient, TopicPartition

from dataeng_assets.contracts.model import Column, Contract, EventTime
from dataeng_assets.contracts.types import event_type
from dataeng_assets.doctor.finding import Finding, Looked, reported
from dataeng_assets.doctor.probes.streams import troubled_streams
from dataeng_assets.doctor.probes.tables import doubled_rows, unknown_fields
from dataeng_assets.doctor.scope import Scope
from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.kafka.recording import replay_recording
from dataeng_assets.lake.location import Lake
from dataeng_assets.settings import SettingMissing
from dataeng_assets.streams import session
from dataeng_assets.streams.drain import drain as drain_topic
from dataeng_assets.streams.health.samples import Sample, record
from dataeng_assets.streams.health.take import keep_sample
from dataeng_assets.streams.lag import lag
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


@dataclass(frozen=True)
class Wide:
    """A stream of several partitions."""

    topic: ReplayedTopic
    stream: Stream
    scope: Scope


def rows(first: int, last: int, **more: object) -> list[dict[str, Any]]:
    return [
        {
            "partition": number % 2,
            "timestamp": OLD,
            "value": json.dumps({"event_id": f"e{number}", "timestamp": OLD.isoformat(), **more}).encode(),
        }
        for number in range(first, last)
    ]


def events(first: int, last: int, **more: object) -> pa.Table:
    return recording(rows(first, last, **more))


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
    for minutes, behind in ((3, 4_000), (2, 3_000), (1, 2_000)):
        sample(drained, minutes, lag_records=behind)
    assert found(troubled_streams(scope)) == [], "it catches up"
    for minutes, behind in ((-1, 5), (-2, 7), (-3, 8)):
        sample(drained, minutes, lag_records=behind)
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


@pytest.fixture
def wide(scope_of: ScopeOf, lake: Lake, replay_topic: Callable[[pa.Table], ReplayedTopic]) -> Wide:
    """A topic of four partitions that has been read to its end."""
    topic = replay_topic(recording({**row, "partition": number % 4} for number, row in enumerate(rows(0, 8))))
    stream = Stream(CONTRACT.name, topic.name, CONTRACT.domain, CONTRACT, lake)
    drain_some(stream, topic, most=100)
    return Wide(topic, stream, scope_of(topics=[(Declared(stream, topic.cluster), CONTRACT)]))


def drain_some(stream: Stream, topic: ReplayedTopic, most: int, budget: timedelta = timedelta(0)) -> None:
    """One batch, or as many as go into the budget, and the sample of it, as the asset of a topic takes it."""
    report = drain_topic(stream, topic.cluster, run_id="r", budget=budget, batch_records=most)
    measure = partial(lag, stream, topic.cluster)
    keep_sample(stream, report.batches, run_id="r", seconds=report.seconds, measure=measure, interval_seconds=15.0)


def test_a_partition_that_most_records_go_to_is_named_and_an_even_lag_is_none(wide: Wide) -> None:
    send(wide.topic, recording({**row, "partition": number % 4} for number, row in enumerate(rows(8, 6_000))))
    for _ in range(3):
        drain_some(wide.stream, wide.topic, most=40)
    assert "partition-skew" not in causes(troubled_streams(wide.scope)), "all are behind alike"
    drain_some(wide.stream, wide.topic, most=6_000, budget=timedelta(minutes=5))
    send(wide.topic, recording({**row, "partition": 2} for row in rows(6_000, 7_500)))
    for number in range(3):
        assert "partition-skew" not in causes(troubled_streams(wide.scope)), f"{number} samples are no trouble"
        drain_some(wide.stream, wide.topic, most=40)
    [skew] = [one for one in troubled_streams(wide.scope) if isinstance(one, Finding) and one.cause == "partition-skew"]
    assert skew.commands == (f"dataeng topics describe {wide.topic.name}",)
    assert "lag of the slowest partition: 1380.0 times the median, limit 3.0 times the median" in skew.proof[0]


def test_slow_commits_hold_a_stream_back_only_while_records_wait(wide: Wide, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = session.commit_batch

    def slow_store(*given: Any, **named: Any) -> Any:
        time.sleep(0.5)
        return commit(*given, **named)

    monkeypatch.setattr(session, "commit_batch", slow_store)
    for number in range(3):
        send(wide.topic, recording({**row, "partition": 1} for row in rows(10 + number, 11 + number)))
        drain_some(wide.stream, wide.topic, most=100)
    assert "backpressure" not in causes(troubled_streams(wide.scope)), "slow, but nothing waited for it"
    send(wide.topic, recording({**row, "partition": 1} for row in rows(20, 50)))
    for number in range(3):
        assert "backpressure" not in causes(troubled_streams(wide.scope)), f"{number} samples are no trouble"
        drain_some(wide.stream, wide.topic, most=5)
    assert "backpressure" in causes(troubled_streams(wide.scope))
    assert "time in which records waited because a commit was under way" in proof(troubled_streams(wide.scope))


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
    assert Looked(29, "newest rows of bronze.events.user_events, each offset once") in said


def test_of_a_large_table_the_newest_files_are_compared(scope: Scope, drained: Stream) -> None:
    table = drained.lake.open(drained.main)
    rows = table.to_pyarrow_dataset().to_table()
    write_deltalake(table, rows.slice(0, 5), mode="append")
    write_deltalake(drained.lake.open(drained.main), rows.slice(0, 5), mode="append")
    newest = list(doubled_rows(scope, most_rows=10))
    assert Looked(10, "newest rows of bronze.events.user_events, each offset once") in newest
    assert causes(newest) == {"duplicates"}
    assert causes(doubled_rows(scope, most_rows=9)) == set(), "of five rows each is there once"


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
