"""How far a stream's tables are behind its topic. Asks for offsets and reads no records."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from dataeng_assets.contracts.health import HealthLimits
from dataeng_assets.kafka.admin import Admin, TopicState
from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.lake.location import TableMissing
from dataeng_assets.streams.plan import read_committed
from dataeng_assets.streams.stream import Stream

FAR_BEHIND = 12
"""So many times the limit is far behind: an hour, where the limit is five minutes."""
_FIRST_SECONDS = 1.0
_PRECISION = 1.1  # of the time that the oldest record has been waiting


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
        tier: of the whole stream.
        seconds: how long the oldest of them has been waiting, to a tenth; less than a second counts as none, and so
            does a stream that has not begun yet.
    """

    records: int
    partitions: Mapping[int, int]
    tier: Tier = Tier.OK
    seconds: float = 0.0


def lag(stream: Stream, cluster: Cluster, *, timeout: timedelta = timedelta(seconds=15)) -> Lag:
    """Compare the table's progress with the topic's last stable offsets.

    Args:
        stream: whose main table is meant.
        cluster: where its topic is.
        timeout: how long to wait for an answer.

    Raises:
        TopicRecreated: the table was filled from another topic of that name.
        KafkaProblem: with `retryable`.
    """
    with Admin(cluster, timeout=timeout) as admin:
        topic = admin.describe(stream.topic)
        try:
            progress = read_committed(stream.lake.open(stream.main), stream, topic).next_offsets
        except TableMissing:
            progress = {}
        reached = {p: progress.get(p, topic.earliest[p]) for p in topic.ends}
        behind = {p: max(0, end - reached[p]) for p, end in topic.ends.items()}
        # what the broker no longer has waits no more
        unread = {p: max(at, topic.earliest[p]) for p, at in reached.items()}
        waiting = _waiting(admin, topic, unread) if progress and any(behind.values()) else 0.0
    return Lag(sum(behind.values()), behind, tier_of(waiting, stream.contract.health), waiting)


def tier_of(seconds: float, limits: HealthLimits) -> Tier:
    """How bad it is that the oldest record has been waiting for so long."""
    limit = limits.lag.total_seconds()
    if seconds > limit * FAR_BEHIND:
        return Tier.FAR_BEHIND
    return Tier.BEHIND if seconds > limit else Tier.OK


def _waiting(admin: Admin, topic: TopicState, reached: Mapping[int, int]) -> float:
    """How long the oldest unread record has been waiting, by asking which offset each moment begins with."""
    now = datetime.now(UTC)

    def is_older(seconds: float) -> bool:
        begins = admin.first_since(topic, now - timedelta(seconds=seconds))
        return any(reached[p] < begins[p] for p in reached)

    longer = _FIRST_SECONDS
    if not is_older(longer):
        return 0.0
    while longer < now.timestamp() / 4 and is_older(longer * 4):
        longer *= 4
    shorter, longer = longer, longer * 4
    while longer / shorter > _PRECISION:
        middle = (shorter * longer) ** 0.5
        if is_older(middle):
            shorter = middle
        else:
            longer = middle
    return shorter
