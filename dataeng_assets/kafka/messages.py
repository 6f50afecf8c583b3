"""The messages of confluent-kafka as columns: each is a Python object, and each of its values costs a call.

Consuming them belongs in `confluent_reader`.
"""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import pyarrow as pa
from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Message

from dataeng_assets.kafka.records import HEADERS, RECORDS

_WORTH_SLICING = 64  # records per partition in a row; below that, one copy in order costs less than so many slices


@contextmanager
def no_collections() -> Iterator[None]:
    """Keep Python from looking for garbage among thousands of messages that all live: that costs more than they do."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def columns(messages: Sequence[Message]) -> pa.Table:
    """Messages that are records as a table in the schema `RECORDS`, in their order."""
    # a method of the class costs a look-up less than one of each object
    count = len(messages)
    kinds, times = zip(*map(Message.timestamp, messages), strict=True)
    has_none = np.fromiter(kinds, np.int8, count) == TIMESTAMP_NOT_AVAILABLE
    microseconds: Any = pa.array(np.fromiter(times, np.int64, count) * 1000, mask=has_none)
    headers = list(map(Message.headers, messages))
    found: list[pa.Array[Any]] = [
        pa.array(np.fromiter(map(Message.partition, messages), np.int32, count)),
        pa.array(np.fromiter(map(Message.offset, messages), np.int64, count)),
        microseconds.cast(pa.timestamp("us", tz="UTC")),
        pa.array(list(map(Message.key, messages)), pa.binary()),
        pa.array(list(map(Message.value, messages)), pa.binary()),
        pa.array([_headers(one) for one in headers], HEADERS) if any(headers) else pa.nulls(count, HEADERS),
    ]
    return pa.Table.from_arrays(found, schema=RECORDS)


def by_partition(table: pa.Table) -> Iterator[tuple[int, pa.Table]]:
    """Pieces of one partition each, as they follow one another; together they are the table's records."""
    partitions = table["partition"].to_numpy()
    starts = _starts(partitions)
    if len(starts) * _WORTH_SLICING > len(partitions):
        order = np.argsort(partitions, kind="stable")
        table, partitions = table.take(order), partitions[order]
        starts = _starts(partitions)
    for start, end in zip(starts, [*starts[1:], len(partitions)], strict=True):
        yield int(partitions[start]), table.slice(start, end - start)


def copied(table: pa.Table) -> pa.Table:
    """The same records, which hold no memory of those that they were cut from."""
    return table.take(np.arange(len(table)))


def _starts(partitions: "np.ndarray[Any, Any]") -> list[int]:
    """Where another partition begins."""
    return [0, *(np.flatnonzero(np.diff(partitions)) + 1).tolist()]


def _headers(headers: Any) -> list[dict[str, object]] | None:  # its type also allows what only a producer takes
    return [{"key": key, "value": value} for key, value in headers] if headers else None
