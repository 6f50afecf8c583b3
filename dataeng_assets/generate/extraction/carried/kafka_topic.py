"""A topic of Kafka: how it is reached, what it holds now, and the records of ranges of offsets.

Nothing is committed to Kafka, and no consumer group is joined. Which ranges are read is decided in `ranges`.
"""

import os
import time
from collections.abc import Iterator, Mapping
from typing import Any

from confluent_kafka import (
    Consumer,
    IsolationLevel,
    KafkaError,
    KafkaException,
    Message,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]  # documented, not in __all__

from .errors import Refused, Retryable
from .ranges import Offsets, OffsetsLost, TopicState

# its methods have no types
_SPEC: Any = OffsetSpec
_PATIENCE_SECONDS = 60.0
_AT_ONCE = 5_000
_GONE = (KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE, KafkaError._LOG_TRUNCATION)
_READING: Mapping[str, Any] = {
    # required even though partitions are assigned; no group is joined
    "group.id": "none",
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    # an offset that is gone is an error, and never a jump
    "auto.offset.reset": "error",
    "isolation.level": "read_committed",
    "check.crcs": True,
    # nothing else says that a range which ends in a transaction's marker is done
    "enable.partition.eof": True,
    "fetch.wait.max.ms": 100,
    "allow.auto.create.topics": False,
    # the bound of memory
    "queued.max.messages.kbytes": 65_536,
}


def connection(bootstrap: str) -> dict[str, Any]:
    """How the brokers are reached: SASL or a client certificate over TLS, with what the environment says.

    Raises:
        Refused: the connection would be unencrypted outside of a local trial, or something is missing.
    """
    protocol = os.environ.get("KAFKA_SECURITY_PROTOCOL", "SASL_SSL")
    options: dict[str, Any] = {"bootstrap.servers": bootstrap, "security.protocol": protocol}
    if protocol == "PLAINTEXT":
        if os.environ.get("PIPELINE_ENV") != "local":
            raise Refused("KAFKA_SECURITY_PROTOCOL=PLAINTEXT needs PIPELINE_ENV=local. Nothing was connected to.")
        return options
    if protocol not in ("SASL_SSL", "SSL"):
        raise Refused(f"KAFKA_SECURITY_PROTOCOL is {protocol!r}; it is SASL_SSL or SSL. Nothing was connected to.")
    options |= {"enable.ssl.certificate.verification": True, "ssl.endpoint.identification.algorithm": "https"}
    if os.environ.get("KAFKA_CA_FILE"):
        options["ssl.ca.location"] = os.environ["KAFKA_CA_FILE"]
    if protocol == "SSL":
        return options | {
            "ssl.certificate.location": _variable("KAFKA_CERTIFICATE_FILE"),
            "ssl.key.location": _variable("KAFKA_KEY_FILE"),
        }
    return options | {
        "sasl.mechanism": os.environ.get("KAFKA_SASL_MECHANISM", "SCRAM-SHA-512"),
        "sasl.username": _variable("KAFKA_USERNAME"),
        "sasl.password": _variable("KAFKA_PASSWORD"),
    }


def topic_state(options: Mapping[str, Any], topic: str) -> TopicState:
    """What a topic holds now, up to the last stable offset of each partition.

    Raises:
        Refused: there is no such topic, or it may not be read.
        Retryable: the brokers did not answer.
    """
    client = AdminClient(dict(options))
    try:
        described = client.describe_topics(TopicCollection([topic]), request_timeout=_PATIENCE_SECONDS)[topic].result()
        places = [TopicPartition(topic, one.id) for one in described.partitions]
        first = _offsets(client, dict.fromkeys(places, _SPEC.earliest()))
        end = _offsets(client, dict.fromkeys(places, _SPEC.latest()))
    except KafkaException as error:
        raise _named(f"The topic {topic} could not be looked at", error.args[0]) from None
    held = {partition: Offsets(first[partition], end[partition]) for partition in first}
    # librdkafka prints the other alphabet of base64 than Kafka's own tools
    return TopicState(topic, str(described.topic_id).replace("+", "-").replace("/", "_"), held)


def read_ranges(options: Mapping[str, Any], topic: str, ranges: Mapping[int, Offsets]) -> Iterator[list[Message]]:
    """The records of ranges, some thousands at a time; all of each range or an error.

    Raises:
        OffsetsLost: retention removed them while they were read.
        Refused, Retryable: the brokers refuse, or do not answer.
    """
    at = {partition: one.first for partition, one in ranges.items()}
    open_ = {partition for partition, one in ranges.items() if one.first < one.end}
    consumer = Consumer({**_READING, **options})
    try:
        consumer.assign([TopicPartition(topic, partition, at[partition]) for partition in sorted(open_)])
        moved_at = time.monotonic()
        while open_:
            before, records = dict(at), list[Message]()
            for message in consumer.consume(_AT_ONCE, 0.2):
                _take(message, topic, ranges, at, records)
            if records:
                yield records
            if at != before:
                moved_at = time.monotonic()
            elif time.monotonic() - moved_at > _PATIENCE_SECONDS:
                raise Retryable(f"Partitions {sorted(open_)} of {topic} gave nothing for {_PATIENCE_SECONDS:.0f} s.")
            done = {partition for partition in open_ if at[partition] >= ranges[partition].end}
            if done:
                consumer.incremental_unassign([TopicPartition(topic, partition) for partition in sorted(done)])
                open_ -= done
    finally:
        consumer.close()


def _take(
    message: Message, topic: str, ranges: Mapping[int, Offsets], at: dict[int, int], records: list[Message]
) -> None:
    error, partition, offset = message.error(), message.partition(), message.offset()
    if error is None and partition is not None and offset is not None:
        if offset < ranges[partition].end:
            records.append(message)
        at[partition] = max(at[partition], offset + 1)
    elif error is not None and error.code() == KafkaError._PARTITION_EOF:
        if partition is not None and offset is not None:
            at[partition] = max(at[partition], offset)
    elif error is not None and error.code() in _GONE:
        raise OffsetsLost(
            f"Records of {topic} were removed while they were read: {error.str()}. Nothing was loaded. Run again; then "
            "it is said which ones."
        )
    elif error is not None and not error.retriable() and error.code() != KafkaError.GROUP_AUTHORIZATION_FAILED:
        raise _named(f"The topic {topic} could not be read", error)


def _offsets(client: AdminClient, asked: Mapping[TopicPartition, OffsetSpec]) -> dict[int, int]:
    futures = client.list_offsets(
        dict(asked), isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=_PATIENCE_SECONDS
    )
    return {place.partition: future.result().offset for place, future in futures.items()}


def _named(what: str, error: KafkaError) -> Refused | Retryable:
    kind = Retryable if error.retriable() or error.code() in (KafkaError._TIMED_OUT, KafkaError._TRANSPORT) else Refused
    return kind(f"{what}: {error.str()}. Nothing was loaded.")


def _variable(name: str) -> str:
    value = os.environ.get(name, "")
    if not value:
        raise Refused(f"The environment has no {name}. Nothing was connected to. Set it from your store of secrets.")
    return value
