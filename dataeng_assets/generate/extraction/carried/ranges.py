"""Which offsets of a topic a run reads, and from where the next one reads on. Pure: no broker is asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .errors import Refused


class OffsetsLost(Refused):
    """The topic no longer holds records that no run has read."""


class TopicReplaced(Refused):
    """The topic is not the one that earlier runs read."""


@dataclass(frozen=True)
class Offsets:
    """Offsets of one partition, `[first, end)`.

    Attributes:
        first: as a range to read, the first one to read; as what a topic holds, the oldest one that it still has.
        end: the one after the last: the last stable offset, before which every transaction has ended.
    """

    first: int
    end: int


@dataclass(frozen=True)
class TopicState:
    """What a topic holds at one moment.

    Attributes:
        name: of the topic.
        id: given by Kafka when the topic is made; a topic of the same name that is made again has another one.
        partitions: what each holds.
    """

    name: str
    id: str
    partitions: Mapping[int, Offsets]


@dataclass(frozen=True)
class Plan:
    """What a run reads of a topic.

    Attributes:
        ranges: of each partition, empty ones too.
        stored: where the last run ended, by partition; empty before the first.
        lost: in words, what a person has accepted as lost.
    """

    topic_id: str
    ranges: Mapping[int, Offsets]
    stored: Mapping[int, int]
    lost: tuple[str, ...] = ()

    def position(self) -> dict[str, Any]:
        """The position to store once all of it is loaded; it also says what it follows, and where it began to read."""
        return {
            "topic_id": self.topic_id,
            "follows": {str(partition): offset for partition, offset in self.stored.items()},
            "first": {str(partition): one.first for partition, one in self.ranges.items()},
            "next": {str(partition): one.end for partition, one in self.ranges.items()},
        }


def plan_ranges(position: Mapping[str, Any] | None, now: TopicState, *, accept_lost: bool = False) -> Plan:
    """Freeze what is read: per partition from where the last run ended up to the last stable offset.

    The first run begins at the oldest record that each partition has. A partition that was added later begins at 0.

    Args:
        position: what the last run left; None before the first.
        now: what the topic holds.
        accept_lost: whether to go on where the topic begins, when it no longer holds what was not read.

    Raises:
        OffsetsLost: retention has removed records that were not read, or the log was cut before what was read.
        TopicReplaced: the topic was deleted and made again.
    """
    if not position:
        return Plan(now.id, dict(now.partitions), {})
    if position["topic_id"] != now.id:
        raise TopicReplaced(
            f"The topic {now.name} was deleted and made again since the last run: its id was {position['topic_id']} "
            f"and is {now.id}. Nothing was read; what was loaded is safe. Its offsets mean other records now: move the "
            "table and its dead letters aside with their progress, and run again."
        )
    stored = {int(partition): int(offset) for partition, offset in position["next"].items()}
    missing = sorted(set(stored) - set(now.partitions))
    if missing:
        raise TopicReplaced(f"The topic {now.name} no longer has its partitions {missing}. Nothing was read.")
    ranges, lost = {}, []
    for partition, held in sorted(now.partitions.items()):
        first = stored.get(partition, 0)
        if first > held.end:
            raise OffsetsLost(
                f"Partition {partition} of {now.name} ends at {held.end}, and it was read up to {first} already: its "
                "log was cut, as happens when a replica that lagged behind becomes leader. Nothing was read; what was "
                "loaded is safe. Compare the last rows with their writer, then set `next` in the stored position."
            )
        if first < held.first:
            lost.append(f"offsets {first} to {held.first - 1} of partition {partition}")
        ranges[partition] = Offsets(max(first, held.first), held.end)
    if lost and not accept_lost:
        raise OffsetsLost(
            f"The topic {now.name} no longer holds {', '.join(lost)}, which no run has read: its retention is shorter "
            "than the time since the last run. Nothing was read; what was loaded is safe. Bring them from their writer "
            "if they matter, then set `accept_lost: true` below `options` in extraction.yaml for one run."
        )
    return Plan(now.id, ranges, stored, tuple(lost))
