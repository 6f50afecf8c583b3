"""Sending the records of a file to a stream's topic, each checked by the contract first, as the stream will read it.

Reading the file belongs in `outgoing`, sending in `kafka.producer`.
"""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pyarrow as pa

from dataeng_assets.kafka.cluster import Cluster
from dataeng_assets.kafka.errors import KafkaProblem
from dataeng_assets.kafka.producer import Delivered, Outgoing, Producer
from dataeng_assets.kafka.records import RECORDS
from dataeng_assets.streams.decode.decoder import DETAIL, REASON
from dataeng_assets.streams.decode.document import Unreadable
from dataeng_assets.streams.encode.record import Encoded, EncodeRecord, open_record_encoder
from dataeng_assets.streams.outgoing import Line, lines
from dataeng_assets.streams.stream import Stream
from dataeng_assets.streams.validate import Validator

_SHOWN = 20
_Written = tuple[int, Encoded]
"""Number of a line, and its record; one without a value where it cannot be written."""


@dataclass(frozen=True)
class Invalid:
    """A line that breaks the contract: its number, and why, without any of its values."""

    line: int
    reason: str
    detail: str


@dataclass(frozen=True)
class Checked:
    """What a file holds.

    Attributes:
        first: the first invalid lines.
    """

    lines: int
    invalid: int
    first: tuple[Invalid, ...]


@dataclass(frozen=True)
class Way:
    """How a file is sent.

    Attributes:
        from_line: lines before it are passed over.
        skip_invalid: whether what breaks the contract is left out; else nothing is sent.
        event_timestamps: whether a record's timestamp is its event time; else the moment of sending.
        rate: most records per second.
    """

    from_line: int = 1
    skip_invalid: bool = False
    event_timestamps: bool = False
    rate: float | None = None


@dataclass(frozen=True)
class Produced:
    """What was sent, and where it lies."""

    records: int
    skipped: int
    by_partition: Mapping[int, Delivered]


class ContractBroken(Exception):
    """Lines of the file break the contract; nothing was sent.

    Attributes:
        checked: which ones.
    """

    retryable = False

    def __init__(self, message: str, checked: Checked) -> None:
        super().__init__(message)
        self.checked = checked


class SendingStopped(Exception):
    """Sending ended before the end of the file: it was interrupted, or the cluster refused.

    Attributes:
        produced: what was acknowledged.
        from_line: the first line that was not; every line before it was sent or skipped.
        doubled: records beyond that line that were acknowledged, too: going on from it sends them a second time.
    """

    retryable = True

    def __init__(self, message: str, produced: Produced, from_line: int, doubled: int) -> None:
        super().__init__(message)
        self.produced = produced
        self.from_line = from_line
        self.doubled = doubled


def check(stream: Stream, path: Path, *, from_line: int = 1) -> Checked:
    """Read a file as the stream would read its records, and send nothing.

    Raises:
        InputRefused: it cannot be read.
        RuleUndecided: a rule of the contract cannot be evaluated.
        StreamStopped, KafkaProblem: there is no schema to write the records with, as `open_record_encoder` says.
    """
    return _checked(stream, path, _encoder(stream), from_line)


def produce(
    stream: Stream,
    cluster: Cluster,
    path: Path,
    way: Way,
    *,
    on_records: Callable[[int], None] = lambda _: None,
) -> Produced:
    """Send a file's records, each acknowledged by all in-sync replicas and none doubled by a retry of this call.

    Calling it again sends the records again: nothing in Kafka knows what another process has sent. The contract's key
    is what tells readers that two records are one event.

    Args:
        stream: whose topic it is, and whose contract every record must keep.
        cluster: where the topic is.
        path: the file.
        way: from where, how fast, what of it.
        on_records: told how many more lines were handled.

    Raises:
        InputRefused: the file cannot be read.
        ContractBroken: a line breaks the contract and is not to be skipped; nothing was sent.
        SendingStopped: it was interrupted or refused half-way; tells the line to go on from.
        StreamStopped: there is no schema to write the records with, as `open_record_encoder` says; nothing was sent.
        KafkaProblem: the topic is missing, or nobody answers, there or at the registry; nothing was sent.
    """
    encode = _encoder(stream)
    checked = _checked(stream, path, encode, way.from_line)
    if checked.invalid and not way.skip_invalid:
        raise ContractBroken(
            f"{checked.invalid:,} of {checked.lines:,} lines of {path} break {stream.contract.path.name}. Nothing was "
            "sent. Correct them, or leave them out with --skip-invalid.",
            checked,
        )
    producer, skipped = Producer(cluster, stream.topic), [way.from_line - 1]
    try:
        _send(producer, _records(stream, path, encode, way), way.rate, skipped, on_records)
        producer.flush()
    except (KeyboardInterrupt, KafkaProblem) as error:
        producer.settle()
        raise _stopped(error, producer, skipped) from error
    return Produced(producer.records, len(skipped) - 1, producer.delivered)


def _send(
    producer: Producer,
    records: Iterator[tuple[int, Outgoing | None]],
    rate: float | None,
    skipped: list[int],
    on_records: Callable[[int], None],
) -> None:
    """Hand all records over, not faster than the rate; the numbers of lines without one are added to `skipped`."""
    started, count = time.monotonic(), 0
    for line, record in records:
        if record is None:
            skipped.append(line)
        else:
            producer.send(line, record)
            count += 1
            if rate:
                time.sleep(max(0.0, count / rate - (time.monotonic() - started)))
        on_records(1)


def _stopped(error: BaseException, producer: Producer, skipped: list[int]) -> SendingStopped:
    why = "Sending was interrupted." if isinstance(error, KeyboardInterrupt) else str(error)
    first = producer.first_unacknowledged
    following = max(producer.last_given, skipped[-1]) + 1
    produced = Produced(producer.records, len(skipped) - 1, producer.delivered)
    return SendingStopped(why, produced, following if first is None else first, producer.acknowledged_beyond)


def _encoder(stream: Stream) -> EncodeRecord:
    return open_record_encoder(stream.contract, stream.topic, stream.registry)


def _checked(stream: Stream, path: Path, encode: EncodeRecord, from_line: int) -> Checked:
    count = invalid = 0
    first: list[Invalid] = []
    for batch, _, wrong in _judged(stream, path, encode, from_line):
        count += len(batch)
        broken = [one for one in wrong if one is not None]
        invalid += len(broken)
        first += broken[: _SHOWN - len(first)]
    return Checked(count, invalid, tuple(first))


def _records(stream: Stream, path: Path, encode: EncodeRecord, way: Way) -> Iterator[tuple[int, Outgoing | None]]:
    """Each line's record; None for one that breaks the contract.

    Its key is what the contract carries into a column, else the contract's key.
    """
    for batch, found, broken in _judged(stream, path, encode, way.from_line):
        carried = stream.contract.records.key is not None
        keys = [one.key for _, one in batch] if carried else _keys(stream, found)
        moments = _moments(stream, found) if way.event_timestamps else [None] * len(batch)
        for (line, one), key, moment, wrong in zip(batch, keys, moments, broken, strict=True):
            yield line, None if wrong else replace(_EMPTY, value=one.value, key=key, timestamp_ms=moment)


def _judged(
    stream: Stream, path: Path, encode: EncodeRecord, first: int
) -> Iterator[tuple[tuple[_Written, ...], pa.Table, list[Invalid | None]]]:
    """The values as they would be sent, what the stream would read of them, and what is wrong with each."""
    with Validator(stream.contract, stream.schemas()) as validator:
        for batch in _from(lines(path, stream.contract), first):
            refused: dict[int, Invalid] = {}
            written = tuple((line, _written(line, value, encode, refused)) for line, value in batch)
            found = validator.validate(_as_records(written))
            yield written, found, [refused.get(line, one) for line, one in _invalid(written, found)]


def _written(line: int, value: bytes, encode: EncodeRecord, refused: dict[int, Invalid]) -> Encoded:
    try:
        return encode(value)
    except Unreadable as error:
        refused[line] = Invalid(line, error.reason, error.detail)
        return Encoded(None, None)


_EMPTY = Outgoing(None)


def _from(batches: Iterator[tuple[Line, ...]], first: int) -> Iterator[tuple[Line, ...]]:
    for batch in batches:
        wanted = batch if batch[0][0] >= first else tuple(one for one in batch if one[0] >= first)
        if wanted:
            yield wanted


def _as_records(batch: tuple[_Written, ...]) -> pa.Table:
    """The lines as the stream would read them."""
    columns = {
        "partition": pa.array([0] * len(batch), pa.int32()),
        "offset": pa.array([line for line, _ in batch], pa.int64()),
        "key": pa.array([one.key for _, one in batch], pa.binary()),
        "value": pa.array([one.value for _, one in batch], pa.binary()),
    }
    return pa.table([columns.get(one.name, pa.nulls(len(batch), one.type)) for one in RECORDS], schema=RECORDS)


def _invalid(batch: tuple[_Written, ...], found: pa.Table) -> list[tuple[int, Invalid | None]]:
    reasons, details = found[REASON].to_pylist(), found[DETAIL].to_pylist()
    return [
        (line, None if reason is None else Invalid(line, str(reason), str(detail or "")))
        for (line, _), reason, detail in zip(batch, reasons, details, strict=True)
    ]


def _keys(stream: Stream, found: pa.Table) -> list[bytes | None]:
    """The contract's key: of one column as its text, of several as a JSON array; none where there is no key."""
    names = stream.contract.key
    if not names:
        return [None] * len(found)
    parts = list(zip(*(found[name].to_pylist() for name in names), strict=True))
    if len(names) == 1:
        return [None if value is None else _plain(value).encode() for (value,) in parts]
    return [json.dumps(part, default=_plain, separators=(",", ":"), ensure_ascii=False).encode() for part in parts]


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _moments(stream: Stream, found: pa.Table) -> list[int | None]:
    column = found[stream.event_time.column].cast(pa.int64()).to_pylist()
    return [None if moment is None else int(moment) // 1000 for moment in column]
