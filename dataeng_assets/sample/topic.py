"""Making the topic of the shop and sending its records.

What a record holds belongs in `events`. Records go out through kafka-python's own batch builder, 2,000 at a time, each
batch acknowledged by all in-sync replicas before the next of its partition: its `KafkaProducer` keeps a future per
record and needs 65 µs for each, this way 6 µs, which is what lets three months fit into seconds.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import NewTopic
from kafka.errors import (
    KafkaError,
    LeaderNotAvailableError,
    NotLeaderForPartitionError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    for_code,
)
from kafka.net.compat import KafkaNetClient
from kafka.protocol.producer import ProduceRequest
from kafka.record.memory_records import MemoryRecordsBuilder

from dataeng_assets.kafka.access import Role, cluster_at
from dataeng_assets.kafka.acl import needed
from dataeng_assets.kafka.handshake import shake_hands
from dataeng_assets.kafka.topic_admin import TopicAdmin
from dataeng_assets.sample import SampleError
from dataeng_assets.sample.events import PARTITIONS, Event

_BATCH = 2_000
_MAGIC, _LZ4, _ALL_REPLICAS = 2, 3, -1
_TIMEOUT_MS = 30_000
_NOT_YET = (
    LeaderNotAvailableError,
    NotLeaderForPartitionError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)
_NO_LIMIT = 1 << 30


class TopicError(SampleError):
    """The topic is not what the sample needs, or a record was not acknowledged."""


def ends(bootstrap: str, topic: str) -> dict[int, int] | None:
    """Next offset per partition; None when there is no such topic."""
    consumer = KafkaConsumer(**_options(bootstrap, Role.ADMIN))
    try:
        if topic not in consumer.topics():
            return None
        partitions = [TopicPartition(topic, partition) for partition in consumer.partitions_for_topic(topic)]
        return {place.partition: offset for place, offset in consumer.end_offsets(partitions).items()}
    finally:
        consumer.close()


def delete(bootstrap: str, topic: str) -> None:
    """Delete the topic with what it holds; nothing happens when there is none."""
    admin = KafkaAdminClient(**_options(bootstrap, Role.ADMIN))
    try:
        if topic in admin.list_topics():
            admin.delete_topics([topic])
    finally:
        admin.close()


def recreate(bootstrap: str, topic: str) -> None:
    """Make the topic anew and empty, with unlimited retention; what it held is gone.

    Where the stream and its producer are users of their own, each is granted what it needs and no more.
    """
    admin = KafkaAdminClient(**_options(bootstrap, Role.ADMIN))
    try:
        if topic in admin.list_topics():
            admin.delete_topics([topic])
        # the broker would delete three months of history within minutes
        admin.create_topics([NewTopic(topic, PARTITIONS, -1, topic_configs={"retention.ms": "-1"})])
        admin.wait_for_topics([topic])
    finally:
        admin.close()
    users = {role: cluster_at(bootstrap, role=role).username for role in Role}
    if users[Role.ADMIN] not in (users[Role.READER], users[Role.PRODUCER]):
        with TopicAdmin(cluster_at(bootstrap, role=Role.ADMIN)) as rights:
            rights.grant(needed(topic, reader=users[Role.READER], producer=users[Role.PRODUCER]))


def send(
    bootstrap: str, topic: str, events: Sequence[Event], progress: Callable[[int], None] = lambda _: None
) -> list[int]:
    """Send records in their order.

    Args:
        bootstrap: address of the broker.
        topic: an existing topic with `PARTITIONS` partitions.
        events: what to send.
        progress: told how many more records were acknowledged.

    Returns:
        The offset of each record, as acknowledged.

    Raises:
        TopicError: a batch was not acknowledged; whether the broker has it is unknown.
    """
    places = defaultdict(list)
    for place, event in enumerate(events):
        places[event.partition].append(place)
    offsets = [0] * len(events)
    client = KafkaNetClient(**_options(bootstrap, Role.PRODUCER))
    try:
        client.check_version()
        for partition, of_partition in places.items():
            for start in range(0, len(of_partition), _BATCH):
                batch = of_partition[start : start + _BATCH]
                request = _request(topic, partition, [events[place] for place in batch])
                first = _deliver(client, TopicPartition(topic, partition), request)
                for delta, place in enumerate(batch):
                    offsets[place] = first + delta
                progress(len(batch))
    except KafkaError as error:
        raise TopicError(
            f"Sending to the topic {topic} failed: {error}. Records acknowledged before are in the topic, the truth is "
            "not complete. Look at the broker with `dataeng status`, then run `dataeng sample fill --anew`."
        ) from error
    finally:
        client.close()
    return offsets


def _options(bootstrap: str, role: Role) -> Mapping[str, Any]:
    """How a client reaches the broker as one of those who have to do with the topic."""
    cluster = cluster_at(bootstrap, role=role)
    shake_hands(cluster)
    return cluster.options()


def _deliver(client: KafkaNetClient, place: TopicPartition, request: ProduceRequest) -> int:
    """Deliver one batch to the partition's leader; the offset of its first record.

    A batch is sent again only where the answer says that it was not taken: a topic or a right that is a moment old.
    """
    deadline = time.monotonic() + _TIMEOUT_MS / 1000
    while True:
        client.poll(timeout_ms=_TIMEOUT_MS, future=client.cluster.set_topics([place.topic]))
        try:
            response = client.send_and_receive(_leader(client, place), request, timeout_ms=_TIMEOUT_MS)
            answer = response.responses[0].partition_responses[0]
            if not answer.error_code:
                return int(answer.base_offset)
            raise for_code(answer.error_code)(answer.error_message)
        except _NOT_YET:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
            client.poll(timeout_ms=_TIMEOUT_MS, future=client.cluster.request_update())


def _leader(client: KafkaNetClient, place: TopicPartition) -> int:
    leader = client.cluster.leader_for_partition(place)
    if leader is None or leader < 0:
        raise LeaderNotAvailableError(str(place))
    return int(leader)


def _request(topic: str, partition: int, events: Sequence[Event]) -> ProduceRequest:
    builder = MemoryRecordsBuilder(_MAGIC, _LZ4, _NO_LIMIT)
    for event in events:
        builder.append(event.timestamp_ms, event.key, event.value)
    builder.close()
    of_topic = ProduceRequest.TopicProduceData
    data = of_topic.PartitionProduceData(index=partition, records=builder.buffer())
    return ProduceRequest(
        transactional_id=None,
        acks=_ALL_REPLICAS,
        timeout_ms=_TIMEOUT_MS,
        topic_data=[of_topic(name=topic, partition_data=[data])],
        min_version=3,
        max_version=9,
    )
