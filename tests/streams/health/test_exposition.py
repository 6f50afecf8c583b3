"""What Prometheus is told of a stream: names and values, after a drain from the real broker."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from stream_kit import Topic, run, some_records, table

from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.settings import SettingMissing
from dataeng_assets.streams.health.exposition import write_textfile
from dataeng_assets.streams.health.samples import Sample, counted, record
from dataeng_assets.streams.health.state import state
from dataeng_assets.streams.stream import Stream

pytestmark = pytest.mark.server

Told = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def told(stream: Stream, cluster: Cluster, folder: Path) -> Told:
    path = folder / "dataeng.prom"
    write_textfile([state(stream, lambda: cluster)], path)
    return {
        (sample.name, tuple(sorted((k, v) for k, v in sample.labels.items() if k != "stream_name"))): sample.value
        for family in text_string_to_metric_families(path.read_text())
        for sample in family.samples
    }


def test_counters_are_what_the_tables_hold_and_lag_is_what_the_broker_says(
    events: Stream, topic: Topic, tmp_path: Path
) -> None:
    topic.make(2).send(some_records(7, 200, 2))
    before = told(events, topic.cluster, tmp_path)
    assert before["stream_records_processed_total", (("status", "main"),)] == 0
    run(events, topic)
    topic.send(some_records(8, 10, 1, start=300))
    found = told(events, topic.cluster, tmp_path)
    for status, key in {"main": events.main, "late": events.late, "dead_letters": events.dead_letters}.items():
        assert found["stream_records_processed_total", (("status", status),)] == len(table(events, key)) > 0
    behind = len(topic.log[0]) - sum(row["_kafka_partition"] == 0 for row in _all(events))
    assert found["stream_lag_records", (("partition", "0"),)] == behind > 0
    assert found["stream_lag_records", (("partition", "1"),)] == 0
    assert found["stream_processing_lag_seconds", ()] > 3600, "the records' timestamps lie months back"
    assert found["stream_broker_reachable", ()] == 1
    assert 0 <= datetime.now(UTC).timestamp() - found["stream_last_commit_timestamp_seconds", ()] < 60


def _all(events: Stream) -> list[dict[str, object]]:
    return [row for key in (events.main, events.late, events.dead_letters) for row in table(events, key)]


def test_durations_and_checks_come_from_the_samples(events: Stream, topic: Topic, tmp_path: Path) -> None:
    topic.make(1)
    ill = Sample(
        "user_events", datetime.now(UTC), "run", 60.0, 15.0, main=2_000, dead_letters=100, batch_seconds=20.4,
        durations=counted([0.2, 0.2, 20.0]), commit_seconds=3.0, blocked_seconds=2.0,
    )  # fmt: skip
    for _ in range(3):
        record(events.lake, ill)
    found = told(events, topic.cluster, tmp_path)
    assert found["stream_batch_duration_seconds_bucket", (("le", "0.25"),)] == 6
    assert found["stream_batch_duration_seconds_bucket", (("le", "+Inf"),)] == 9
    assert found["stream_batch_duration_seconds_sum", ()] == pytest.approx(61.2)
    assert found["stream_commit_seconds_total", ()] == 9
    assert found["stream_check_passed", (("check", "error_rate"),)] == 0
    assert found["stream_check_passed", (("check", "backpressure"),)] == 1
    assert found["stream_check_limit", (("check", "error_rate"),)] == 0.001
    assert found["stream_troubles", (("severity", "critical"),)] == 1, "a spike of errors"


def test_a_stream_that_waits_for_a_person_says_why_and_is_critical(
    events: Stream, topic: Topic, tmp_path: Path
) -> None:
    topic.make(1).send(some_records(7, 20, 1))
    run(events, topic)
    topic.delete()
    topic.make(1)
    found = told(events, topic.cluster, tmp_path)
    assert found["stream_stopped", (("reason", "TopicRecreated"),)] == 1
    assert found["stream_troubles", (("severity", "critical"),)] == 1
    assert ("stream_processing_lag_seconds", ()) not in found, "nobody can say"


def test_a_broker_that_cannot_be_asked_is_told_and_hides_nothing_else(
    events: Stream, topic: Topic, tmp_path: Path
) -> None:
    topic.make(1).send(some_records(7, 20, 1))
    run(events, topic)

    def unset() -> Cluster:
        raise SettingMissing("DATAENG_KAFKA_BOOTSTRAP is not set")

    found = state(events, unset)
    assert (found.unreachable, found.lag) == ("SettingMissing", None)
    assert found.rows["main"] == len(table(events, events.main))
