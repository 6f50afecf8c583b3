"""Sending a file to a topic: checked before, acknowledged after, and where to go on when it was interrupted."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from stream_kit import START, Topic, event, run, stored, stream

from dataeng_assets.kafka.errors import KafkaProblem
from dataeng_assets.kafka.reader import open_reader
from dataeng_assets.kafka.records import Range
from dataeng_assets.lake.location import Lake
from dataeng_assets.local.kafka import Kafka
from dataeng_assets.streams.outgoing import InputRefused
from dataeng_assets.streams.produce import ContractBroken, SendingStopped, Way, check, produce
from dataeng_assets.streams.stream import Stream

pytestmark = pytest.mark.server
BROKEN = b'{"event_id": 7, "secret": "never shown"}'


@pytest.fixture
def topic(kafka_broker: Kafka, topic_name: str) -> Topic:
    return Topic(kafka_broker.bootstrap, topic_name).make(3)


@pytest.fixture
def events(lake: Lake, topic: Topic) -> Stream:
    return stream(lake, topic.name)


def written(path: Path, *lines: bytes) -> Path:
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def some(count: int) -> list[bytes]:
    return [event(number, START + timedelta(seconds=number), user=number % 7) for number in range(count)]


def held(topic: Topic) -> list[dict[str, Any]]:
    with topic.admin() as admin:
        from kafka import TopicPartition
        from kafka.admin import OffsetSpec

        places = {TopicPartition(topic.name, p): OffsetSpec.LATEST for p in range(3)}
        ends = {place.partition: said.offset for place, said in admin.list_partition_offsets(places).items()}
    with open_reader(topic.cluster, topic.name) as reader:
        return reader.read({p: Range(0, end) for p, end in ends.items()}).to_pylist()


def test_every_line_arrives_once_as_it_stands_and_where_the_summary_says(
    events: Stream, topic: Topic, tmp_path: Path
) -> None:
    lines = some(2_000)
    done = produce(events, topic.cluster, written(tmp_path / "e.ndjson", *lines), Way())
    found = held(topic)
    assert sorted(row["value"] for row in found) == sorted(lines)
    assert done.records == sum(part.records for part in done.by_partition.values()) == 2_000
    assert all((part.first, part.last) == (0, part.records - 1) for part in done.by_partition.values())
    for row in found:
        assert row["key"].decode() == json.loads(row["value"])["event_id"]
    for partition in range(3):
        numbers = [int(row["key"][1:]) for row in found if row["partition"] == partition]
        assert numbers == sorted(numbers), "the order of the file is kept within a partition"


def test_a_line_that_breaks_the_contract_is_named_without_its_values_and_nothing_is_sent(
    events: Stream, topic: Topic, tmp_path: Path
) -> None:
    file = written(tmp_path / "e.ndjson", *some(3), BROKEN, b"{", *some(2))
    with pytest.raises(ContractBroken, match=r"2 of 7 lines.*Nothing was sent") as refused:
        produce(events, topic.cluster, file, Way())
    assert [(one.line, one.reason) for one in refused.value.checked.first] == [(4, "type:event_id"), (5, "not_json")]
    assert "never shown" not in str(refused.value.checked)
    assert held(topic) == []
    assert check(events, file, from_line=5).invalid == 1


def test_what_is_left_out_is_counted_and_the_rest_sent(events: Stream, topic: Topic, tmp_path: Path) -> None:
    done = produce(
        events, topic.cluster, written(tmp_path / "e.ndjson", *some(3), BROKEN), Way(skip_invalid=True, from_line=2)
    )
    assert (done.records, done.skipped, len(held(topic))) == (2, 1, 2)


def test_the_timestamp_is_the_event_time_on_request(events: Stream, topic: Topic, tmp_path: Path) -> None:
    file = written(tmp_path / "e.ndjson", *some(2))
    produce(events, topic.cluster, file, Way(event_timestamps=True))
    assert {row["timestamp"] for row in held(topic)} == {START, START + timedelta(seconds=1)}
    produce(events, topic.cluster, file, Way())
    newest = max(row["timestamp"] for row in held(topic))
    assert datetime.now(UTC) - newest < timedelta(minutes=5)


@pytest.mark.parametrize("at", [1, 500, 1_999, 2_000])
def test_an_interrupted_run_tells_the_line_that_goes_on_without_loss_or_double(
    events: Stream, topic: Topic, tmp_path: Path, at: int
) -> None:
    lines = [BROKEN if number % 10 == 3 else line for number, line in enumerate(some(2_000))]
    file, handled = written(tmp_path / "e.ndjson", *lines), 0

    def interrupt(count: int) -> None:
        nonlocal handled
        handled += count
        if handled == at:
            raise KeyboardInterrupt

    with pytest.raises(SendingStopped) as stopped:
        produce(events, topic.cluster, file, Way(skip_invalid=True), on_records=interrupt)
    assert (stopped.value.from_line, stopped.value.doubled) == (at + 1, 0)
    if at < 2_000:
        produce(events, topic.cluster, file, Way(skip_invalid=True, from_line=stopped.value.from_line))
    good = sorted(line for line in lines if line != BROKEN)
    assert sorted(row["value"] for row in held(topic)) == good


def test_a_refused_record_tells_how_many_behind_it_would_double(events: Stream, topic: Topic, tmp_path: Path) -> None:
    topic.configure({"max.message.bytes": "2000"})
    large = event("large", START, padding="".join(map(str, range(3_000))))
    file = written(tmp_path / "e.ndjson", *some(5), large, *some(5))
    with pytest.raises(SendingStopped) as stopped:
        produce(events, topic.cluster, file, Way())
    found = held(topic)
    assert stopped.value.from_line <= 6
    assert len(found) == stopped.value.produced.records == stopped.value.from_line - 1 + stopped.value.doubled


def test_csv_and_parquet_hold_the_same_records_as_json_lines(
    events: Stream, topic: Topic, tmp_path: Path, lake: Lake
) -> None:
    rows = [json.loads(line) for line in some(50)]
    rows[7]["user_id"] = None
    frame = pl.DataFrame(rows)
    frame.write_csv(tmp_path / "e.csv")
    frame.with_columns(pl.col("timestamp").str.to_datetime(time_zone="UTC")).write_parquet(tmp_path / "e.parquet")
    written(tmp_path / "e.ndjson", *(json.dumps(row).encode() for row in rows))
    tables = []
    for kind in ("ndjson", "csv", "parquet"):
        name = f"{topic.name}-{kind}"
        of_kind = Topic(topic.bootstrap, name).make(1)
        own = stream(Lake(f"{lake.uri}/{kind}", {}), name)
        produce(own, of_kind.cluster, tmp_path / f"e.{kind}", Way(event_timestamps=True))
        run(own, of_kind)
        tables.append(stored(own))
    assert len(tables[0].main) == 50
    assert tables[0] == tables[1] == tables[2]


def test_a_rate_is_kept(events: Stream, topic: Topic, tmp_path: Path) -> None:
    started = datetime.now(UTC)
    produce(events, topic.cluster, written(tmp_path / "e.ndjson", *some(20)), Way(rate=40))
    assert datetime.now(UTC) - started >= timedelta(seconds=0.5)


@pytest.mark.parametrize(
    ("name", "content"), [("e.txt", b"{}"), ("e.parquet", b"{}"), ("e.csv", b"\xff\xfe,"), ("missing.csv", None)]
)
def test_a_file_that_holds_no_records_is_refused_by_name(
    events: Stream, topic: Topic, tmp_path: Path, name: str, content: bytes | None
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(InputRefused, match=name):
        produce(events, topic.cluster, tmp_path / name, Way())


def test_a_missing_topic_is_refused_before_anything_is_sent(
    events: Stream, topic: Topic, tmp_path: Path, lake: Lake
) -> None:
    with pytest.raises(KafkaProblem, match="no-such-topic"):
        produce(stream(lake, "no-such-topic"), topic.cluster, written(tmp_path / "e.ndjson", *some(1)), Way())
