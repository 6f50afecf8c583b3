"""Seeing that something about a stream has changed: its owners, what its records are read by, their schemas.

Each is looked at where it can change, not at every batch: when a worker's share changes, when a run begins, when a
session opens, when a number of a schema is met for the first time. Keeping and wording it belongs in `changes`.
"""

from collections.abc import Collection, Mapping, Sequence

import pyarrow as pa

from dataeng_assets.kafka.admin import TopicState
from dataeng_assets.lake.append import ProgressGoesBack, Superseded, progress
from dataeng_assets.streams.health.changes import COLUMN, CONTRACT, RULES, Kind, note
from dataeng_assets.streams.lease import holders
from dataeng_assets.streams.plan import committed_under, names_in
from dataeng_assets.streams.stream import Stream

RUNS = "runs"
"""Stands for whoever drains when no resident worker does: runs, one after the other."""


def notice_workers(stream: Stream, partitions: Collection[int], *, told_by: str) -> None:
    """See which resident worker has which partitions, once each has one: until then they are only changing hands.

    Call it after a worker's share has changed and its lease says so. Whoever is the last to change finds all settled.

    Args:
        stream: that is drained.
        partitions: of the topic.
        told_by: the worker.
    """
    owners: dict[str, str] = {}
    for worker in holders(stream):
        for partition in worker.partitions:
            if str(partition) in owners:
                return
            owners[str(partition)] = worker.name
    if owners.keys() >= {str(partition) for partition in partitions}:
        _owners(stream, owners, told_by)


def notice_run(stream: Stream, partitions: Collection[int], *, told_by: str) -> None:
    """See that a run drains, unless resident workers do, beside whom it changes nothing for long."""
    if not holders(stream):
        _owners(stream, dict.fromkeys(map(str, partitions), RUNS), told_by)


def notice_contract(stream: Stream, topic: TopicState, *, told_by: str) -> None:
    """See by which contract and rules records are read from here on. Call it when the tables have its columns."""
    state = {CONTRACT: stream.contract.version, RULES: stream.routing}
    state |= {f"{COLUMN}{column.name}": column.physical for column in stream.contract.columns}

    def offsets(_: Collection[str]) -> Mapping[int, int]:
        main = stream.lake.open(stream.main)
        names = names_in(main, stream, topic)
        found = committed_under(names, main, stream, topic)
        # those of a topic that was made again begin anew
        return found.next_offsets if progress(main, names.topic) == found.commits else {}

    try:
        note(stream, Kind.READ_BY, lambda _: state, told_by=told_by, offsets=offsets)
    except (Superseded, ProgressGoesBack):
        return  # others see the same, or the next session does


def notice_schemas(stream: Stream, records: pa.Table, found: Mapping[str, Sequence[int]], *, told_by: str) -> None:
    """See that records came with schemas that this process has not met before.

    Call it before they are committed: an attempt that is interrupted finds them again, and nothing new to tell.

    Args:
        stream: that is read.
        records: a batch with `partition` and `offset`, sorted by both.
        found: by the number of a schema, the rows of the batch that name it.
        told_by: the run or worker.
    """

    def offsets(new: Collection[str]) -> Mapping[int, int]:
        first: dict[int, int] = {}
        for schema in new:
            places = records.select(["partition", "offset"]).take(pa.array(found[schema], pa.int64()))
            for place in places.group_by("partition").aggregate([("offset", "min")]).to_pylist():
                at = place["offset_min"]
                first[place["partition"]] = min(at, first.get(place["partition"], at))
        return first

    try:
        note(
            stream, Kind.SCHEMAS, lambda known: {**known, **dict.fromkeys(found, "met")}, told_by=told_by,
            offsets=offsets,
        )  # fmt: skip
    except (Superseded, ProgressGoesBack):
        return  # the next process that meets them tells


def _owners(stream: Stream, owners: Mapping[str, str], told_by: str) -> None:
    try:
        note(stream, Kind.OWNERS, lambda _: owners, told_by=told_by)
    except (Superseded, ProgressGoesBack):
        return  # others see the same, or the next change shows it
