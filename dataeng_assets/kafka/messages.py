"""The messages of confluent-kafka as columns: each is a Python object, and each of its values costs a call.

Consuming them belongs in `confluent_reader`.
"""

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain, repeat
from operator import is_
from typing import Any

import numpy as np
import pyarrow as pa
from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Message

from dataeng_assets.kafka.records import HEADERS, RECORDS

# what Arrow's own pool gives back to the system after each batch must be zeroed again for the next one
_POOL = pa.system_memory_pool()
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


def told_apart(messages: Sequence[Message]) -> tuple[Sequence[Message], Sequence[Message]]:
    """Those that are records, and those that say something else; most calls give none of these."""
    # an error that is compared with None raises
    if all(map(is_, map(Message.error, messages), repeat(None))):
        return messages, ()
    records = [message for message in messages if message.error() is None]
    return records, [message for message in messages if message.error() is not None]


def columns(messages: Sequence[Message]) -> pa.Table:
    """Messages that are records as a table in the schema `RECORDS`, in their order."""
    # a method of the class costs a look-up less than one of each object
    count = len(messages)
    told = np.fromiter(chain.from_iterable(map(Message.timestamp, messages)), np.int64, 2 * count)
    kinds, times = told[::2], told[1::2]
    microseconds: Any = pa.array(times * 1000, mask=kinds == TIMESTAMP_NOT_AVAILABLE)
    keys, headers = list(map(Message.key, messages)), list(map(Message.headers, messages))
    found: list[pa.Array[Any]] = [
        pa.array(np.fromiter(map(Message.partition, messages), np.int32, count)),
        pa.array(np.fromiter(map(Message.offset, messages), np.int64, count)),
        microseconds.cast(pa.timestamp("us", tz="UTC")),
        pa.array(keys, pa.binary()) if keys.count(None) < count else pa.nulls(count, pa.binary()),
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


def joined(pieces: Sequence[pa.Table]) -> pa.Table:
    """The records of all pieces, each column in one piece of memory."""
    return pa.concat_tables(pieces).combine_chunks(memory_pool=_POOL)


def copied(table: pa.Table) -> pa.Table:
    """The same records, which hold no memory of those that they were cut from."""
    return table.take(np.arange(len(table)))


def _starts(partitions: "np.ndarray[Any, Any]") -> list[int]:
    """Where another partition begins."""
    return [0, *(np.flatnonzero(np.diff(partitions)) + 1).tolist()]


def _headers(headers: Any) -> list[dict[str, object]] | None:  # its type also allows what only a producer takes
    return [{"key": key, "value": value} for key, value in headers] if headers else None
