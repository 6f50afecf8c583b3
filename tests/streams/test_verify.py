"""The proof that main + dead letters + late is what was read, and that it finds what is wrong."""

import time
from datetime import timedelta
from typing import Any

import pytest
from deltalake import write_deltalake
from stream_kit import START, Sent, Topic, event, expected, some_records
from typer.testing import CliRunner

from dataeng_assets.components import kafka_topic
from dataeng_assets.lake.location import TableMissing
from dataeng_assets.streams import ingest
from dataeng_assets.streams.drain import drain
from dataeng_assets.streams.stream import Stream
from dataeng_assets.streams.verify import PartitionProof, verify

pytestmark = pytest.mark.server


def run(events: Stream, topic: Topic, **more: Any) -> None:
    drain(events, topic.cluster, run_id="run", budget=timedelta(minutes=1), **more)


def only(events: Stream, topic: Topic) -> PartitionProof:
    [proof] = verify(events, topic.cluster).partitions
    return proof


def test_after_a_drain_the_proof_holds_with_the_true_counts(events: Stream, topic: Topic) -> None:
    topic.make(3).send(some_records(1, 300, 3))
    run(events, topic, batch_records=80)
    topic.send(some_records(2, 20, 3, start=300))
    proof = verify(events, topic.cluster)
    assert proof.holds
    assert proof.decided
    wanted = expected({p: records[: proof.partitions[p].progress] for p, records in topic.log.items()})
    for part in proof.partitions:
        counts = [sum(p == part.partition for p, _ in places) for places in (wanted.main, wanted.late, wanted.dead)]
        assert [part.main, part.late, part.dead_letters] == counts
        assert part.progress == sum(counts)
        assert part.end == len(topic.log[part.partition])


def test_a_lost_row_is_missing(events: Stream, topic: Topic) -> None:
    topic.make(1).send([Sent(0, event(number, START), START) for number in range(5)])
    run(events, topic)
    events.lake.open(events.main).delete("_kafka_offset = 3")
    assert (only(events, topic).missing, only(events, topic).difference) == (1, 1)
    assert not verify(events, topic.cluster).holds


def test_a_row_in_two_tables_is_doubled(events: Stream, topic: Topic) -> None:
    topic.make(1).send([Sent(0, event(number, START), START) for number in range(5)])
    run(events, topic)
    columns = events.events_schema().names
    rows = events.lake.open(events.main).to_pyarrow_dataset().to_table(columns=columns).slice(1, 1)
    write_deltalake(events.lake.open(events.late), rows, mode="append")
    assert (only(events, topic).doubled, only(events, topic).difference) == (1, 1)


def test_a_row_that_was_never_sent_is_unexpected(events: Stream, topic: Topic) -> None:
    topic.make(1).send([Sent(0, event(number, START), START) for number in range(5)])
    run(events, topic)
    table = events.lake.open(events.main)
    table.update({"_kafka_offset": "_kafka_offset + 100"}, predicate="_kafka_offset = 4")
    proof = only(events, topic)
    assert (proof.missing, proof.unexpected) == (1, 1)


def test_what_the_broker_no_longer_holds_is_not_a_pass_unless_every_offset_is_there(
    events: Stream, topic: Topic
) -> None:
    topic.make(1).send([Sent(0, event(number, START), START) for number in range(6)])
    run(events, topic)
    topic.delete_records({0: 4})
    assert verify(events, topic.cluster).decided
    events.lake.open(events.main).delete("_kafka_offset = 2")
    proof = verify(events, topic.cluster)
    assert (proof.holds, proof.decided, proof.partitions[0].unproved) == (True, False, 1)


def test_a_side_table_ahead_of_main_is_no_difference(
    events: Stream, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic.make(1).send([Sent(0, event(1, START), START)])
    run(events, topic)
    topic.send([Sent(0, b"broken", START), Sent(0, event(2, START), START)])
    real = ingest.append

    def append(table: Any, *arguments: Any, **named: Any) -> int:
        if table.table_uri.rstrip("/").endswith("user_events"):
            raise KeyboardInterrupt
        return real(table, *arguments, **named)

    with monkeypatch.context() as patched:
        patched.setattr(ingest, "append", append)
        with pytest.raises(KeyboardInterrupt):
            run(events, topic)
    assert only(events, topic).difference == 0
    assert only(events, topic).dead_letters == 0
    run(events, topic)
    assert only(events, topic).dead_letters == 1
    assert verify(events, topic.cluster).holds


def test_a_stream_that_was_never_drained_cannot_be_proved(events: Stream, topic: Topic) -> None:
    topic.make(1)
    with pytest.raises(TableMissing):
        verify(events, topic.cluster)


def test_the_command_exits_1_on_a_difference_and_2_when_it_cannot_decide(
    events: Stream, topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataeng_assets.cli import app

    monkeypatch.setattr(kafka_topic, "find_stream", lambda _: (events, topic.cluster))
    monkeypatch.setenv("COLUMNS", "200")
    topic.make(1)
    assert CliRunner().invoke(app, ["verify", "user_events"]).exit_code == 2
    topic.send([Sent(0, event(number, START), START) for number in range(5)])
    run(events, topic)
    good = CliRunner().invoke(app, ["verify", "user_events"])
    assert (good.exit_code, "Every offset stands in exactly one table" in good.output) == (0, True)
    events.lake.open(events.main).delete("_kafka_offset = 2")
    bad = CliRunner().invoke(app, ["verify", "user_events"])
    assert (bad.exit_code, "do not hold what the topic holds" in bad.output) == (1, True)


def test_records_that_the_broker_compacts_away_are_neither_missing_nor_unexpected(events: Stream, topic: Topic) -> None:
    topic.make(1)
    eager = {"cleanup.policy": "compact", "segment.ms": "100", "min.cleanable.dirty.ratio": "0.001"}
    topic.configure({**eager, "max.compaction.lag.ms": "100"})
    topic.send([Sent(0, event(number, START), START) for number in range(50)])
    run(events, topic)
    for number in range(50, 53):  # each begins a segment, which closes the one before
        topic.send([Sent(0, event(number, START), START + timedelta(hours=number))])
    run(events, topic)
    deadline = time.monotonic() + 60
    while only(events, topic).held == 53 and time.monotonic() < deadline:
        time.sleep(1)
    assert only(events, topic).held < 53
    proof = verify(events, topic.cluster)
    assert proof.holds
    assert proof.decided
    assert proof.partitions[0].main == 53
