"""Each moment at which a process can end or be overtaken, with real Kafka and real kills.

Whatever happens, the tables are those of a drain that nobody disturbed: the same rows in main, late, dead letters and
windows but for when and by which run they were written, and `verify` holds.

| window | what happens | test |
|---|---|---|
| W1 | killed before a write | `..._w01_...` |
| W2 | killed after data files, before the log | `..._w02_...` |
| W3 | killed while the log entry is put | `..._w03_...` |
| W4 | committed, and the answer lost or the work after the commit failed | `..._w04_...` |
| W5 | killed after main's commit; Kafka's group offsets say anything | `..._w05_...` |
| W6 | killed between the side tables and main, tried again with another end | `..._w06_...` |
| W7 | a process that was taken for dead goes on and commits late | `..._w07_...` |
| W8 | the same plan run twice at once | `..._w08_...` |
| W9 | workers of overlapping and of other partitions | `..._w09_...`, `test_shared_partitions.py` |
| W10 | a rebalance in the middle of a batch | `..._w10_...` |
| W11 | compaction, vacuum, new columns, rewritten rows during a batch | `..._w11_...` |
| W12 | restored or overwritten by a person | `..._w12_...`, `test_accept_gap.py` |
| W13 | partitions added during a batch; retention, truncation, topic made again | `..._w13_...`, `test_accept_gap.py` |
| W14 | aborted transactions, markers and compaction at the edges of batches | `..._w14_...`, `test_reader.py` |
| W15 | nothing is left but the tables | `..._w15_...` |
"""

import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from deltalake import write_deltalake
from drain_forks import STOPPED, Forks, Point
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata
from stream_kit import COLUMNS, Topic, column, contract, fingerprint, run, some_records

from dataeng_assets.lake.location import Lake
from dataeng_assets.lake.upkeep import tend
from dataeng_assets.streams.errors import RoutingChanged, RowsRemoved
from dataeng_assets.streams.ingest import make_tables
from dataeng_assets.streams.stream import Stream
from dataeng_assets.streams.verify import verify
from dataeng_assets.streams.windows import publish_windows

pytestmark = [pytest.mark.server, pytest.mark.crash]

KILLED = -signal.SIGKILL


def assert_as_if_nothing_had_happened(events: Stream, topic: Topic, tmp_path: Path) -> None:
    calm = replace(events, lake=Lake(str(tmp_path / "calm")))
    for one in (events, calm):
        assert run(one, topic, batch_records=50).caught_up
        publish_windows(one, topic.cluster, run_id="last")
        assert verify(one, topic.cluster).holds
    assert fingerprint(events) == fingerprint(calm)


def halted(forks: Forks, events: Stream, topic: Topic, at: int, **more: Any) -> int:
    """A process that has read its batch and stands before its n-th commit."""
    pid = forks.start(events, topic, point=Point("stop", at), **more)
    assert forks.wait(pid) == "stopped"
    return pid


@pytest.mark.parametrize("at", [1, 2, 3, 5])
def test_w01_killed_before_a_write(forks: Forks, events: Stream, filled: Topic, tmp_path: Path, at: int) -> None:
    assert forks.wait(forks.start(events, filled, point=Point("before", at))) == KILLED
    assert_as_if_nothing_had_happened(events, filled, tmp_path)


def test_w02_killed_after_data_files_and_before_the_log(
    forks: Forks, events: Stream, filled: Topic, tmp_path: Path
) -> None:
    run(events, filled)
    orphans = 0
    for turn in range(20):
        filled.send(some_records(turn, 40, 2, start=4000 * (turn + 1)))
        before = events.lake.open(events.main).version()
        assert forks.wait(forks.start(events, filled, batch_records=1000, point=Point("files", 3))) == KILLED
        main = events.lake.open(events.main)
        written = {path.name for path in Path(events.lake.at(events.main)).rglob("event_date=*/*.parquet")}
        orphans = len(written - {Path(uri).name for uri in main.file_uris()})
        if main.version() == before and orphans:
            break
    assert orphans, "data files that no version knows"
    assert_as_if_nothing_had_happened(events, filled, tmp_path)


def test_w03_killed_while_the_log_entry_is_put(forks: Forks, events: Stream, filled: Topic, tmp_path: Path) -> None:
    for turn in range(5):
        filled.send(some_records(turn, 20, 2, start=200 * (turn + 1)))
        assert forks.wait(forks.start(events, filled, point=Point("log", 1 + turn % 3))) == KILLED
    assert_as_if_nothing_had_happened(events, filled, tmp_path)


@pytest.mark.parametrize("at", [1, 3])
def test_w04_committed_and_the_answer_lost(
    forks: Forks, events: Stream, filled: Topic, tmp_path: Path, at: int
) -> None:
    assert forks.wait(forks.start(events, filled, point=Point("answer", at))) == 0
    assert_as_if_nothing_had_happened(events, filled, tmp_path)


def test_w04_committed_and_the_checkpoint_after_it_failed(events: Stream, filled: Topic, tmp_path: Path) -> None:
    run(events, filled)
    main = events.lake.open(events.main)
    main.alter.set_table_properties({"delta.checkpointInterval": "1"})
    log = Path(events.lake.at(events.main)) / "_delta_log"
    newest = events.lake.open(events.main).version()
    for version in range(newest + 1, newest + 10):
        (log / f"{version:020}.checkpoint.parquet" / "in the way").mkdir(parents=True)
    filled.send(some_records(1, 60, 2, start=500))
    assert run(events, filled, batch_records=20).caught_up
    for blocked in log.glob("*.checkpoint.parquet"):
        if blocked.is_dir():
            (blocked / "in the way").rmdir()
            blocked.rmdir()
    assert_as_if_nothing_had_happened(events, filled, tmp_path)


def test_w05_killed_after_main_s_commit_and_kafka_s_group_offsets_are_not_believed(
    forks: Forks, events: Stream, filled: Topic, tmp_path: Path
) -> None:
    assert forks.wait(forks.start(events, filled, point=Point("after", 3))) == KILLED
    consumer = KafkaConsumer(bootstrap_servers=filled.bootstrap, group_id="dataeng", enable_auto_commit=False)
    wrong = {TopicPartition(filled.name, p): OffsetAndMetadata(p, "", -1) for p in filled.log}
    consumer.assign(list(wrong))
    consumer.commit(wrong)
    consumer.close()
    assert_as_if_nothing_had_happened(events, filled, tmp_path)


@pytest.mark.parametrize(("at", "size"), [(1, 7), (2, 7), (1, 500), (2, 500)])
def test_w06_killed_between_side_tables_and_main_and_tried_again_with_another_end(
    forks: Forks, events: Stream, filled: Topic, tmp_path: Path, at: int, size: int
) -> None:
    assert forks.wait(forks.start(events, filled, batch_records=60, point=Point("after", at))) == KILLED
    filled.send(some_records(at, 30, 2, start=500))
    assert forks.wait(forks.start(events, filled, batch_records=size)) == 0
    assert_as_if_nothing_had_happened(events, filled, tmp_path)


@pytest.mark.parametrize("at", [1, 2, 3])
def test_w07_a_process_taken_for_dead_goes_on_and_commits_nothing_twice(
    forks: Forks, events: Stream, filled: Topic, tmp_path: Path, at: int
) -> None:
    zombie = halted(forks, events, filled, at, batch_records=30)
    run(events, filled, batch_records=45)
    before = {key: events.lake.open(key).to_pyarrow_dataset().count_rows() for key in (events.main, events.late)}
    forks.go_on(zombie)
    assert forks.wait(zombie) == 0
    assert {key: events.lake.open(key).to_pyarrow_dataset().count_rows() for key in before} == before
    assert_as_if_nothing_had_happened(events, filled, tmp_path)


def test_w08_the_same_plan_run_twice_at_once(forks: Forks, events: Stream, filled: Topic, tmp_path: Path) -> None:
    pids = [halted(forks, events, filled, 1) for _ in range(2)]
    for pid in pids:
        forks.go_on(pid)
    assert [forks.wait(pid) for pid in pids] == [0, 0]
    assert_as_if_nothing_had_happened(events, filled, tmp_path)


def test_w09_two_drains_that_overlap_are_killed_in_turn(
    forks: Forks, events: Stream, filled: Topic, tmp_path: Path
) -> None:
    for turn in range(4):
        first = halted(forks, events, filled, 1 + turn % 3, batch_records=10 + turn)
        second = forks.start(events, filled, batch_records=15, point=Point("after", 4 + turn))
        assert forks.wait(second) == KILLED
        forks.go_on(first)
        forks.kill(first)
    assert_as_if_nothing_had_happened(events, filled, tmp_path)


def test_w10_a_rebalance_of_the_group_in_the_middle_of_a_batch(
    forks: Forks, events: Stream, filled: Topic, tmp_path: Path
) -> None:
    pid = halted(forks, events, filled, 2)
    consumer = KafkaConsumer(filled.name, bootstrap_servers=filled.bootstrap, group_id="dataeng")
    consumer.poll(timeout_ms=5000)
    assert consumer.assignment(), "the group has another member, which has all partitions"
    forks.go_on(pid)
    assert forks.wait(pid) == 0
    consumer.close()
    assert_as_if_nothing_had_happened(events, filled, tmp_path)


@pytest.mark.parametrize("at", [1, 3])
def test_w11_compaction_vacuum_and_rewritten_rows_during_a_batch(
    forks: Forks, events: Stream, filled: Topic, tmp_path: Path, at: int
) -> None:
    run(events, filled, batch_records=25)
    filled.send(some_records(at, 60, 2, start=500))
    pid = halted(forks, events, filled, at, batch_records=1000)
    for key in (events.main, events.dead_letters):
        table = events.lake.open(key)
        table.optimize.compact()
        table.create_checkpoint()
        tend(events.lake, key)
        rows = events.lake.open(key).to_pyarrow_dataset().to_table()
        write_deltalake(events.lake.open(key), rows, mode="overwrite")
    forks.go_on(pid)
    assert forks.wait(pid) in (0, STOPPED)
    assert_as_if_nothing_had_happened(events, filled, tmp_path)


@pytest.mark.parametrize("at", [1, 3])
def test_w11_a_new_column_during_a_batch(forks: Forks, events: Stream, filled: Topic, tmp_path: Path, at: int) -> None:
    newer = replace(events, contract=contract((*COLUMNS, column("gamma", "string", nullable=True))))
    pid = halted(forks, events, filled, at)
    if at == 1:  # the batch is finished by the contract that it was begun by
        make_tables(newer)
    else:  # dead letters and late events stand where main does not yet: the new contract waits for that
        with pytest.raises(RoutingChanged):
            run(newer, filled)
        assert "gamma" not in events.lake.open(events.main).schema().to_json()
    forks.go_on(pid)
    assert forks.wait(pid) == 0
    assert_as_if_nothing_had_happened(newer, filled, tmp_path)


def test_w12_restored_by_a_person_during_a_batch_and_put_back(
    forks: Forks, events: Stream, filled: Topic, tmp_path: Path
) -> None:
    run(events, filled, batch_records=40)
    filled.send(some_records(1, 60, 2, start=500))
    pid = halted(forks, events, filled, 1)
    main = events.lake.open(events.main)
    newest = main.version()
    main.restore(newest - 1)
    forks.go_on(pid)
    assert forks.wait(pid) == STOPPED
    with pytest.raises(RowsRemoved):
        run(events, filled)
    events.lake.open(events.main).restore(newest)
    assert_as_if_nothing_had_happened(events, filled, tmp_path)


def test_w13_partitions_added_during_a_batch(forks: Forks, events: Stream, filled: Topic, tmp_path: Path) -> None:
    pid = halted(forks, events, filled, 2)
    filled.add_partitions(4)
    filled.send(some_records(1, 60, 4, start=500))
    forks.go_on(pid)
    assert forks.wait(pid) == 0
    assert_as_if_nothing_had_happened(events, filled, tmp_path)


def test_w14_aborted_transactions_and_markers_at_the_edges_of_batches(
    forks: Forks, events: Stream, topic: Topic, tmp_path: Path
) -> None:
    topic.make(2)
    with KafkaProducer(bootstrap_servers=topic.bootstrap, transactional_id=topic.name) as producer:
        producer.init_transactions()
        records = some_records(14, 60, 2)
        for first in range(0, len(records), 4):
            producer.begin_transaction()
            for one in records[first : first + 4]:
                at = int(one.produced.timestamp() * 1000)
                producer.send(topic.name, value=one.value, partition=one.partition, timestamp_ms=at)
            producer.flush()
            producer.abort_transaction() if first % 3 == 0 else producer.commit_transaction()
    for size in (1, 2, 3, 5):
        assert forks.wait(forks.start(events, topic, batch_records=size, point=Point("after", 5))) == KILLED
    assert_as_if_nothing_had_happened(events, topic, tmp_path)


def test_w15_nothing_is_left_but_the_tables(forks: Forks, events: Stream, filled: Topic, tmp_path: Path) -> None:
    assert forks.wait(forks.start(events, filled, point=Point("after", 4))) == KILLED
    moved = replace(events, lake=Lake(str(tmp_path / "elsewhere")))
    Path(events.lake.uri).rename(moved.lake.uri)
    with filled.admin() as admin:
        assert filled.name not in str(admin.list_group_offsets(["dataeng"])), "no progress is kept at the broker"
    assert_as_if_nothing_had_happened(moved, filled, tmp_path)
