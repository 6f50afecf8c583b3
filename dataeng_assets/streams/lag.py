"""How far a stream's tables are behind its topic. Reads two things and no records."""

from collections.abc import Mapping
from dataclasses import dataclass

from dataeng_assets.kafka.admin import Admin
from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.lake.location import TableMissing
from dataeng_assets.streams.plan import read_committed
from dataeng_assets.streams.stream import Stream


@dataclass(frozen=True)
class Lag:
    """Offsets that the topic holds and the main table has not passed.

    Attributes:
        records: of all partitions; an upper bound, because some offsets may hold no record.
        partitions: per partition.
    """

    records: int
    partitions: Mapping[int, int]


def lag(stream: Stream, cluster: Cluster) -> Lag:
    """Compare the table's progress with the topic's last stable offsets.

    Raises:
        TopicRecreated: the table was filled from another topic of that name.
        KafkaProblem: with `retryable`.
    """
    with Admin(cluster) as admin:
        topic = admin.describe(stream.topic)
    try:
        progress = read_committed(stream.lake.open(stream.main), stream, topic).next_offsets
    except TableMissing:
        progress = {}
    behind = {p: max(0, end - progress.get(p, topic.earliest[p])) for p, end in topic.ends.items()}
    return Lag(sum(behind.values()), behind)
