"""Several writers share a topic: each has its partitions, and none is in another's way."""

from collections.abc import Collection
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from deltalake import DeltaTable
from stream_kit import Topic, contract, expected, run, some_records, stored

from dataeng_assets.lake.append import Superseded, progress
from dataeng_assets.streams import ingest
from dataeng_assets.streams.errors import RoutingChanged
from dataeng_assets.streams.plan import Plan
from dataeng_assets.streams.session import Session
from dataeng_assets.streams.stream import Stream
from dataeng_assets.streams.verify import verify

pytestmark = pytest.mark.server


def batch(events: Stream, topic: Topic, only: Collection[int], most: int = 1000) -> None:
    with Session(events, topic.cluster, run_id="run") as session:
        session.run(session.plan(most, {}, only))


def assert_right(events: Stream, topic: Topic) -> None:
    found, wanted = stored(events), expected(topic.log)
    assert (found.main, found.late, found.dead) == (wanted.main, wanted.late, wanted.dead)
    assert verify(events, topic.cluster).holds


def table_wide(stream: Stream, plan: Plan, table: DeltaTable, starts: dict[int, int]) -> dict[str, int]:
    """What each commit told before partitions told their routing each for itself."""
    names = plan.names
    commit = (progress(table, names.commits) or 0) + 1
    moved = {names.next_offset(partition): plan.ranges[partition].end for partition in starts}
    return {names.commits: commit, names.topic: commit, names.routing(stream.routing): commit, **moved}


def test_a_commit_of_other_partitions_meanwhile_disturbs_no_commit(
    events: Stream, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic.make(4).send(some_records(31, 200, 4))
    batch(events, topic, [0, 1], most=20)
    real, inside, refused = ingest.append, list[int](), list[Exception]()

    def append(*arguments: Any, **named: Any) -> int:
        if not inside:
            inside.append(1)
            batch(events, topic, [2, 3], most=20)  # commits all three tables after this one was looked at
            inside.clear()
        try:
            return real(*arguments, **named)
        except Superseded as error:
            refused.append(error)
            raise

    monkeypatch.setattr(ingest, "append", append)
    for _ in range(3):
        batch(events, topic, [0, 1], most=20)
    monkeypatch.undo()
    assert not refused
    run(events, topic)
    assert_right(events, topic)


def test_whoever_begins_a_stream_begins_it_in_all_partitions(events: Stream, topic: Topic) -> None:
    topic.make(3).send(some_records(32, 90, 3))
    topic.delete_records({2: 5})
    batch(events, topic, [0])
    topic.delete_records({2: 5})
    batch(events, topic, [1, 2])
    proof = verify(events, topic.cluster)
    assert proof.holds
    assert [part.first for part in proof.partitions] == [0, 0, 5]
    assert [part.progress for part in proof.partitions] == [len(records) for records in topic.log.values()]


def test_progress_of_before_partitions_told_their_routing_goes_on(
    events: Stream, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic.make(3).send(some_records(33, 60, 3))
    with monkeypatch.context() as patched:
        patched.setattr(ingest, "_transactions", table_wide)
        run(events, topic, batch_records=20)
        topic.send(some_records(34, 60, 3, start=60))
        end_after_the_side_tables(patched, events, topic)
    with pytest.raises(RoutingChanged):
        run(replace(events, contract=contract(late_after=timedelta(minutes=20))), topic)
    batch(events, topic, [1])
    run(events, topic)
    assert_right(events, topic)


def test_that_another_partition_was_routed_by_new_rules_does_not_hide_records_between_two_tables(
    events: Stream, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic.make(2).send(some_records(35, 80, 2))
    batch(events, topic, [0, 1], most=10)
    with monkeypatch.context() as patched:
        end_after_the_side_tables(patched, events, topic, only=[0])
    changed = replace(events, contract=contract(late_after=timedelta(minutes=20)))
    batch(changed, topic, [1])
    with pytest.raises(RoutingChanged, match=r"partitions \[0\]"):
        batch(changed, topic, [0])
    run(events, topic)
    assert verify(events, topic.cluster).holds


def end_after_the_side_tables(
    monkeypatch: pytest.MonkeyPatch, events: Stream, topic: Topic, only: Collection[int] = (0, 1, 2)
) -> None:
    class Ended(BaseException): ...

    real = ingest._commit

    def commit(stream: Stream, plan: Plan, target: Any, *more: Any) -> Any:
        if target.is_main:
            raise Ended
        return real(stream, plan, target, *more)

    monkeypatch.setattr(ingest, "_commit", commit)
    with pytest.raises(Ended):
        batch(events, topic, [p for p in only if p in topic.log])
