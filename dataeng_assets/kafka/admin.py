"""What a topic is at this moment: its id, its partitions, and which offsets they hold.

Reading records belongs in `reader`; deciding what to read belongs in the streams.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from kafka import IsolationLevel, KafkaAdminClient, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, OffsetSpec
from kafka.errors import KafkaError, UnknownTopicOrPartitionError

from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.kafka.errors import TopicMissing, named

_UNKNOWN_TOPIC = 3  # error code UNKNOWN_TOPIC_OR_PARTITION of a metadata response


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
    """One connection that answers questions about topics. Use it as a context."""

    def __init__(self, cluster: Cluster, *, timeout: timedelta = timedelta(seconds=15)) -> None:
        milliseconds = int(timeout.total_seconds() * 1000)
        self._bootstrap = cluster.bootstrap
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
        try:
            topic_id, partitions = self._metadata(topic)
            return TopicState(
                topic,
                topic_id,
                earliest=self._offsets(partitions, OffsetSpec.EARLIEST),
                ends=self._offsets(partitions, OffsetSpec.LATEST),
            )
        except UnknownTopicOrPartitionError as error:
            raise self._missing(topic) from error
        except KafkaError as error:
            raise named(self._bootstrap, f"describing topic {topic}", error) from error

    def first_since(self, topic: TopicState, moment: datetime) -> Mapping[int, int]:
        """The first offset of each partition whose record was produced at a moment or later; its end when none was."""
        asked = {TopicPartition(topic.name, p): int(moment.timestamp() * 1000) for p in topic.ends}
        try:
            found = self._client.list_partition_offsets(asked, isolation_level=IsolationLevel.READ_COMMITTED)
        except KafkaError as error:
            raise named(self._bootstrap, f"describing topic {topic.name}", error) from error
        offsets = {partition.partition: answer.offset for partition, answer in found.items()}
        return {p: offsets[p] if offsets[p] >= 0 else end for p, end in topic.ends.items()}

    def compacts(self, topic: str) -> bool:
        """Whether the broker may remove single records of a topic, keeping the newest of each key."""
        policy = "cleanup.policy"
        asked = ConfigResource(ConfigResourceType.TOPIC, topic, {policy: None})
        try:
            found = self._client.describe_configs([asked], config_filter="all")
        except KafkaError as error:
            raise named(self._bootstrap, f"describing topic {topic}", error) from error
        return "compact" in str(found["topic"][topic][policy]["value"])

    def _metadata(self, topic: str) -> tuple[str, list[TopicPartition]]:
        [described] = self._client.describe_topics([topic])
        if described["error_code"] == _UNKNOWN_TOPIC:
            raise self._missing(topic)
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
