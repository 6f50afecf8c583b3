"""What is read from a topic, whichever client reads it: exact offset ranges, as Arrow tables.

Reading belongs in `confluent_reader` and `kafka_python_reader`, choosing one in `reader`.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, NamedTuple, Protocol, Self

import pyarrow as pa

from dataeng_assets.kafka.errors import OffsetsGone, ReadStalled

HEADERS = pa.list_(pa.struct([("key", pa.string()), ("value", pa.binary())]))
_FIELDS: "list[pa.Field[Any]]" = [
    pa.field("partition", pa.int32(), nullable=False),
    pa.field("offset", pa.int64(), nullable=False),
    pa.field("timestamp", pa.timestamp("us", tz="UTC")),
    pa.field("key", pa.binary()),
    pa.field("value", pa.binary()),
    pa.field("headers", HEADERS),
]
RECORDS = pa.schema(_FIELDS)
"""One row per record. `timestamp` is null where the producer sent none; `headers` is null where there are none."""


class Range(NamedTuple):
    """Offsets `[start, end)` of one partition."""

    start: int
    end: int


class Reader(Protocol):
    """Reads one topic."""

    def read(self, ranges: Mapping[int, Range]) -> pa.Table:
        """All records in the ranges, sorted by partition and offset, in the schema `RECORDS`.

        An offset that holds no record (a transaction's marker, an aborted or compacted record) is passed over: when
        this returns, every offset of the ranges was read or proved empty.

        Raises:
            OffsetsGone: the broker no longer has a start.
            ReadStalled: nothing came for the timeout; nothing is lost.
        """

    def positions(self) -> dict[int, int]:
        """Next offset per partition that was read so far."""

    def close(self) -> None:
        """Close the connection."""

    def __enter__(self) -> Self:
        """Itself."""

    def __exit__(self, *_: object) -> None:
        """Close the connection."""


def offsets_gone(bootstrap: str, topic: str, told: object) -> OffsetsGone:
    """The error for a start that the broker does not hold."""
    return OffsetsGone(f"Kafka at {bootstrap} no longer has an offset that was asked for in topic {topic}: {told}")


def stalled(bootstrap: str, topic: str, partitions: Iterable[int], timeout: timedelta, told: str = "") -> ReadStalled:
    """The error for records that did not come in time; `told` is what the client said meanwhile."""
    names = ", ".join(str(partition) for partition in sorted(partitions))
    return ReadStalled(
        f"Kafka at {bootstrap} sent nothing of topic {topic}, partitions {names}, for {timeout.total_seconds():.0f} s"
        f"{f' ({told})' if told else ''}. Nothing of this batch was committed; trying again is safe."
    )
