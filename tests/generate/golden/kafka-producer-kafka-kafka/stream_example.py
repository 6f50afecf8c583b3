# Written by `dataeng generate --type kafka-producer --source kafka --destination kafka`.
# Change the contracts or the options and run it again.
# Does not hold: Each event reaches the destination exactly once. No retry doubles or reorders an event while
#   the producer lives. After a crash, whoever calls it sends again what was not acknowledged; with
#   `--transactional-id` all events of one call are seen, or none.
# Holds: No value changes its type or is rounded without an error.
# Holds: An event that cannot be read or comes too late is kept apart, with the reason.
# Holds: Memory follows the size of a batch and not of the table.
# Holds: No secret stands in a file; each is read from the environment or a secret store.
"""Sends events to the topic clicks: one JSON object per line from standard input.

    python stream_example.py < events.jsonl
    python stream_example.py --rejected rejected.jsonl --metrics-port 9108 < events.jsonl

In a program: `with EventProducer(settings()) as producer: producer.send({...})`. Secrets come from the environment.
"""

import argparse
import base64
import binascii
import json
import logging
import math
import os
import queue
import re
import signal
import sys
import threading
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, BinaryIO, Self, TextIO

from confluent_kafka import KafkaError, KafkaException, Message, Producer
from prometheus_client import Counter, Gauge, Histogram, start_http_server

TOPIC = "clicks"
# the record's key: events with the same key keep their order
KEY = ["click_id"]
FIELDS = {
    "click_id": "uuid",
    "user_id": "bigint",
    "event_type": "string",
    "clicked_at": "timestamp",
}
REQUIRED = ["click_id", "event_type", "clicked_at"]
VALUES: Mapping[str, list[str]] = {}
FLUSH_SECONDS = 60.0
LINES_AHEAD = 1000
EXACT_IN_DOUBLE = 2**53
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
DECIMAL = re.compile(r"decimal\((\d+),(\d+)\)")
SENT = Counter("events_sent_total", "Events that the brokers have acknowledged.", ["topic"])
REJECTED = Counter("events_rejected_total", "Events that break the contract and were not sent.", ["topic"])
FAILED = Counter("events_failed_total", "Events that were sent and not acknowledged.", ["topic"])
WAITING = Gauge("events_waiting", "Events that wait for their acknowledgement.", ["topic"])
SECONDS = Histogram("event_acknowledged_seconds", "From sending an event to its acknowledgement.", ["topic"])
log = logging.getLogger(TOPIC)


class Rejected(Exception):
    """An event breaks the contract; nothing of it was sent."""


class NotDelivered(Exception):
    """An event was not acknowledged: the producer is to be thrown away, and the event sent again by a new one."""


def settings() -> dict[str, Any]:
    """How Kafka is reached: SASL/SCRAM or a client certificate over TLS; without encryption in a local trial only.

    Raises:
        SystemExit: a variable is missing, or the connection would not be encrypted.
    """
    options: dict[str, Any] = {"bootstrap.servers": variable("DATAENG_KAFKA_BOOTSTRAP")}
    protocol = os.environ.get("KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    if protocol == "PLAINTEXT":
        if os.environ.get("PIPELINE_ENV") != "local":
            sys.exit("KAFKA_SECURITY_PROTOCOL=PLAINTEXT needs PIPELINE_ENV=local. Nothing was connected to.")
        return options
    options |= {"security.protocol": protocol, "ssl.ca.location": variable("KAFKA_CA_FILE")}
    if protocol == "SASL_SSL":
        return options | {
            "sasl.mechanism": os.environ.get("KAFKA_SASL_MECHANISM", "SCRAM-SHA-512"),
            "sasl.username": variable("KAFKA_USERNAME"),
            "sasl.password": variable("KAFKA_PASSWORD"),
        }
    if protocol == "SSL":
        files = {"ssl.certificate.location": "KAFKA_CERTIFICATE_FILE", "ssl.key.location": "KAFKA_KEY_FILE"}
        return options | {option: variable(name) for option, name in files.items()}
    sys.exit(f"KAFKA_SECURITY_PROTOCOL is {protocol!r}; it is SASL_SSL or SSL.")


def variable(name: str) -> str:
    """A variable of the environment.

    Raises:
        SystemExit: it is not set.
    """
    value = os.environ.get(name, "")
    if not value:
        sys.exit(f"{name} is not set; README.md says what it holds.")
    return value


def checked(event: Any) -> dict[str, Any]:
    """The event as it is sent: each field of the contract is of its type, and nothing is cast.

    Raises:
        Rejected: it breaks the contract; says at which field.
    """
    if not isinstance(event, dict):
        raise Rejected("json: no object")
    for name in REQUIRED:
        if event.get(name) is None:
            raise Rejected(f"missing: {name}")
    for name, kind in FIELDS.items():
        value = event.get(name)
        if value is None:
            continue
        base = "decimal" if DECIMAL.fullmatch(kind) else kind
        if not CHECKS[base](value, kind):
            raise Rejected(f"type: {name} is no {kind}")
        if name in VALUES and value not in VALUES[name]:
            raise Rejected(f"values: {name} is none of the contract's")
    return event


def is_decimal(value: Any, kind: str) -> bool:
    """Whether a number or its text fits the digits of a decimal."""
    found = DECIMAL.fullmatch(kind)
    if found is None or isinstance(value, bool) or not isinstance(value, int | Decimal | str):
        return False
    try:
        number = Decimal(value)
    except InvalidOperation:
        return False
    if not number.is_finite():
        return False
    digits, scale = int(found[1]), int(found[2])
    return number == round(number, scale) and abs(number) < Decimal(10) ** (digits - scale)


def is_double(value: Any, _: str) -> bool:
    """Whether a number is one that a double holds; a whole number exactly."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return False
    return abs(value) <= EXACT_IN_DOUBLE if isinstance(value, int) else math.isfinite(float(value))


def is_moment(value: Any, _: str) -> bool:
    """Whether a text is a point in time with its offset."""
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def is_date(value: Any, _: str) -> bool:
    """Whether a text is a day."""
    try:
        return isinstance(value, str) and len(value) == len("2026-03-01") and bool(date.fromisoformat(value))
    except ValueError:
        return False


def is_base64(value: Any, _: str) -> bool:
    """Whether a text is bytes in base64."""
    try:
        return isinstance(value, str) and base64.b64decode(value, validate=True) is not None
    except binascii.Error:
        return False


CHECKS: Mapping[str, Callable[[Any, str], bool]] = {
    "string": lambda value, _: isinstance(value, str),
    "uuid": lambda value, _: isinstance(value, str) and UUID.fullmatch(value) is not None,
    "bigint": lambda value, _: isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63,
    "double": is_double,
    "boolean": lambda value, _: isinstance(value, bool),
    "json": lambda _value, _: True,
    "decimal": is_decimal,
    "timestamp": is_moment,
    "date": is_date,
    "bytes": is_base64,
}


def parsed(line: bytes) -> Any:
    """What a line of JSON says, its numbers exact.

    Raises:
        Rejected: it is no JSON in UTF-8, or names a field twice.
    """

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise Rejected("json: a field is there twice")
        return dict(pairs)

    def no_number(word: str) -> Any:
        raise Rejected(f"json: {word} is no number")

    try:
        return json.loads(line.decode(), parse_float=Decimal, parse_constant=no_number, object_pairs_hook=once)
    except ValueError as error:
        raise Rejected(f"json: {error}") from None
    except RecursionError:
        raise Rejected("json: nested too deeply") from None


class EventProducer:
    """Sends events in the order they are given, each acknowledged by all replicas in sync.

    Use it as a context: when it ends, all is acknowledged, or `NotDelivered` is raised. With a transactional id all of
    it is one transaction, which readers with `read_committed` see as a whole or not at all.

    Args:
        connection: from `settings`.
        transactional_id: the same for each start of the same instance, and of no other one.

    Attributes:
        acknowledged: how many events the brokers have.
    """

    def __init__(self, connection: Mapping[str, Any], transactional_id: str = "") -> None:
        options = {
            **connection,
            "client.id": "stream_example",
            "enable.idempotence": True,
            "acks": "all",
            "compression.type": "zstd",
            "linger.ms": 20,
            # what waits is bounded: beyond it, `send` waits for room
            "queue.buffering.max.messages": 100_000,
            "queue.buffering.max.kbytes": 65_536,
            "delivery.timeout.ms": 120_000,
            # as the Java clients choose, so that a key lies where other producers put it
            "partitioner": "murmur2_random",
            "allow.auto.create.topics": False,
        }
        if transactional_id:
            # the longest that brokers allow unless they are told otherwise: all of one call is one transaction
            options |= {"transactional.id": transactional_id, "transaction.timeout.ms": 900_000}
        self._is_transactional = bool(transactional_id)
        self._failure: KafkaError | None = None
        self.acknowledged = 0
        self._producer = Producer(options, logger=log)

    def __enter__(self) -> Self:
        """Begin the transaction, if there is one."""
        if self._is_transactional:
            self._producer.init_transactions(FLUSH_SECONDS)
            self._producer.begin_transaction()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        """Wait for every acknowledgement, and commit; after an error, take the transaction back."""
        if not self._is_transactional:
            self._flush()
            if kind is None:
                self._raise_failure()
        elif kind is None and self._failure is None:
            self._producer.commit_transaction(FLUSH_SECONDS)
            self._raise_failure()
        else:
            self._producer.abort_transaction(FLUSH_SECONDS)
            if kind is None:
                self._raise_failure()

    def send(self, event: Any) -> None:
        """Send one event; waits while too many are not acknowledged.

        Raises:
            Rejected: it breaks the contract, and was not sent.
            NotDelivered: an event before it was not acknowledged.
        """
        value, key = value_of(checked(event)), key_of(event)
        self._raise_failure()
        while True:
            try:
                self._producer.produce(TOPIC, value, key, on_delivery=self._heard)
                break
            except BufferError:
                self.serve(0.1)
        self.serve(0)

    def serve(self, seconds: float) -> None:
        """Hear what became of earlier events; to be called now and then while there are no new ones.

        Raises:
            NotDelivered: one of them was not acknowledged.
        """
        self._producer.poll(seconds)
        WAITING.labels(TOPIC).set(len(self._producer))
        self._raise_failure()

    def _heard(self, error: KafkaError | None, message: Message) -> None:
        if error is None:
            self.acknowledged += 1
            SENT.labels(TOPIC).inc()
            SECONDS.labels(TOPIC).observe(message.latency() or 0)
        else:
            FAILED.labels(TOPIC).inc()
            self._failure = self._failure or error

    def _flush(self) -> None:
        if self._producer.flush(FLUSH_SECONDS):
            raise NotDelivered(f"{len(self._producer)} events had no answer within {FLUSH_SECONDS:.0f} seconds")
        WAITING.labels(TOPIC).set(0)

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise NotDelivered(self._failure.str())


def value_of(event: Mapping[str, Any]) -> bytes:
    """The record's value: JSON in UTF-8, in which a field of decimals stands as its text.

    Raises:
        Rejected: JSON's readers would not find the same value again.
    """

    def exact(value: Any) -> float:
        if not isinstance(value, Decimal) or Decimal(repr(float(value))) != value:
            raise Rejected(f"json: {value} is nothing that JSON's readers find again")
        return float(value)

    plain = {
        name: str(value) if isinstance(value, Decimal) and DECIMAL.fullmatch(FIELDS.get(name, "")) else value
        for name, value in event.items()
    }
    try:
        text = json.dumps(plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=exact)
        return text.encode()
    except ValueError as error:
        raise Rejected(f"json: {error}") from None


def key_of(event: Mapping[str, Any]) -> bytes | None:
    """The record's key: the text of its field, or of all its fields as a JSON array; None where one is missing."""
    fields = [event.get(name) for name in KEY]
    if not fields or any(one is None for one in fields):
        return None
    return (str(fields[0]) if len(fields) == 1 else json.dumps(fields, default=str)).encode()


def read_ahead(lines: BinaryIO) -> "queue.Queue[bytes | None]":
    """Lines as another thread reads them, so that nobody waits for one; None when there are no more."""
    ahead: queue.Queue[bytes | None] = queue.Queue(LINES_AHEAD)

    def read() -> None:
        for line in lines:
            ahead.put(line)
        ahead.put(None)

    threading.Thread(target=read, daemon=True).start()
    return ahead


def send_lines(producer: EventProducer, lines: BinaryIO, rejected: TextIO, stop: threading.Event) -> int:
    """Send one event per line until the lines end or `stop` is set; gives how many were set aside."""
    ahead, number, count = read_ahead(lines), 0, 0
    while not stop.is_set():
        try:
            line = ahead.get(timeout=0.2)
        except queue.Empty:
            producer.serve(0)
            continue
        if line is None:
            return count
        number += 1
        try:
            producer.send(parsed(line))
        except Rejected as reason:
            count += 1
            REJECTED.labels(TOPIC).inc()
            value = line.decode(errors="backslashreplace").rstrip("\n")
            rejected.write(json.dumps({"line": number, "reason": str(reason), "value": value}) + "\n")
    log.info("Stopped after line %d.", number)
    return count


def main() -> int:
    """Send what standard input holds until it ends, or until SIGTERM or SIGINT; 1 when an event was rejected."""
    parser = argparse.ArgumentParser(description=f"Send events to {TOPIC}: one JSON object per line.")
    parser.add_argument("--rejected", help="file for lines that break the contract; standard error without it")
    parser.add_argument("--metrics-port", type=int, help="port of Prometheus' metrics")
    parser.add_argument("--transactional-id", default="", help="send all in one transaction")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    if options.metrics_port:
        start_http_server(options.metrics_port)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    # a reader of its own: the thread that waits for a line keeps no other one from ending
    lines = open(sys.stdin.fileno(), "rb", closefd=False)  # noqa: PTH123, SIM115
    rejected = Path(options.rejected).open("a", encoding="utf-8") if options.rejected else sys.stderr  # noqa: SIM115
    try:
        with EventProducer(settings(), options.transactional_id) as producer:
            count = send_lines(producer, lines, rejected, stop)
    except (NotDelivered, KafkaException) as error:
        log.error("Not everything was delivered: %s. Send again what was not acknowledged.", error)  # noqa: TRY400
        return 2
    finally:
        if rejected is not sys.stderr:
            rejected.close()
    log.info(json.dumps({"topic": TOPIC, "sent": producer.acknowledged, "rejected": count, "stopped": stop.is_set()}))
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
