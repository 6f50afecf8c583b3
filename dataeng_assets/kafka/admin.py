"""What a topic is at this moment: its id, its partitions, and which offsets they hold.

Reading records belongs in `reader`; deciding what to read belongs in the streams.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from kafka import IsolationLevel, KafkaAdminClient, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, OffsetSpec
from kafka.errors import (
    KafkaError,
    RetriableError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
    for_code,
)

from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.kafka.errors import TopicMissing, named
from dataeng_assets.kafka.handshake import shake_hands

_UNKNOWN_TOPIC = 3  # error code UNKNOWN_TOPIC_OR_PARTITION of a metadata response
_PAUSE_SECONDS = 0.2
_Answer = TypeVar("_Answer")


@dataclass(frozen=True)
class TopicState:
    """One topic as its cluster describes it.

    Attributes:
        id: the topic's UUID; a topic that is deleted and made again under its name has another one.
        earliest: first offset that is still retained, per partition.
        ends: last stable offset (exclusive) per partition: records of open transactions lie behind it.
    """

    name: str
    id: str
    earliest: Mapping[int, int]
    ends: Mapping[int, int]


class Admin:
    """One connection that answers questions about topics. Use it as a context.

    Args:
        cluster: where they are.
        timeout: how long a question is asked again while no broker can answer it: one has died, or is taking over.
    """

    def __init__(self, cluster: Cluster, *, timeout: timedelta = timedelta(seconds=15)) -> None:
        milliseconds = int(timeout.total_seconds() * 1000)
        self._bootstrap, self._timeout = cluster.bootstrap, timeout
        shake_hands(cluster)
        try:
            self._client = KafkaAdminClient(
                **cluster.options(), request_timeout_ms=milliseconds, bootstrap_timeout_ms=milliseconds
            )
        except KafkaError as error:
            raise named(self._bootstrap, "connecting", error) from error

    def __enter__(self) -> "Admin":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def describe(self, topic: str) -> TopicState:
        """Ask for a topic's id, partitions and offsets.

        Raises:
            TopicMissing: there is none.
            BrokerUnreachable: no answer; trying again later is safe.
        """

        def state() -> TopicState:
            topic_id, partitions = self._metadata(topic)
            return TopicState(
                topic,
                topic_id,
                earliest=self._offsets(partitions, OffsetSpec.EARLIEST),
                ends=self._offsets(partitions, OffsetSpec.LATEST),
            )

        return self._ask(topic, state)

    def topic_id(self, topic: str) -> str:
        """Ask for a topic's id alone: one request, not three.

        Raises:
            TopicMissing: there is none.
            BrokerUnreachable: no answer; trying again later is safe.
        """
        return self._ask(topic, lambda: self._metadata(topic)[0])

    def first_since(self, topic: TopicState, moment: datetime) -> Mapping[int, int]:
        """The first offset of each partition whose record was produced at a moment or later; its end when none was."""
        asked = {TopicPartition(topic.name, p): int(moment.timestamp() * 1000) for p in topic.ends}
        found = self._ask(
            topic.name,
            lambda: self._client.list_partition_offsets(asked, isolation_level=IsolationLevel.READ_COMMITTED),
        )
        offsets = {partition.partition: answer.offset for partition, answer in found.items()}
        return {p: offsets[p] if offsets[p] >= 0 else end for p, end in topic.ends.items()}

    def compacts(self, topic: str) -> bool:
        """Whether the broker may remove single records of a topic, keeping the newest of each key."""
        policy = "cleanup.policy"
        asked = ConfigResource(ConfigResourceType.TOPIC, topic, {policy: None})
        found = self._ask(topic, lambda: self._client.describe_configs([asked], config_filter="all"))
        if policy not in found["topic"][topic]:  # all that is told to somebody who may not see the settings
            raise named(self._bootstrap, f"describing topic {topic}", TopicAuthorizationFailedError("DESCRIBE_CONFIGS"))
        return "compact" in str(found["topic"][topic][policy]["value"])

    def _ask(self, topic: str, question: Callable[[], _Answer]) -> _Answer:
        """Ask again while that can help: a node that has just died, or has just begun to lead, gives no answer yet."""
        deadline = time.monotonic() + self._timeout.total_seconds()
        while True:
            try:
                return question()
            except UnknownTopicOrPartitionError as error:
                raise self._missing(topic) from error
            except KafkaError as error:
                if not isinstance(error, RetriableError) or time.monotonic() > deadline:
                    raise named(self._bootstrap, f"describing topic {topic}", error) from error
            time.sleep(_PAUSE_SECONDS)

    def _metadata(self, topic: str) -> tuple[str, list[TopicPartition]]:
        [described] = self._client.describe_topics([topic])
        if described["error_code"] == _UNKNOWN_TOPIC:
            raise self._missing(topic)
        if described["error_code"]:
            raise for_code(described["error_code"])
        indexes = sorted(partition["partition_index"] for partition in described["partitions"])
        return str(described["topic_id"]), [TopicPartition(topic, index) for index in indexes]

    def _offsets(self, partitions: list[TopicPartition], spec: OffsetSpec) -> dict[int, int]:
        found = self._client.list_partition_offsets(
            dict.fromkeys(partitions, spec), isolation_level=IsolationLevel.READ_COMMITTED
        )
        return {partition.partition: found[partition].offset for partition in partitions}

    def _missing(self, topic: str) -> TopicMissing:
        return TopicMissing(
            f"Kafka at {self._bootstrap} has no topic {topic}. Nothing was read and nothing was committed. "
            "Check the name and the address; the sample's topic is made by `dataeng sample fill`."
        )
