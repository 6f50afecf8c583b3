"""Reading exact ranges from a real broker."""

import random
import time
import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from confluent_kafka import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from kafka import KafkaAdminClient, KafkaProducer, TopicPartition
from kafka.admin import NewTopic

from dataeng_assets.kafka import confluent_reader, kafka_python_reader
from dataeng_assets.kafka.admin import Admin
from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.kafka.errors import BrokerUnreachable, OffsetsGone, ReadStalled, TopicMissing
from dataeng_assets.kafka.reader import READERS, open_reader
from dataeng_assets.kafka.records import RECORDS, Range, Reader
from dataeng_assets.local.kafka import Kafka

pytestmark = pytest.mark.server

BIG = b"x" * 200


@pytest.fixture(params=READERS)
def cluster(kafka_broker: Kafka, request: pytest.FixtureRequest) -> Cluster:
    return Cluster(kafka_broker.bootstrap, allow_plaintext=True, reader=request.param)


@pytest.fixture
def admin(kafka_broker: Kafka) -> Iterator[KafkaAdminClient]:
    client = KafkaAdminClient(bootstrap_servers=kafka_broker.bootstrap)
    yield client
    client.close()


def make(admin: KafkaAdminClient, name: str, partitions: int, **configs: str) -> None:
    admin.create_topics([NewTopic(name, partitions, 1, topic_configs=configs)])
    admin.wait_for_topics([name])


def fill(cluster: Cluster, name: str, counts: dict[int, int], **options: Any) -> None:
    with KafkaProducer(bootstrap_servers=cluster.bootstrap, linger_ms=20, **options) as producer:
        for partition, count in counts.items():
            for number in range(count):
                producer.send(name, key=b"k", value=b"%d-%d-" % (partition, number) + BIG, partition=partition)
        producer.flush()


def offsets(reader: Reader, ranges: dict[int, Range]) -> dict[int, list[int]]:
    table = reader.read(ranges)
    assert table.schema == RECORDS
    found: dict[int, list[int]] = {}
    for partition, offset in zip(table["partition"].to_pylist(), table["offset"].to_pylist(), strict=True):
        found.setdefault(partition, []).append(offset)
    return found


def kept(reader: Reader) -> int:
    """Records that were fetched for the next ranges."""
    match reader:
        case confluent_reader.ConfluentReader():
            return sum(len(piece) for pieces in reader._ahead.values() for piece in pieces)
        case kafka_python_reader.KafkaPythonReader():
            return sum(map(len, reader._beyond.values()))
    raise AssertionError(f"what does {reader} keep?")


@pytest.mark.parametrize("codec", [None, "gzip", "lz4", "snappy", "zstd"])
def test_ranges_are_read_exactly_in_any_order_and_size(
    cluster: Cluster, admin: KafkaAdminClient, topic_name: str, codec: str | None
) -> None:
    make(admin, topic_name, 3)
    counts = {0: 3000, 1: 100, 2: 0}
    fill(cluster, topic_name, counts, compression_type=codec)
    with open_reader(cluster, topic_name) as reader:
        steps = [{0: Range(0, 700), 1: Range(0, 30)}, {0: Range(700, 701), 1: Range(30, 100)}, {0: Range(701, 2500)}]
        steps += [{0: Range(100, 105), 1: Range(99, 100)}, {0: Range(105, 3000), 1: Range(0, 100), 2: Range(0, 0)}]
        for ranges in steps:
            wanted = {p: list(range(r.start, r.end)) for p, r in ranges.items() if r.start < r.end}
            assert offsets(reader, ranges) == wanted
        assert reader.positions() == {0: 3000, 1: 100}
        values = reader.read({0: Range(2990, 3000)})["value"].to_pylist()
        assert values == [b"0-%d-" % number + BIG for number in range(2990, 3000)]


def test_a_partition_that_is_far_beyond_its_range_is_parked_and_found_again(
    cluster: Cluster, admin: KafkaAdminClient, topic_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for reader_module in (confluent_reader, kafka_python_reader):
        monkeypatch.setattr(reader_module, "_MOST_AHEAD", 10)
        monkeypatch.setattr(reader_module, "_POLLED", 50)
    make(admin, topic_name, 2)
    fill(cluster, topic_name, {0: 3000, 1: 3000})
    with open_reader(cluster, topic_name) as reader:
        start = 0
        while start < 3000:
            step = {0: Range(start // 10, start // 10 + 10), 1: Range(start, start + 100)}
            assert offsets(reader, step) == {p: list(range(r.start, r.end)) for p, r in step.items()}
            assert kept(reader) <= 10 + 2 * 50, "a partition that waits for another one is not fetched on and on"
            start += 100


def test_offsets_without_a_record_are_passed_over(cluster: Cluster, admin: KafkaAdminClient, topic_name: str) -> None:
    make(admin, topic_name, 1)
    with KafkaProducer(bootstrap_servers=cluster.bootstrap, transactional_id=topic_name) as producer:
        producer.init_transactions()
        for kept in (True, False, True, False):
            producer.begin_transaction()
            for number in range(3):
                producer.send(topic_name, value=b"%d" % number)
            producer.flush()
            producer.commit_transaction() if kept else producer.abort_transaction()
    with Admin(cluster) as client:
        end = client.describe(topic_name).ends[0]
    assert end == 16
    with open_reader(cluster, topic_name) as reader:
        assert offsets(reader, {0: Range(0, end)}) == {0: [0, 1, 2, 8, 9, 10]}
        assert reader.positions() == {0: 16}
        assert offsets(reader, {0: Range(3, 8)}) == {}
        assert offsets(reader, {0: Range(2, 9)}) == {0: [2, 8]}
        assert offsets(reader, {0: Range(9, 10)}) == {0: [9]}


def write_transactions(bootstrap: str, name: str, transactions: Sequence[tuple[bool, Sequence[int]]]) -> list[set[int]]:
    """Write each as (committed or aborted, partitions of its records); the committed offsets of partitions 0 and 1."""
    committed: list[set[int]] = [set(), set()]
    with KafkaProducer(bootstrap_servers=bootstrap, transactional_id=name) as producer:
        producer.init_transactions()
        for commits, partitions in transactions:
            producer.begin_transaction()
            sent = [(one, producer.send(name, value=b"x", partition=one)) for one in partitions]
            producer.flush()
            producer.commit_transaction() if commits else producer.abort_transaction()
            for partition, future in sent if commits else ():
                committed[partition].add(future.get().offset)
    return committed


@pytest.mark.parametrize("seconds", [0, 1], ids=["one by one", "together"])
def test_a_range_ends_with_what_was_aborted_whether_or_not_its_end_is_told_with_its_last_record(
    cluster: Cluster, admin: KafkaAdminClient, topic_name: str, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    consume = confluent_reader.ConfluentReader._consume

    def later(reader: confluent_reader.ConfluentReader) -> list[Message]:
        time.sleep(seconds)  # meanwhile its own threads fetch
        return consume(reader)

    monkeypatch.setattr(confluent_reader.ConfluentReader, "_consume", later)
    make(admin, topic_name, 2)
    committed = write_transactions(cluster.bootstrap, topic_name, [(True, [0, 1, 1]), (False, [1, 0])])
    assert committed == [{0}, {0, 1}]
    for _ in range(3):
        with open_reader(cluster, topic_name) as reader:
            assert offsets(reader, {0: Range(0, 4), 1: Range(0, 5)}) == {0: [0], 1: [0, 1]}
            assert reader.positions() == {0: 4, 1: 5}


@given(
    transactions=st.lists(st.tuples(st.booleans(), st.lists(st.integers(0, 1), max_size=5)), min_size=1, max_size=12),
    chance=st.randoms(use_true_random=False),
)
@settings(max_examples=6, suppress_health_check=list(HealthCheck))
def test_committed_records_are_read_whatever_was_aborted_between_them_and_however_ranges_are_cut(
    cluster: Cluster, admin: KafkaAdminClient, transactions: list[tuple[bool, list[int]]], chance: random.Random
) -> None:
    name = f"transactions-{uuid.uuid4().hex[:12]}"
    make(admin, name, 2)
    committed = write_transactions(cluster.bootstrap, name, transactions)
    with Admin(cluster) as client:
        ends = client.describe(name).ends
    for largest in (1000, 1000, 3, 7):
        places = dict.fromkeys(ends, 0)
        with open_reader(cluster, name) as reader:
            while places != ends:
                cuts = {p: min(ends[p], at + chance.randint(0, largest)) for p, at in places.items()}
                ranges = {p: Range(at, ends[p] if largest == 1000 else cuts[p]) for p, at in places.items()}
                wanted = {p: sorted(committed[p].intersection(range(*range_))) for p, range_ in ranges.items()}
                assert offsets(reader, ranges) == {p: found for p, found in wanted.items() if found}
                places = {p: range_.end for p, range_ in ranges.items()}


def test_a_range_may_begin_and_end_inside_a_batch(cluster: Cluster, admin: KafkaAdminClient, topic_name: str) -> None:
    make(admin, topic_name, 1)
    with KafkaProducer(
        bootstrap_servers=cluster.bootstrap, linger_ms=5000, batch_size=1_000_000, compression_type="zstd"
    ) as producer:
        for number in range(1000):
            producer.send(topic_name, value=b"%d" % number)
        producer.flush()
    with open_reader(cluster, topic_name) as reader:
        for start, end in [(501, 502), (998, 1000), (0, 1), (1, 999)]:
            found = reader.read({0: Range(start, end)})
            assert found["offset"].to_pylist() == list(range(start, end))
            assert found["value"].to_pylist() == [b"%d" % number for number in range(start, end)]


def test_offsets_that_were_compacted_away_are_passed_over(
    cluster: Cluster, admin: KafkaAdminClient, topic_name: str
) -> None:
    eager = {"cleanup.policy": "compact", "segment.ms": "100", "min.cleanable.dirty.ratio": "0.001"}
    make(admin, topic_name, 1, **eager, **{"max.compaction.lag.ms": "100"})
    fill(cluster, topic_name, {0: 50})
    for _ in range(3):  # each begins a segment, which closes the one before
        time.sleep(0.2)
        with KafkaProducer(bootstrap_servers=cluster.bootstrap) as producer:
            producer.send(topic_name, key=b"other", value=b"x").get(timeout=10)
    deadline = time.monotonic() + 60
    found = {0: list(range(53))}
    while len(found[0]) > 10 and time.monotonic() < deadline:
        time.sleep(1)
        with open_reader(cluster, topic_name) as reader:
            found = offsets(reader, {0: Range(0, 53)})
            assert reader.positions() == {0: 53}
    assert 49 in found[0]
    assert 0 < len(found[0]) <= 10
    with open_reader(cluster, topic_name) as reader:
        assert offsets(reader, {0: Range(0, 30)}) == {}
        assert offsets(reader, {0: Range(30, 53)}) == found


def test_what_came_before_a_read_was_interrupted_comes_again(
    cluster: Cluster, admin: KafkaAdminClient, topic_name: str
) -> None:
    make(admin, topic_name, 2)
    fill(cluster, topic_name, {0: 100, 1: 10})
    with open_reader(cluster, topic_name, timeout=timedelta(seconds=2)) as reader:
        with pytest.raises(ReadStalled, match="partitions 1,"):  # it ends at 10
            reader.read({0: Range(0, 100), 1: Range(0, 11)})
        assert offsets(reader, {0: Range(0, 100), 1: Range(0, 10)}) == {0: list(range(100)), 1: list(range(10))}


def test_what_came_of_another_partition_in_a_read_that_was_interrupted_is_not_lost(
    cluster: Cluster, admin: KafkaAdminClient, topic_name: str
) -> None:
    make(admin, topic_name, 2)
    fill(cluster, topic_name, {0: 100, 1: 10})
    with open_reader(cluster, topic_name, timeout=timedelta(seconds=2)) as reader:
        assert offsets(reader, {0: Range(0, 10)}) == {0: list(range(10))}
        fill(cluster, topic_name, {0: 1000})
        with pytest.raises(ReadStalled):  # meanwhile the other partition is fetched further
            reader.read({1: Range(0, 11)})
        assert offsets(reader, {0: Range(10, 1100)}) == {0: list(range(10, 1100))}


def test_a_read_waits_for_the_end_of_a_transaction_that_was_open(
    cluster: Cluster, admin: KafkaAdminClient, topic_name: str
) -> None:
    make(admin, topic_name, 1)
    with (
        KafkaProducer(bootstrap_servers=cluster.bootstrap, transactional_id=topic_name) as open_one,
        open_reader(cluster, topic_name, timeout=timedelta(seconds=2)) as reader,
    ):
        fill(cluster, topic_name, {0: 2})
        open_one.init_transactions()
        open_one.begin_transaction()
        open_one.send(topic_name, value=b"open").get(timeout=10)
        fill(cluster, topic_name, {0: 3})
        with pytest.raises(ReadStalled):
            reader.read({0: Range(0, 6)})
        open_one.commit_transaction()
        assert offsets(reader, {0: Range(0, 7)}) == {0: [0, 1, 2, 3, 4, 5]}


def test_records_of_an_open_transaction_lie_behind_the_end(
    cluster: Cluster, admin: KafkaAdminClient, topic_name: str
) -> None:
    make(admin, topic_name, 1)
    with KafkaProducer(bootstrap_servers=cluster.bootstrap, transactional_id=topic_name) as producer:
        producer.init_transactions()
        producer.begin_transaction()
        producer.send(topic_name, value=b"open").get(timeout=10)
        with Admin(cluster) as client:
            assert client.describe(topic_name).ends == {0: 0}
        producer.commit_transaction()
        with Admin(cluster) as client:
            assert client.describe(topic_name).ends == {0: 2}


def test_keys_headers_tombstones_and_times_arrive_as_they_were_sent(
    cluster: Cluster, admin: KafkaAdminClient, topic_name: str
) -> None:
    make(admin, topic_name, 1)
    moment = datetime.now(UTC).replace(microsecond=123_000)
    milliseconds = int(moment.timestamp() * 1000)
    with KafkaProducer(bootstrap_servers=cluster.bootstrap) as producer:
        producer.send(topic_name, key=b"\xff", value=None, timestamp_ms=milliseconds)
        producer.send(topic_name, value=b"", headers=[("a", b"\x00"), ("a", b"")], timestamp_ms=milliseconds)
        producer.flush()
    with open_reader(cluster, topic_name) as reader:
        first, second = reader.read({0: Range(0, 2)}).to_pylist()
    assert (first["key"], first["value"], first["headers"]) == (b"\xff", None, None)
    assert first["timestamp"] == moment
    assert (second["key"], second["value"]) == (None, b"")
    assert second["headers"] == [{"key": "a", "value": b"\x00"}, {"key": "a", "value": b""}]


def test_the_time_of_append_is_the_record_s_time_where_the_topic_says_so(
    cluster: Cluster, admin: KafkaAdminClient, topic_name: str
) -> None:
    make(admin, topic_name, 1, **{"message.timestamp.type": "LogAppendTime"})
    before = datetime.now(UTC) - timedelta(seconds=1)
    with KafkaProducer(bootstrap_servers=cluster.bootstrap) as producer:
        producer.send(topic_name, value=b"x", timestamp_ms=1000).get(timeout=10)
    with open_reader(cluster, topic_name) as reader:
        [row] = reader.read({0: Range(0, 1)}).to_pylist()
    assert before < row["timestamp"] < datetime.now(UTC) + timedelta(seconds=1)


@pytest.mark.parametrize("start", [2, 100], ids=["deleted", "beyond the end"])
def test_an_offset_that_is_gone_is_an_error_and_never_a_reset(
    cluster: Cluster, admin: KafkaAdminClient, topic_name: str, start: int
) -> None:
    make(admin, topic_name, 1)
    fill(cluster, topic_name, {0: 20})
    admin.delete_records({TopicPartition(topic_name, 0): 5})
    with Admin(cluster) as client:
        assert client.describe(topic_name).earliest == {0: 5}
    with open_reader(cluster, topic_name) as reader, pytest.raises(OffsetsGone, match=topic_name):
        reader.read({0: Range(start, start + 3)})


def test_a_topic_made_again_has_another_id(cluster: Cluster, admin: KafkaAdminClient, topic_name: str) -> None:
    make(admin, topic_name, 1)
    with Admin(cluster) as client:
        first = client.describe(topic_name)
        admin.delete_topics([topic_name])
        time.sleep(1)
        make(admin, topic_name, 2)
        second = client.describe(topic_name)
    assert first.id != second.id
    assert (dict(first.ends), dict(second.ends)) == ({0: 0}, {0: 0, 1: 0})


def test_a_missing_topic_is_named_and_not_made(cluster: Cluster, admin: KafkaAdminClient, topic_name: str) -> None:
    with Admin(cluster) as client, pytest.raises(TopicMissing, match=topic_name):
        client.describe(topic_name)
    assert topic_name not in admin.list_topics()


@pytest.mark.parametrize("client", READERS)
def test_a_broker_that_does_not_answer_is_worth_another_try(client: str) -> None:
    nowhere = Cluster("127.0.0.1:1", allow_plaintext=True, reader=client)
    with pytest.raises(BrokerUnreachable, match=r"127\.0\.0\.1:1") as caught:
        Admin(nowhere, timeout=timedelta(seconds=1))
    assert caught.value.retryable
    with pytest.raises(BrokerUnreachable):
        open_reader(nowhere, "topic", timeout=timedelta(seconds=1))
