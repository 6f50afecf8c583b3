"""Freezing what a batch will read, from what the main table has committed and what the broker holds.

A plan is a set of half-open offset ranges, one per topic partition, decided once and never extended. Reading belongs in
`kafka.reader`, committing in `ingest`.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from deltalake import DeltaTable

from dataeng_assets.kafka.admin import TopicState
from dataeng_assets.kafka.records import Range
from dataeng_assets.lake.append import progress
from dataeng_assets.streams.errors import GO_ON, OffsetsBehind, OffsetsLost, TopicRecreated
from dataeng_assets.streams.stream import NO_EVENT_TIME, Progress, Stream


@dataclass(frozen=True)
class Committed:
    """What one version of the main table says about the stream.

    Attributes:
        commits: how often the table was begun for a topic, as counted there; None before the stream's first commit.
        next_offsets: per partition that the stream knows.
        first_offsets: where the stream began, per partition that it knows.
        max_event_times: running maximum in microseconds, per partition that has one.
        routing: whether all partitions were last routed by the version in force.
        generation: of the topic's offsets.
        rewound: how often the stream went back.
    """

    commits: int | None
    next_offsets: Mapping[int, int]
    first_offsets: Mapping[int, int]
    max_event_times: Mapping[int, int]
    routing: bool
    generation: int = 0
    rewound: int = 0

    def names(self, stream: Stream, topic: TopicState) -> Progress:
        """The names under which it stands."""
        return Progress(stream.name, topic.id, self.generation)


@dataclass(frozen=True)
class Plan:
    """What one batch reads.

    Attributes:
        ranges: per partition; empty ones only for partitions that the stream takes up.
        taken_up: partitions that the stream did not know.
        committed: what the plan rests on.
    """

    names: Progress
    ranges: Mapping[int, Range]
    taken_up: tuple[int, ...]
    committed: Committed

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to commit."""
        return not self.ranges

    @property
    def offsets(self) -> int:
        """Offsets to be read."""
        return sum(range_.end - range_.start for range_ in self.ranges.values())


def read_committed(table: DeltaTable, stream: Stream, topic: TopicState) -> Committed:
    """What the main table's version says.

    Raises:
        TopicRecreated: its progress is that of another topic under this name.
    """
    names = names_in(table, stream, topic)
    commits = progress(table, names.commits)
    if commits is not None and progress(table, names.topic) != commits:
        raise TopicRecreated(
            f"Topic {topic.name} now has the id {topic.id}, but table {'.'.join(stream.main)} was filled from another "
            "topic of that name: it was deleted and made again, or the address leads to another cluster. Nothing was "
            f"read. Point the stream at the old topic if it still exists. {GO_ON.format(stream.name)}"
        )
    return committed_under(names, table, stream, topic)


def names_in(table: DeltaTable, stream: Stream, topic: TopicState) -> Progress:
    """The names that a table's version keeps progress under, if it keeps that of this topic."""
    first = Progress(stream.name, topic.id)
    return replace(first, generation=progress(table, first.generations) or 0)


def committed_under(names: Progress, table: DeltaTable, stream: Stream, topic: TopicState) -> Committed:
    """What stands under these names, whichever topic it is."""
    next_offsets = _known(table, topic.ends, names.next_offset)
    times = _known(table, topic.ends, names.max_event_time).items()
    return Committed(
        progress(table, names.commits),
        next_offsets=next_offsets,
        first_offsets=_known(table, topic.ends, names.first_offset),
        max_event_times={partition: moment for partition, moment in times if moment != NO_EVENT_TIME},
        routing=all(is_routed_by(table, names, partition, stream.routing) for partition in next_offsets),
        generation=names.generation,
        rewound=progress(table, stream.rewound) or 0,
    )


def is_routed_by(table: DeltaTable, names: Progress, partition: int, version: str) -> bool:
    """Whether the last commit that moved a partition in a table was routed by this version."""
    changes = progress(table, names.routings(partition))
    if changes is not None:
        return progress(table, names.routed(partition, version)) == changes
    commits = progress(table, names.commits)
    return commits is not None and progress(table, names.routing(version)) == commits


def _known(table: DeltaTable, partitions: Iterable[int], name: Callable[[int], str]) -> dict[int, int]:
    found = {partition: progress(table, name(partition)) for partition in partitions}
    return {partition: version for partition, version in found.items() if version is not None}


def plan_batch(
    committed: Committed,
    topic: TopicState,
    names: Progress,
    *,
    budget: int,
    until: Mapping[int, int],
    only: Collection[int] | None = None,
) -> Plan:
    """Decide the next offset ranges.

    A stream begins at the earliest offset that the broker retains. A partition that is added later is taken up from
    offset 0.

    Args:
        committed: what the main table says.
        topic: what the broker says.
        names: of the progress that the plan moves.
        budget: most offsets in the plan, shared over partitions by their lag.
        until: ends that were seen when the drain started; a partition that is not in it is read to its end.
        only: partitions to read, where others read the rest; all when None. A stream begins in all of its partitions at
            once, whoever begins it.

    Returns:
        Ranges `[start, end)`; none when the table has caught up and knows every partition.

    Raises:
        OffsetsLost: the broker no longer has a start.
        OffsetsBehind: the broker's end lies before a start.
    """
    mine = set(topic.ends if only is None else only)
    begins = starts_of(committed, topic).items()
    starts = {partition: start for partition, start in begins if partition in mine or committed.commits is None}
    taken_up = [partition for partition in starts if partition not in committed.next_offsets]
    _refuse_loss(names.stream, starts, topic)
    ends = {p: min(topic.ends[p], until.get(p, topic.ends[p])) if p in mine else start for p, start in starts.items()}
    lags = {p: max(0, ends[p] - start) for p, start in starts.items()}
    total, passed = sum(lags.values()), 0
    ranges = {}
    for partition, lag in lags.items():
        # what rounding takes from one partition the next has: a plan that is not full would tell the pace to stay small
        before, passed = passed, passed + lag
        share = lag if total <= budget else max(1, passed * budget // total - before * budget // total)
        if lag or partition in taken_up:
            ranges[partition] = Range(starts[partition], starts[partition] + min(lag, share))
    return Plan(names, ranges, tuple(taken_up), committed)


def starts_of(committed: Committed, topic: TopicState) -> dict[int, int]:
    """Where each partition goes on, or begins."""
    begin = topic.earliest if committed.commits is None else dict.fromkeys(topic.ends, 0)
    return {partition: committed.next_offsets.get(partition, begin[partition]) for partition in topic.ends}


def retention_passed(starts: Mapping[int, int], topic: TopicState) -> dict[int, Range]:
    """What the broker no longer has of what is to be read."""
    return {p: Range(start, topic.earliest[p]) for p, start in starts.items() if start < topic.earliest[p]}


def truncated(starts: Mapping[int, int], topic: TopicState) -> dict[int, Range]:
    """What was committed and lies beyond the broker's end."""
    return {p: Range(topic.ends[p], start) for p, start in starts.items() if start > topic.ends[p]}


def _refuse_loss(stream: str, starts: Mapping[int, int], topic: TopicState) -> None:
    passed = retention_passed(starts, topic).items()
    lost = [f"partition {p}: offsets {gone.start} to {gone.end - 1}" for p, gone in passed]
    if lost:
        raise OffsetsLost(
            f"Topic {topic.name} no longer has records that were never read, because its retention passed them or they "
            f"were deleted: {'; '.join(lost)}. Nothing was read. {GO_ON.format(stream)}"
        )
    behind = [f"partition {p}: end {gone.start}, committed {gone.end}" for p, gone in truncated(starts, topic).items()]
    if behind:
        raise OffsetsBehind(
            f"Topic {topic.name} ends before what was already committed from it: {'; '.join(behind)}. The broker lost "
            f"records that it had acknowledged, or another cluster answers. Nothing was read. {GO_ON.format(stream)}"
        )
