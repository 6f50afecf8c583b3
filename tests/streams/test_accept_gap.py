"""What a stream cannot get any more stops it by name, is shown, is accepted once, and is accounted for from then on."""

import shutil
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from deltalake import write_deltalake
from hypothesis import given
from hypothesis import strategies as st
from stream_kit import START, Sent, Topic, event, expected, run, sent, some_records, stored, table
from typer.testing import CliRunner

from dataeng_assets.cli import app
from dataeng_assets.components import kafka_topic
from dataeng_assets.kafka.admin import Admin, TopicState
from dataeng_assets.kafka.errors import KafkaProblem
from dataeng_assets.kafka.reader import READERS
from dataeng_assets.orchestration.runs import open_instance
from dataeng_assets.settings import ROOT
from dataeng_assets.streams import accept as accept_module
from dataeng_assets.streams import ingest
from dataeng_assets.streams.accept import Found, accept, gaps_of
from dataeng_assets.streams.errors import (
    NothingToAccept,
    OffsetsBehind,
    OffsetsLost,
    ProgressGap,
    RowsRemoved,
    StreamStopped,
    TopicRecreated,
)
from dataeng_assets.streams.gaps import State, accepted_gaps
from dataeng_assets.streams.session import Session
from dataeng_assets.streams.stored import Run, without
from dataeng_assets.streams.stream import Stream
from dataeng_assets.streams.verify import Reconciliation, verify

server = pytest.mark.server


def accepted(events: Stream, topic: Topic, *partitions: int) -> Found:
    return accept(events, topic.cluster, reason="a test", accepted_by="me", partitions=partitions)[1]


def spans(found: Found) -> list[tuple[State, int, int, int | None]]:
    return [(gap.state, gap.partition, gap.start, gap.end) for gap in found.gaps]


def proved(events: Stream, topic: Topic) -> Reconciliation:
    proof = verify(events, topic.cluster)
    assert proof.holds
    return proof


def good(topic: Topic, count: int, start: int = 0) -> None:
    topic.send(sent(number, minutes=number / 60) for number in range(start, start + count))


def stops(events: Stream, topic: Topic, error: type[StreamStopped]) -> str:
    with pytest.raises(error) as caught:
        run(events, topic)
    assert not caught.value.retryable
    assert "dataeng stream accept-gap user_events" in str(caught.value)
    return str(caught.value)


@server
def test_offsets_past_retention_are_accepted_by_partition_and_the_rest_is_read(events: Stream, topic: Topic) -> None:
    topic.make(2).send(some_records(1, 40, 2))
    run(events, topic)
    before = {p: len(records) for p, records in topic.log.items()}
    topic.send(some_records(2, 40, 2, start=40))
    topic.delete_records({p: at + 5 for p, at in before.items()})
    stops(events, topic, OffsetsLost)
    shown = gaps_of(events, topic.cluster)
    assert spans(shown) == [(State.RETENTION, p, at, at + 5) for p, at in before.items()]
    assert not events.lake.exists(events.gaps), "showing writes nothing"
    assert spans(accepted(events, topic, 1)) == [(State.RETENTION, 1, before[1], before[1] + 5)]
    stops(events, topic, OffsetsLost)
    assert spans(accepted(events, topic)) == [(State.RETENTION, 0, before[0], before[0] + 5)]
    assert run(events, topic).caught_up
    assert [part.gaps for part in proved(events, topic).partitions] == [5, 5]
    assert verify(events, topic.cluster).decided
    with pytest.raises(NothingToAccept):
        accepted(events, topic)
    written = accepted_gaps(events)
    assert {(one.reason, one.accepted_by) for one in written} == {("a test", "me")}
    ids = {one.gap_id for one in written}
    assert {entry.get("gap_id") for entry in events.lake.open(events.main).history()} - {None} == ids


@server
def test_a_partition_whose_beginning_is_gone_before_it_was_taken_up_is_a_gap(events: Stream, topic: Topic) -> None:
    topic.make(1).send([sent(1)])
    run(events, topic)
    topic.add_partitions(2)
    topic.send(Sent(1, event(number, START), START) for number in range(10))
    topic.delete_records({1: 4})
    stops(events, topic, OffsetsLost)
    assert spans(accepted(events, topic)) == [(State.RETENTION, 1, 0, 4)]
    run(events, topic)
    assert proved(events, topic).partitions[1].gaps == 4


@server
def test_a_topic_that_was_made_again_goes_on_beside_the_rows_of_the_former(events: Stream, topic: Topic) -> None:
    topic.make(2).send(some_records(3, 60, 2))
    run(events, topic)
    former, ends = stored(events), {p: len(records) for p, records in topic.log.items()}
    topic.delete()
    topic.make(2).send(some_records(4, 80, 2, start=500))
    stops(events, topic, TopicRecreated)
    with pytest.raises(NothingToAccept, match="Leave out --partition"):
        accepted(events, topic, 0)
    assert spans(accepted(events, topic)) == [(State.RECREATED, p, end, None) for p, end in ends.items()]
    assert run(events, topic, batch_records=30).caught_up
    assert proved(events, topic).partitions[0].main > 0
    rows = table(events, events.main)
    assert len([row for row in rows if row["_kafka_generation"] is None]) == len(former.main)
    new = {(r["_kafka_partition"], r["_kafka_offset"]) for r in rows if r["_kafka_generation"] == 1}
    assert new == set(expected(topic.log).main)
    topic.delete()
    topic.make(1).send([sent(1)])
    stops(events, topic, TopicRecreated)
    accepted(events, topic)
    run(events, topic)
    assert proved(events, topic).partitions[0].main == 1


@server
@pytest.mark.parametrize("client", READERS)
def test_a_topic_made_again_under_a_running_reader_gets_nothing_committed(
    events: Stream, topic: Topic, client: str
) -> None:
    topic.make(1)
    good(topic, 20)
    with Session(events, replace(topic.cluster, reader=client), run_id="run") as session:
        session.run(session.plan(10, {}))
        plan = session.plan(10, {})
        topic.delete()
        topic.make(1)
        good(topic, 30, start=100)
        with pytest.raises((TopicRecreated, OffsetsLost, KafkaProblem)):
            session.run(plan)
        session.look()
        with pytest.raises(TopicRecreated):
            session.plan(10, {})
    assert sorted(row["event_id"] for row in table(events, events.main)) == sorted(f"e{n}" for n in range(10))


def _cut(monkeypatch: pytest.MonkeyPatch, ends: dict[int, int]) -> None:
    """A broker that has lost the end of its log; nothing makes a sound one do that."""
    real = Admin.describe

    def describe(self: Admin, topic: str) -> TopicState:
        found = real(self, topic)
        return replace(found, ends={p: min(end, ends.get(p, end)) for p, end in found.ends.items()})

    monkeypatch.setattr(Admin, "describe", describe)


@server
def test_a_truncated_topic_goes_on_at_its_end_and_what_was_committed_stays(
    events: Stream, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic.make(2)
    good(topic, 10)
    run(events, topic)
    with monkeypatch.context() as patched:
        _cut(patched, {0: 6})
        stops(events, topic, OffsetsBehind)
        assert spans(accepted(events, topic)) == [(State.TRUNCATED, 0, 6, 10)]
        assert not run(events, topic).batches
    run(events, topic)  # the offsets after the cut, as other records
    rows = [(r["_kafka_generation"], r["_kafka_offset"]) for r in table(events, events.main)]
    assert sorted(rows, key=str) == sorted([(None, n) for n in range(10)] + [(1, n) for n in range(6, 10)], key=str)
    proved(events, topic)


def overwrite(table: Any) -> None:
    write_deltalake(table, table.to_pyarrow_dataset().to_table().slice(0, 1), mode="overwrite")


REMOVALS: dict[str, Callable[[Any], object]] = {
    "restore": lambda table: table.restore(table.version() - 1),
    "delete": lambda table: table.delete("_kafka_offset % 3 = 0"),
    "overwrite": overwrite,
}


@server
@pytest.mark.parametrize(
    ("side", "how"), [*(("main", how) for how in REMOVALS), ("late", "restore"), ("dead_letters", "delete")]
)
def test_rows_that_somebody_removed_are_noticed_named_and_accepted(
    events: Stream, topic: Topic, side: str, how: str
) -> None:
    topic.make(2).send(some_records(5, 300, 2))
    run(events, topic, batch_records=150)
    key = getattr(events, side)
    before = {(row["_kafka_partition"], row["_kafka_offset"]) for row in table(events, key)}
    REMOVALS[how](events.lake.open(key))
    left = {(row["_kafka_partition"], row["_kafka_offset"]) for row in table(events, key)}
    lost = before - left
    assert lost
    told = stops(events, topic, RowsRemoved)  # also without anything to read
    assert f"removed {len(lost)} records of the stream from {'.'.join(key)}" in told
    assert verify(events, topic.cluster).holds is False
    found = accepted(events, topic)
    assert {(gap.partition, o) for gap in found.gaps for o in range(gap.start, gap.end or 0)} == lost
    assert {gap.table for gap in found.gaps} == {".".join(key)}
    topic.send(some_records(6, 10, 2, start=300))
    assert run(events, topic).caught_up
    assert sum(part.gaps for part in proved(events, topic).partitions) == len(lost)


@server
def test_removed_rows_that_were_put_back_stop_nothing(events: Stream, topic: Topic) -> None:
    topic.make(1)
    good(topic, 10)
    run(events, topic, batch_records=4)
    main = events.lake.open(events.main)
    newest = main.version()
    main.restore(newest - 1)
    stops(events, topic, RowsRemoved)
    events.lake.open(events.main).restore(newest)
    good(topic, 3, start=10)
    assert run(events, topic).main == 3
    proved(events, topic)


@server
def test_rows_that_were_only_written_anew_and_compaction_stop_nothing(events: Stream, topic: Topic) -> None:
    topic.make(1)
    good(topic, 10)
    run(events, topic, batch_records=4)
    events.lake.open(events.main).update({"event_type": "'masked'"}, predicate="_kafka_offset = 3")
    events.lake.open(events.main).optimize.compact()
    good(topic, 3, start=10)
    assert run(events, topic).main == 3
    proved(events, topic)


@server
def test_rows_removed_while_a_batch_is_committed_are_noticed_by_the_next(
    events: Stream, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic.make(1)
    good(topic, 5)
    run(events, topic)
    good(topic, 5, start=5)
    real = ingest.append

    def append(handle: Any, *arguments: Any, **named: Any) -> int:
        if handle.table_uri.rstrip("/").endswith("user_events"):
            events.lake.open(events.main).delete("_kafka_offset = 2")
        return real(handle, *arguments, **named)

    with monkeypatch.context() as patched:
        patched.setattr(ingest, "append", append)
        with suppress(RowsRemoved):  # where the commit itself is refused because of it
            run(events, topic)
    assert "partition 0: offsets 2 to 2" in stops(events, topic, RowsRemoved)


@server
def test_where_the_removed_files_are_gone_what_stands_nowhere_is_accepted(events: Stream, topic: Topic) -> None:
    topic.make(1)
    good(topic, 10)
    run(events, topic)
    main = events.lake.open(events.main)
    main.delete("_kafka_offset = 7")
    main.vacuum(0, dry_run=False, enforce_retention_duration=False)
    assert "cannot be told which" in stops(events, topic, RowsRemoved)
    assert spans(accepted(events, topic)) == [(State.REMOVED, 0, 7, 8)]
    run(events, topic)
    assert proved(events, topic).partitions[0].gaps == 1


@server
def test_a_deleted_side_table_is_accepted_and_made_anew(events: Stream, topic: Topic) -> None:
    topic.make(2).send(some_records(7, 100, 2))
    run(events, topic)
    dead = len(table(events, events.dead_letters))
    assert dead
    shutil.rmtree(Path(events.lake.at(events.dead_letters)))
    gaps_of(events, topic.cluster)
    assert not events.lake.exists(events.dead_letters), "showing makes no table"
    topic.send(some_records(8, 10, 2, start=100))
    stops(events, topic, ProgressGap)
    found = accepted(events, topic)
    assert {gap.state for gap in found.gaps} == {State.SIDE_TABLE}
    assert sum(gap.offsets or 0 for gap in found.gaps) == dead
    assert run(events, topic).caught_up
    assert sum(part.gaps for part in proved(events, topic).partitions) == dead


@server
def test_a_deleted_main_table_is_loaded_anew_and_what_the_broker_lost_is_a_gap(events: Stream, topic: Topic) -> None:
    topic.make(1)
    good(topic, 10)
    run(events, topic)
    shutil.rmtree(Path(events.lake.at(events.main)))
    topic.delete_records({0: 4})
    stops(events, topic, OffsetsLost)
    assert spans(accepted(events, topic)) == [(State.MAIN_TABLE, 0, 0, 4)]
    assert run(events, topic).main == 6
    [part] = proved(events, topic).partitions
    assert (part.first, part.gaps, part.main) == (0, 4, 6)


@server
@pytest.mark.parametrize("done", [0, 1, 2, 3])
def test_an_acceptance_that_is_interrupted_is_finished_by_the_next_and_counted_once(
    events: Stream, topic: Topic, monkeypatch: pytest.MonkeyPatch, done: int
) -> None:
    topic.make(1)
    good(topic, 5)
    run(events, topic)
    good(topic, 10, start=5)
    topic.delete_records({0: 9})
    real, calls = accept_module.append, 0

    def append(*arguments: Any, **named: Any) -> int:
        nonlocal calls
        calls += 1
        if calls > done:
            raise KeyboardInterrupt
        return real(*arguments, **named)

    with monkeypatch.context() as patched:
        patched.setattr(accept_module, "append", append)
        if done < 3:
            with pytest.raises(KeyboardInterrupt):
                accepted(events, topic)
        else:
            accepted(events, topic)
    if done < 3:
        accepted(events, topic)
    assert run(events, topic).main == 6
    assert [(one.gap.start, one.gap.end) for one in accepted_gaps(events)] == [(5, 9)]
    assert proved(events, topic).partitions[0].gaps == 4


@server
def test_of_people_and_drains_at_the_same_moment_a_gap_is_accepted_once(events: Stream, topic: Topic) -> None:
    topic.make(2).send(some_records(9, 40, 2))
    run(events, topic)
    topic.send(some_records(10, 60, 2, start=40))
    topic.delete_records({0: len(topic.log[0]) - 3})
    ended: list[BaseException | None] = []

    def one(work: Callable[[], object]) -> None:
        try:
            work()
            ended.append(None)
        except (StreamStopped, NothingToAccept) as error:
            ended.append(error)

    works: list[Callable[[], object]] = [lambda: accepted(events, topic)] * 2 + [lambda: run(events, topic)] * 2
    threads = [threading.Thread(target=one, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ended) == 4
    run(events, topic)
    assert len(accepted_gaps(events)) == 1
    proved(events, topic)


@server
def test_the_command_shows_accepts_refuses_and_tells_dagster(
    events: Stream, topic: Topic, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka_topic, "find_stream", lambda _: (events, topic.cluster))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("DAGSTER_HOME", str(ROOT))

    def dataeng(*words: str) -> tuple[int, str]:
        result = CliRunner().invoke(app, list(words))
        return result.exit_code, result.output

    topic.make(1)
    good(topic, 5)
    run(events, topic)
    assert dataeng("stream", "accept-gap", "user_events", "--reason", "x")[0] == 2
    good(topic, 5, start=5)
    topic.delete_records({0: 8})
    assert dataeng("stream", "accept-gap", "user_events")[0] == 2
    code, output = dataeng("stream", "accept-gap", "user_events", "--dry-run")
    assert (code, "5 to 7" in output, "Nothing was written" in output) == (0, True, True)
    assert not accepted_gaps(events)
    code, output = dataeng("stream", "accept-gap", "user_events", "--reason", "a drill", "--accepted-by", "Ada")
    assert (code, "5 to 7" in output, "Accepted as" in output) == (0, True, True)
    [told] = open_instance().fetch_materializations(dg.AssetKey(events.gaps), limit=10).records
    assert told.asset_materialization is not None
    shown = {name: value.value for name, value in told.asset_materialization.metadata.items()}
    assert (shown["reason"], shown["accepted_by"], shown["offsets"]) == ("a drill", "Ada", "3")
    assert (shown["dagster/row_count"], shown["what_happened"]) == (1, "retention passed")
    run(events, topic)
    code, output = dataeng("verify", "user_events")
    assert (code, "accepted by Ada" in output, "a drill" in output) == (0, True, True)


places = st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(0, 40), st.integers(0, 12))


def disjoint(cuts: list[tuple[int, int, int, int]]) -> list[Run]:
    found: list[Run] = []
    for generation, partition, start, length in cuts:
        found += without([Run(generation, partition, start, start + length)], found)
    return found


def offsets(runs: list[Run]) -> set[tuple[int, int, int]]:
    return {(run.generation, run.partition, offset) for run in runs for offset in range(run.start, run.end)}


@given(st.lists(places, max_size=6), st.lists(places, max_size=6))
def test_runs_without_others_hold_exactly_the_offsets_that_are_left(
    kept: list[tuple[int, int, int, int]], taken: list[tuple[int, int, int, int]]
) -> None:
    runs, cuts = disjoint(kept), disjoint(taken)
    left = without(runs, cuts)
    assert offsets(left) == offsets(runs) - offsets(cuts)
    assert sum(run.end - run.start for run in left) == len(offsets(left))
    assert all(run.start < run.end for run in left)
