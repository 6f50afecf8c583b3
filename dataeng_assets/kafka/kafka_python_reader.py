"""Reading with kafka-python's public API, where confluent-kafka cannot go: on platforms without its wheel.

Partitions are assigned and sought, never subscribed, an offset that is gone is an error and never a reset, and no
offset is committed to Kafka. Records are decoded one by one in Python, at four times the cost of `confluent_reader`.
"""

import time
from collections.abc import Mapping, Sequence
from datetime import timedelta

import pyarrow as pa
from kafka import KafkaConsumer, TopicPartition
from kafka.consumer.fetcher import ConsumerRecord
from kafka.errors import KafkaError, LogTruncationError, OffsetOutOfRangeError, TopicAuthorizationFailedError

from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.kafka.errors import named
from dataeng_assets.kafka.handshake import shake_hands
from dataeng_assets.kafka.records import HEADERS, RECORDS, Range, Reader

_POLL_MILLISECONDS = 500
_POLLED = 10_000
_MOST_AHEAD = 50_000  # records kept for the next ranges


class KafkaPythonReader(Reader):
    """A `Reader` by kafka-python."""

    def __init__(self, cluster: Cluster, topic: str, timeout: timedelta) -> None:
        super().__init__(cluster, topic, timeout)
        self._beyond: dict[int, list[ConsumerRecord]] = {}
        shake_hands(cluster)
        try:
            self._consumer = KafkaConsumer(
                **cluster.options(),
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="none",
                isolation_level="read_committed",
                check_crcs=True,
                bootstrap_timeout_ms=int(timeout.total_seconds() * 1000),
            )
        except KafkaError as error:
            raise named(cluster.bootstrap, "connecting", error) from error

    def close(self) -> None:
        """Close the connection."""
        self._consumer.close()

    def _read(self, ranges: Mapping[int, Range]) -> pa.Table:
        try:
            return self._take_all(ranges)
        except (OffsetOutOfRangeError, LogTruncationError) as error:
            raise self._gone(error) from error
        except KafkaError as error:
            raise named(self._bootstrap, f"reading topic {self._topic}", error) from error

    def _take_all(self, ranges: Mapping[int, Range]) -> pa.Table:
        batches = [self._start(partition, range_) for partition, range_ in ranges.items()]
        open_ = {partition for partition, range_ in ranges.items() if self._positions[partition] < range_.end}
        self._fetch(open_)
        deadline = time.monotonic() + self._timeout.total_seconds()
        while open_:
            before = dict(self._positions)
            polled = self._consumer.poll(timeout_ms=_POLL_MILLISECONDS, max_records=_POLLED)
            for found, records in polled.items():
                batches.append(self._take(found.partition, records, ranges.get(found.partition)))
            for partition in open_:
                self._pass_over_empty_offsets(partition, ranges[partition].end)
            open_ = {partition for partition in open_ if self._positions[partition] < ranges[partition].end}
            self._park()
            if self._positions != before:
                deadline = time.monotonic() + self._timeout.total_seconds()
            elif time.monotonic() > deadline:
                self._refuse_unauthorized()
                raise self._stalled(open_)
        return pa.Table.from_batches(batches, RECORDS).sort_by([("partition", "ascending"), ("offset", "ascending")])

    def _refuse_unauthorized(self) -> None:
        """A topic that a user may not see is only waited for, by this client."""
        if self._topic not in self._consumer.topics():
            raise TopicAuthorizationFailedError(self._topic)

    def _start(self, partition: int, range_: Range) -> pa.RecordBatch:
        """Begin a range with what was fetched beyond the last one; elsewhere, forget that and fetch anew."""
        kept = self._beyond.pop(partition, [])
        if self._positions.get(partition) != range_.start:
            kept = []
            self._unassign({partition})
        self._positions[partition] = range_.start
        return self._take(partition, kept, range_)

    def _fetch(self, partitions: set[int]) -> None:
        """Assign what is not assigned yet. Nothing is ever paused: kafka-python 3.0.12 can stall after a resume."""
        assigned = self._consumer.assignment()
        new = {self._place(partition) for partition in partitions} - assigned
        if new:
            self._consumer.assign([*assigned, *new])
        for place in new:
            self._consumer.seek(place, self._positions[place.partition])

    def _park(self) -> None:
        """Stop fetching partitions that are beyond their range when too much is kept; they are sought again later."""
        if sum(map(len, self._beyond.values())) > _MOST_AHEAD:
            self._unassign(set(self._beyond))

    def _unassign(self, partitions: set[int]) -> None:
        assigned = self._consumer.assignment()
        parked = {self._place(partition) for partition in partitions} & assigned
        if parked:
            self._consumer.assign(list(assigned - parked))

    def _take(self, partition: int, records: list[ConsumerRecord], range_: Range | None) -> pa.RecordBatch:
        """Split off what lies beyond the range, and move the position."""
        inside = len(records) if range_ else 0
        while range_ and inside and records[inside - 1].offset >= range_.end:
            inside -= 1
        beyond = records[inside:]
        if beyond:
            self._beyond.setdefault(partition, []).extend(beyond)
        if range_ and beyond:
            self._positions[partition] = range_.end
        elif inside:
            self._positions[partition] = records[-1].offset + 1
        return _batch(partition, records[:inside])

    def _pass_over_empty_offsets(self, partition: int, end: int) -> None:
        """The consumer's position also steps over offsets that hold no record for us."""
        if partition not in self._beyond:
            position = self._consumer.position(self._place(partition))
            self._positions[partition] = max(self._positions[partition], min(position, end))

    def _place(self, partition: int) -> TopicPartition:
        return TopicPartition(self._topic, partition)


def _batch(partition: int, records: Sequence[ConsumerRecord]) -> pa.RecordBatch:
    columns = [
        pa.repeat(pa.scalar(partition, pa.int32()), len(records)),
        pa.array([record.offset for record in records], pa.int64()),
        pa.array([record.timestamp * 1000 if record.timestamp >= 0 else None for record in records], pa.int64()).cast(
            pa.timestamp("us", tz="UTC")
        ),
        pa.array([record.key for record in records], pa.binary()),
        pa.array([record.value for record in records], pa.binary()),
        pa.array([_headers(record) for record in records], HEADERS),
    ]
    return pa.record_batch(columns, schema=RECORDS)


def _headers(record: ConsumerRecord) -> list[dict[str, object]] | None:
    return [{"key": key, "value": value} for key, value in record.headers] or None
