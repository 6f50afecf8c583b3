"""How far a stream's tables are behind its topic. Asks for offsets and reads no records."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from dataeng_assets.kafka.admin import Admin, TopicState
from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.lake.location import TableMissing
from dataeng_assets.streams.plan import read_committed
from dataeng_assets.streams.stream import Stream

BEHIND_AFTER = timedelta(minutes=5)
FAR_BEHIND_AFTER = timedelta(hours=1)


class Tier(StrEnum):
    """How far behind, by how long the oldest record that is not in the tables has been waiting at the broker.

    A number of records alone says little: ten thousand are a second of one topic and a week of another.
    """

    OK = "ok"
    BEHIND = "behind"
    FAR_BEHIND = "far behind"


@dataclass(frozen=True)
class Lag:
    """Offsets that the topic holds and the main table has not passed.

    Attributes:
        records: of all partitions; an upper bound, because some offsets may hold no record.
        partitions: per partition.
        tier: of the whole stream; a stream that has not begun yet is not behind.
    """

    records: int
    partitions: Mapping[int, int]
    tier: Tier = Tier.OK


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
        reached = {p: progress.get(p, topic.earliest[p]) for p in topic.ends}
        behind = {p: max(0, end - reached[p]) for p, end in topic.ends.items()}
        tier = _tier(admin, topic, reached) if progress and any(behind.values()) else Tier.OK
    return Lag(sum(behind.values()), behind, tier)


def _tier(admin: Admin, topic: TopicState, reached: Mapping[int, int]) -> Tier:
    now = datetime.now(UTC)
    for tier, wait in ((Tier.FAR_BEHIND, FAR_BEHIND_AFTER), (Tier.BEHIND, BEHIND_AFTER)):
        younger = admin.first_since(topic, now - wait)
        if any(reached[p] < younger[p] for p in reached):
            return tier
    return Tier.OK
