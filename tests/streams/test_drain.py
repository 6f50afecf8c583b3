"""Draining a real topic into real tables."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from stream_kit import COLUMNS, START, Sent, Topic, column, contract, event, expected, some_records, stored

from dataeng_assets.kafka.errors import TopicMissing
from dataeng_assets.streams import ingest
from dataeng_assets.streams import session as session_module
from dataeng_assets.streams.drain import DrainReport, drain
from dataeng_assets.streams.errors import OffsetsBehind, OffsetsLost, ProgressGap, RoutingChanged, TopicRecreated
from dataeng_assets.streams.lag import lag
from dataeng_assets.streams.session import BatchReport
from dataeng_assets.streams.stream import Stream

pytestmark = pytest.mark.server

MINUTE = timedelta(minutes=1)


def run(events: Stream, topic: Topic, batch_records: int = 100_000, **more: Any) -> DrainReport:
    return drain(events, topic.cluster, run_id="run", budget=MINUTE, batch_records=batch_records, **more)


def assert_right(events: Stream, topic: Topic) -> None:
    found, wanted = stored(events), expected(topic.log)
    assert found.dead == wanted.dead
    assert found.late == wanted.late
    assert found.main == wanted.main


class Interrupted(BaseException):
    """Stands for the end of the process, which nothing may catch."""


def interrupt(monkeypatch: pytest.MonkeyPatch, at: int, *, after: bool) -> None:
    """End the process at the n-th commit, before or after it."""
    calls = 0
    real = ingest.append

    def append(*arguments: Any, **named: Any) -> int:
        nonlocal calls
        calls += 1
        if calls == at and not after:
            raise Interrupted
        version = real(*arguments, **named)
        if calls == at:
            raise Interrupted
        return version

    monkeypatch.setattr(ingest, "append", append)


def test_each_record_stands_in_one_table_as_it_was_sent(events: Stream, topic: Topic) -> None:
    topic.make(3).send(some_records(1, 300, 3))
    report = run(events, topic, batch_records=70)
    assert_right(events, topic)
    wanted = expected(topic.log)
    assert (report.main, report.late, report.dead_letters) == (len(wanted.main), len(wanted.late), len(wanted.dead))
    assert report.caught_up
    assert report.progress == {partition: len(records) for partition, records in topic.log.items()}
    assert len(report.batches) > 3
    assert lag(events, topic.cluster).records == 0


def test_before_the_first_drain_the_lag_is_what_the_topic_holds(events: Stream, topic: Topic) -> None:
    topic.make(2).send([Sent(1, event(number, START), START) for number in range(7)])
    behind = lag(events, topic.cluster)
    assert (behind.records, behind.partitions) == (7, {0: 0, 1: 7})
    topic.delete_records({1: 2})
    assert lag(events, topic.cluster).records == 5


def test_a_second_drain_of_the_same_topic_adds_nothing(events: Stream, topic: Topic) -> None:
    topic.make(2).send(some_records(2, 50, 2))
    first = run(events, topic)
    second = run(events, topic)
    assert (second.batches, second.version, second.caught_up) == ((), first.version, True)


def test_an_empty_topic_gives_empty_tables_and_is_caught_up(events: Stream, topic: Topic) -> None:
    topic.make(2)
    report = run(events, topic)
    assert report.caught_up
    assert report.progress == {0: 0, 1: 0}
    assert stored(events).main == {}


def test_dead_letters_keep_bytes_headers_and_reason(events: Stream, topic: Topic) -> None:
    topic.make(1).send([Sent(0, b"\xff\x00{", START, (("trace", b"\x01"),)), Sent(0, None, START)])
    run(events, topic)
    rows = events.lake.open(events.dead_letters).to_pyarrow_dataset().to_table().to_pylist()
    broken, empty = sorted(rows, key=lambda row: row["_kafka_offset"])
    assert (broken["value"], broken["reason"]) == (b"\xff\x00{", "not_utf8")
    assert broken["headers"] == [{"key": "trace", "value": b"\x01"}]
    assert (empty["value"], empty["reason"], empty["headers"]) == (None, "empty", None)
    assert broken["_kafka_timestamp"] == START


def test_a_drain_out_of_time_stops_between_batches_and_the_next_goes_on(events: Stream, topic: Topic) -> None:
    topic.make(2).send(some_records(3, 60, 2))
    short = drain(events, topic.cluster, run_id="a", budget=timedelta(0), batch_records=20)
    assert (len(short.batches), short.caught_up) == (1, False)
    assert lag(events, topic.cluster).records == short.lag - short.batches[0].offsets
    run(events, topic)
    assert_right(events, topic)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("at", [1, 2, 3, 4, 5, 6])
def test_an_end_at_any_commit_and_a_retry_with_other_ends_give_the_same_tables(
    events: Stream, topic: Topic, monkeypatch: pytest.MonkeyPatch, at: int, after: bool
) -> None:
    topic.make(3).send(some_records(at, 120, 3))
    with monkeypatch.context() as patched:
        interrupt(patched, at, after=after)
        with pytest.raises(Interrupted):
            run(events, topic, batch_records=60)
    topic.send(some_records(at + 100, 40, 3, start=120))
    run(events, topic, batch_records=7 + 20 * at)
    assert_right(events, topic)


def test_a_side_table_ahead_of_a_shorter_plan_is_left_alone(
    events: Stream, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic.make(2).send(some_records(7, 100, 2))
    with monkeypatch.context() as patched:
        interrupt(patched, 3, after=False)
        with pytest.raises(Interrupted):
            run(events, topic)
    before = events.lake.open(events.dead_letters).version()
    drain(events, topic.cluster, run_id="b", budget=timedelta(0), batch_records=10)
    assert events.lake.open(events.dead_letters).version() == before
    run(events, topic)
    assert_right(events, topic)


def test_a_commit_whose_answer_is_lost_is_not_made_again(
    events: Stream, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic.make(2).send(some_records(8, 50, 2))
    real = ingest.append

    def append(*arguments: Any, **named: Any) -> int:
        real(*arguments, **named)
        raise OSError("connection reset by peer")

    monkeypatch.setattr(ingest, "append", append)
    report = run(events, topic, batch_records=20)
    assert report.caught_up
    assert_right(events, topic)


def test_a_commit_that_failed_says_so_and_the_next_run_makes_it(
    events: Stream, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic.make(2).send(some_records(9, 50, 2))

    def append(*_: Any, **__: Any) -> int:
        raise OSError("disk full")

    with monkeypatch.context() as patched:
        patched.setattr(ingest, "append", append)
        with pytest.raises(OSError, match="disk full"):
            run(events, topic)
    run(events, topic)
    assert_right(events, topic)


@pytest.mark.parametrize("ahead", [15, 1000], ids=["another plan", "the same plan"])
def test_of_two_overlapping_drains_one_stops_and_nothing_is_doubled(
    events: Stream, topic: Topic, monkeypatch: pytest.MonkeyPatch, ahead: int
) -> None:
    topic.make(2).send(some_records(10, 80, 2))
    real, entered = session_module.commit_batch, []

    def commit_batch(*arguments: Any, **named: Any) -> Any:
        if not entered:  # another drain commits after this one has planned and read
            entered.append(True)
            drain(events, topic.cluster, run_id="other", budget=timedelta(0), batch_records=ahead)
        return real(*arguments, **named)

    monkeypatch.setattr(session_module, "commit_batch", commit_batch)
    report = run(events, topic)
    assert report.superseded is (ahead == 15)
    monkeypatch.undo()
    run(events, topic)
    assert_right(events, topic)


def test_a_drain_overtaken_between_its_look_and_its_commit_is_refused(
    events: Stream, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic.make(2).send(some_records(11, 80, 2))
    real, entered = ingest.append, []

    def append(*arguments: Any, **named: Any) -> int:
        if not entered:
            entered.append(True)
            drain(events, topic.cluster, run_id="other", budget=timedelta(0), batch_records=20)
        return real(*arguments, **named)

    monkeypatch.setattr(ingest, "append", append)
    report = run(events, topic)
    assert report.superseded
    monkeypatch.undo()
    run(events, topic)
    assert_right(events, topic)


def test_new_partitions_are_taken_up_from_their_beginning_and_reported(events: Stream, topic: Topic) -> None:
    topic.make(2).send(some_records(12, 40, 2))
    assert run(events, topic).new_partitions == ()
    topic.add_partitions(4)
    topic.send(some_records(13, 40, 4, start=40))
    report = run(events, topic)
    assert report.new_partitions == (2, 3)
    assert_right(events, topic)


def test_a_topic_that_was_made_again_is_refused_by_name(events: Stream, topic: Topic) -> None:
    topic.make(2).send(some_records(14, 40, 2))
    before = run(events, topic).version
    topic.delete()
    topic.make(2).send(some_records(15, 90, 2))
    with pytest.raises(TopicRecreated, match="deleted and made again"):
        run(events, topic)
    assert events.lake.open(events.main).version() == before


def test_records_deleted_before_they_were_read_are_named(events: Stream, topic: Topic) -> None:
    topic.make(1).send(some_records(16, 30, 1))
    run(events, topic)
    topic.send(some_records(17, 30, 1, start=30))
    read, held = len(expected({0: topic.log[0][:30]}).main), len(topic.log[0])
    assert read
    topic.delete_records({0: held - 5})
    with pytest.raises(OffsetsLost, match=rf"partition 0: offsets \d+ to {held - 6}"):
        run(events, topic)


def test_a_stream_begins_at_what_the_topic_still_holds(events: Stream, topic: Topic) -> None:
    topic.make(1).send(some_records(18, 30, 1))
    topic.delete_records({0: 10})
    run(events, topic)
    found = stored(events)
    places = [*found.main, *found.late, *found.dead]
    assert sorted(offset for _, offset in places) == list(range(10, len(topic.log[0])))


def test_a_topic_that_ends_before_what_was_committed_is_refused(events: Stream, topic: Topic) -> None:
    topic.make(1).send(some_records(19, 30, 1))
    run(events, topic)
    with pytest.raises(OffsetsBehind, match="ends before"):
        _plan_with_end(events, topic, 3)


def _plan_with_end(events: Stream, topic: Topic, end: int) -> None:
    from dataeng_assets.kafka.admin import Admin
    from dataeng_assets.streams.plan import plan_batch, read_committed
    from dataeng_assets.streams.stream import Progress

    with Admin(topic.cluster) as admin:
        state = replace(admin.describe(topic.name), ends={0: end})
    committed = read_committed(events.lake.open(events.main), events, state)
    plan_batch(committed, state, Progress(events.name, state.id), budget=10, until={})


def test_a_missing_topic_is_named(events: Stream, topic: Topic) -> None:
    with pytest.raises(TopicMissing, match=topic.name):
        run(events, topic)


def test_a_deleted_side_table_is_a_gap_and_not_a_silent_loss(events: Stream, topic: Topic) -> None:
    topic.make(1).send(some_records(20, 60, 1))
    run(events, topic)
    shutil.rmtree(Path(events.lake.at(events.dead_letters)))
    topic.send(some_records(21, 10, 1, start=60))
    with pytest.raises(ProgressGap, match="dead_letters has nothing of partition 0"):
        run(events, topic)


def test_records_between_two_tables_are_not_routed_by_two_contracts(
    events: Stream, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic.make(1).send(some_records(22, 60, 1))
    with monkeypatch.context() as patched:
        interrupt(patched, 2, after=True)
        with pytest.raises(Interrupted):
            run(events, topic)
    changed = replace(events, contract=contract(late_after=timedelta(minutes=20)))
    with pytest.raises(RoutingChanged, match="Put the contract"):
        run(changed, topic)
    run(events, topic)
    assert_right(events, topic)
    topic.send(some_records(23, 5, 1, start=60))
    assert run(changed, topic).caught_up


def test_a_new_column_of_the_contract_is_taken_up(events: Stream, topic: Topic) -> None:
    topic.make(1).send([Sent(0, event(1, START, beta=True), START)])
    run(events, topic)
    wider = replace(events, contract=contract((*COLUMNS, column("beta", "boolean", nullable=True))))
    topic.send([Sent(0, event(2, START, beta=True), START)])
    run(wider, topic)
    rows = wider.lake.open(wider.main).to_pyarrow_dataset().to_table().to_pylist()
    assert {row["event_id"]: (row["beta"], row["_rescued"]) for row in rows} == {
        "e1": (None, '{"beta":true}'),
        "e2": (True, None),
    }


def test_each_batch_is_told_after_its_commit(events: Stream, topic: Topic) -> None:
    topic.make(1).send(some_records(24, 30, 1))
    told: list[BatchReport] = []
    seen: list[Mapping[str, int]] = []

    def on_batch(report: BatchReport) -> None:
        told.append(report)
        seen.append({"version": events.lake.open(events.main).version()})

    report = run(events, topic, batch_records=10, on_batch=on_batch)
    assert tuple(told) == report.batches
    assert [batch.version for batch in told] == [one["version"] for one in seen]
