"""Freezing what a batch will read, from what the main table has committed and what the broker holds.

A plan is a set of half-open offset ranges, one per topic partition, decided once and never extended. Reading belongs in
`kafka.reader`, committing in `ingest`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from deltalake import DeltaTable

from dataeng_assets.kafka.admin import TopicState
from dataeng_assets.kafka.records import Range
from dataeng_assets.lake.append import progress
from dataeng_assets.streams.errors import OffsetsBehind, OffsetsLost, TopicRecreated
from dataeng_assets.streams.stream import Progress, Stream

_GO_ON = (
    "Everything committed so far is safe. To go on without what is missing, give the stream a new name in its "
    "defs.yaml: it starts into new tables and the old ones stay as they are."
)


@dataclass(frozen=True)
class Committed:
    """What one version of the main table says about the stream.

    Attributes:
        commits: the stream's commits so far; None before the first.
        next_offsets: per partition that the stream knows.
        first_offsets: where the stream began, per partition that it knows.
        max_event_times: running maximum in microseconds, per partition that has one.
        routing: whether the last commit was routed by the version in force.
    """

    commits: int | None
    next_offsets: Mapping[int, int]
    first_offsets: Mapping[int, int]
    max_event_times: Mapping[int, int]
    routing: bool


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
    names = Progress(stream.name, topic.id)
    commits = progress(table, names.commits)
    if commits is not None and progress(table, names.topic) != commits:
        raise TopicRecreated(
            f"Topic {topic.name} now has the id {topic.id}, but table {'.'.join(stream.main)} was filled from another "
            "topic of that name: it was deleted and made again, or the address leads to another cluster. Nothing was "
            f"read. Point the stream at the old topic if it still exists. {_GO_ON}"
        )
    return Committed(
        commits,
        next_offsets=_known(table, topic.ends, names.next_offset),
        first_offsets=_known(table, topic.ends, names.first_offset),
        max_event_times=_known(table, topic.ends, names.max_event_time),
        routing=commits is not None and progress(table, names.routing(stream.routing)) == commits,
    )


def _known(table: DeltaTable, partitions: Iterable[int], name: Callable[[int], str]) -> dict[int, int]:
    found = {partition: progress(table, name(partition)) for partition in partitions}
    return {partition: version for partition, version in found.items() if version is not None}


def plan_batch(
    committed: Committed, topic: TopicState, names: Progress, *, budget: int, until: Mapping[int, int]
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

    Returns:
        Ranges `[start, end)`; none when the table has caught up and knows every partition.

    Raises:
        OffsetsLost: the broker no longer has a start.
        OffsetsBehind: the broker's end lies before a start.
    """
    starts, taken_up = {}, []
    for partition in topic.ends:
        start = committed.next_offsets.get(partition)
        if start is None:
            taken_up.append(partition)
            start = topic.earliest[partition] if committed.commits is None else 0
        starts[partition] = start
    _refuse_loss(starts, topic)
    targets = {p: max(starts[p], min(end, until.get(p, end))) for p, end in topic.ends.items()}
    lags = {p: targets[p] - starts[p] for p in starts}
    total = sum(lags.values())
    ranges = {}
    for partition, lag in lags.items():
        share = lag if total <= budget else max(1, lag * budget // total)
        if lag or partition in taken_up:
            ranges[partition] = Range(starts[partition], starts[partition] + min(lag, share))
    return Plan(names, ranges, tuple(taken_up), committed)


def _refuse_loss(starts: Mapping[int, int], topic: TopicState) -> None:
    lost = [
        f"partition {p}: offsets {start} to {topic.earliest[p] - 1}"
        for p, start in starts.items()
        if start < topic.earliest[p]
    ]
    if lost:
        raise OffsetsLost(
            f"Topic {topic.name} no longer has records that were never read, because its retention passed them or they "
            f"were deleted: {'; '.join(lost)}. Nothing was read. {_GO_ON}"
        )
    behind = [f"partition {p}: end {topic.ends[p]}, committed {s}" for p, s in starts.items() if s > topic.ends[p]]
    if behind:
        raise OffsetsBehind(
            f"Topic {topic.name} ends before what was already committed from it: {'; '.join(behind)}. The broker lost "
            f"records that it had acknowledged, or another cluster answers. Nothing was read. {_GO_ON}"
        )
