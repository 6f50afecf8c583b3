"""Reading with confluent-kafka: librdkafka fetches and decodes, and a thousand records cross into Python at a time.

Partitions are assigned, never subscribed, an offset that is gone is an error and never a reset, and no offset is
committed to Kafka. Settings: those that `benchmarks/stream.py` measures.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.kafka.errors import KafkaProblem, problem
from dataeng_assets.kafka.handshake import shake_hands
from dataeng_assets.kafka.messages import by_partition, columns, copied, joined, no_collections, told_apart
from dataeng_assets.kafka.records import RECORDS, Range, Reader

_POLLED = 10_000
_WAIT_SECONDS = 0.05  # for the next record
_MOST_AHEAD = 100_000  # records kept for the next ranges
_MOST_AHEAD_BYTES = 32 * 1024 * 1024  # of them, about
_GONE = {KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE, KafkaError._LOG_TRUNCATION}
_PASSING = {KafkaError._TRANSPORT, KafkaError._TIMED_OUT, KafkaError._ALL_BROKERS_DOWN, KafkaError._RESOLVE}
_REFUSED = {KafkaError._AUTHENTICATION, KafkaError._SSL, KafkaError.SASL_AUTHENTICATION_FAILED}
_PATIENCE_SECONDS = 0.5
_NOWHERE = Range(0, 0)
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
    # it says so when a fetch came back empty, for which the broker waits this long: with the default of 500 a range
    # that ends in a marker took 1 s, and now 0.2 s; an idle reader takes 1.4 ms of CPU a second, and took 0.4
    "fetch.wait.max.ms": 100,
    "allow.auto.create.topics": False,
    # by default a partition whose queue was full rests for a second
    "fetch.queue.backoff.ms": 5,
    # more drains one partition after another, and the watermark waits for the last of them
    "max.partition.fetch.bytes": 1_048_576,
    # the bound of memory
    "queued.max.messages.kbytes": 65_536,
}

log = logging.getLogger(__name__)


class ConfluentReader(Reader):
    """A `Reader` by confluent-kafka."""

    def __init__(self, cluster: Cluster, topic: str, timeout: timedelta) -> None:
        super().__init__(cluster, topic, timeout)
        self._fetched: dict[int, int] = {}
        self._assigned: set[int] = set()
        self._ahead: dict[int, list[pa.Table]] = {}
        self._bytes_each = 0.0  # of the records that came last
        self._told = ""
        self._refused: KafkaError | None = None
        shake_hands(cluster)
        options = {**_SETTINGS, **cluster.librdkafka_options(), "error_cb": self._hear}
        try:
            self._consumer = Consumer(options, logger=log)
        except KafkaException as error:
            raise self._named("connecting", error.args[0]) from error
        try:
            self._connect()
        except BaseException:
            self._consumer.close()
            raise

    def close(self) -> None:
        """Close the connection."""
        self._consumer.close()

    def _connect(self) -> None:
        """Ask for the topic; who is refused need not wait, though librdkafka would go on trying."""
        deadline = time.monotonic() + self._timeout.total_seconds()
        while True:
            left = deadline - time.monotonic()
            try:
                known = self._consumer.list_topics(self._topic, timeout=max(0.1, min(left, _PATIENCE_SECONDS)))
            except KafkaException as caught:
                self._consumer.poll(0)  # what was heard meanwhile
                self._raise_refused("connecting")
                if time.monotonic() > deadline:
                    raise self._named("connecting", caught.args[0]) from caught
            else:
                break
        error = known.topics[self._topic].error
        if error is not None and error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
            raise self._named(f"reading topic {self._topic}", error)

    def _read(self, ranges: Mapping[int, Range]) -> pa.Table:
        self._forget({p for p, range_ in ranges.items() if self._positions.get(p) != range_.start})
        self._fetched |= {p: range_.start for p, range_ in ranges.items() if p not in self._fetched}
        try:
            found = self._fetch(ranges)
        except BaseException:
            self._forget(set(self._fetched))  # what came before the error, of any partition, was not handed over
            raise
        self._positions |= {partition: range_.end for partition, range_ in ranges.items()}
        return self._split(found, ranges)

    def _fetch(self, ranges: Mapping[int, Range]) -> dict[int, list[pa.Table]]:
        """Consume until every range is passed; what came, by partition, in order."""
        found = dict[int, list[pa.Table]]()
        open_ = self._open(ranges)
        self._assign(open_)
        deadline = time.monotonic() + self._timeout.total_seconds()
        while open_:
            with no_collections():
                moved = self._take(found)
            if moved:
                deadline = time.monotonic() + self._timeout.total_seconds()
            elif time.monotonic() > deadline:
                raise self._stalled(open_, self._told)
            open_ = self._open(ranges)
            self._park(ranges, open_)
        return found

    def _take(self, found: dict[int, list[pa.Table]]) -> bool:
        """Add what one call gives, and say whether any partition moved on."""
        messages = self._consume()
        records, others = told_apart(messages)
        moved = self._progressed(self._told_of(others))
        if not records:
            return moved
        table = columns(records)
        self._bytes_each = table.nbytes / len(table)
        for partition, piece in by_partition(table):
            found.setdefault(partition, []).append(piece)
            moved |= self._progressed({partition: _last(piece) + 1})
        return moved

    def _consume(self) -> list[Message]:
        """What is there, or the next that comes."""
        doing = f"reading topic {self._topic}"
        try:
            found = self._consumer.consume(_POLLED, 0) or self._consumer.consume(1, _WAIT_SECONDS)
        except KafkaException as error:
            raise self._named(doing, error.args[0]) from error
        self._raise_refused(doing)
        return found

    def _raise_refused(self, doing: str) -> None:
        if self._refused is not None:
            raise self._named(doing, self._refused)

    def _open(self, ranges: Mapping[int, Range]) -> set[int]:
        return {partition for partition, range_ in ranges.items() if self._fetched[partition] < range_.end}

    def _told_of(self, messages: Sequence[Message]) -> dict[int, int]:
        """What came in place of records: the ends of partitions, next offset by partition; all else is refused."""
        found = dict[int, int]()
        for message in messages:
            partition, offset, error = message.partition(), message.offset(), message.error()
            if error is not None and error.code() != KafkaError._PARTITION_EOF:
                self._refuse(error)
            elif partition is not None and offset is not None:
                found[partition] = max(offset, found.get(partition, 0))
        return found

    def _progressed(self, fetched: Mapping[int, int]) -> bool:
        """Move on what was fetched of each partition, also over offsets that hold no record, and say whether it moved.

        Never back: the end of a partition may be told in one call with its last record, which lies before it when
        markers or an aborted transaction follow.
        """
        moved = {partition: offset for partition, offset in fetched.items() if offset > self._fetched[partition]}
        self._fetched |= moved
        return bool(moved)

    def _refuse(self, error: KafkaError) -> None:
        if error.code() == KafkaError.GROUP_AUTHORIZATION_FAILED:
            return  # librdkafka looks for a group of that name, which is never joined: no right on it is needed
        if error.code() in _GONE:
            raise self._gone(error.str())
        if not error.retriable() and error.code() not in _PASSING:
            raise self._named(f"reading topic {self._topic}", error)
        self._hear(error)

    def _assign(self, partitions: set[int]) -> None:
        """Fetch these, from where fetching them ended; what is fetched already goes on."""
        new = partitions - self._assigned
        if new:
            self._consumer.incremental_assign([TopicPartition(self._topic, p, self._fetched[p]) for p in sorted(new)])
            self._assigned |= new

    def _park(self, ranges: Mapping[int, Range], open_: set[int]) -> None:
        """Stop fetching partitions that are beyond their range when too much is kept; they are assigned again later."""
        wanted = self._positions | {partition: range_.end for partition, range_ in ranges.items()}
        ahead = sum(max(0, at - wanted.get(partition, at)) for partition, at in self._fetched.items())
        if ahead > _MOST_AHEAD or ahead * self._bytes_each > _MOST_AHEAD_BYTES:
            self._unassign(self._assigned - open_)

    def _forget(self, partitions: set[int]) -> None:
        """What was fetched of a partition that is now read from elsewhere."""
        self._unassign(partitions & self._assigned)
        for partition in partitions:
            self._fetched.pop(partition, None)
            self._ahead.pop(partition, None)

    def _unassign(self, partitions: set[int]) -> None:
        if partitions:
            self._consumer.incremental_unassign([TopicPartition(self._topic, partition) for partition in partitions])
            self._assigned -= partitions

    def _split(self, found: Mapping[int, Sequence[pa.Table]], ranges: Mapping[int, Range]) -> pa.Table:
        """Give what lies within the ranges, sorted, and keep what lies beyond them."""
        inside, ahead = [RECORDS.empty_table()], dict[int, list[pa.Table]]()
        for partition in sorted({*self._ahead, *found}):
            end = ranges.get(partition, _NOWHERE).end
            inside_kept, beyond_kept = _cut(self._ahead.get(partition, ()), end)
            inside_new, beyond_new = _cut(found.get(partition, ()), end)
            inside += inside_kept + inside_new
            beyond = [*beyond_kept, *([copied(pa.concat_tables(beyond_new))] if beyond_new else [])]
            if beyond:
                ahead[partition] = beyond
        self._ahead = ahead
        return joined(inside)

    def _hear(self, error: KafkaError) -> None:
        """What is wrong for the moment; librdkafka tries again by itself, and it is told when nothing comes of it."""
        self._told = error.str()
        if error.code() in _REFUSED:
            self._refused = error

    def _named(self, doing: str, error: KafkaError) -> KafkaProblem:
        passes = error.retriable() or error.code() in _PASSING
        return problem(self._bootstrap, doing, error.name(), error.str(), passes=passes)


def _last(piece: pa.Table) -> int:
    """The offset of the last record."""
    last: Any = piece["offset"][-1].as_py()
    return int(last)


def _cut(pieces: Sequence[pa.Table], end: int) -> tuple[list[pa.Table], list[pa.Table]]:
    """What lies before an offset, and what from it on, of one partition's records in order."""
    for number, piece in enumerate(pieces):
        if _last(piece) >= end:
            at = int(np.searchsorted(piece["offset"].to_numpy(), end))
            before, after = [piece.slice(0, at)] if at else [], piece.slice(at) if at else piece
            return [*pieces[:number], *before], [after, *pieces[number + 1 :]]
    return list(pieces), []
