"""A drain while a node of the cluster dies and another hands a partition over: the same tables as undisturbed."""

from dataclasses import replace
from datetime import timedelta

import pytest
from stream_kit import Topic, expected, fingerprint, some_records, stored, stream

from dataeng_assets.kafka import confluent_reader
from dataeng_assets.kafka.reader import READERS
from dataeng_assets.lake.location import Lake
from dataeng_assets.streams.drain import drain
from dataeng_assets.streams.session import BatchReport
from dataeng_assets.streams.verify import verify
from dataeng_assets.streams.windows import publish_windows
from dataeng_assets.testing.clustered import CONTROLLER, MORTAL, KafkaCluster

pytestmark = [pytest.mark.server, pytest.mark.crash]

ONE, OTHER = MORTAL
RECORDS, PADDING = 2400, "x" * 4000


@pytest.mark.parametrize("client", READERS)
def test_a_drain_over_a_change_of_leader_ends_with_the_tables_of_one_undisturbed(
    kafka_cluster: KafkaCluster, lake: Lake, topic_name: str, monkeypatch: pytest.MonkeyPatch, client: str
) -> None:
    # else it has fetched all before the first commit
    monkeypatch.setitem(confluent_reader._SETTINGS, "queued.max.messages.kbytes", 1024)
    kafka_cluster.make_topic(
        topic_name, {0: [ONE, OTHER, CONTROLLER], 1: [OTHER, ONE, CONTROLLER], 2: [CONTROLLER, ONE, OTHER]}
    )
    topic = Topic(kafka_cluster.bootstrap, topic_name, {partition: [] for partition in range(3)})
    records = some_records(11, RECORDS, 3)
    topic.send(replace(one, value=one.value and _longer(one.value)) for one in records)
    cluster = replace(topic.cluster, reader=client)
    disturbed, undisturbed = stream(lake, topic_name), stream(Lake(f"{lake.uri}-undisturbed", {}), topic_name)
    batches = 0

    def disturb(_: BatchReport) -> None:
        nonlocal batches
        batches += 1
        if batches == 1:
            kafka_cluster.kill(ONE)  # and nobody waits for the next leader but the reader
        if batches == 3:
            kafka_cluster.move_leader(topic_name, 2, OTHER)

    minutes = timedelta(minutes=2)
    report = drain(disturbed, cluster, run_id="run", budget=minutes, batch_records=100, on_batch=disturb)
    assert report.caught_up
    assert len(report.batches) > 20
    publish_windows(disturbed, cluster, run_id="run")
    drain(undisturbed, cluster, run_id="run", budget=minutes)
    publish_windows(undisturbed, cluster, run_id="run")
    assert fingerprint(disturbed) == fingerprint(undisturbed)
    assert stored(disturbed) == expected(topic.log)
    assert verify(disturbed, cluster).holds


def _longer(value: bytes) -> bytes:
    """The same document with a field that the contract does not know, so that a fetch does not hold the topic."""
    return value.replace(b'"event_type"', b'"padding":"%s","event_type"' % PADDING.encode(), 1)
