"""Opening the reader that a cluster is read with."""

from collections.abc import Mapping
from datetime import timedelta

from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.kafka.confluent_reader import ConfluentReader
from dataeng_assets.kafka.kafka_python_reader import KafkaPythonReader
from dataeng_assets.kafka.records import Reader

READERS: Mapping[str, type[ConfluentReader | KafkaPythonReader]] = {
    "confluent-kafka": ConfluentReader,
    "kafka-python": KafkaPythonReader,
}
"""By the name of the client."""


def open_reader(cluster: Cluster, topic: str, *, timeout: timedelta = timedelta(seconds=30)) -> Reader:
    """Connect a reader to a topic.

    Args:
        cluster: says which client reads.
        topic: one.
        timeout: how long a read waits without anything having come.

    Raises:
        BrokerUnreachable: nobody answered in that time.
    """
    return READERS[cluster.reader](cluster, topic, timeout)
