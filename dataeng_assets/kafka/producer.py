"""Sending records so that none is doubled or reordered by a retry: an idempotent producer that waits for all replicas.

It knows, at any moment, which of the records given to it are acknowledged. What is sent again after a restart is sent
twice: no producer of Kafka can know what another process has sent. What a record holds is the caller's.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Self

from confluent_kafka import KafkaError, KafkaException, Message
from confluent_kafka import Producer as Client

from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.kafka.confluent_reader import _PASSING
from dataeng_assets.kafka.errors import KafkaProblem, problem
from dataeng_assets.kafka.handshake import shake_hands

_SETTINGS: Mapping[str, str | int | bool] = {
    "enable.idempotence": True,
    "acks": "all",
    "compression.type": "zstd",
    "linger.ms": 20,
    # as the Java clients choose, so that a key lies where its producer would have put it
    "partitioner": "murmur2_random",
    "allow.auto.create.topics": False,
}
_ANY_PARTITION = -1
# seconds of one wait: within `flush`, and a `poll` of more than 0.2, the client goes on calling back after it raised a
# fatal error, which loses it
_WAIT = 0.1
_CAUSE_SECONDS = 5.0  # most to wait for the fatal error behind one of these
_CONSEQUENCES = {KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT, KafkaError._FATAL}

log = logging.getLogger(__name__)


@dataclass
class Delivered:
    """What one partition has acknowledged: how many records, and the first and last of their offsets."""

    records: int
    first: int
    last: int


@dataclass(frozen=True)
class Outgoing:
    """One record to be sent.

    Attributes:
        timestamp_ms: since 1970; the broker's or the client's clock when None.
        partition: by the key's hash when None, and any when there is no key either.
    """

    value: bytes | None
    key: bytes | None = None
    timestamp_ms: int | None = None
    headers: Sequence[tuple[str, bytes | None]] = ()
    partition: int | None = None


class Producer:
    """Sends numbered records to one topic. Use it as a context, which waits for every acknowledgement.

    Args:
        cluster: where the topic is.
        topic: an existing one.
        timeout: how long a record may wait for its acknowledgement.

    Attributes:
        delivered: what is acknowledged, by partition.
        last_given: number of the last record that was handed over; -1 before the first.
    """

    def __init__(self, cluster: Cluster, topic: str, *, timeout: timedelta = timedelta(seconds=60)) -> None:
        self._bootstrap, self._topic, self._timeout = cluster.bootstrap, topic, timeout.total_seconds()
        self._waiting: dict[int, int] = {}
        self._given = 0
        self.last_given = -1
        self._failure: KafkaError | None = None
        self._consequence: KafkaError | None = None
        self.delivered: dict[int, Delivered] = {}
        waits = {"delivery.timeout.ms": int(self._timeout * 1000)}
        shake_hands(cluster)
        options: dict[str, Any] = {**_SETTINGS, **waits, **cluster.librdkafka_options(), "error_cb": _hear}
        try:
            self._client = Client(options, logger=log)
            found = self._client.list_topics(topic, timeout=self._timeout).topics[topic]
        except KafkaException as error:
            raise self._named("connecting", error.args[0]) from error
        if found.error is not None:
            raise self._named(f"describing topic {topic}", found.error)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.flush()

    @property
    def first_unacknowledged(self) -> int | None:
        """Lowest number of a record that was given and is not acknowledged; None when there is none."""
        return next(iter(self._waiting), None)

    @property
    def acknowledged_beyond(self) -> int:
        """Records that were given after the first unacknowledged one and are acknowledged: sent again, they double."""
        first = next(iter(self._waiting.values()), None)
        return 0 if first is None else self.records - first

    @property
    def records(self) -> int:
        """Acknowledged records."""
        return sum(one.records for one in self.delivered.values())

    def send(self, number: int, record: Outgoing) -> None:
        """Hand over one record; returns before it is acknowledged.

        Args:
            number: larger than all before; what `first_unacknowledged` tells.
            record: what to send.

        Raises:
            KafkaProblem: this record, or one before it, was refused or not acknowledged in time.
        """
        self._refuse()
        self._waiting[number] = self._given
        self._given, self.last_given = self._given + 1, number
        optional: dict[str, Any] = {} if record.timestamp_ms is None else {"timestamp": record.timestamp_ms}
        while True:
            try:
                self._client.produce(
                    self._topic, record.value, record.key,
                    partition=_ANY_PARTITION if record.partition is None else record.partition,
                    on_delivery=lambda error, message: self._heard(number, error, message),
                    headers=list(record.headers), **optional,
                )  # fmt: skip
                break
            except BufferError:
                self._serve(_WAIT)
                self._refuse()
            except KafkaException as error:
                self._fail(error.args[0])
                self._refuse()
        self._serve(0)

    def flush(self) -> None:
        """Wait until every record is acknowledged.

        Raises:
            KafkaProblem: one was refused, or not acknowledged in time.
        """
        self.settle()
        self._refuse()

    def settle(self) -> None:
        """Wait as `flush` does, and leave it to `first_unacknowledged` to tell what came of it."""
        self._settle(self._timeout + 5)

    def _settle(self, most_seconds: float) -> None:
        deadline = time.monotonic() + most_seconds
        while len(self._client) and time.monotonic() < deadline:
            self._serve(_WAIT)

    def _serve(self, seconds: float) -> None:
        """Let the client tell what it heard: `_heard` is called from in here, and a fatal error raised."""
        try:
            self._client.poll(seconds)
        except KafkaException as error:
            self._failure = error.args[0]  # it wins over what was told of a record before it

    def _heard(self, number: int, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._fail(error)
            return
        del self._waiting[number]
        partition, offset = message.partition(), message.offset()
        if partition is None or offset is None:
            return
        so_far = self.delivered.setdefault(partition, Delivered(0, offset, offset))
        so_far.records += 1
        so_far.first, so_far.last = min(so_far.first, offset), max(so_far.last, offset)

    def _fail(self, error: KafkaError) -> None:
        """Keep the first error; what a fatal one does to the records that it takes along is often told before it."""
        if error.code() in _CONSEQUENCES:
            self._consequence = error
        else:
            self._failure = self._failure or error

    def _refuse(self) -> None:
        if self._failure is None and self._consequence is not None:
            self._settle(_CAUSE_SECONDS)
        failure = self._failure or self._consequence
        if failure is not None:
            raise self._named(f"sending to topic {self._topic}", failure)

    def _named(self, doing: str, error: KafkaError) -> KafkaProblem:
        passes = error.retriable() or error.code() in {*_PASSING, KafkaError._MSG_TIMED_OUT}
        return problem(self._bootstrap, doing, error.name(), error.str(), passes=passes)


def _hear(error: KafkaError) -> None:
    """What is wrong for the moment; librdkafka tries again by itself.

    The client raises a fatal error only where the others are heard, and does not tell it here.
    """
    log.info("%s", error.str())
