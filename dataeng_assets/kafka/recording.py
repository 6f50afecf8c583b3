"""A part of a topic in a file: every record as it came, so that it can be looked at, kept, and sent again.

The file is Parquet in the schema `records.RECORDS`, sorted by partition and offset within each piece. It holds what the
topic held, personal values too.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.kafka.errors import KafkaProblem
from dataeng_assets.kafka.producer import Outgoing, Producer
from dataeng_assets.kafka.reader import open_reader
from dataeng_assets.kafka.records import RECORDS, Range

_OFFSETS_AT_ONCE = 50_000


class RecordingRefused(Exception):
    """A file that is no recording, or one that must not be overwritten."""

    retryable = False


@dataclass(frozen=True)
class Recorded:
    """What a recording holds."""

    records: int
    bytes: int
    by_partition: Mapping[int, int]


def record_topic(
    cluster: Cluster,
    topic: str,
    ranges: Mapping[int, Range],
    path: Path,
    *,
    on_records: Callable[[int], None] = lambda _: None,
) -> Recorded:
    """Write the records of offset ranges to a file, which appears when it is whole.

    Args:
        cluster: where the topic is.
        topic: its name.
        ranges: per partition; memory does not follow their length.
        path: the file; must not be there yet.
        on_records: told how many more records were written.

    Raises:
        RecordingRefused: the file is there already.
        OffsetsGone: the broker no longer has a start.
        KafkaProblem: with `retryable`.
    """
    if path.exists():
        raise RecordingRefused(
            f"{path} is there already. Nothing was read or written. Give another name, or remove it."
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    counts: dict[int, int] = {}
    try:
        with (
            open_reader(cluster, topic) as reader,
            pq.ParquetWriter(unfinished, RECORDS, compression="zstd") as writer,
        ):
            for piece in _pieces(ranges):
                found = reader.read(piece)
                writer.write_table(found)
                for partition, count in _counted(found).items():
                    counts[partition] = counts.get(partition, 0) + count
                on_records(len(found))
        unfinished.rename(path)
    finally:
        with suppress(FileNotFoundError):
            unfinished.unlink()
    return Recorded(sum(counts.values()), path.stat().st_size, dict(sorted(counts.items())))


def read_recording(path: Path) -> Iterator[pa.RecordBatch]:
    """The records of a file, piece by piece.

    Raises:
        RecordingRefused: it is no recording.
    """
    try:
        with pq.ParquetFile(path) as file:
            found: Any = file.schema_arrow
            if found.names != RECORDS.names:
                raise RecordingRefused(f"{path} has the columns {', '.join(found.names)}, and so is no recording.")
            for batch in file.iter_batches(_OFFSETS_AT_ONCE):
                yield from pa.Table.from_batches([batch]).cast(RECORDS).to_batches()
    except (OSError, pa.ArrowException) as error:
        raise RecordingRefused(
            f"{path} cannot be read as a recording ({str(error).splitlines()[0]}). Nothing was sent. Make one with "
            "`dataeng stream record`."
        ) from error


def replay_recording(cluster: Cluster, topic: str, records: Iterator[pa.RecordBatch]) -> int:
    """Send recorded records to a topic: to their partitions, in their order, with their keys, headers and timestamps.

    Their offsets are new ones, without the gaps that compaction and transactions had left.

    Args:
        cluster: where the topic is.
        topic: with at least the recorded partitions.
        records: as `read_recording` gives them.

    Returns:
        How many were sent, each acknowledged.

    Raises:
        KafkaProblem: one was refused, such as for a partition that the topic lacks.
    """
    number = 0
    with Producer(cluster, topic) as producer:
        for batch in records:
            for row in batch.to_pylist():
                producer.send(number, _outgoing(row))
                number += 1
    if producer.records != number:
        raise KafkaProblem(f"Topic {topic} acknowledged {producer.records} of {number} records. Use another topic.")
    return number


def _outgoing(row: Mapping[str, Any]) -> Outgoing:
    headers = [(header["key"], header["value"]) for header in row["headers"] or []]
    moment = row["timestamp"]
    return Outgoing(
        row["value"], row["key"], None if moment is None else int(moment.timestamp() * 1000), headers, row["partition"]
    )


def _pieces(ranges: Mapping[int, Range]) -> Iterator[dict[int, Range]]:
    """The ranges in pieces of bounded size, all partitions at once, so that a piece is a stretch of time."""
    share = max(1, _OFFSETS_AT_ONCE // max(1, len(ranges)))
    starts = {partition: range_.start for partition, range_ in ranges.items()}
    while any(starts[partition] < ranges[partition].end for partition in ranges):
        yield {p: Range(start, min(start + share, ranges[p].end)) for p, start in starts.items()}
        starts = {p: min(start + share, ranges[p].end) for p, start in starts.items()}


def _counted(found: pa.Table) -> dict[int, int]:
    counts = found.group_by("partition").aggregate([("partition", "count")])
    partitions: list[Any] = counts["partition"].to_pylist()
    return dict(zip(partitions, counts["partition_count"].to_pylist(), strict=True))
