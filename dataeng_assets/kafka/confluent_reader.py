"""Reading with confluent-kafka: librdkafka fetches and decodes, and a thousand records cross into Python at a time.

Partitions are assigned, never subscribed, an offset that is gone is an error and never a reset, and no offset is
committed to Kafka. Settings: those that `benchmarks/stream.py` measures.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc
from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Consumer, KafkaError, KafkaException, Message, TopicPartition

from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.kafka.errors import KafkaProblem, problem
from dataeng_assets.kafka.records import HEADERS, RECORDS, Range, offsets_gone, stalled

_POLLED = 10_000
_WAIT_SECONDS = 0.05  # of one call, which returns early when so many records are there
_MOST_AHEAD = 100_000  # records kept for the next ranges
_GONE = {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE, KafkaError._LOG_TRUNCATION}
_PASSING = {KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError._ALL_BROKERS_DOWN, KafkaError._RESOLVE}
_SETTINGS: Mapping[str, str | int | bool] = {
    # required even though partitions are assigned; no group is ever joined
    "group.id": "dataeng",
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "auto.offset.reset": "error",
    "isolation.level": "read_committed",
    "check.crcs": True,
    # nothing else says that a range which ends in a transaction's marker is done
    "enable.partition.eof": True,
    "allow.auto.create.topics": False,
    # by default a partition whose queue was full rests for a second
    "fetch.queue.backoff.ms": 5,
    # more drains one partition after another, and the watermark waits for the last of them
    "max.partition.fetch.bytes": 1_048_576,
    # the bound of memory
    "queued.max.messages.kbytes": 65_536,
}

log = logging.getLogger(__name__)


class ConfluentReader:
    """A `Reader` that keeps its connection and what it has fetched beyond a range for the next one."""

    def __init__(self, cluster: Cluster, topic: str, *, timeout: timedelta = timedelta(seconds=30)) -> None:
        self._topic = topic
        self._timeout = timeout
        self._bootstrap = cluster.bootstrap
        self._positions: dict[int, int] = {}
        self._fetched: dict[int, int] = {}
        self._assigned: set[int] = set()
        self._ahead = RECORDS.empty_table()
        self._told = ""
        options = {**_SETTINGS, **_security(cluster), "error_cb": self._hear}
        try:
            self._consumer = Consumer(options, logger=log)
            self._consumer.list_topics(topic, timeout=timeout.total_seconds())
        except KafkaException as error:
            raise self._named("connecting", error.args[0]) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._consumer.close()

    def positions(self) -> dict[int, int]:
        """Next offset per partition that was read so far."""
        return dict(self._positions)

    def read(self, ranges: Mapping[int, Range]) -> pa.Table:
        """All records in the ranges; see `Reader.read`."""
        wanted = {partition: range_ for partition, range_ in ranges.items() if range_.start < range_.end}
        self._forget({p for p, range_ in wanted.items() if self._positions.get(p) != range_.start})
        self._fetched |= {p: range_.start for p, range_ in wanted.items() if p not in self._fetched}
        try:
            found = self._fetch(wanted)
        except BaseException:
            self._forget(set(wanted))  # what came before the error was not handed over
            raise
        self._positions |= {partition: range_.end for partition, range_ in wanted.items()}
        return self._split(pa.concat_tables([self._ahead, *found]), wanted)

    def _fetch(self, ranges: Mapping[int, Range]) -> list[pa.Table]:
        """Consume until every range is passed."""
        found = list[pa.Table]()
        open_ = self._open(ranges)
        self._assign(open_)
        deadline = time.monotonic() + self._timeout.total_seconds()
        while open_:
            messages = self._consume()
            if self._progressed(messages):
                deadline = time.monotonic() + self._timeout.total_seconds()
            elif time.monotonic() > deadline:
                raise stalled(self._bootstrap, self._topic, open_, self._timeout, self._told)
            found.append(_table([message for message in messages if message.error() is None]))
            open_ = self._open(ranges)
        return found

    def _consume(self) -> list[Message]:
        try:
            return self._consumer.consume(_POLLED, _WAIT_SECONDS)
        except KafkaException as error:
            raise self._named(f"reading topic {self._topic}", error.args[0]) from error

    def _open(self, ranges: Mapping[int, Range]) -> set[int]:
        return {partition for partition, range_ in ranges.items() if self._fetched[partition] < range_.end}

    def _progressed(self, messages: Sequence[Message]) -> bool:
        """Move what was fetched of each partition, also over offsets that hold no record, and say whether it moved."""
        moved = False
        for message in messages:
            partition, offset, error = message.partition(), message.offset(), message.error()
            if error is not None and error.code() != KafkaError._PARTITION_EOF:
                self._refuse(error)
                continue
            if partition is None or offset is None:
                continue
            following = offset if error is not None else offset + 1
            if following > self._fetched[partition]:
                self._fetched[partition], moved = following, True
        return moved

    def _refuse(self, error: KafkaError) -> None:
        if error.code() in _GONE:
            raise offsets_gone(self._bootstrap, self._topic, error.str())
        if not error.retriable() and error.code() not in _PASSING:
            raise self._named(f"reading topic {self._topic}", error)
        self._hear(error)

    def _assign(self, partitions: set[int]) -> None:
        """Fetch these; another one goes on being fetched as long as not too much is kept."""
        if len(self._ahead) > _MOST_AHEAD:
            self._unassign(self._assigned - partitions)
        new = partitions - self._assigned
        if new:
            self._consumer.incremental_assign([TopicPartition(self._topic, p, self._fetched[p]) for p in sorted(new)])
            self._assigned |= new

    def _forget(self, partitions: set[int]) -> None:
        """What was fetched of a partition that is now read from elsewhere."""
        self._unassign(partitions & self._assigned)
        for partition in partitions:
            self._fetched.pop(partition, None)
        if partitions and len(self._ahead):
            others = pc.invert(pc.is_in(self._ahead["partition"], value_set=pa.array(sorted(partitions), pa.int32())))
            self._ahead = self._ahead.filter(others)

    def _unassign(self, partitions: set[int]) -> None:
        if partitions:
            self._consumer.incremental_unassign([TopicPartition(self._topic, partition) for partition in partitions])
            self._assigned -= partitions

    def _split(self, table: pa.Table, ranges: Mapping[int, Range]) -> pa.Table:
        """Keep what lies beyond the ranges, and give what lies within, sorted."""
        ends = pa.array([ranges[p].end for p in sorted(ranges)], pa.int64())
        index = pc.index_in(table["partition"], value_set=pa.array(sorted(ranges), pa.int32()))
        before_end: Any = pc.less(table["offset"], pc.take(ends, index))  # null for a partition not asked for
        inside = pc.fill_null(before_end, False)
        self._ahead = table.filter(pc.invert(inside))
        return table.filter(inside).sort_by([("partition", "ascending"), ("offset", "ascending")])

    def _hear(self, error: KafkaError) -> None:
        """What is wrong for the moment; librdkafka tries again by itself, and it is told when nothing comes of it."""
        self._told = error.str()

    def _named(self, doing: str, error: KafkaError) -> KafkaProblem:
        passes = error.retriable() or error.code() in _PASSING
        return problem(self._bootstrap, doing, error.name(), error.str(), passes=passes)


def _table(messages: Sequence[Message]) -> pa.Table:
    times = [message.timestamp() for message in messages]
    columns: list[pa.Array[Any]] = [
        pa.array([message.partition() for message in messages], pa.int32()),
        pa.array([message.offset() for message in messages], pa.int64()),
        pa.array([ms * 1000 if kind != TIMESTAMP_NOT_AVAILABLE else None for kind, ms in times], pa.int64()).cast(
            pa.timestamp("us", tz="UTC")
        ),
        pa.array([message.key() for message in messages], pa.binary()),
        pa.array([message.value() for message in messages], pa.binary()),
        pa.array([_headers(message) for message in messages], HEADERS),
    ]
    return pa.Table.from_arrays(columns, schema=RECORDS)


def _headers(message: Message) -> list[dict[str, object]] | None:
    headers: Any = message.headers()  # its type also allows what only a producer takes
    return [{"key": key, "value": value} for key, value in headers] if headers else None


def _security(cluster: Cluster) -> dict[str, str]:
    said = {
        "bootstrap.servers": cluster.bootstrap,
        "security.protocol": cluster.protocol,
        "client.id": "dataeng",
        "sasl.mechanism": cluster.mechanism,
        "sasl.username": cluster.username,
        "sasl.password": cluster.password,
        "ssl.ca.location": cluster.ca_file,
        "ssl.certificate.location": cluster.certificate_file,
        "ssl.key.location": cluster.key_file,
    }
    return {name: value for name, value in said.items() if value}
