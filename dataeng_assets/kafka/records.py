"""What is read from a topic, whichever client reads it: exact offset ranges, as Arrow tables.

Reading belongs in `confluent_reader` and `kafka_python_reader`, choosing one in `reader`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any, NamedTuple, Self

import pyarrow as pa

from dataeng_assets.kafka.cluster import Cluster
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


class Reader(ABC):
    """Reads one topic, and keeps what it has fetched beyond a range for the next one. Use it as a context.

    Args:
        cluster: where the topic is.
        topic: one.
        timeout: how long a read waits without anything having come.
    """

    def __init__(self, cluster: Cluster, topic: str, timeout: timedelta) -> None:
        self._bootstrap = cluster.bootstrap
        self._topic = topic
        self._timeout = timeout
        self._positions: dict[int, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @abstractmethod
    def close(self) -> None:
        """Close the connection."""

    def positions(self) -> dict[int, int]:
        """Next offset per partition that was read so far."""
        return dict(self._positions)

    def read(self, ranges: Mapping[int, Range]) -> pa.Table:
        """All records in the ranges, sorted by partition and offset, in the schema `RECORDS`.

        An offset that holds no record (a transaction's marker, an aborted or compacted record) is passed over: when
        this returns, every offset of the ranges was read or proved empty.

        Raises:
            OffsetsGone: the broker no longer has a start.
            ReadStalled: nothing came for the timeout; nothing is lost.
        """
        return self._read({partition: range_ for partition, range_ in ranges.items() if range_.start < range_.end})

    @abstractmethod
    def _read(self, ranges: Mapping[int, Range]) -> pa.Table:
        """As `read`; none of the ranges is empty."""

    def _gone(self, told: object) -> OffsetsGone:
        return OffsetsGone(
            f"Kafka at {self._bootstrap} no longer has an offset that was asked for in topic {self._topic}: {told}"
        )

    def _stalled(self, partitions: Iterable[int], told: str = "") -> ReadStalled:
        """The error for records that did not come in time; `told` is what the client said meanwhile."""
        names = ", ".join(str(partition) for partition in sorted(partitions))
        return ReadStalled(
            f"Kafka at {self._bootstrap} sent nothing of topic {self._topic}, partitions {names}, for "
            f"{self._timeout.total_seconds():.0f} s{f' ({told})' if told else ''}. Nothing of this batch was "
            "committed; trying again is safe."
        )
